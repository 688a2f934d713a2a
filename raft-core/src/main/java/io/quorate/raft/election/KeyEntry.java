package io.quorate.raft.election;

import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A key of {@link LeasedKeys}, as it was at one moment.
 *
 * @param key         as it was put
 * @param value       not changed by anybody
 * @param createIndex of the command that put it: no other key of the group, and no later one of this name, has the same
 * @param version     the index of the command that gave it this value
 * @param lease       with which it goes; null if it stays until it is deleted
 */
public record KeyEntry(String key, byte[] value, long createIndex, long version, @Nullable LeaseId lease) {

    public KeyEntry {
        if (createIndex < 1 || version < createIndex) {
            throw new IllegalArgumentException("No key is put at " + createIndex + " and changed at " + version);
        }
    }

    @Override
    public boolean equals(Object object) {
        return object instanceof KeyEntry other && key.equals(other.key) && Arrays.equals(value, other.value)
            && createIndex == other.createIndex && version == other.version && Objects.equals(lease, other.lease);
    }

    @Override
    public int hashCode() {
        return Objects.hash(key, Arrays.hashCode(value), createIndex, version, lease);
    }

    @Override
    public String toString() {
        return "KeyEntry[" + key + ", " + value.length + " bytes, put at " + createIndex + ", of " + version
            + (lease == null ? "" : ", with lease " + lease) + "]";
    }
}
