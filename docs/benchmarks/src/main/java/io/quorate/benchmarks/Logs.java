package io.quorate.benchmarks;

import io.quorate.raft.ClusterId;
import io.quorate.raft.FoundingRecord;
import io.quorate.raft.Storage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.storage.FileStorage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Data directories to measure. */
final class Logs {

    private static final int NODE_ID = 1;
    private static final int PER_WRITE = 1000;

    private Logs() { }

    /** Opens a directory that is there. */
    static FileStorage open(Path directory) {
        return FileStorage.open(directory, NODE_ID);
    }

    /** A new one, ready to be written to. */
    static FileStorage founded(Path directory) {
        FileStorage storage = open(directory);
        storage.found(new FoundingRecord(new ClusterId(1, 1), 0,
            Membership.of(1, List.of(new Member(storage.identity().replica(), "localhost:1")))));
        storage.recover();
        return storage;
    }

    /** Writes so many entries of random bytes behind those that are there, if there are any; closed on return. */
    static void fill(Path directory, int entries, int entryBytes) {
        SplittableRandom random = new SplittableRandom(1);
        byte[] payload = new byte[entryBytes];
        try (FileStorage storage = Files.exists(directory) ? open(directory) : founded(directory)) {
            long last = storage.identity().boot() == 1 ? 0 : storage.recover().log().terms().lastIndex();
            for (long first = last + 1; first <= last + entries; first += PER_WRITE) {
                List<Entry> some = new ArrayList<>();
                for (long index = first; index < first + PER_WRITE && index <= last + entries; index++) {
                    random.nextBytes(payload);
                    some.add(Entry.of(index, 1, Entry.Kind.COMMAND, 0, payload));
                }
                storage.write(List.of(new Storage.Write(first, new HardState(1, null, first - 1), first, some)));
                storage.maintain();
            }
        }
    }
}
