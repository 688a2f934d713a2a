package io.quorate.examples;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The options of a program: {@code --name value}, {@code --name=value}, or {@code --name} alone for a switch. */
final class Options {

    private final Map<String, String> values = new HashMap<>();

    private Options() { }

    /**
     * Reads a command line.
     *
     * @param valued   options that have a value
     * @param switches options that have none
     * @throws UsageException if something there is neither
     */
    static Options parse(List<String> arguments, Set<String> valued, Set<String> switches) throws UsageException {
        Options options = new Options();
        for (int i = 0; i < arguments.size(); i++) {
            String argument = arguments.get(i);
            int equals = argument.indexOf('=');
            String name = argument.startsWith("--") && equals > 0 ? argument.substring(0, equals) : argument;
            boolean hasOwnValue = !name.equals(argument);
            String value;
            if (switches.contains(name)) {
                if (hasOwnValue) {
                    throw new UsageException(name + " takes no value; write " + name + " alone");
                }
                value = "";
            } else if (!valued.contains(name)) {
                throw new UsageException("unknown option " + name + "; --help lists the options");
            } else if (hasOwnValue) {
                value = argument.substring(equals + 1);
            } else if (i + 1 < arguments.size()) {
                value = arguments.get(++i);
            } else {
                throw new UsageException(name + " needs a value; --help shows which");
            }
            if (options.values.put(name, value) != null) {
                throw new UsageException(name + " is given twice; give it once");
            }
        }
        return options;
    }

    boolean has(String name) {
        return values.containsKey(name);
    }

    String required(String name) throws UsageException {
        String value = values.get(name);
        if (value == null || value.isBlank()) {
            throw new UsageException(name + " is missing; --help shows how to write it");
        }
        return value;
    }

    @Nullable String optional(String name) {
        return values.get(name);
    }

    int number(String name, int from, int to, int otherwise) throws UsageException {
        String value = values.get(name);
        return value == null ? otherwise : number(name, value, from, to);
    }

    static int number(String what, String text, int from, int to) throws UsageException {
        int number = from - 1;
        try {
            number = Integer.parseInt(text);
        } catch (NumberFormatException e) {
            // Said below, with the range.
        }
        if (number < from || number > to) {
            throw new UsageException(what + " is a number from " + from + " to " + to + ", not \"" + text + "\"");
        }
        return number;
    }

    /** Addresses by node id, from {@code 1=host:port,2=host:port,...}. */
    Map<Integer, String> members(String name) throws UsageException {
        Map<Integer, String> members = new TreeMap<>();
        for (String part : required(name).split(",", -1)) {
            int equals = part.indexOf('=');
            if (equals < 0) {
                throw new UsageException(name + " is 1=host:port,2=host:port,... and \"" + part + "\" is no part of such a list");
            }
            int nodeId = number("a node id in " + name, part.substring(0, equals).strip(), 1, Integer.MAX_VALUE);
            if (members.put(nodeId, address(name, part.substring(equals + 1).strip())) != null) {
                throw new UsageException(name + " names node " + nodeId + " twice; name each once");
            }
        }
        if (Set.copyOf(members.values()).size() < members.size()) {
            throw new UsageException(name + " gives two nodes one address; give each its own");
        }
        return new LinkedHashMap<>(members);
    }

    /** Addresses, from {@code host:port,host:port,...}. */
    List<String> addresses(String name) throws UsageException {
        String[] parts = required(name).split(",", -1);
        for (int i = 0; i < parts.length; i++) {
            parts[i] = address(name, parts[i].strip());
        }
        return List.of(parts);
    }

    /** {@code host:port}, as it is. */
    static String address(String name, String text) throws UsageException {
        int colon = text.lastIndexOf(':');
        if (colon < 1) {
            throw new UsageException(name + " needs host:port, and \"" + text + "\" is none");
        }
        number("the port in " + name, text.substring(colon + 1), 1, 0xFFFF);
        return text;
    }
}
