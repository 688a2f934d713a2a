package io.quorate.raft.netty;

import io.quorate.raft.ClusterId;
import io.quorate.raft.netty.wire.RefusedCode;
import io.quorate.raft.netty.wire.Role;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The group of a client: the one that it was made for, or else the first that it meets; and the highest recovery epoch seen of it, since
 * who answers in a lower one has been left behind by a recovery. Any thread.
 *
 * <p>A client keeps what it was told, such as the index of its last write and the ids of its entries. In another group, also in one that is
 * restored from a backup of this one, they would mean something else: so it stays with one group as long as it lives.
 */
final class ClientGroup {

    private final boolean isChosen;             // by the user, and not by the first replica that was met
    private @Nullable ClusterId clusterId;      // null until a group is met
    private final IntConsumer onRisen;
    private volatile int epoch;                 // the highest that was met; written by one thread at a time

    /**
     * @param expected the group wanted, or null for the first that is met
     * @param epoch    the lowest epoch that is wanted
     * @param onRisen  is told each higher one that is met, before anything of it is delivered; must not block
     */
    ClientGroup(@Nullable ClusterId expected, int epoch, IntConsumer onRisen) {
        isChosen = expected != null;
        clusterId = expected;
        this.epoch = epoch;
        this.onRisen = onRisen;
    }

    int epoch() {
        return epoch;
    }

    synchronized Greeting greeting(Role role) {
        return Greeting.ofClient(role, clusterId, epoch);
    }

    /** Why the client will not talk to the replica that said this Welcome, or null. */
    synchronized @Nullable Refusal judge(Greeting welcome) {
        if (welcome.isBlank()) {
            return null;    // a blank replica says itself that it cannot serve
        }
        Refusal refusal = HandshakeRules.judgeGroup(clusterId, epoch, welcome);
        if (refusal == null) {
            clusterId = welcome.clusterId();
            if (welcome.epoch() > epoch) {
                epoch = welcome.epoch();
                onRisen.accept(epoch);
            }
        }
        return refusal;
    }

    /** The refusal, by whichever end, in words for the client's user. */
    synchronized String explain(Refusal refusal) {
        if (refusal.code() != RefusedCode.REFUSED_OTHER_CLUSTER) {
            return refusal.reason();
        }
        return refusal.reason() + "; this client is for cluster " + clusterId + (isChosen ? "" : ", the first that it met")
            + ", and a group that was founded anew or restored from a backup is another; make a new client for that";
    }
}
