package io.quorate.raft.core;

/** When each member was last heard, by position. */
final class Heard {

    private boolean[] isHeard;
    private long[] atNanos;

    Heard(int size) {
        isHeard = new boolean[size];
        atNanos = new long[size];
    }

    void from(int position, long nowNanos) {
        isHeard[position] = true;
        atNanos[position] = nowNanos;
    }

    /** How long ago that was, or -1 if it never was. */
    long nanosAgo(int position, long nowNanos) {
        return isHeard[position] ? nowNanos - atNanos[position] : -1;
    }

    /** The membership has changed: where each of the next members stood before, or -1. */
    void enter(int[] before) {
        boolean[] wasHeard = isHeard;
        long[] wasAt = atNanos;
        isHeard = new boolean[before.length];
        atNanos = new long[before.length];
        for (int i = 0; i < before.length; i++) {
            if (before[i] >= 0) {
                isHeard[i] = wasHeard[before[i]];
                atNanos[i] = wasAt[before[i]];
            }
        }
    }
}
