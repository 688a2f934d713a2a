package io.quorate.raft.client;

import java.util.TreeSet;

/** Numbers a session's commands, and knows up to where all of them are settled: so far the group may forget. */
final class SessionWindow {

    private final TreeSet<Long> settledBeyond = new TreeSet<>();     // settled, but one before is not
    private long last;
    private long acknowledged;

    /** The next command's number. */
    long next() {
        return ++last;
    }

    /** Nothing more is wanted of this command: its reply is here, or nobody waits for it. */
    void settle(long sequence) {
        if (sequence < 1 || sequence > last || sequence <= acknowledged || !settledBeyond.add(sequence)) {
            throw new IllegalStateException("Command " + sequence + " is not open: " + this);
        }
        while (!settledBeyond.isEmpty() && settledBeyond.first() == acknowledged + 1) {
            acknowledged = settledBeyond.pollFirst();
        }
    }

    /** This command and all before it are settled. */
    long acknowledged() {
        return acknowledged;
    }

    @Override
    public String toString() {
        return "settled up to " + acknowledged + " and " + settledBeyond + " of " + last;
    }
}
