package io.quorate.raft;

import io.quorate.raft.core.DiskRoom;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.NodeStatus;
import io.quorate.raft.core.ReplicaId;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a replica is, for people and tools.
 *
 * @param replica      which
 * @param boot         how often its data directory has been opened
 * @param clusterId    of which group, or null while blank
 * @param state        what it does
 * @param term         its current term
 * @param leader       who leads that term, as far as it knows, or null
 * @param leaderAddress where, or null
 * @param firstIndex   of its log
 * @param lastIndex    of its log
 * @param durableIndex how much of its log is durable
 * @param commitIndex  how much it knows to be committed
 * @param appliedIndex how much its state machine has applied
 * @param peers        the others, as this replica sees them
 * @param problem      what stands in the way, in words, or null if nothing does
 * @param membership   who belongs to the group, as its log has it, with the goal if that is not reached; null while blank
 * @param strangers    the blank replicas that have asked this one for its group lately, and that the group does not name
 * @param elections    what stands between this replica and a leader; null while blank, and once stopped
 * @param disk         how its disk and its log are; null likewise
 * @param load         how much waits in it; null likewise
 */
public record ServerStatus(ReplicaId replica, long boot, @Nullable ClusterId clusterId, State state, long term,
                           @Nullable ReplicaId leader, @Nullable String leaderAddress, long firstIndex, long lastIndex,
                           long durableIndex, long commitIndex, long appliedIndex, List<Peer> peers, @Nullable String problem,
                           @Nullable Membership membership, List<Stranger> strangers, @Nullable Elections elections,
                           @Nullable Disk disk, @Nullable Load load) {

    public ServerStatus {
        peers = List.copyOf(peers);
        strangers = List.copyOf(strangers);
    }

    /** A status without what it had no place for. */
    public ServerStatus(ReplicaId replica, long boot, @Nullable ClusterId clusterId, State state, long term, @Nullable ReplicaId leader,
                        @Nullable String leaderAddress, long firstIndex, long lastIndex, long durableIndex, long commitIndex,
                        long appliedIndex, List<Peer> peers, @Nullable String problem) {
        this(replica, boot, clusterId, state, term, leader, leaderAddress, firstIndex, lastIndex, durableIndex, commitIndex, appliedIndex,
            peers, problem, null, List.of(), null, null, null);
    }

    /** What a replica does. */
    public enum State {
        /** Belongs to no group yet: waits for its founding, or for a leader that admits it. */
        BLANK,
        /** Entries of its log are damaged: it takes no part in the group before it has them back from the others. */
        REPAIRING,
        FOLLOWER,
        PRE_CANDIDATE,
        CANDIDATE,
        LEADER,
        /** Has stopped; {@code problem} says why. */
        STOPPED
    }

    /**
     * Another replica, as seen from this one.
     *
     * @param replica       which; of a node never heard from, its incarnation is unknown and this is null
     * @param nodeId        its node
     * @param address       where it is believed to be
     * @param heardNanosAgo when a message of it last came, or -1 if none came since this replica started
     * @param matchIndex    how much of this leader's log it is known to have durable; -1 unless this replica leads
     * @param replication   how this leader replicates to it: probe, replicate; or null unless this replica leads
     * @param trouble       why it cannot be reached, or does not count, or null
     * @param catchUp       how far it is, if the goal of the membership names it as a voter and the joint step is still to come; null
     *                      unless this replica leads
     */
    public record Peer(@Nullable ReplicaId replica, int nodeId, String address, long heardNanosAgo, long matchIndex,
                       @Nullable String replication, @Nullable String trouble, NodeStatus.@Nullable CatchUp catchUp) {

        /** One that is not to become a voter, or is one. */
        public Peer(@Nullable ReplicaId replica, int nodeId, String address, long heardNanosAgo, long matchIndex,
                    @Nullable String replication, @Nullable String trouble) {
            this(replica, nodeId, address, heardNanosAgo, matchIndex, replication, trouble, null);
        }
    }

    /**
     * A blank replica that asked: a new node, or one whose disk was lost. {@link RaftServer#changeMembership} lets it in by this name.
     *
     * @param replica       which
     * @param address       where it says it is to be found, or empty if it did not say
     * @param heardNanosAgo when it last asked
     */
    public record Stranger(ReplicaId replica, String address, long heardNanosAgo) { }

    /**
     * What stands between a replica and a leader.
     *
     * @param timeoutNanos          for how long a silent leader is trusted, at least
     * @param isMembershipCommitted whether the membership is known to be committed
     * @param removedVersion        if another said that this replica is no member any more: the version it knew of; else 0
     * @param denials               who refused this replica a vote, or the promise of one, at its last attempt; empty while a leader is
     *                              known
     * @param successor             to whom this leader is handing over; null if it is not
     * @param isHandedOver          whether the successor was told to campaign: then there is no way back
     * @param pauses                how often this process has stood still for longer than half an election timeout
     * @param pausedNanosAgo        when it last did; -1 if never
     */
    public record Elections(long timeoutNanos, boolean isMembershipCommitted, long removedVersion, List<NodeStatus.Denied> denials,
                            @Nullable ReplicaId successor, boolean isHandedOver, long pauses, long pausedNanosAgo) {
        public Elections {
            denials = List.copyOf(denials);
        }
    }

    /**
     * How a replica's disk and log are.
     *
     * @param silentNanos      for how long the disk has had something to write and completed nothing; 0 if it is idle
     * @param behindNanos      for how long another voter's disk has been ahead of this leader's, which completed nothing; 0 if none is
     * @param oldestWriteNanos how long the oldest write has waited that the disk has not completed; 0 if none waits
     * @param snapshotIndex    the last entry that the newest snapshot covers; 0 if there is none
     * @param fetchIndex       the last entry that the snapshot covers which is being fetched from another replica; 0 if none is
     * @param fetching         how far that is, or why the last one was not fetched, in words; null if there is nothing to say
     * @param storedFirstIndex the first entry that is still there
     * @param logBytes         of entries behind the newest snapshot
     * @param snapshotLogBytes how many of them call for the next snapshot; -1 if this is not known
     * @param hasSnapshots     whether the state machine has snapshots, as far as is known
     * @param snapshotProblem  why the last snapshot was not taken; null if nothing went wrong
     * @param damage           what is damaged on the disk, and what that waits for, in words; null if nothing is known to be
     * @param room             how much room the disk has for entries
     * @param usableBytes      how many bytes could still be written there, more or less; -1 if this is not known
     */
    public record Disk(long silentNanos, long behindNanos, long oldestWriteNanos, long snapshotIndex, long fetchIndex,
                       @Nullable String fetching, long storedFirstIndex, long logBytes, long snapshotLogBytes, boolean hasSnapshots,
                       @Nullable String snapshotProblem, @Nullable String damage, DiskRoom room, long usableBytes) {

        /** Of a disk on which nothing is known to be damaged, and that has room. */
        public Disk(long silentNanos, long behindNanos, long oldestWriteNanos, long snapshotIndex, long fetchIndex,
                    @Nullable String fetching, long storedFirstIndex, long logBytes, long snapshotLogBytes, boolean hasSnapshots,
                    @Nullable String snapshotProblem) {
            this(silentNanos, behindNanos, oldestWriteNanos, snapshotIndex, fetchIndex, fetching, storedFirstIndex, logBytes,
                snapshotLogBytes, hasSnapshots, snapshotProblem, null, DiskRoom.PLENTY, -1);
        }
    }

    /**
     * How much waits in a replica, and how much may.
     *
     * @param callBytes           of requests that are open
     * @param callBytesMax        more are refused
     * @param uncommittedBytes    of commands that this leader has taken and that are not committed yet
     * @param uncommittedBytesMax more are refused
     * @param unappliedBytes      of committed entries that are handed out and not applied yet
     * @param unappliedBytesMax   more are not handed out
     * @param messageBytes        of peers' messages that wait for the raft thread
     * @param messageBytesMax     more are dropped
     * @param droppedMessages     how many were, since the start
     * @param refusedCalls        how many requests were refused because too much was open, since the start
     */
    public record Load(long callBytes, long callBytesMax, long uncommittedBytes, long uncommittedBytesMax, long unappliedBytes,
                       long unappliedBytesMax, long messageBytes, long messageBytesMax, long droppedMessages, long refusedCalls) { }
}
