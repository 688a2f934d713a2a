package io.quorate.raft.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.Queue;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings files from the disk into the kernel's cache, one after the other, on a thread that ends when there is none left.
 *
 * <p>What was read is thrown away. Whoever reads a file in earnest finds it in the cache, if this was quick enough, and finds out by himself
 * if something is wrong with it.
 */
final class ReadAhead {

    private static final Logger LOG = LoggerFactory.getLogger(ReadAhead.class);
    static final String THREAD = "quorate-read-ahead";
    private static final int PIECE_BYTES = 1 << 20;

    private final Queue<Path> files = new ArrayDeque<>();
    private boolean isRunning;

    /** This file too. */
    synchronized void add(Path file) {
        files.add(file);
        if (!isRunning) {
            isRunning = true;
            try {
                Thread thread = new Thread(this::run, THREAD);
                thread.setDaemon(true);
                thread.start();
            } catch (OutOfMemoryError e) {      // also if there is no thread to have: all goes on without it, only slower
                LOG.warn("Files are not read ahead: {}", e.toString());
                giveUp();
            }
        }
    }

    /** Whether nothing is left to be read. */
    synchronized boolean isDone() {
        return !isRunning;
    }

    private synchronized @Nullable Path next() {
        Path next = files.poll();
        isRunning = next != null;
        return next;
    }

    private synchronized void giveUp() {
        files.clear();
        isRunning = false;
    }

    private void run() {
        try {
            ByteBuffer piece = ByteBuffer.allocateDirect(PIECE_BYTES);
            for (Path file = next(); file != null; file = next()) {
                read(file, piece);
            }
        } catch (OutOfMemoryError e) {
            LOG.warn("Files are not read ahead: {}", e.toString());
            giveUp();
        }
    }

    private static void read(Path file, ByteBuffer piece) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            int read = 0;
            while (read >= 0) {
                read = channel.read(piece.clear());
            }
        } catch (IOException e) {
            LOG.debug("{} is not read ahead: {}", file, e.toString());
        }
    }
}
