package io.quorate.examples.chaos;

import java.util.Map;
import java.util.TreeMap;

/**
 * What to do.
 *
 * @param scenario which of {@link Chaos}' scenarios
 * @param seconds  how long the group is troubled, where the scenario does not end by itself
 * @param nodes    how many processes, three to five
 * @param seed     of what is done when
 * @param commands how many commands a replica misses that is down
 */
record Settings(String scenario, int seconds, int nodes, long seed, int commands) {

    Settings {
        if (nodes < 3 || nodes > 5 || seconds < 1 || commands < 1) {
            throw new IllegalArgumentException("nodes is 3, 4 or 5, seconds and commands 1 or more; not " + nodes + ", " + seconds + ", "
                + commands);
        }
    }

    /** Of words like {@code seconds=120}; others are left alone. */
    static Settings of(String[] arguments) {
        Map<String, String> given = new TreeMap<>();
        for (String argument : arguments) {
            if (argument.contains("=")) {
                given.put(argument.substring(0, argument.indexOf('=')), argument.substring(argument.indexOf('=') + 1));
            }
        }
        return new Settings(given.getOrDefault("scenario", "all-at-once"), number(given, "seconds", 120), number(given, "nodes", 5),
            number(given, "seed", 1), number(given, "commands", 1_000_000));
    }

    private static int number(Map<String, String> given, String name, int otherwise) {
        return Integer.parseInt(given.getOrDefault(name, String.valueOf(otherwise)));
    }
}
