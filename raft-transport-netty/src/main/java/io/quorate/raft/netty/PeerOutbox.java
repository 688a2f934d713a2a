package io.quorate.raft.netty;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.quorate.raft.FoundingMessage;
import io.quorate.raft.RepairMessage;
import io.quorate.raft.SnapshotMessage;
import io.quorate.raft.core.Message;

/**
 * What waits for one peer on one connection, whichever end opened it. What is dropped is counted.
 *
 * <p>Any thread sends; the rest is for the connection's event loop.
 */
final class PeerOutbox implements Outbox.Writer<Object> {

    /** Entries are dropped when this much waits for the peer; what is small still passes. */
    static final long BULK_BYTES_MAX = 8 << 20;
    /** Everything is dropped when this much waits. */
    static final long BYTES_MAX = 16 << 20;
    /** Pieces of snapshots are dropped when as many wait; they are asked for again. */
    static final int PIECES_MAX = 2;

    private final int nodeId;
    private final Tally tally;
    private final Outbox<Object> outbox;
    private boolean isFoundingOnly;

    PeerOutbox(int nodeId, Tally tally) {
        this.nodeId = nodeId;
        this.tally = tally;
        this.outbox = new Outbox<>(this, tally);
    }

    /** Sends, or drops. Any thread. */
    void send(Message message) {
        boolean isBulk = message instanceof Message.AppendEntries append && !append.entries().isEmpty();
        offer(message, PeerFrames.sizeOf(message), isBulk ? BULK_BYTES_MAX : BYTES_MAX);
    }

    /** Sends, or drops. Any thread. */
    void send(FoundingMessage message) {
        offer(message, PeerFrames.sizeOf(message), BYTES_MAX);
    }

    /** Sends, or drops; a piece goes behind all else that waits. Any thread. */
    void send(SnapshotMessage message) {
        if (!(message instanceof SnapshotMessage.Piece)) {
            offer(message, SnapshotFrames.sizeOf(message), BYTES_MAX);
        } else if (!outbox.offerLast(message, PIECES_MAX)) {
            onDiscarded(message);
        }
    }

    /** Sends, or drops. Any thread. */
    void send(RepairMessage message) {
        offer(message, RepairFrames.sizeOf(message), RepairFrames.isBulk(message) ? BULK_BYTES_MAX : BYTES_MAX);
    }

    /** From now on, messages are sent; only founding messages while either end is blank. */
    void open(Channel to, boolean isEitherBlank) {
        isFoundingOnly = isEitherBlank;
        outbox.open(to);
    }

    void drain() {
        outbox.drain();
    }

    /** What still waits is dropped, and nothing more is taken. Any thread. */
    void close() {
        outbox.close();
    }

    private void offer(Object message, long bytes, long bytesMax) {
        // A single message larger than the budget passes alone; counted in full, it would keep the small ones behind it from passing.
        if (!outbox.offer(message, Math.min(bytes, BULK_BYTES_MAX), bytesMax)) {
            onDiscarded(message);
        }
    }

    @Override
    public void write(ByteBuf out, Object item) {
        if (item instanceof FoundingMessage founding) {
            PeerFrames.write(out, founding);
        } else if (isFoundingOnly) {
            onDiscarded(item);
        } else if (item instanceof SnapshotMessage snapshot) {
            SnapshotFrames.write(out, snapshot);
        } else if (item instanceof RepairMessage repair) {
            RepairFrames.write(out, repair);
        } else {
            PeerFrames.write(out, (Message) item);
        }
    }

    @Override
    public void onDiscarded(Object item) {
        tally.dropped(nodeId);
    }
}
