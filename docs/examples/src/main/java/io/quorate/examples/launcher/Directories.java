package io.quorate.examples.launcher;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** Deletes directories with what is in them. */
public final class Directories {

    private Directories() { }

    /** Deletes what can be deleted, and says nothing about the rest: another process may be deleting the same, or still be writing. */
    public static void deleteQuietly(Path directory) {
        try {
            for (Path path : deepestFirst(directory)) {
                deleteOneQuietly(path);
            }
        } catch (IOException | UncheckedIOException e) {
            // It is gone, or changed while it was looked at; whoever comes last finds it at rest.
        }
    }

    private static void deleteOneQuietly(Path path) {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            // As above.
        }
    }

    private static List<Path> deepestFirst(Path directory) throws IOException {
        try (Stream<Path> all = Files.walk(directory)) {
            return all.sorted(Comparator.reverseOrder()).toList();
        }
    }
}
