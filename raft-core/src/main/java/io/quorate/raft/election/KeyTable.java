package io.quorate.raft.election;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** The keys and leases of a group, which key goes with which lease, and when each lease ends. What bounds them is counted in bytes. */
final class KeyTable {

    /** What a key costs besides itself and its value. */
    static final int KEY_BYTES = 200;
    /** What a lease costs besides its keys. */
    static final int LEASE_BYTES = 200;

    /** A lease; a value for whoever is not the table. */
    static final class Lease {

        private final LeaseId id;
        private final long ttlNanos;
        private long endsNanos;                                 // replicated time
        private final TreeSet<String> keys = new TreeSet<>();

        private Lease(LeaseId id, long ttlNanos, long endsNanos) {
            this.id = id;
            this.ttlNanos = ttlNanos;
            this.endsNanos = endsNanos;
        }
    }

    private final TreeMap<String, KeyEntry> keys = new TreeMap<>();
    private final TreeMap<Long, Lease> leases = new TreeMap<>();
    private final TreeSet<Lease> byEnd =
        new TreeSet<>(Comparator.<Lease>comparingLong(lease -> lease.endsNanos).thenComparingLong(lease -> lease.id.index()));
    private long bytes;

    int keys() {
        return keys.size();
    }

    int leases() {
        return leases.size();
    }

    /** What all of it costs. */
    long bytes() {
        return bytes;
    }

    // ---------------------------------------------------------------------------------------------------------------------- leases

    /** The lease with this id; null if it is none of this group's, or no longer. */
    @Nullable Lease lease(LeaseId id) {
        Lease lease = leases.get(id.index());
        return lease != null && lease.id.equals(id) ? lease : null;
    }

    void grant(LeaseId id, long ttlNanos, long nowNanos) {
        add(new Lease(id, ttlNanos, nowNanos + ttlNanos));
    }

    void refresh(Lease lease, long nowNanos) {
        byEnd.remove(lease);     // before it changes: it stands there by this
        lease.endsNanos = nowNanos + lease.ttlNanos;
        byEnd.add(lease);
    }

    /** Ends a lease, and tells of each of its keys that it was deleted at this index. */
    void end(Lease lease, long index, ChangeLog changes) {
        for (String key : List.copyOf(lease.keys)) {
            changes.add(delete(keys.get(key), index));
        }
        leases.remove(lease.id.index());
        byEnd.remove(lease);
        bytes -= LEASE_BYTES;
    }

    /** When the first of them ends; {@link Long#MAX_VALUE} if there is none. */
    long firstEndNanos() {
        return byEnd.isEmpty() ? Long.MAX_VALUE : byEnd.first().endsNanos;
    }

    /** Ends those whose time has come. */
    void expire(long nowNanos, long index, ChangeLog changes) {
        while (firstEndNanos() <= nowNanos) {
            end(byEnd.first(), index, changes);
        }
    }

    // ------------------------------------------------------------------------------------------------------------------------ keys

    @Nullable KeyEntry key(String key) {
        return keys.get(key);
    }

    /** Keys with this prefix, in their order, behind this one. */
    Collection<KeyEntry> range(String prefix, String after) {
        return after.compareTo(prefix) < 0 ? keys.tailMap(prefix, true).values() : keys.tailMap(after, false).values();
    }

    KeyChange put(KeyEntry entry) {
        KeyEntry before = keys.put(entry.key(), entry);
        bytes += bytesOf(entry) - (before == null ? 0 : bytesOf(before));
        LeaseId id = entry.lease();
        if (before == null && id != null) {
            leases.get(id.index()).keys.add(entry.key());
        }
        return KeyChange.to(entry);
    }

    KeyChange delete(KeyEntry entry, long index) {
        keys.remove(entry.key());
        bytes -= bytesOf(entry);
        LeaseId id = entry.lease();
        if (id != null) {
            leases.get(id.index()).keys.remove(entry.key());
        }
        return KeyChange.deleted(index, entry);
    }

    private static long bytesOf(KeyEntry entry) {
        return KEY_BYTES + 2L * entry.key().length() + entry.value().length;
    }

    // ------------------------------------------------------------------------------------------------------------------- snapshots

    /** What does not change any more when this does. Keys are shared: nobody changes them. */
    KeyTable copy() {
        KeyTable copy = new KeyTable();
        leases.values().forEach(lease -> copy.add(new Lease(lease.id, lease.ttlNanos, lease.endsNanos)));
        keys.values().forEach(copy::put);
        return copy;
    }

    /** In their order, so that equal tables are equal bytes. */
    void writeTo(DataOutputStream out) throws IOException {
        out.writeInt(leases.size());
        for (Lease lease : leases.values()) {
            out.writeLong(lease.id.index());
            out.writeLong(lease.id.number());
            out.writeLong(lease.ttlNanos);
            out.writeLong(lease.endsNanos);
        }
        out.writeInt(keys.size());
        for (KeyEntry entry : keys.values()) {
            KeyBytes.write(out, entry);
        }
    }

    static KeyTable readFrom(DataInputStream in) throws IOException {
        KeyTable table = new KeyTable();
        for (int left = KeyBytes.count(in); left > 0; left--) {
            table.add(new Lease(KeyBytes.lease(in), in.readLong(), in.readLong()));
        }
        for (int left = KeyBytes.count(in); left > 0; left--) {
            KeyEntry entry = KeyBytes.entry(in);
            if (entry.lease() != null && table.lease(entry.lease()) == null) {
                throw new IOException("The snapshot has " + entry + " without its lease");
            }
            table.put(entry);
        }
        return table;
    }

    private void add(Lease lease) {
        leases.put(lease.id.index(), lease);
        byEnd.add(lease);
        bytes += LEASE_BYTES;
    }

    /** For tests and failures. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        for (Map.Entry<Long, Lease> each : leases.entrySet()) {
            text.append(each.getValue().id).append(" until ").append(each.getValue().endsNanos).append("; ");
        }
        return text.append(keys.values()).toString();
    }
}
