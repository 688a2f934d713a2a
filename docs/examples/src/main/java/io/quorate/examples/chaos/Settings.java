package io.quorate.examples.chaos;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What to do.
 *
 * @param scenario   which of {@link Chaos}' scenarios
 * @param seconds    how long the group is troubled, where the scenario does not end by itself
 * @param nodes      how many processes, three to five
 * @param seed       of what is done when
 * @param commands   how many commands a replica misses that is down
 * @param mib        how large a state becomes that is too large for memory
 * @param rounds     how often replicas are killed, where the scenario counts that
 * @param operations how many operations the client brings to their end
 */
record Settings(String scenario, int seconds, int nodes, long seed, int commands, int mib, int rounds, int operations) {

    private static final List<String> SCENARIOS =
        List.of("all-at-once", "replace", "restart", "return", "large", "endurance", "kill-one", "kill-all", "client");
    private static final List<String> NAMES = List.of("scenario", "seconds", "nodes", "seed", "commands", "mib", "rounds", "operations");

    Settings {
        if (!SCENARIOS.contains(scenario)) {
            throw new IllegalArgumentException("there is no scenario " + scenario + "; there are " + String.join(", ", SCENARIOS));
        }
        if (nodes < 3 || nodes > 5 || seconds < 1 || commands < 1 || mib < 1 || rounds < 1 || operations < 1) {
            throw new IllegalArgumentException("nodes is 3, 4 or 5, seconds, commands, mib, rounds and operations 1 or more; not " + nodes
                + ", " + seconds + ", " + commands + ", " + mib + ", " + rounds + ", " + operations);
        }
    }

    /** Of words like {@code seconds=120}. */
    static Settings of(List<String> words) {
        Map<String, String> given = new TreeMap<>();
        for (String word : words) {
            String name = word.substring(0, Math.max(0, word.indexOf('=')));
            if (!NAMES.contains(name)) {
                throw new IllegalArgumentException("\"" + word + "\" says nothing; write NAME=VALUE, with a name of "
                    + String.join(", ", NAMES));
            }
            given.put(name, word.substring(name.length() + 1));
        }
        return new Settings(given.getOrDefault("scenario", "all-at-once"), (int) number(given, "seconds", 120, Integer.MAX_VALUE),
            (int) number(given, "nodes", 5, Integer.MAX_VALUE), number(given, "seed", 1, Long.MAX_VALUE),
            (int) number(given, "commands", 1_000_000, Integer.MAX_VALUE), (int) number(given, "mib", 1024, Integer.MAX_VALUE),
            (int) number(given, "rounds", 200, Integer.MAX_VALUE), (int) number(given, "operations", 100_000, Integer.MAX_VALUE));
    }

    private static long number(Map<String, String> given, String name, long otherwise, long max) {
        String text = given.getOrDefault(name, String.valueOf(otherwise));
        try {
            long number = Long.parseLong(text);
            if (number <= max && number >= -max) {
                return number;
            }
        } catch (NumberFormatException e) {
            // Said below.
        }
        throw new IllegalArgumentException(name + " is a whole number, from " + -max + " to " + max + ", not \"" + text + "\"");
    }
}
