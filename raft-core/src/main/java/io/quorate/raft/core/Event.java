package io.quorate.raft.core;

import java.util.List;

/** Everything a {@link RaftNode} can be told. */
public sealed interface Event permits Message, Event.Tick, Event.Propose, Event.Read, Event.Written, Event.Applied, Event.EntriesRead {

    /**
     * The only way a node learns the time. First in every batch.
     *
     * @param nowNanos a monotonic clock's reading; any origin, may wrap around
     */
    record Tick(long nowNanos) implements Event { }

    /**
     * A command to replicate. Answered by {@code accepted} or {@code refuse} with the same id.
     *
     * @param requestId chosen by the driver
     * @param command   the payload; copied
     */
    record Propose(long requestId, byte[] command) implements Event {
        @Override
        public String toString() {
            return "Propose[" + requestId + ", " + command.length + " bytes]";
        }
    }

    /**
     * A linearizable read wants an index to wait for. Answered by {@code readable} or {@code refuse} with the same id.
     *
     * @param requestId chosen by the driver
     */
    record Read(long requestId) implements Event { }

    /**
     * The write with this id and all earlier ones are durable.
     *
     * @param writeId as given to {@link Effects#write}
     */
    record Written(long writeId) implements Event { }

    /**
     * The state machine has applied everything up to here.
     *
     * @param index the last applied entry's
     */
    record Applied(long index) implements Event { }

    /**
     * The answer to {@link Effects#readEntries}.
     *
     * @param peer       for whom they were read
     * @param term       the term in which they were asked for; the answer is dropped if it has passed
     * @param firstIndex where the question began
     * @param entries    consecutive from {@code firstIndex}; empty if storage no longer has them
     */
    record EntriesRead(ReplicaId peer, long term, long firstIndex, List<Entry> entries) implements Event {
        public EntriesRead {
            entries = List.copyOf(entries);
        }
    }
}
