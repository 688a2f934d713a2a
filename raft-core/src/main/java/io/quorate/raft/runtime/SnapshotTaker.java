package io.quorate.raft.runtime;

import io.quorate.raft.SnapshotInfo;
import io.quorate.raft.StateMachine;
import io.quorate.raft.Storage;
import io.quorate.raft.StorageException;
import io.quorate.raft.core.Event;
import io.quorate.raft.core.SnapshotId;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Writes out what the apply thread has captured, and makes it durable; only then does anybody hear of it, and only then is the log before
 * it let go of. Copies snapshots to files, too.
 *
 * <p>In steps, so that a simulation can let time pass, or crash, between writing a snapshot and its being durable. Writing is the user's
 * code and may take minutes, so this has a thread of its own: nothing else waits for it. {@link #cancel} ends it.
 */
public final class SnapshotTaker {

    /**
     * A state as it was at one point of the apply sequence, and what it is labelled with.
     *
     * @param id          the label
     * @param isReplacing whether it is to take the place of a damaged one that covers as much
     * @param header      what is written before the state
     * @param state       writes itself
     */
    record Capture(SnapshotId id, boolean isReplacing, StateHeader header, StateMachine.Snapshot state) { }

    private static final int BUFFER_BYTES = 1 << 16;

    private final Storage storage;
    private final Mailbox mailbox;
    private final Waker waker = new Waker();
    private final Inbox<Capture> captures = new Inbox<>(waker);    // one at a time
    private final Inbox<Wish> copies = new Inbox<>(waker);
    private @Nullable Applier applier;                             // set once, before the first turn
    private @Nullable Capture written;                             // whole, and not durable yet
    private Storage.@Nullable SnapshotOutput output;               // with it
    private volatile boolean isCancelled;

    SnapshotTaker(Storage storage, Mailbox mailbox) {
        this.storage = storage;
        this.mailbox = mailbox;
    }

    void answerTo(Applier theApplier) {
        applier = theApplier;
    }

    /** Write this out; the applier is told what came of it. False if the server has stopped. */
    boolean add(Capture capture) {
        return captures.add(capture);
    }

    /** Copy the newest snapshot to the file that is wished for. False if the server has stopped. */
    boolean copy(Wish wish) {
        return copies.add(wish);
    }

    public boolean hasWork() {
        return written != null || captures.hasMore() || copies.hasMore();
    }

    /** Whether a snapshot is written and not durable yet. */
    public boolean isWritten() {
        return written != null;
    }

    /** One step: writes a snapshot out, or makes one durable, or copies one. */
    public void turn() {
        if (written != null) {
            commit(written);
            return;
        }
        captures.fill();
        Capture capture = captures.poll();
        if (capture != null) {
            write(capture);
            return;
        }
        copies.fill();
        Wish copy = copies.poll();
        if (copy != null) {
            write(copy, Objects.requireNonNull(copy.target(), "what is copied has a target"));
        }
    }

    /** Sleeps until there is work, until woken, or for this long. */
    public void sleep(long nanos) {
        waker.sleep(nanos, this::hasWork);
    }

    /** Whatever is being written ends at its next byte, and the thread is woken for good. Any thread. */
    public void cancel() {
        isCancelled = true;
        waker.end();
    }

    /** Lets go of what is half done. When nobody turns any more. */
    void close(@Nullable Throwable cause) {
        forget();
        captures.close();
        for (Wish copy : copies.close()) {
            fail(copy, SnapshotDesk.stopped(cause));
        }
    }

    // ---------------------------------------------------------------------------------------------------------------------- taking

    private void write(Capture capture) {
        Storage.SnapshotOutput begun;
        try {
            begun = storage.beginSnapshot(capture.id());
        } catch (IllegalArgumentException | IllegalStateException e) {
            SnapshotInfo newest = newest(storage);
            if (newest == null || newest.index() < capture.id().index()) {
                throw e;
            }
            tell(new Work.SnapshotEnded(newest, false, null));      // another's was installed meanwhile; or nothing is wrong with it
            return;
        }
        output = begun;
        try {
            Cancellable sink = new Cancellable(begun.state());
            OutputStream out = new BufferedOutputStream(sink, BUFFER_BYTES);
            capture.header().writeTo(out);
            capture.state().writeTo(out);
            out.flush();
            sink.check();
        } catch (StorageException e) {
            forget();
            throw e;
        } catch (Exception e) {     // a full disk, or whatever the user's code throws: this snapshot was never there
            forget();
            if (!isCancelled) {      // else whoever asked is told by who stops the server
                tell(new Work.SnapshotEnded(null, false, e));
            }
            return;
        }
        written = capture;
    }

    private void commit(Capture capture) {
        Storage.SnapshotOutput whole = output;
        if (whole == null) {
            throw new IllegalStateException("Nothing was written for " + capture.id());
        }
        SnapshotInfo before = newest(storage);
        boolean isNewest = before == null || before.index() < capture.id().index();
        boolean isReplaced = capture.isReplacing() && before != null && before.last().equals(capture.id().last());
        if (isNewest || isReplaced) {      // else another's has been installed meanwhile, and covers more
            whole.commit();
        }
        forget();
        if (isNewest) {
            // The node hears of it first: by the time a caller does, it can be offered to others.
            mailbox.complete(new Event.SnapshotTaken(capture.id()));
        }
        tell(new Work.SnapshotEnded(newest(storage), isReplaced, null));
    }

    private void forget() {
        Storage.SnapshotOutput left = output;
        output = null;
        written = null;
        if (left != null) {
            left.close();
        }
    }

    /** What the newest snapshot is, or null if there is none. */
    static @Nullable SnapshotInfo newest(Storage storage) {
        try (Storage.StoredSnapshot newest = storage.snapshot()) {
            return newest == null ? null : new SnapshotInfo(newest.id().last(), newest.transferBytes());
        }
    }

    private void tell(Work work) {
        Applier to = applier;
        if (to != null) {
            to.add(List.of(work));
        }
    }

    // --------------------------------------------------------------------------------------------------------------------- copying

    private void write(Wish copy, Path target) {
        try (Storage.StoredSnapshot newest = storage.snapshot()) {
            if (newest == null) {
                fail(copy, new IllegalStateException("Nothing happened: there is no snapshot to copy"));
                return;
            }
            BackupFile.write(target, BackupImage.of(storage.identity(), newest), () -> isCancelled || copy.isEnded());
            if (copy.fulfil(new SnapshotInfo(newest.id().last(), newest.transferBytes()))) {
                copy.tell();
            }
        } catch (StorageException e) {
            // The state itself is in memory here, and whole: this costs the snapshot, and not the server.
            fail(copy, e);
            tell(new Work.RenewSnapshot(true));
        } catch (Error e) {
            fail(copy, e);
            throw e;
        } catch (IOException | RuntimeException e) {     // a name or a place that is no good is its caller's trouble alone
            fail(copy, e);
        }
    }

    private static void fail(Wish copy, Throwable why) {
        if (copy.fail(why)) {
            copy.tell();
        }
    }

    /** Passes everything on, until nobody wants it any more or something could not be written; it remembers that. */
    private final class Cancellable extends OutputStream {

        private final OutputStream out;
        private @Nullable IOException failure;

        Cancellable(OutputStream out) {
            this.out = out;
        }

        @Override
        public void write(int value) throws IOException {
            write(new byte[] {(byte) value}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int from, int length) throws IOException {
            check();
            try {
                out.write(bytes, from, length);
            } catch (IOException e) {
                failure = e;
                throw e;
            }
        }

        /** A writer that swallows exceptions, as some of the platform's do, does not make half a snapshot pass for a whole one. */
        void check() throws IOException {
            if (failure != null) {
                throw failure;
            }
            if (isCancelled) {
                throw new IOException("This server is stopping: the snapshot is not wanted any more");
            }
        }
    }
}
