package io.quorate.raft.testing;

import java.util.Arrays;

/** A number for each of the numbers from 0 on, as far as they are known: a map without boxes, for invariants asked at every event. */
final class NumberedLongs {

    private long[] values = new long[256];
    private long[] known = new long[4];   // one bit each

    boolean has(long number) {
        return number >= 0 && number < values.length && (known[(int) number >> 6] & 1L << number) != 0;
    }

    /** Of a number that is known. */
    long get(long number) {
        return values[(int) number];
    }

    void put(long number, long value) {
        if (number >= values.length) {
            values = Arrays.copyOf(values, Math.toIntExact(Long.highestOneBit(number) << 1));
            known = Arrays.copyOf(known, values.length >> 6);
        }
        values[(int) number] = value;
        known[(int) number >> 6] |= 1L << number;
    }
}
