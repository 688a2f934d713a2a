package io.quorate.raft.storage;

import io.quorate.raft.Identity;
import io.quorate.raft.core.EntryId;
import org.jspecify.annotations.Nullable;

/**
 * What the identity file says.
 *
 * @param identity  who the directory is
 * @param recovered the entry with which this replica began its group anew, alone, after the quorum was lost; null if it never did. An
 *                  opening that finds a log without it writes it: this file decides, and the log follows
 * @param isCut     whether what the log had from that index on was given up with the lost quorum, since something in it was damaged
 */
record StoredIdentity(Identity identity, @Nullable EntryId recovered, boolean isCut) {

    StoredIdentity {
        if (isCut && recovered == null) {
            throw new IllegalArgumentException("Only who begins its group anew gives up what it has");
        }
    }

    /** Of a replica that never began its group anew. */
    StoredIdentity(Identity identity) {
        this(identity, null, false);
    }

    /** Of one that did, with all it had. */
    StoredIdentity(Identity identity, EntryId recovered) {
        this(identity, recovered, false);
    }

    /** Whether the group is still to be begun anew, with a log that ends with this entry. */
    boolean isPendingFor(EntryId last) {
        return recovered != null && (isCut ? last.term() < recovered.term() : last.index() < recovered.index());
    }
}
