package io.quorate.raft.storage;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The words behind the command's name: directories, and options with or without a value. */
final class ToolArguments {

    private final List<String> words = new ArrayList<>();
    private final Map<String, String> options = new HashMap<>();

    /**
     * Takes words apart.
     *
     * @param flags  options without a value
     * @param valued options that are followed by one, or by {@code =} and one
     * @throws ToolException if there is another option, one without its value, or one twice
     */
    ToolArguments(List<String> arguments, Set<String> flags, Set<String> valued) throws ToolException {
        for (int i = 0; i < arguments.size(); i++) {
            String argument = arguments.get(i);
            if (!argument.startsWith("--")) {
                words.add(argument);
                continue;
            }
            int equals = argument.indexOf('=');
            String name = equals < 0 ? argument : argument.substring(0, equals);
            String value = equals < 0 ? null : argument.substring(equals + 1);
            if (valued.contains(name) && value == null) {
                value = ++i < arguments.size() ? arguments.get(i) : null;
            }
            if (!flags.contains(name) && !valued.contains(name)) {
                throw new ToolException("There is no option " + name + " here");
            }
            if (valued.contains(name) == (value == null)) {
                throw new ToolException(value == null ? "The option " + name + " needs a value" : "The option " + name + " takes no value");
            }
            if (options.put(name, value == null ? "" : value) != null) {
                throw new ToolException("The option " + name + " is given twice");
            }
        }
    }

    /** What is no option. */
    List<String> words() {
        return words;
    }

    boolean has(String name) {
        return options.containsKey(name);
    }

    /** The option's value, or null if it is not given. */
    @Nullable String value(String name) {
        return options.get(name);
    }

    /** The option's value, which must be a number of at least 1. */
    long number(String name, long otherwise) throws ToolException {
        String value = options.get(name);
        if (value == null) {
            return otherwise;
        }
        try {
            long number = Long.parseLong(value);
            if (number >= 1) {
                return number;
            }
        } catch (NumberFormatException e) {
            // said below
        }
        throw new ToolException("The option " + name + " needs a number of 1 or more, not " + value);
    }
}
