package io.quorate.raft.runtime;

import io.quorate.raft.core.Entry;
import io.quorate.raft.core.RaftConfig;
import java.util.ArrayList;
import java.util.List;

/** What must hold between bounds that stand in different places; looked at when a server starts. The documentation lists all bounds. */
public final class Limits {

    private Limits() { }

    /**
     * What must hold between bounds, or should.
     *
     * @param config    to be run with
     * @param heapBytes that the process may use
     * @return what should be otherwise, for people; empty if all is well
     * @throws IllegalArgumentException if this cannot work
     */
    public static List<String> check(RaftConfig config, long heapBytes) {
        // Two of the largest messages fit, or a message could be dropped for ever because another of its size is always there first.
        require(2L * Math.max(config.appendBytesMax(), Entry.SIZE_MAX) <= Mailbox.PEER_BYTES_MAX, "two messages of appendBytesMax, "
            + config.appendBytesMax() + ", do not fit Mailbox.PEER_BYTES_MAX, " + Mailbox.PEER_BYTES_MAX);
        require(Entry.PAYLOAD_BYTES_MAX + Call.CALL_BYTES <= PassiveServer.CALL_BYTES_MAX, "the largest command does not fit the calls");
        List<String> warnings = new ArrayList<>();
        if (config.inflightBytesMax() < config.appendBytesMax()) {
            warnings.add("inflightBytesMax, " + config.inflightBytesMax() + ", is less than appendBytesMax, " + config.appendBytesMax()
                + ": each peer has one message under way at a time, and waits for the disk after each");
        }
        double budgets = (double) config.uncommittedBytesMax() + config.unappliedBytesMax() + config.cachedBytesMax();     // no overflow
        if (budgets > heapBytes) {
            warnings.add("uncommittedBytesMax, unappliedBytesMax and cachedBytesMax together allow more bytes than the heap has, "
                + heapBytes + ": under load this server may run out of memory before it refuses anything");
        }
        return warnings;
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new IllegalArgumentException("These limits cannot work: " + otherwise);
        }
    }
}
