package io.quorate.raft.netty;

import io.quorate.raft.ClusterId;
import io.quorate.raft.netty.wire.Role;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which group a client wants, and the highest recovery epoch it has seen of each group: who answers in a lower one has been left behind
 * by a recovery. Any thread.
 */
final class Groups {

    /** A client meets one group, or few; beyond, the first is forgotten. */
    private static final int GROUPS_MAX = 16;

    private final @Nullable ClusterId expected;
    private final Map<ClusterId, Integer> epochs = new LinkedHashMap<>() {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<ClusterId, Integer> eldest) {
            return size() > GROUPS_MAX;
        }
    };

    /** @param expected the group wanted, or null for any */
    Groups(@Nullable ClusterId expected) {
        this.expected = expected;
    }

    synchronized Greeting greeting(Role role) {
        return Greeting.ofClient(role, expected, expected == null ? 0 : epochs.getOrDefault(expected, 0));
    }

    /** Why the client will not talk to the replica that said this Welcome, or null. */
    synchronized @Nullable Refusal judge(Greeting welcome) {
        ClusterId clusterId = welcome.clusterId();
        if (clusterId == null) {
            return null;    // a blank replica says itself that it cannot serve
        }
        Refusal refusal = HandshakeRules.judgeGroup(expected == null ? clusterId : expected, epochs.getOrDefault(clusterId, 0), welcome);
        if (refusal == null) {
            epochs.merge(clusterId, welcome.epoch(), Math::max);
        }
        return refusal;
    }
}
