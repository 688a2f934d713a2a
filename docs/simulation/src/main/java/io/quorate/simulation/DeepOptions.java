package io.quorate.simulation;

import java.util.ArrayList;
import java.util.List;

/**
 * How a deep run is asked for: {@code NAME=VALUE}, each once.
 *
 * @param seconds  for how long seeds are begun
 * @param seed     the first
 * @param seeds    how many at most; 0 for as many as the time allows
 * @param pictures where pictures of failures go
 * @param hasFiles whether the nodes' disks are of files
 */
record DeepOptions(long seconds, long seed, long seeds, String pictures, boolean hasFiles) {

    private static final long SECONDS_MAX = 7 * 24 * 3600;

    /** What was asked for is not possible; the message says what would be. */
    static final class BadOption extends Exception {

        private static final long serialVersionUID = 1;

        BadOption(String message) {
            super(message);
        }
    }

    static DeepOptions parse(List<String> arguments) throws BadOption {
        List<String> left = new ArrayList<>(arguments);
        DeepOptions options = new DeepOptions(number(left, "deep.seconds", 1, SECONDS_MAX, 60),
            number(left, "deep.seed", Long.MIN_VALUE, Long.MAX_VALUE, 1), number(left, "deep.seeds", 0, Long.MAX_VALUE, 0),
            text(left, "deep.pictures", "target/deep"), hasFiles(text(left, "deep.disks", "memory")));
        if (!left.isEmpty()) {
            throw new BadOption("nobody knows what " + String.join(" ", left) + " means; there are deep.seconds, deep.seed, deep.seeds, "
                + "deep.disks and deep.pictures, each once");
        }
        return options;
    }

    /** What a seed runs. */
    SeedRun run(long seed) {
        return hasFiles ? SeedRun.deep(seed).withFiles() : SeedRun.deep(seed);
    }

    /** How many seeds there are, whatever the time. */
    long seedsMax() {
        return seeds == 0 ? Long.MAX_VALUE : seeds;
    }

    private static boolean hasFiles(String disks) throws BadOption {
        if (!disks.equals("memory") && !disks.equals("files")) {
            throw new BadOption("-Ddeep.disks=" + disks + ": give memory or files");
        }
        return disks.equals("files");
    }

    private static long number(List<String> arguments, String name, long from, long to, long otherwise) throws BadOption {
        String text = text(arguments, name, Long.toString(otherwise));
        try {
            long number = Long.parseLong(text.strip());
            if (number >= from && number <= to) {
                return number;
            }
        } catch (NumberFormatException e) {
            // Said below, with the range.
        }
        throw new BadOption("-D" + name + "=" + text + ": give a whole number from " + from + " to " + to);
    }

    private static String text(List<String> arguments, String name, String otherwise) {
        for (String argument : arguments) {
            if (argument.startsWith(name + '=')) {
                arguments.remove(argument);
                return argument.substring(name.length() + 1);
            }
        }
        return otherwise;
    }
}
