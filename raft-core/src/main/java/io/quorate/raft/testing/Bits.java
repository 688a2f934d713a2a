package io.quorate.raft.testing;

/** Small sets of numbers as bits in arrays of one length. */
final class Bits {

    private Bits() { }

    /** Room for the numbers 0 to {@code size - 1}, none of them in it. */
    static long[] none(int size) {
        return new long[size + 63 >>> 6];
    }

    static boolean isIn(long[] bits, int number) {
        return (bits[number >>> 6] & 1L << number) != 0;
    }

    static void add(long[] bits, int number) {
        bits[number >>> 6] |= 1L << number;
    }

    static void remove(long[] bits, int number) {
        bits[number >>> 6] &= ~(1L << number);
    }

    static boolean isSubset(long[] small, long[] large) {
        for (int i = 0; i < small.length; i++) {
            if ((small[i] & ~large[i]) != 0) {
                return false;
            }
        }
        return true;
    }

    static int count(long[] bits) {
        int count = 0;
        for (long word : bits) {
            count += Long.bitCount(word);
        }
        return count;
    }
}
