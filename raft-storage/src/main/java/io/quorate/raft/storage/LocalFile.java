package io.quorate.raft.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An open file of this machine.
 *
 * <p>What is written to a file of the log in {@linkplain Blocks whole blocks} goes past the kernel's cache, where the system lets it: the
 * log is written twice, as zeros and as frames, forced at once and hardly ever read again, so the cache costs two copies, and memory that
 * others could use, for nothing. Durable it is when it is forced, like all else. Reads, and what is not whole blocks, go through the cache,
 * which the kernel keeps in step. What it gave is measured in docs/decisions/0007.
 */
final class LocalFile implements FileHandle {

    private static final Logger LOG = LoggerFactory.getLogger(LocalFile.class);
    private static final @Nullable OpenOption UNCACHED = uncached();

    private final Path path;
    private final boolean fsync;
    private final FileChannel channel;
    private @Nullable FileChannel uncached;     // the same file; null if it cannot be
    private boolean isProven;                   // that it can be written so

    /** Two channels of one file; the second writes past the cache, and is null if it cannot. */
    LocalFile(Path path, boolean fsync, FileChannel channel, @Nullable FileChannel uncached) {
        this.path = path;
        this.fsync = fsync;
        this.channel = channel;
        this.uncached = uncached;
    }

    /** Opens a file; without fsync, {@code force} does nothing. */
    static LocalFile open(Path path, boolean fsync, OpenOption... options) throws IOException {
        return new LocalFile(path, fsync, FileChannel.open(path, options), null);
    }

    /** The same, of a file of the log. Without fsync that does not go past the cache, for then nothing has to wait for the disk. */
    static LocalFile openForLog(Path path, boolean fsync, OpenOption... options) throws IOException {
        FileChannel channel = FileChannel.open(path, options);
        return new LocalFile(path, fsync, channel, fsync ? openUncached(path) : null);
    }

    private static @Nullable FileChannel openUncached(Path path) {
        if (UNCACHED == null) {
            return null;
        }
        try {
            return FileChannel.open(path, StandardOpenOption.WRITE, UNCACHED);
        } catch (IOException | UnsupportedOperationException e) {
            LOG.debug("{} is written through the kernel's cache: {}", path, e.toString());
            return null;
        }
    }

    /** The option by which the JDK opens a file so; by its name, since it is not one of Java's own. Null if there is none. */
    private static @Nullable OpenOption uncached() {
        try {
            for (Object option : Class.forName("com.sun.nio.file.ExtendedOpenOption").getEnumConstants()) {
                if (option.toString().equals("DIRECT")) {
                    return (OpenOption) option;
                }
            }
        } catch (ClassNotFoundException e) {
            LOG.debug("The log is written through the kernel's cache", e);
        }
        return null;
    }

    @Override
    public int read(ByteBuffer target, long position) throws IOException {
        int total = 0;
        while (target.hasRemaining()) {
            int length = readSome(target, position + total);
            if (length < 0) {
                break;
            }
            total += length;
        }
        return total;
    }

    private int readSome(ByteBuffer target, long position) throws IOException {
        try {
            return channel.read(target, position);
        } catch (ClosedChannelException e) {
            throw e;    // by an interrupt: nothing is wrong with the file
        } catch (IOException e) {
            throw new UnreadableException(path.toString(), position, e);
        }
    }

    @Override
    public void write(ByteBuffer source, long position) throws IOException {
        FileChannel pastCache = uncached;
        if (pastCache == null || !Blocks.areWhole(source, position)) {
            write(channel, source, position);
            return;
        }
        int from = source.position();
        try {
            write(pastCache, source, position);
            isProven = true;
        } catch (ClosedChannelException e) {
            throw e;    // by an interrupt
        } catch (IOException e) {
            if (isProven) {
                throw e;    // by the disk: what failed is not tried again
            }
            // There are file systems that open a file so and refuse to write to it, or ask for larger blocks. All of it is written again
            // through the cache, and durable only when that was forced; so if the disk itself fails, it fails here too, or in force.
            LOG.warn("{} is written through the kernel's cache from here on: {}", path, e.toString());
            uncached = null;
            pastCache.close();
            write(channel, source.position(from), position);
        }
    }

    private static void write(FileChannel target, ByteBuffer source, long position) throws IOException {
        long at = position;
        while (source.hasRemaining()) {
            at += target.write(source, at);
        }
    }

    @Override
    public void force() throws IOException {
        if (fsync) {
            channel.force(false);   // fdatasync: it covers the size too where that has grown, and what went past the cache
        }
    }

    @Override
    public void drain() throws IOException {
        if (uncached == null) {
            force();
        }
    }

    @Override
    public void shrink(long size) throws IOException {
        channel.truncate(size);
    }

    @Override
    public long size() throws IOException {
        return channel.size();
    }

    @Override
    public void close() throws IOException {
        try {
            channel.close();
        } finally {
            FileChannel pastCache = uncached;
            if (pastCache != null) {
                pastCache.close();
            }
        }
    }
}
