package io.quorate.raft;

import io.quorate.raft.core.Membership;
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
 */
public record ServerStatus(ReplicaId replica, long boot, @Nullable ClusterId clusterId, State state, long term,
                           @Nullable ReplicaId leader, @Nullable String leaderAddress, long firstIndex, long lastIndex,
                           long durableIndex, long commitIndex, long appliedIndex, List<Peer> peers, @Nullable String problem,
                           @Nullable Membership membership, List<Stranger> strangers) {

    public ServerStatus {
        peers = List.copyOf(peers);
        strangers = List.copyOf(strangers);
    }

    /** A status without what it had no place for. */
    public ServerStatus(ReplicaId replica, long boot, @Nullable ClusterId clusterId, State state, long term, @Nullable ReplicaId leader,
                        @Nullable String leaderAddress, long firstIndex, long lastIndex, long durableIndex, long commitIndex,
                        long appliedIndex, List<Peer> peers, @Nullable String problem) {
        this(replica, boot, clusterId, state, term, leader, leaderAddress, firstIndex, lastIndex, durableIndex, commitIndex, appliedIndex,
            peers, problem, null, List.of());
    }

    /** What a replica does. */
    public enum State {
        /** Belongs to no group yet: waits for its founding, or for a leader that admits it. */
        BLANK,
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
     */
    public record Peer(@Nullable ReplicaId replica, int nodeId, String address, long heardNanosAgo, long matchIndex,
                       @Nullable String replication, @Nullable String trouble) { }

    /**
     * A blank replica that asked: a new node, or one whose disk was lost. {@link RaftServer#changeMembership} lets it in by this name.
     *
     * @param replica       which
     * @param address       where it says it is to be found, or empty if it did not say
     * @param heardNanosAgo when it last asked
     */
    public record Stranger(ReplicaId replica, String address, long heardNanosAgo) { }
}
