package io.quorate.raft;

import io.quorate.raft.core.EntryId;
import org.jspecify.annotations.Nullable;

/**
 * Perhaps it happened, perhaps not: the caller's deadline or the server's end came before the outcome was known. If the {@linkplain #entry
 * entry} is known, its outcome can be waited for.
 */
public final class OutcomeUnknownException extends RaftException {

    private static final long serialVersionUID = 1;

    private final transient @Nullable EntryId entry;

    /** Not even the entry is known. */
    public OutcomeUnknownException(String message) {
        this(message, null);
    }

    /**
     * @param message says that perhaps it happened, why, and what to do
     * @param entry   which of all entries it is about, or null if that is not known
     */
    public OutcomeUnknownException(String message, @Nullable EntryId entry) {
        super(message);
        this.entry = entry;
    }

    /** The entry that was to be applied: it was, or never will be. Null if it is not known, or lost by serialization. */
    public @Nullable EntryId entry() {
        return entry;
    }
}
