package io.quorate.raft.client;

import io.quorate.raft.ClientRequest;
import io.quorate.raft.ClientResponse;
import io.quorate.raft.RequestFailedException;
import io.quorate.raft.SnapshotMessage;
import io.quorate.raft.core.EntryId;
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Fetches a replica's newest snapshot into a file, piece by piece, with a few pieces asked for ahead. Everything but {@link #start} runs
 * on the calls' one thread, so that no lock is needed and a slow disk holds up nothing but this.
 */
final class BackupFile {

    /** Pieces asked for and not written: what the round trip takes is used, and little memory. */
    private static final int AHEAD_MAX = 4;
    /** How often a snapshot may make room for a newer one before this is given up. */
    private static final int BEGINNINGS_MAX = 4;
    private static final long PAUSE_NANOS = Duration.ofMillis(100).toNanos();

    /** A piece on its way. */
    private record Asked(long offset, CompletableFuture<ClientResponse> answer) { }

    private final Calls calls;
    private final String address;
    private final Path file;
    private final Path part;
    private final long patienceNanos;
    private final CompletableFuture<EntryId> done = new CompletableFuture<>();
    private final Deque<Asked> asked = new ArrayDeque<>();
    private @Nullable FileChannel out;
    private EntryId snapshot = EntryId.ZERO;
    private long totalBytes;
    private long written;
    private long askedUpTo;
    private long movedNanos;
    private int beginnings;

    BackupFile(Calls calls, String address, Path file, long patienceNanos) {
        this.calls = calls;
        this.address = address;
        this.file = file;
        this.part = file.resolveSibling(file.getFileName() + ".part");
        this.patienceNanos = patienceNanos;
    }

    CompletableFuture<EntryId> start() {
        movedNanos = System.nanoTime();
        calls.after(0, this::begin, done);
        return done;
    }

    private void begin() {
        if (Files.exists(file)) {
            fail("there is a file " + file + " already", null);
            return;
        }
        beginnings++;
        calls.call(address, new ClientRequest.Backup(), patienceNanos).whenComplete((response, failure) -> onThread(() -> {
            if (response instanceof ClientResponse.Backup backup) {
                open(backup);
            } else if (response != null) {
                fail("the replica at " + address + " says: " + Calls.said(response), null);
            } else {
                again(failure, this::begin);
            }
        }));
    }

    private void open(ClientResponse.Backup backup) {
        snapshot = backup.snapshot();
        totalBytes = backup.totalBytes();
        written = 0;
        askedUpTo = 0;
        asked.clear();
        movedNanos = System.nanoTime();
        try {
            close();
            out = FileChannel.open(part, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE);
        } catch (IOException e) {
            fail("cannot write " + part, e);
            return;
        }
        proceed();
    }

    private void proceed() {
        if (written == totalBytes) {
            finish();
            return;
        }
        while (asked.size() < AHEAD_MAX && askedUpTo < totalBytes) {
            int bytes = (int) Math.min(SnapshotMessage.PIECE_BYTES_MAX, totalBytes - askedUpTo);
            asked.add(new Asked(askedUpTo, calls.call(address, new ClientRequest.BackupPiece(snapshot, askedUpTo, bytes), patienceNanos)));
            askedUpTo += bytes;
        }
        Asked next = asked.remove();
        next.answer.whenComplete((response, failure) -> onThread(() -> onPiece(next, response, failure)));
    }

    private void onPiece(Asked next, @Nullable ClientResponse response, @Nullable Throwable failure) {
        if (response instanceof ClientResponse.BackupPiece piece && piece.snapshot().equals(snapshot) && piece.offset() == next.offset
                && piece.bytes().length > 0 && piece.bytes().length <= totalBytes - written) {
            try {
                write(piece.bytes());
            } catch (IOException e) {
                fail("cannot write " + part, e);
                return;
            }
            movedNanos = System.nanoTime();
            if (written < next.offset + SnapshotMessage.PIECE_BYTES_MAX && written < totalBytes) {
                rewind();       // it was shorter than was asked for
            }
            proceed();
        } else if (response instanceof ClientResponse.Failed failed && beginnings < BEGINNINGS_MAX) {
            begin();            // a newer one has taken its place
        } else if (response != null && !(response instanceof ClientResponse.Overloaded)) {
            fail("the replica at " + address + " says: " + Calls.said(response), null);
        } else {
            again(response == null ? failure : new IllegalStateException(Calls.said(response)), () -> {
                rewind();
                proceed();
            });
        }
    }

    private void write(byte[] bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        while (buffer.hasRemaining()) {
            written += Objects.requireNonNull(out).write(buffer);
        }
    }

    /** What was asked for behind this is asked for again. */
    private void rewind() {
        asked.clear();
        askedUpTo = written;
    }

    private void finish() {
        try {
            Objects.requireNonNull(out).force(true);
            close();
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
            if (File.separatorChar == '/') {    // on Windows no directory can be opened, and names are as durable as they are
                try (FileChannel directory = FileChannel.open(file.toAbsolutePath().getParent(), StandardOpenOption.READ)) {
                    directory.force(true);
                }
            }
        } catch (IOException e) {
            fail("cannot finish " + file, e);
            return;
        }
        done.complete(snapshot);
    }

    private void again(@Nullable Throwable failure, Runnable step) {
        if (System.nanoTime() - movedNanos > patienceNanos) {
            fail("nothing came from " + address + " for " + patienceNanos / 1_000_000 + " ms", failure);
        } else {
            calls.after(PAUSE_NANOS, step, done);
        }
    }

    private void onThread(Runnable step) {
        calls.after(0, step, done);
    }

    private void fail(String why, @Nullable Throwable cause) {
        try {
            if (out != null) {
                close();
                Files.deleteIfExists(part);
            }
        } catch (IOException e) {
            // What remains is a part, by its name.
        }
        RequestFailedException failed = new RequestFailedException("No backup was made: " + why
            + (cause == null ? "" : ": " + Calls.describe(cause)));
        if (cause != null) {
            failed.initCause(cause);
        }
        done.completeExceptionally(failed);
    }

    private void close() throws IOException {
        FileChannel open = out;
        out = null;
        if (open != null) {
            open.close();
        }
    }
}
