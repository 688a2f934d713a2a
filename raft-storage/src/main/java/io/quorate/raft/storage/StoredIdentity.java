package io.quorate.raft.storage;

import io.quorate.raft.Identity;
import io.quorate.raft.core.EntryId;
import org.jspecify.annotations.Nullable;

/**
 * What the identity file says.
 *
 * @param identity  who the directory is
 * @param recovered the entry with which this replica began its group anew, alone, after the quorum was lost; null if it never did. An
 *                  opening that finds a log that ends before it writes it: this file decides, and the log follows
 */
record StoredIdentity(Identity identity, @Nullable EntryId recovered) {

    /** Of a replica that never began its group anew. */
    StoredIdentity(Identity identity) {
        this(identity, null);
    }
}
