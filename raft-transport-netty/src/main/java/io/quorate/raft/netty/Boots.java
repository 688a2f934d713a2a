package io.quorate.raft.netty;

import io.quorate.raft.core.ReplicaId;
import java.util.LinkedHashMap;
import java.util.Map;

/** Remembers the youngest boot that was seen of each replica. Any thread. */
final class Boots {

    /** Far more than a group has replicas; beyond, the replica that was met first is forgotten, so that strangers cannot fill memory. */
    static final int REPLICAS_MAX = 1024;

    private final Map<ReplicaId, Long> youngest = new LinkedHashMap<>() {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<ReplicaId, Long> eldest) {
            return size() > REPLICAS_MAX;
        }
    };

    /** Takes note of this boot and answers with the youngest that was seen, this one included. */
    synchronized long meet(ReplicaId replica, long boot) {
        return youngest.merge(replica, boot, Math::max);
    }
}
