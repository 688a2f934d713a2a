package io.quorate.raft.core;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Everything a {@link RaftNode} can be told. */
public sealed interface Event permits Message, Event.Tick, Event.Propose, Event.Read, Event.Abandoned, Event.ChangeMembership,
    Event.Transfer, Event.Written, Event.Applied, Event.EntriesRead, Event.SnapshotTaken, Event.SnapshotFetched, Event.FetchFailed,
    Event.TimeWanted, Event.Mark, Event.PeerLost, Event.Impaired, Event.HandedBack, Event.Mended, Event.SnapshotNeeded, Event.RoomChanged {

    /**
     * The only way a node learns the time. First in every batch, but read after everything else in the batch has arrived: a promise that
     * counts from an earlier time would end before what it was made for.
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
     * A read wants an index to wait for. Answered by {@code readable} or {@code refuse} with the same id.
     *
     * @param requestId     chosen by the driver
     * @param mayUseLease   whether a leader's lease is proof enough that it still leads
     * @param staleNanosMax how old the answer may be; 0 for a read that sees all that was acknowledged before it
     */
    record Read(long requestId, boolean mayUseLease, long staleNanosMax) implements Event {

        /** A linearizable read, confirmed by a quorum. */
        public Read(long requestId) {
            this(requestId, false, 0);
        }
    }

    /**
     * Nobody waits any more for the answer to this read, which would else wait for as long as no leader can be asked. Not answered itself.
     *
     * @param requestId as in {@link Read}
     */
    record Abandoned(long requestId) implements Event { }

    /**
     * States what the group is to become. Answered by {@code accepted}, for the entry that states it, or {@code refuse} with the same id.
     *
     * @param requestId       chosen by the driver
     * @param expectedVersion of the membership that the caller has seen
     * @param goal            replaces one that is not reached; the present voters and learners cancel it
     */
    record ChangeMembership(long requestId, long expectedVersion, Membership.Goal goal) implements Event { }

    /**
     * Asks the leader to hand over. Answered by {@code done} when another leads, or {@code refuse}, with the same id.
     *
     * @param requestId chosen by the driver
     * @param target    to whom; null for the best that there is
     */
    record Transfer(long requestId, @Nullable ReplicaId target) implements Event { }

    /**
     * The write with this id and all earlier ones are durable.
     *
     * @param writeId as given to {@link Effects#write}
     */
    record Written(long writeId) implements Event { }

    /**
     * The state machine has applied everything up to here, or has been restored from a snapshot of it.
     *
     * @param index the last applied entry's, or the last that the snapshot covers
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
            entries = EntryList.copyOf(entries);
        }
    }

    /**
     * A snapshot of the own state machine is durable.
     *
     * @param snapshot it
     */
    record SnapshotTaken(SnapshotId snapshot) implements Event { }

    /**
     * The answer to {@link Effects#fetchSnapshot}: it is here, whole, durable, and may be installed.
     *
     * @param snapshot as asked for
     */
    record SnapshotFetched(SnapshotId snapshot) implements Event { }

    /**
     * The other answer to {@link Effects#fetchSnapshot}: its source does not have it any more, or was not reached for a long time.
     *
     * @param snapshot as asked for
     */
    record FetchFailed(SnapshotId snapshot) implements Event { }

    /**
     * The state machine wants to be told when replicated time reaches this; replaces what was wanted before.
     *
     * @param timeNanos replicated; {@link Long#MAX_VALUE} if nothing is wanted any more
     */
    record TimeWanted(long timeNanos) implements Event { }

    /**
     * Somebody needs an index of the log that nobody else has. A leader to whose log nothing is being added appends an entry that tells the
     * time; others do nothing.
     */
    record Mark() implements Event { }

    /**
     * The connection to this replica broke, and could not be made again at once. A hint, and no proof, that it is dead.
     *
     * @param peer who was lost
     */
    record PeerLost(ReplicaId peer) implements Event { }

    /**
     * Entries of the log cannot be read on this replica's disk, or can again. While that is so it had better not lead: it could not give
     * them to those who need them.
     *
     * @param isImpaired whether there are any
     */
    record Impaired(boolean isImpaired) implements Event { }

    /**
     * The state machine has come to an entry that cannot be read, and gives back all that it was asked to apply and has not applied. It is
     * asked for the same again when it is {@link Mended}, or is given a snapshot in its place.
     *
     * @param appliedIndex the last entry that it has applied
     */
    record HandedBack(long appliedIndex) implements Event { }

    /** The entry at which the state machine stood can be read again. Of no effect unless it has handed back. */
    record Mended() implements Event { }

    /**
     * What the state machine is to be given next cannot be read here, and another replica has it only behind this snapshot. What stands in
     * the log behind the snapshot stays.
     *
     * @param snapshot which covers it
     * @param source   who has that
     */
    record SnapshotNeeded(SnapshotId snapshot, ReplicaId source) implements Event { }

    /**
     * This replica's disk has less room for entries than before, or more.
     *
     * @param room how much
     */
    record RoomChanged(DiskRoom room) implements Event { }
}
