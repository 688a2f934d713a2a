package io.quorate.raft.election;

import io.quorate.raft.Command;
import io.quorate.raft.StateMachine;
import io.quorate.raft.election.KeyResult.Reason;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Keys that go when their holder does: the state machine under named elections and locks, and whatever else is to be there only as long as
 * somebody is.
 *
 * <pre>{@code
 * RaftServer.builder().stateMachine(Sessions.around(new LeasedKeys())) ...       // on every replica
 *
 * Elections elections = Elections.open(client, Elections.Options.DEFAULT);       // in each candidate, which may be a replica too
 * KeysClient keys = KeysClient.open(client);                                     // or the primitives themselves
 * }</pre>
 *
 * <p><b>Leases.</b> A client is granted a lease for some time, and refreshes it. When it does not, or revokes it, all keys that were put
 * with the lease are deleted. Time is {@linkplain Command#timeNanos replicated time}: every replica ends a lease before the same command,
 * and by a clock on the wall never before its time is up, as long as no leader's clock runs more than a hundredth too fast. While the group
 * has no leader that time stands still, so nobody loses a lease for that.
 *
 * <p><b>Keys</b> are put if they are absent, changed if they are of the version that one knows, and deleted likewise. A key's version is
 * the index of the command that gave it its value, and that of the command that put it is its {@linkplain KeyEntry#createIndex birth mark},
 * which no other key shares: the low part of a {@linkplain FencingToken fencing token}. What belongs to a lease is changed only by who
 * names that lease, so nobody takes a key from under a holder who counts on his lease.
 *
 * <p><b>Changes</b> are kept for a while, with the index at which each happened, and are the same on every replica, also on one that was
 * restored from a snapshot. Whoever asks for those behind an index gets all of them in order, or is told that they are not all there any
 * more.
 *
 * <p><b>Bounds.</b> {@link Options} says how much is kept. At the bound nothing more is granted or put, and nothing has happened; the
 * oldest changes are forgotten. The options are part of the machine: give the same to all replicas, and change them only while none of them
 * runs.
 *
 * <p><b>Snapshots</b>, of format 1: one byte for the format; {@code long} index up to which it has been told anything; {@code int} leases
 * and each as index, number, time to live, end in replicated time; {@code int} keys, each as in answers; {@code long} index of the last
 * change that is forgotten; {@code int} changes, each as in answers.
 */
public final class LeasedKeys implements StateMachine {

    /** How many characters a key has at most, and a prefix. */
    public static final int KEY_CHARS_MAX = 1000;

    /** How many bytes of keys or changes an answer holds, roughly; then its reader asks again. */
    static final int ANSWER_BYTES_MAX = 1 << 20;

    private static final byte FORMAT = 1;     // of snapshots

    /**
     * What is kept, and for how long.
     *
     * @param ttlMax         no lease is for longer, whatever it asks for
     * @param valueBytesMax  how long a value may be
     * @param bytesMax       how many bytes all leases and keys may take. When they do, no lease is granted and no key put or made larger
     * @param changeBytesMax how many bytes of changes are kept for those who watch
     */
    public record Options(Duration ttlMax, int valueBytesMax, long bytesMax, long changeBytesMax) {

        /** An hour; 64 KiB; 64 MiB; 4 MiB. */
        public static final Options DEFAULT = new Options(Duration.ofHours(1), 64 << 10, 64L << 20, 4L << 20);

        public Options {
            if (ttlMax.isNegative() || ttlMax.isZero() || ttlMax.compareTo(Duration.ofDays(365)) > 0) {
                throw new IllegalArgumentException("ttlMax is more than 0 and at most 365 days, not " + ttlMax);
            }
            if (valueBytesMax < 0 || valueBytesMax > 16 << 20) {
                throw new IllegalArgumentException("valueBytesMax is between 0 and 16 MiB, not " + valueBytesMax);
            }
            if (bytesMax < 1 || changeBytesMax < 0) {
                throw new IllegalArgumentException("Some bytes must be kept, not " + bytesMax + ", and " + changeBytesMax + " of changes");
            }
        }
    }

    private final Options options;
    private KeyTable table = new KeyTable();
    private ChangeLog changes;
    private long lastIndex;      // of the last command or time that was told

    /** An empty one, with {@link Options#DEFAULT}. */
    public LeasedKeys() {
        this(Options.DEFAULT);
    }

    /** An empty one. */
    public LeasedKeys(Options options) {
        this.options = options;
        changes = new ChangeLog(options.changeBytesMax);
    }


    /** How many keys there are; as with all its methods, look at it on the apply thread only. */
    public int keys() {
        return table.keys();
    }

    /** How many leases there are. */
    public int leases() {
        return table.leases();
    }

    /** How many bytes they take, as {@link Options#bytesMax} counts them. */
    public long bytes() {
        return table.bytes();
    }

    // -------------------------------------------------------------------------------------------------------------------- commands

    @Override
    public byte[] apply(Command command) {
        lastIndex = command.index();
        KeyCommand said;
        try {
            said = KeyCommand.decode(command.payload());
        } catch (IllegalArgumentException e) {
            return refused(Reason.UNREADABLE).encode();
        }
        KeyResult result = apply(said, command.index(), command.timeNanos());
        changes.trim();
        return result.encode();
    }

    private KeyResult apply(KeyCommand command, long index, long nowNanos) {
        if (command instanceof KeyCommand.Refresh refresh) {
            return refresh(refresh.lease(), index, nowNanos);
        } else if (command instanceof KeyCommand.PutIfAbsent put) {
            return put(put, index);
        } else if (command instanceof KeyCommand.CompareAndSet set) {
            return set(set, index);
        } else if (command instanceof KeyCommand.Delete delete) {
            return delete(delete, index);
        } else if (command instanceof KeyCommand.Grant grant) {
            return grant(grant, index, nowNanos);
        } else {
            return revoke(((KeyCommand.Revoke) command).lease(), index);
        }
    }

    private KeyResult grant(KeyCommand.Grant grant, long index, long nowNanos) {
        if (isFull()) {
            return refused(Reason.FULL);
        }
        LeaseId lease = new LeaseId(index, grant.number());
        long ttlNanos = Math.min(grant.ttlNanos(), options.ttlMax.toNanos());
        table.grant(lease, ttlNanos, nowNanos);
        return new KeyResult.Granted(lease, ttlNanos);
    }

    private KeyResult refresh(LeaseId id, long index, long nowNanos) {
        KeyTable.Lease lease = table.lease(id);
        if (lease == null) {
            return refused(Reason.NO_SUCH_LEASE);
        }
        table.refresh(lease, nowNanos);
        return new KeyResult.Done(index);
    }

    private KeyResult revoke(LeaseId id, long index) {
        KeyTable.Lease lease = table.lease(id);
        if (lease == null) {
            return refused(Reason.NO_SUCH_LEASE);
        }
        table.end(lease, index, changes);
        return new KeyResult.Done(index);
    }

    private KeyResult put(KeyCommand.PutIfAbsent put, long index) {
        if (put.lease() != null && table.lease(put.lease()) == null) {
            return refused(Reason.NO_SUCH_LEASE);
        }
        KeyEntry present = table.key(put.key());
        if (present != null) {
            return new KeyResult.Otherwise(present);
        }
        if (put.key().length() > KEY_CHARS_MAX || put.value().remaining() > options.valueBytesMax) {
            return refused(Reason.TOO_LARGE);
        }
        if (isFull()) {
            return refused(Reason.FULL);
        }
        changes.add(table.put(new KeyEntry(put.key(), put.value().array(), index, index, put.lease())));
        return new KeyResult.Done(index);
    }

    private KeyResult set(KeyCommand.CompareAndSet set, long index) {
        KeyEntry present = table.key(set.key());
        if (present == null || present.version() != set.version()) {
            return new KeyResult.Otherwise(present);
        }
        if (!isOf(present, set.lease())) {
            return refused(Reason.NOT_THE_LEASES);
        }
        if (set.value().remaining() > options.valueBytesMax) {
            return refused(Reason.TOO_LARGE);
        }
        if (isFull() && set.value().remaining() > present.value().length) {
            return refused(Reason.FULL);
        }
        changes.add(table.put(new KeyEntry(set.key(), set.value().array(), present.createIndex(), index, present.lease())));
        return new KeyResult.Done(index);
    }

    private KeyResult delete(KeyCommand.Delete delete, long index) {
        KeyEntry present = table.key(delete.key());
        if (present == null || delete.version() != KeyCommand.ANY_VERSION && present.version() != delete.version()) {
            return new KeyResult.Otherwise(present);
        }
        if (!isOf(present, delete.lease())) {
            return refused(Reason.NOT_THE_LEASES);
        }
        changes.add(table.delete(present, index));
        return new KeyResult.Done(index);
    }

    private boolean isFull() {
        return table.bytes() >= options.bytesMax;
    }

    private static boolean isOf(KeyEntry entry, @Nullable LeaseId lease) {
        return entry.lease() == null ? lease == null : entry.lease().equals(lease);
    }

    private static KeyResult refused(Reason reason) {
        return new KeyResult.Refused(reason);
    }

    // ------------------------------------------------------------------------------------------------------------------------ time

    @Override
    public long wakeUpNanos() {
        return table.firstEndNanos();
    }

    /** Leases end here and nowhere else: before a command of that time or a later one, which therefore finds none whose time is up. */
    @Override
    public void onTime(long index, long timeNanos) {
        lastIndex = index;
        table.expire(timeNanos, index, changes);
        changes.trim();
    }

    // --------------------------------------------------------------------------------------------------------------------- queries

    @Override
    public byte[] query(byte[] query) {
        KeyQuery asked = KeyQuery.decode(query);
        if (asked instanceof KeyQuery.Changes after) {
            return changesAfter(after).encode();
        } else if (asked instanceof KeyQuery.Line line) {
            return line(line).encode();
        } else if (asked instanceof KeyQuery.Range range) {
            return range(range).encode();
        } else {
            KeyEntry entry = table.key(((KeyQuery.Get) asked).key());
            return new KeyAnswer.Entries(lastIndex, true, entry == null ? List.of() : List.of(entry)).encode();
        }
    }

    private KeyAnswer changesAfter(KeyQuery.Changes query) {
        if (query.after() == KeyQuery.NOW) {
            return new KeyAnswer.Changes(lastIndex, List.of());
        }
        return changes.knowsAllAfter(query.after()) ? changes.after(query, lastIndex, ANSWER_BYTES_MAX)
            : new KeyAnswer.Compacted(lastIndex);
    }

    private KeyAnswer line(KeyQuery.Line query) {
        KeyEntry own = table.key(query.key());
        boolean isInLine = own != null && own.key().startsWith(query.prefix());
        KeyEntry first = null;
        KeyEntry before = null;
        for (KeyEntry entry : table.range(query.prefix(), "")) {
            if (!entry.key().startsWith(query.prefix())) {
                break;
            }
            if (first == null || entry.createIndex() < first.createIndex()) {
                first = entry;
            }
            if (isInLine && entry.createIndex() < own.createIndex() && (before == null || entry.createIndex() > before.createIndex())) {
                before = entry;
            }
        }
        return new KeyAnswer.Line(lastIndex, first, isInLine ? own : null, before);
    }

    private KeyAnswer range(KeyQuery.Range query) {
        List<KeyEntry> found = new ArrayList<>();
        long size = 0;
        for (KeyEntry entry : table.range(query.prefix(), query.after())) {
            if (!entry.key().startsWith(query.prefix())) {
                break;
            }
            if (found.size() >= query.entriesMax() || size > ANSWER_BYTES_MAX) {
                return new KeyAnswer.Entries(lastIndex, false, found);
            }
            found.add(entry);
            size += KeyTable.KEY_BYTES + entry.value().length;
        }
        return new KeyAnswer.Entries(lastIndex, true, found);
    }

    // ------------------------------------------------------------------------------------------------------------------- snapshots

    @Override
    public Snapshot snapshot() {
        long capturedIndex = lastIndex;
        KeyTable capturedTable = table.copy();
        ChangeLog capturedChanges = changes.copy();
        return out -> {
            DataOutputStream data = new DataOutputStream(new BufferedOutputStream(out));
            data.writeByte(FORMAT);
            data.writeLong(capturedIndex);
            capturedTable.writeTo(data);
            capturedChanges.writeTo(data);
            data.flush();
        };
    }

    @Override
    public void restore(InputStream in) throws IOException {
        DataInputStream data = new DataInputStream(in);
        byte format = data.readByte();
        if (format != FORMAT) {
            throw new IOException("The snapshot's keys are of format " + format + "; this version knows " + FORMAT);
        }
        long readIndex = data.readLong();
        KeyTable readTable = KeyTable.readFrom(data);
        ChangeLog readChanges = ChangeLog.readFrom(data, options.changeBytesMax);
        lastIndex = readIndex;
        table = readTable;
        changes = readChanges;
    }

    @Override
    public String toString() {
        return "LeasedKeys[at " + lastIndex + ", " + table + "]";
    }
}
