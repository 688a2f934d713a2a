package io.quorate.raft;

import io.quorate.raft.core.EntryId;

/**
 * An entry of the log cannot be read any more, and is known by its name alone. The storage goes on: other replicas have the entry, and
 * {@link Storage#repair} puts it back.
 */
public final class EntryDamagedException extends StorageException {

    private static final long serialVersionUID = 1;

    private final long term;
    private final long index;

    /**
     * An entry that is damaged.
     *
     * @param entry   which
     * @param message where, how, and what happens now
     */
    public EntryDamagedException(EntryId entry, String message) {
        super(message);
        term = entry.term();
        index = entry.index();
    }

    /** Which entry. */
    public EntryId entry() {
        return new EntryId(term, index);
    }
}
