package io.quorate.raft;

import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.ReplicaId;
import java.util.Arrays;
import java.util.Objects;

/**
 * What replicas say to each other to move a snapshot. Who wants one asks for piece after piece, so that no more is ever under way than he
 * has room for; like all messages these may be lost, repeated, late or out of order.
 */
public sealed interface SnapshotMessage {

    /** How many bytes a piece has at most: so little that a heartbeat behind it does not come late. */
    int PIECE_BYTES_MAX = 256 << 10;

    ReplicaId from();

    ReplicaId to();

    /** Which snapshot, by the last entry it covers. */
    EntryId snapshot();

    /**
     * Send me a piece.
     *
     * @param offset   where it begins
     * @param bytesMax how long it may be, at most {@link #PIECE_BYTES_MAX}
     */
    record Ask(ReplicaId from, ReplicaId to, EntryId snapshot, long offset, int bytesMax) implements SnapshotMessage {

        public Ask {
            if (offset < 0 || bytesMax < 1 || bytesMax > PIECE_BYTES_MAX) {
                throw new IllegalArgumentException("Impossible question: " + bytesMax + " bytes from " + offset + " on");
            }
        }
    }

    /**
     * A piece.
     *
     * @param offset     where it begins
     * @param totalBytes how long the whole is
     * @param bytes      the piece, not changed by anybody; empty only if the offset is the end
     */
    record Piece(ReplicaId from, ReplicaId to, EntryId snapshot, long offset, long totalBytes, byte[] bytes) implements SnapshotMessage {

        public Piece {
            if (offset < 0 || bytes.length > PIECE_BYTES_MAX || totalBytes < 0 || offset > totalBytes - bytes.length
                || (bytes.length == 0 && offset < totalBytes)) {
                throw new IllegalArgumentException("Impossible piece: " + bytes.length + " bytes from " + offset + " on, of "
                    + totalBytes);
            }
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Piece piece && from.equals(piece.from) && to.equals(piece.to) && snapshot.equals(piece.snapshot)
                && offset == piece.offset && totalBytes == piece.totalBytes && Arrays.equals(bytes, piece.bytes);
        }

        @Override
        public int hashCode() {
            return Objects.hash(from, to, snapshot, offset, totalBytes, Arrays.hashCode(bytes));
        }

        @Override
        public String toString() {
            return "Piece[" + from + " to " + to + ", " + snapshot + ", " + offset + " + " + bytes.length + " of " + totalBytes + "]";
        }
    }

    /** I do not have that snapshot, or no longer. */
    record Gone(ReplicaId from, ReplicaId to, EntryId snapshot) implements SnapshotMessage { }
}
