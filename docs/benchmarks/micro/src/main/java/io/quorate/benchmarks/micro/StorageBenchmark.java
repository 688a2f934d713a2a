package io.quorate.benchmarks.micro;

import io.quorate.raft.ClusterId;
import io.quorate.raft.FoundingRecord;
import io.quorate.raft.Storage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.storage.FileStorage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** A write of entries of 256 bytes to storage, forced: for each write. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class StorageBenchmark {

    private static final int COMMAND_BYTES = 256;

    /** In one write. */
    @Param({"1", "8", "64"})
    public int entries;

    private final byte[] command = new byte[COMMAND_BYTES];
    private @Nullable Path directory;
    private @Nullable FileStorage storage;
    private List<Storage.Write> batch = List.of();
    private long index;
    private long writeId;

    /** A new directory for each iteration, so that the disk does not fill. */
    @Setup(Level.Iteration)
    public void open() throws IOException {
        Path place = Files.createTempDirectory(Path.of(System.getProperty("bench.directory", ".")), "micro-");
        FileStorage opened = FileStorage.open(place, 1);
        opened.found(new FoundingRecord(new ClusterId(1, 1), 0,
            Membership.of(1, List.of(new Member(opened.identity().replica(), "localhost:1")))));
        opened.recover();
        directory = place;
        storage = opened;
        index = 1;
        writeId = 1;
    }

    /** Entries are made by the thread that leads, and segments prepared between writes: neither counts as time. */
    @Setup(Level.Invocation)
    public void prepare() {
        while (storage().maintain()) {
            continue;
        }
        List<Entry> made = new ArrayList<>(entries);
        for (int i = 0; i < entries; i++) {
            made.add(Entry.of(index + i, 1, Entry.Kind.COMMAND, 0, command));
        }
        batch = List.of(new Storage.Write(writeId++, new HardState(1, null, 0), index, made));
        index += entries;
    }

    /** Writes and forces. */
    @Benchmark
    public void append() {
        storage().write(batch);
    }

    private FileStorage storage() {
        if (storage == null) {
            throw new IllegalStateException("Not open");
        }
        return storage;
    }

    /** Deletes it. */
    @TearDown(Level.Iteration)
    public void close() throws IOException {
        storage().close();
        if (directory != null) {
            try (Stream<Path> all = Files.walk(directory)) {
                for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(path);
                }
            }
        }
    }
}
