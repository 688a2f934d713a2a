package io.quorate.raft.mutants.subject;

/** Adds. */
final class Sum {

    private Sum() { }

    /** The sum of all numbers from 1 to {@code last}. */
    static long upTo(int last) {
        if (last <= 0) {
            return 0;
        }
        long sum = 0;
        for (int number = 1; number <= last; number++) {
            sum += number;
        }
        return sum;
    }
}
