package io.quorate.raft.storage;

import io.quorate.raft.ClusterId;
import io.quorate.raft.FoundingRecord;
import io.quorate.raft.Storage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.storage.testing.SimulatedFiles;
import java.util.ArrayList;
import java.util.List;

/** Small logs to test with. */
final class Logs {

    static final FileStorage.Options TINY = FileStorage.Options.defaults().withSegmentBytes(1 << 10);
    static final ReplicaId OTHER = new ReplicaId(7, 0x7777);

    private Logs() { }

    static FoundingRecord founding(FileStorage storage) {
        return new FoundingRecord(new ClusterId(4, 2), 0, Membership.of(1, List.of(
            new Member(storage.identity().replica(), "localhost:7001"), new Member(OTHER, "andere-straße:7002"))));
    }

    static Entry entry(long index, long term, int payloadBytes) {
        byte[] payload = new byte[payloadBytes];
        for (int i = 0; i < payloadBytes; i++) {
            payload[i] = (byte) (31 * index + 7 * term + i);
        }
        return Entry.of(index, term, Entry.Kind.COMMAND, 0, payload);
    }

    static List<Entry> entries(long first, long last, long term, int payloadBytes) {
        List<Entry> entries = new ArrayList<>();
        for (long index = first; index <= last; index++) {
            entries.add(entry(index, term, payloadBytes));
        }
        return entries;
    }

    static Storage.Write append(long id, long first, long last, long term, int payloadBytes) {
        return new Storage.Write(id, new HardState(term, null, 0), first, entries(first, last, term, payloadBytes));
    }

    /** Opens, founds if need be, and recovers. */
    static FileStorage start(SimulatedFiles files, FileStorage.Options options) throws java.io.IOException {
        FileStorage storage = FileStorage.open(files, 1, options);
        if (storage.identity().isBlank()) {
            storage.found(founding(storage));
        }
        return storage;
    }
}
