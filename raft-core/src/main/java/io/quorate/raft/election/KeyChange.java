package io.quorate.raft.election;

import org.jspecify.annotations.Nullable;

/**
 * What has become of a key of {@link LeasedKeys}.
 *
 * @param index       of the log entry at which it happened. Several changes have the same if a lease ended that had several keys
 * @param key         which
 * @param createIndex of the key that was put, changed or deleted: tells one that came again from the one before
 * @param entry       what it is now; null if it was deleted, or its lease has ended
 */
public record KeyChange(long index, String key, long createIndex, @Nullable KeyEntry entry) {

    public KeyChange {
        if (entry != null && (!entry.key().equals(key) || entry.createIndex() != createIndex || entry.version() != index)) {
            throw new IllegalArgumentException("At " + index + " nothing makes " + key + " of " + createIndex + " to " + entry);
        }
    }

    static KeyChange to(KeyEntry entry) {
        return new KeyChange(entry.version(), entry.key(), entry.createIndex(), entry);
    }

    static KeyChange deleted(long index, KeyEntry entry) {
        return new KeyChange(index, entry.key(), entry.createIndex(), null);
    }

    /** Whether the key is gone. */
    public boolean isDeletion() {
        return entry == null;
    }
}
