package io.quorate.raft.core;

/** Compares readings of a clock that may wrap around: by their difference, never directly. */
final class Nanos {

    private Nanos() { }

    /** Whether {@code now} is at or past {@code deadline}. */
    static boolean reached(long now, long deadline) {
        return now - deadline >= 0;
    }

    static long earlier(long one, long other) {
        return one - other <= 0 ? one : other;
    }

    static long later(long one, long other) {
        return one - other >= 0 ? one : other;
    }
}
