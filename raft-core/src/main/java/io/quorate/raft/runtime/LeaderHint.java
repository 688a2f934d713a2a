package io.quorate.raft.runtime;

import io.quorate.raft.NotLeaderException;
import org.jspecify.annotations.Nullable;

/**
 * Where a caller should go instead.
 *
 * @param nodeId  who leads, or 0 if unknown
 * @param address where, or null
 */
record LeaderHint(int nodeId, @Nullable String address) {

    static final LeaderHint NONE = new LeaderHint(0, null);

    NotLeaderException notLeader() {
        return new NotLeaderException(nodeId, address);
    }
}
