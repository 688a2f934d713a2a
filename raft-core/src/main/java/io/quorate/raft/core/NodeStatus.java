package io.quorate.raft.core;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a node is at one moment.
 *
 * @param self          which replica
 * @param role          what it does
 * @param term          its current term
 * @param leader        who leads that term, as far as it knows
 * @param firstIndex    of the first entry whose term it knows; up to {@code snapshotIndex} the entries themselves may be gone from storage
 * @param lastIndex     of its log, or what the log stands on
 * @param durableIndex  how much of its log is durable
 * @param commitIndex   how much it knows to be committed
 * @param snapshotIndex the last entry that its newest snapshot covers; 0 if it has none
 * @param fetchIndex    the last entry that the snapshot covers which it is fetching or installing; 0 if there is none
 * @param membership    who belongs to the group, by the last entry that says so
 * @param change        what is known of changes of the membership, beyond its goal
 * @param campaign      what stands in the way of its being elected
 * @param office        what a leader alone has to tell; null unless this node leads
 * @param backlog       what it keeps until others, or its own state machine, have caught up
 * @param peers         the other members
 * @param room          how much room its disk has for entries
 */
public record NodeStatus(ReplicaId self, RoleName role, long term, @Nullable ReplicaId leader, long firstIndex, long lastIndex,
                         long durableIndex, long commitIndex, long snapshotIndex, long fetchIndex, Membership membership,
                         Change change, Campaign campaign, @Nullable Office office, Backlog backlog, List<Peer> peers, DiskRoom room) {

    public NodeStatus {
        peers = List.copyOf(peers);
    }

    /** Of a node whose disk has room. */
    public NodeStatus(ReplicaId self, RoleName role, long term, @Nullable ReplicaId leader, long firstIndex, long lastIndex,
                      long durableIndex, long commitIndex, long snapshotIndex, long fetchIndex, Membership membership, Change change,
                      Campaign campaign, @Nullable Office office, Backlog backlog, List<Peer> peers) {
        this(self, role, term, leader, firstIndex, lastIndex, durableIndex, commitIndex, snapshotIndex, fetchIndex, membership, change,
            campaign, office, backlog, peers, DiskRoom.PLENTY);
    }

    /** The roles, by name. */
    public enum RoleName {
        FOLLOWER,
        PRE_CANDIDATE,
        CANDIDATE,
        LEADER
    }

    /**
     * What a node knows of changes of the membership.
     *
     * @param isCommitted    whether the membership is known to be committed: the next change waits for it
     * @param removedVersion if another replica said that this one is no member any more: the version that it knew to be committed, later
     *                       than the one here; else 0
     */
    public record Change(boolean isCommitted, long removedVersion) { }

    /**
     * What stands in the way of a node's being elected.
     *
     * @param denials         who said no to its last attempt, and why; empty while a leader is known
     * @param diskSilentNanos for how long its disk has had something to write and completed nothing; after an election timeout of that it
     *                        does not campaign
     */
    public record Campaign(List<Denied> denials, long diskSilentNanos) {
        public Campaign {
            denials = List.copyOf(denials);
        }
    }

    /**
     * Somebody would not vote for this node, or did not.
     *
     * @param voter who
     * @param why   as it said itself
     */
    public record Denied(ReplicaId voter, Message.Denial why) { }

    /**
     * What a leader alone has to tell.
     *
     * @param successor       to whom it is handing over; null if no transfer is under way
     * @param isHandedOver    whether the successor was told to campaign: then there is no way back
     * @param leaseNanos      for how much longer nobody else can be elected; 0 if it does not know, or leases are off
     * @param diskBehindNanos for how long another voter's disk has been ahead while its own completed nothing; after an election timeout
     *                        of that it hands over, after two it goes
     */
    public record Office(@Nullable ReplicaId successor, boolean isHandedOver, long leaseNanos, long diskBehindNanos) { }

    /** How far a member is that the goal names as a voter. */
    public enum CatchUp {
        /** It has not answered within the last election timeout. */
        UNHEARD,
        /** It does not have on disk yet what was committed half an election timeout ago. */
        BEHIND,
        /** It has caught up. */
        READY
    }

    /**
     * What a node keeps in memory until others have done their part; nothing, once all is done.
     *
     * @param unappliedBytes   of entries handed out to be applied, and not applied yet
     * @param uncommittedBytes of commands that this leader has taken, and that are not committed yet; 0 unless this node leads
     * @param waitingReads     how many reads wait for a quorum to confirm this leader; 0 unless this node leads
     */
    public record Backlog(long unappliedBytes, long uncommittedBytes, int waitingReads) { }

    /**
     * Another member.
     *
     * @param member         who, and where
     * @param heardNanosAgo  when its last message came, or -1 if none has come since the node started
     * @param matchIndex     how much of this leader's log is known to be durable there; -1 unless this node leads
     * @param nextIndex      the first entry that this leader has not sent there; while it probes, one behind the entry it asks about; -1
     *                       unless this node leads
     * @param inflightBytes  of entries sent there, and not known to be durable there; 0 unless this node leads
     * @param replication    how this leader replicates to it: {@code probe}, {@code replicate} or {@code snapshot}; null unless this node
     *                       leads
     * @param hasLostEntries whether this leader found that its disk lacks what it had acknowledged
     * @param catchUp        how far it is, if the goal names it as a voter and the joint step is still to come; null unless this node leads
     * @param room           how much room its disk has for entries, as it told this leader; plenty unless this node leads
     */
    public record Peer(Member member, long heardNanosAgo, long matchIndex, long nextIndex, long inflightBytes,
                       @Nullable String replication, boolean hasLostEntries, @Nullable CatchUp catchUp, DiskRoom room) {

        /** One whose disk has room. */
        public Peer(Member member, long heardNanosAgo, long matchIndex, long nextIndex, long inflightBytes, @Nullable String replication,
                    boolean hasLostEntries, @Nullable CatchUp catchUp) {
            this(member, heardNanosAgo, matchIndex, nextIndex, inflightBytes, replication, hasLostEntries, catchUp, DiskRoom.PLENTY);
        }
    }
}
