package io.quorate.raft;

import io.quorate.raft.core.ReplicaId;
import org.jspecify.annotations.Nullable;

/**
 * Who a data directory is.
 *
 * @param replica  the node, and the incarnation drawn when the directory was first opened
 * @param boot     how often it has been opened, this time included; 1 or more
 * @param founding how its group began, or null while the directory is blank
 */
public record Identity(ReplicaId replica, long boot, @Nullable FoundingRecord founding) {

    /** Whether this directory belongs to no group yet. A blank replica neither votes nor campaigns. */
    public boolean isBlank() {
        return founding == null;
    }
}
