package io.quorate.raft.runtime;

import io.quorate.raft.ServerStatus;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.MembershipCodec;
import io.quorate.raft.core.ReplicaId;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The blank replicas that ask this member for its group and that the group does not name: new nodes, and nodes whose disk was lost. Whoever
 * administers the group finds here what to name.
 *
 * <p>Anybody may ask, so only so many are kept, those that were heard last, and only for a while.
 */
final class Strangers {

    /** How many are kept. */
    static final int KEPT_MAX = 16;
    /** For how long one is kept that is not heard any more; a blank replica asks several times in a second. */
    static final long KEPT_NANOS = 30_000_000_000L;

    private record Seen(String address, long nanos) { }

    private final Map<ReplicaId, Seen> seen = new TreeMap<>();

    /** A blank replica has asked; whether that changes where somebody is to be found. */
    boolean heard(ReplicaId replica, String address, long nowNanos) {
        boolean isPossible = address.getBytes(StandardCharsets.UTF_8).length <= MembershipCodec.ADDRESS_BYTES_MAX;
        Seen before = seen.put(replica, new Seen(isPossible ? address : "", nowNanos));
        if (seen.size() > KEPT_MAX) {
            seen.remove(oldest(nowNanos));
        }
        return before == null || !before.address.equals(address);
    }

    /** Forgets who belongs to the group now, and who has not been heard for long; whether there was anybody to forget. */
    boolean prune(@Nullable Membership membership, long nowNanos) {
        return seen.entrySet().removeIf(each -> nowNanos - each.getValue().nanos >= KEPT_NANOS
            || membership != null && membership.member(each.getKey()) != null);
    }

    boolean isEmpty() {
        return seen.isEmpty();
    }

    /** All of them, as of now. */
    List<ServerStatus.Stranger> list(long nowNanos) {
        List<ServerStatus.Stranger> list = new ArrayList<>();
        seen.forEach((replica, last) -> list.add(new ServerStatus.Stranger(replica, last.address, nowNanos - last.nanos)));
        return list;
    }

    /** The one of this node that was heard last, if that was less than so long ago; else null. */
    @Nullable ReplicaId at(int nodeId, long nowNanos, long withinNanos) {
        ReplicaId found = null;
        long agoNanos = withinNanos;
        for (Map.Entry<ReplicaId, Seen> each : seen.entrySet()) {
            if (each.getKey().nodeId() == nodeId && nowNanos - each.getValue().nanos < agoNanos) {
                found = each.getKey();
                agoNanos = nowNanos - each.getValue().nanos;
            }
        }
        return found;
    }

    private ReplicaId oldest(long nowNanos) {
        ReplicaId oldest = seen.keySet().iterator().next();
        for (Map.Entry<ReplicaId, Seen> each : seen.entrySet()) {
            if (nowNanos - each.getValue().nanos > nowNanos - seen.get(oldest).nanos) {
                oldest = each.getKey();
            }
        }
        return oldest;
    }
}
