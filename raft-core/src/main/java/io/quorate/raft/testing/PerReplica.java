package io.quorate.raft.testing;

import io.quorate.raft.core.ReplicaId;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** What an invariant remembers of each replica. A node whose disk was replaced is another replica. */
final class PerReplica<S> {

    private final Map<ReplicaId, S> states = new HashMap<>();
    private final Supplier<S> initial;
    // By node, the replica asked for last and its state: asked for at every event, so that the map would be a good part of a run's time.
    private @Nullable ReplicaId[] lastIds = new @Nullable ReplicaId[8];
    private @Nullable Object[] lastStates = new @Nullable Object[8];

    PerReplica(Supplier<S> initial) {
        this.initial = initial;
    }

    @SuppressWarnings("unchecked")   // only states are put there
    S of(ReplicaView replica) {
        ReplicaId id = replica.id();
        int node = id.nodeId();
        if (node >= 0 && node < lastIds.length && lastIds[node] == id) {
            return (S) lastStates[node];
        }
        S state = states.get(id);
        return remember(id, state == null ? initial.get() : state);
    }

    /** From now on, nothing is known of it. */
    S renew(ReplicaView replica) {
        return remember(replica.id(), initial.get());
    }

    private S remember(ReplicaId id, S state) {
        states.put(id, state);
        int node = id.nodeId();
        if (node >= lastIds.length && node < 1 << 10) {
            lastIds = Arrays.copyOf(lastIds, node + 1);
            lastStates = Arrays.copyOf(lastStates, node + 1);
        }
        if (node >= 0 && node < lastIds.length) {
            lastIds[node] = id;
            lastStates[node] = state;
        }
        return state;
    }
}
