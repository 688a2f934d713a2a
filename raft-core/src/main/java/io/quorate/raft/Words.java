package io.quorate.raft;

import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** Amounts as people read them. */
final class Words {

    private Words() { }

    static String list(List<?> all) {
        return all.isEmpty() ? "none" : all.stream().map(Object::toString).collect(Collectors.joining(", "));
    }

    static String capitalized(String text) {
        return text.substring(0, 1).toUpperCase(Locale.ROOT) + text.substring(1);
    }

    static String times(long times) {
        return times == 1 ? "once" : times + " times";
    }

    static String entries(long count) {
        return count == 1 ? "1 entry" : count + " entries";
    }

    static String bytes(long bytes) {
        return bytes < 10_000 ? bytes + " bytes" : bytes < 10L << 20 ? (bytes >> 10) + " KiB" : (bytes >> 20) + " MiB";
    }

    static String span(long nanos) {
        long millis = Math.max(0, nanos) / 1_000_000;
        return millis < 10_000 ? millis + " ms" : millis < 600_000 ? millis / 1000 + " s" : millis / 60_000 + " min";
    }
}
