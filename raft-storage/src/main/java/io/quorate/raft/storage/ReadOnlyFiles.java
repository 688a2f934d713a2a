package io.quorate.raft.storage;

import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A directory of this machine that somebody else may be writing to, or that may not be written to at all: a copy, a backup. It is neither
 * locked nor changed, and no file of it is opened for writing.
 */
final class ReadOnlyFiles implements FileSystem {

    private static final Pattern OWNER = Pattern.compile("pid (\\d+)(?:, started (\\S+))?");
    private static final int LOCK_TEXT_BYTES_MAX = 4096;

    private final Path directory;

    /** @throws IOException if there is no such directory, or it may not be read */
    ReadOnlyFiles(Path path) throws IOException {
        directory = path.toRealPath();
        list();
    }

    /** The process that has the directory open, for people; the empty text if none seems to. */
    String owner() throws IOException {
        if (LocalFileSystem.isLockedHere(directory)) {
            return "this very process";
        }
        Path lock = directory.resolve(LocalFileSystem.LOCK);
        if (!Files.isReadable(lock) || Files.size(lock) > LOCK_TEXT_BYTES_MAX) {
            return "";
        }
        Matcher text = OWNER.matcher(Files.readString(lock, StandardCharsets.ISO_8859_1));
        if (!text.matches()) {
            return "";
        }
        // The text stays when the process has ended, and travels with a copy: what counts is whether that process runs.
        Optional<ProcessHandle> process = ProcessHandle.of(Long.parseLong(text.group(1)));
        boolean isAlive = process.isPresent() && process.get().isAlive() && process.get().pid() != ProcessHandle.current().pid()
            && (text.group(2) == null || process.get().info().startInstant().map(at -> at.toString().equals(text.group(2))).orElse(true));
        return isAlive ? "process " + text.group(1) : "";
    }

    @Override
    public String pathOf(String name) {
        return directory.resolve(name).toString();
    }

    @Override
    public long usableBytes() {
        return -1;      // nothing is written
    }

    @Override
    public List<String> list() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> String.valueOf(file.getFileName())).sorted().toList();
        } catch (UncheckedIOException e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    @Override
    public FileHandle openToRead(String name) throws IOException {
        return LocalFileSystem.openToRead(directory.resolve(name));
    }

    @Override
    public FileHandle create(String name) {
        throw refused();
    }

    @Override
    public FileHandle open(String name) {
        throw refused();
    }

    @Override
    public void rename(String from, String to) {
        throw refused();
    }

    @Override
    public void delete(String name) {
        throw refused();
    }

    @Override
    public void syncDirectory() {
        throw refused();
    }

    @Override
    public Closeable lock() {
        throw refused();
    }

    private UnsupportedOperationException refused() {
        return new UnsupportedOperationException(directory + " is only looked at");
    }
}
