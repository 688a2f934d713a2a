package io.quorate.raft.testing;

import io.quorate.raft.Storage;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.MembershipCodec;
import io.quorate.raft.core.SnapshotId;
import io.quorate.raft.core.TermTable;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/** A snapshot on an {@link InMemoryDisk}: a value, in the very bytes that it travels in. */
final class InMemorySnapshot {

    private final SnapshotId id;
    private final TermTable terms;
    private final byte[] bytes;     // checksum, id, terms, state
    private final int stateAt;

    private InMemorySnapshot(SnapshotId id, TermTable terms, byte[] bytes, int stateAt) {
        this.id = id;
        this.terms = terms;
        this.bytes = bytes;
        this.stateAt = stateAt;
    }

    /**
     * A snapshot of this state.
     *
     * @param terms of the log up to its last entry
     */
    static InMemorySnapshot of(SnapshotId id, TermTable terms, byte[] state) {
        byte[] membership = MembershipCodec.encode(id.membership());
        List<EntryId> starts = terms.starts();
        int stateAt = 4 * Integer.BYTES + 3 * Long.BYTES + membership.length + starts.size() * 2 * Long.BYTES;
        ByteBuffer out = ByteBuffer.allocate(stateAt + state.length);
        out.putInt(0).putLong(id.last().term()).putLong(id.index()).putLong(id.timeNanos()).putInt(membership.length).put(membership)
            .putInt(starts.size());
        starts.forEach(start -> out.putLong(start.term()).putLong(start.index()));
        out.putInt(state.length).put(state);
        out.putInt(0, checksum(out.array()));
        return new InMemorySnapshot(id, terms, out.array(), stateAt);
    }

    /** The snapshot that these bytes are, or null if they are not all of the one that is expected. */
    static @Nullable InMemorySnapshot decode(SnapshotId expected, byte[] bytes) {
        ByteBuffer in = ByteBuffer.wrap(bytes);
        try {
            if (in.getInt() != checksum(bytes)) {
                return null;
            }
            EntryId last = new EntryId(in.getLong(), in.getLong());
            long timeNanos = in.getLong();
            byte[] membership = new byte[in.getInt()];
            in.get(membership);
            SnapshotId id = new SnapshotId(last, MembershipCodec.decode(membership), timeNanos);
            List<EntryId> starts = new ArrayList<>();
            for (int i = in.getInt(); i > 0; i--) {
                starts.add(new EntryId(in.getLong(), in.getLong()));
            }
            boolean isWhole = in.getInt() == in.remaining();
            return isWhole && id.equals(expected)
                ? new InMemorySnapshot(id, TermTable.of(starts, last.index()), bytes, in.position()) : null;
        } catch (IllegalArgumentException | BufferUnderflowException e) {
            return null;    // sealed with a right checksum by who should not have, or shorter than a checksum
        }
    }

    private static int checksum(byte[] bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, Integer.BYTES, Math.max(0, bytes.length - Integer.BYTES));
        return (int) crc.getValue();
    }

    SnapshotId id() {
        return id;
    }

    /** The terms up to its last entry; a copy. */
    TermTable terms() {
        return new TermTable(terms);
    }

    byte[] bytes() {
        return bytes;
    }

    Storage.StoredSnapshot open() {
        return new Storage.StoredSnapshot() {

            @Override
            public SnapshotId id() {
                return id;
            }

            @Override
            public InputStream state() {
                return new ByteArrayInputStream(bytes, stateAt, bytes.length - stateAt);
            }

            @Override
            public long stateBytes() {
                return bytes.length - stateAt;
            }

            @Override
            public long transferBytes() {
                return bytes.length;
            }

            @Override
            public byte[] read(long offset, int bytesMax) {
                if (offset < 0 || offset > bytes.length || bytesMax < 1) {
                    throw new IllegalArgumentException("Nothing can be read at " + offset + " of " + bytes.length + ", up to " + bytesMax);
                }
                return Arrays.copyOfRange(bytes, (int) offset, (int) Math.min(bytes.length, offset + bytesMax));
            }

            @Override
            public void close() {
                // It is a value: nothing is held.
            }
        };
    }
}
