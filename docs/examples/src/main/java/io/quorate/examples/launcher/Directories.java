package io.quorate.examples.launcher;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.FileVisitor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Deletes directories with what is in them. */
public final class Directories {

    private static final long PATIENCE_NANOS = Duration.ofSeconds(5).toNanos();

    private Directories() { }

    /**
     * Deletes a directory, while others may be deleting the same, or still be writing there. Tries for some seconds, and says nothing if
     * something is left: this is for the end of a process, when nobody listens any more.
     */
    public static void deleteQuietly(Path directory) {
        long begin = System.nanoTime();
        while (Files.exists(directory) && System.nanoTime() - begin < PATIENCE_NANOS) {
            try {
                Files.walkFileTree(directory, new Deleter());
            } catch (IOException e) {
                // Another deletes it too; what is left is found the next time round.
            }
            Thread.onSpinWait();
        }
    }

    /** Deletes what it can, and passes over what it cannot. */
    private static final class Deleter implements FileVisitor<Path> {

        @Override
        public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes) {
            return FileVisitResult.CONTINUE;
        }

        @Override
        public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            return delete(file);
        }

        @Override
        public FileVisitResult visitFileFailed(Path file, IOException failure) {
            return FileVisitResult.CONTINUE;
        }

        @Override
        public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException failure) {
            return delete(directory);
        }

        private static FileVisitResult delete(Path path) {
            try {
                Files.deleteIfExists(path);
            } catch (IOException e) {
                // It is gone by now, or is not empty yet.
            }
            return FileVisitResult.CONTINUE;
        }
    }
}
