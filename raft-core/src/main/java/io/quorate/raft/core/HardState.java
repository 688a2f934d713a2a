package io.quorate.raft.core;

import org.jspecify.annotations.Nullable;

/**
 * What a replica must not forget besides its log (figure 2, "persistent state").
 *
 * @param term        the latest term this replica has seen; never goes back
 * @param votedFor    who got its vote in that term, or null
 * @param commitIndex a commit index known when this was written; it saves time after a restart and promises nothing
 */
public record HardState(long term, @Nullable ReplicaId votedFor, long commitIndex) {

    /** Of a replica that has seen nothing yet. */
    public static final HardState INITIAL = new HardState(0, null, 0);

    public HardState {
        if (term < 0 || commitIndex < 0 || (term == 0 && votedFor != null)) {
            throw new IllegalArgumentException("No hard state has term " + term + ", vote " + votedFor + ", commit " + commitIndex);
        }
    }
}
