package io.quorate.examples.debitorders;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What to do.
 *
 * @param seconds      for how long orders fall due, and the leader is troubled
 * @param pauseSeconds how long it stands still, or is cut off
 * @param rounds       how often each figure of the election is measured before; 0 for not at all
 * @param isFenced     whether the ledger refuses stale fences; without that the run shows what they are for, and fails if it does
 */
record Settings(int seconds, int pauseSeconds, int rounds, boolean isFenced) {

    private static final List<String> NAMES = List.of("seconds", "pause", "rounds", "fencing");
    private static final int SECONDS_MAX = 24 * 60 * 60;

    Settings {
        if (seconds < 1 || seconds > SECONDS_MAX || pauseSeconds < 3 || pauseSeconds > 60 || rounds < 0 || rounds > 1000) {
            throw new IllegalArgumentException("seconds is 1 to " + SECONDS_MAX + ", pause 3 to 60 (it must outlast the lease), rounds 0 to"
                + " 1000; not " + seconds + ", " + pauseSeconds + ", " + rounds);
        }
    }

    /** Of words like {@code seconds=120 pause=10 rounds=10 fencing=on}, each optional. */
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
        String fencing = given.getOrDefault("fencing", "on");
        if (!List.of("on", "off").contains(fencing)) {
            throw new IllegalArgumentException("fencing is on or off, not \"" + fencing + "\"");
        }
        return new Settings(number(given, "seconds", 120), number(given, "pause", 10), number(given, "rounds", 10), fencing.equals("on"));
    }

    private static int number(Map<String, String> given, String name, int otherwise) {
        String text = given.getOrDefault(name, String.valueOf(otherwise));
        try {
            return Integer.parseInt(text);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(name + " is a whole number, not \"" + text + "\"", e);
        }
    }
}
