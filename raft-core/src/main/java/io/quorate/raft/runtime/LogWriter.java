package io.quorate.raft.runtime;

import io.quorate.raft.Storage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.Event;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;

/**
 * Makes the node's writes durable, and tells it so. This is the group commit: all that waited while the previous batch was being
 * written is the next batch.
 *
 * <p>In two steps, so that a simulation can let time pass, or crash, between taking a batch and its being durable. After an exception
 * from {@code write} nothing is told and nothing more may be written.
 */
public final class LogWriter {

    /** A batch ends with the write that brings it to this many bytes, so that no queue, however long, becomes one endless frame. */
    static final long BATCH_BYTES = 32L << 20;

    private final Storage storage;
    private final Mailbox mailbox;
    private final Meters meters;
    private final LongSupplier nanoClock;
    private final Inbox<Storage.Write> inbox;

    LogWriter(Storage storage, Mailbox mailbox, Waker diskThread, Meters meters, LongSupplier nanoClock) {
        this.storage = storage;
        this.mailbox = mailbox;
        this.meters = meters;
        this.nanoClock = nanoClock;
        inbox = new Inbox<>(diskThread);
    }

    void add(Storage.Write write) {
        inbox.add(write);
    }

    public boolean hasWork() {
        return inbox.hasMore();
    }

    /** Everything that waits now, in order, up to about {@link #BATCH_BYTES}; empty if nothing does. */
    public List<Storage.Write> take() {
        inbox.fill();
        if (inbox.isHandEmpty()) {
            return List.of();
        }
        List<Storage.Write> batch = new ArrayList<>();
        long bytes = 0;
        while (bytes < BATCH_BYTES) {
            Storage.Write write = inbox.poll();
            if (write == null) {
                break;
            }
            batch.add(write);
            bytes += sizeOf(write.entries());
        }
        return batch;
    }

    /** Makes the batch durable, then tells the node once: its last write, and so all before it. */
    public void write(List<Storage.Write> batch) {
        long begun = nanoClock.getAsLong();
        storage.write(batch);
        meters.diskWrite.record(nanoClock.getAsLong() - begun);
        for (Storage.Write write : batch) {
            meters.entriesWritten.add(write.entries().size());
            meters.bytesWritten.add(sizeOf(write.entries()));
        }
        mailbox.complete(new Event.Written(batch.get(batch.size() - 1).id()));
    }

    private static long sizeOf(List<Entry> entries) {
        long bytes = 0;
        for (int i = 0; i < entries.size(); i++) {
            bytes += entries.get(i).size();
        }
        return bytes;
    }
}
