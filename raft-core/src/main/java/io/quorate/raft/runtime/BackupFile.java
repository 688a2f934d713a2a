package io.quorate.raft.runtime;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.function.BooleanSupplier;

/** Writes backups to files, so that what stands under the final name is whole and durable. */
final class BackupFile {

    private static final int PIECE_BYTES = 1 << 20;

    private BackupFile() { }

    /**
     * Writes it under a temporary name beside the final one, forces it to disk, and gives it its name.
     *
     * @param target      there must be nothing
     * @param isCancelled asked between pieces
     * @throws IOException if that failed or was cancelled; nothing is left then
     */
    static void write(Path target, BackupImage image, BooleanSupplier isCancelled) throws IOException {
        if (Files.exists(target)) {
            throw new FileAlreadyExistsException(target.toString());
        }
        Path directory = target.toAbsolutePath().getParent();
        Path temporary = directory.resolve(target.getFileName() + ".tmp");
        try {
            try (FileChannel out = FileChannel.open(temporary, StandardOpenOption.CREATE, StandardOpenOption.WRITE,
                    StandardOpenOption.TRUNCATE_EXISTING)) {
                for (long offset = 0; offset < image.totalBytes();) {
                    if (isCancelled.getAsBoolean()) {
                        throw new IOException("This server is stopping: the backup " + target + " was not written");
                    }
                    byte[] piece = image.read(offset, PIECE_BYTES);
                    for (ByteBuffer left = ByteBuffer.wrap(piece); left.hasRemaining();) {
                        out.write(left);
                    }
                    offset += piece.length;
                }
                out.force(true);
            }
            Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(temporary);
        }
        forceDirectory(directory);
    }

    /** So that the name, too, outlives a power failure. Not all systems let a directory be opened; those that do not keep names anyway. */
    private static void forceDirectory(Path directory) throws IOException {
        FileChannel opened;
        try {
            opened = FileChannel.open(directory, StandardOpenOption.READ);
        } catch (IOException e) {
            return;
        }
        try (opened) {
            opened.force(true);
        }
    }
}
