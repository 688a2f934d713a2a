package io.quorate.raft.netty;

import io.quorate.raft.ClusterId;
import io.quorate.raft.Identity;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.netty.wire.Hello;
import io.quorate.raft.netty.wire.RefusedCode;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Who may talk with whom. The same rules hold for both ends, each judging the other.
 *
 * <p>Incarnations are not judged: a node with a new disk must be heard before it can be admitted, and what a replica outside the
 * membership says counts for nothing anyway.
 */
final class HandshakeRules {

    private final Boots boots = new Boots();

    /** The highest version that both ends speak, or 0. */
    static int version(Hello hello) {
        int version = Math.min(Greeting.VERSION_MAX, hello.getVersionMax());
        return version >= Greeting.VERSION_MIN && version >= hello.getVersionMin() ? version : 0;
    }

    static Refusal versionsDoNotOverlap(Hello hello) {
        return new Refusal(RefusedCode.REFUSED_VERSION, "this end speaks protocol versions " + Greeting.VERSION_MIN + " to "
            + Greeting.VERSION_MAX + ", the other " + hello.getVersionMin() + " to " + hello.getVersionMax() + "; upgrade the older");
    }

    /** Why this replica will not listen to the peer that said this Hello, or null. */
    @Nullable Refusal judgeHello(Identity local, Greeting hello) {
        int nodeId = local.replica().nodeId();
        if (hello.receiverNodeId() != nodeId) {
            return wrongNode("this is node " + nodeId + ", and node " + hello.receiverNodeId() + " is wanted; check the peers' addresses");
        }
        if (hello.replica() != null && hello.replica().nodeId() == nodeId) {
            return wrongNode("this is node " + nodeId + " too; no two nodes may have one id");
        }
        return judgePeer(Greeting.ofPeer(local, 0, ""), hello);
    }

    /** Why this replica, having said {@code hello}, will not talk to the peer that said this Welcome, or null. */
    @Nullable Refusal judgeWelcome(Greeting hello, Greeting welcome) {
        int found = Objects.requireNonNull(welcome.replica()).nodeId();
        if (found != hello.receiverNodeId()) {
            return wrongNode("node " + hello.receiverNodeId() + " was wanted, and node " + found + " answered; check the peers' addresses");
        }
        return judgePeer(hello, welcome);
    }

    /** Why this end, a client or a replica answering one, will not talk to the other, or null. */
    static @Nullable Refusal judgeGroup(@Nullable ClusterId clusterId, int epoch, Greeting other) {
        if (clusterId == null || other.clusterId() == null) {
            return null;
        }
        if (!clusterId.equals(other.clusterId())) {
            return new Refusal(RefusedCode.REFUSED_OTHER_CLUSTER, "this is cluster " + clusterId + ", not " + other.clusterId());
        }
        if (other.epoch() < epoch) {
            return new Refusal(RefusedCode.REFUSED_LOWER_EPOCH, "cluster " + clusterId + " was recovered into epoch " + epoch + "; epoch "
                + other.epoch() + " is over, and its replicas are to be admitted again with empty data directories");
        }
        return null;
    }

    /** Why this end no longer listens to a peer that it talked to, or null: a younger boot of it has been seen since. */
    @Nullable Refusal judgeStill(Greeting peer) {
        ReplicaId replica = Objects.requireNonNull(peer.replica());
        long youngest = boots.meet(replica, peer.boot());
        return youngest > peer.boot() ? Refusal.ofOlderBoot(replica, peer.boot(), youngest) : null;
    }

    private @Nullable Refusal judgePeer(Greeting own, Greeting other) {
        Refusal refusal = judgeGroup(own.clusterId(), own.epoch(), other);
        if (refusal != null) {
            return refusal;
        }
        // Last, so that only who may talk at all can make a boot the youngest.
        return judgeStill(other);
    }

    private static Refusal wrongNode(String reason) {
        return new Refusal(RefusedCode.REFUSED_WRONG_NODE, reason);
    }
}
