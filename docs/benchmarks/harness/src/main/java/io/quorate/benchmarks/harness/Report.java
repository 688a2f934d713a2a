package io.quorate.benchmarks.harness;

import java.util.Map;
import java.util.TreeMap;

/**
 * How a process that measures tells another what it found: lines of {@code name=value}, behind a word that no library prints by chance.
 * Numbers and words alone, so nothing needs an escape but spaces.
 */
public final class Report {

    /** Begins each line that is a report; what else a process prints is not for us. */
    public static final String MARK = "quorate-bench:";

    private Report() { }

    /** Prints a report. */
    public static void print(Map<String, Object> values) {
        System.out.println(line(values));
        System.out.flush();
    }

    static String line(Map<String, Object> values) {
        StringBuilder line = new StringBuilder(MARK);
        values.forEach((name, value) -> line.append(' ').append(name).append('=').append(value.toString().replaceAll("\\s+", "_")));
        return line.toString();
    }

    /** Reads what was printed. */
    public static Map<String, String> parse(String line) {
        Map<String, String> values = new TreeMap<>();
        for (String pair : line.substring(MARK.length()).strip().split(" ")) {
            int end = pair.indexOf('=');
            if (end > 0) {
                values.put(pair.substring(0, end), pair.substring(end + 1));
            }
        }
        return values;
    }
}
