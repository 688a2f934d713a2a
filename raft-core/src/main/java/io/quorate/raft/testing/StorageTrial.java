package io.quorate.raft.testing;

import io.quorate.raft.ClusterId;
import io.quorate.raft.FoundingRecord;
import io.quorate.raft.Storage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.ReplicaId;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A directory while it is held against one sentence: opened, closed, lost with its process, opened again. */
final class StorageTrial implements AutoCloseable {

    static final int NODE_ID = 3;

    /** What a freshly opened storage says it holds. */
    record Found(Storage.Recovered recovered, List<Entry> entries) { }

    private final String sentence;
    private final List<Storage> abandoned = new ArrayList<>();
    private StorageContract.Directory directory;
    private Storage storage;
    private long lastWriteId;       // of this opening

    StorageTrial(String sentence, StorageContract.Device device) throws Exception {
        this.sentence = sentence;
        this.directory = device.blank(NODE_ID);
        this.storage = directory.open();
    }

    /** A directory that was founded, recovered, and written to. */
    static StorageTrial founded(String sentence, StorageContract.Device device) throws Exception {
        StorageTrial trial = new StorageTrial(sentence, device);
        trial.storage().found(trial.founding());
        trial.storage().recover();
        return trial;
    }

    Storage storage() {
        return storage;
    }

    /** Opens the directory once more, beside what is open. */
    Storage openBeside() throws Exception {
        return directory.open();
    }

    /** From now on, this is the opened storage; the one before is only closed in the end. */
    void goOnWith(Storage other) {
        abandoned.add(storage);
        storage = other;
        lastWriteId = 0;
    }

    void reopen() throws Exception {
        storage.close();
        storage = directory.open();
        lastWriteId = 0;
    }

    /** The process dies and starts again. Returns false, and does nothing, if the author cannot do that. */
    boolean crash() throws Exception {
        StorageContract.Directory left = directory.crash();
        if (left == null) {
            return false;
        }
        directory = left;
        goOnWith(directory.open());
        return true;
    }

    FoundingRecord founding() {
        ReplicaId self = storage.identity().replica();
        Membership membership = new Membership(1,
            List.of(new Member(self, "localhost:7001"), new Member(new ReplicaId(7, Long.MIN_VALUE), "straße.example:7002")),
            List.of(new Member(self, "localhost:7001")), List.of(new Member(new ReplicaId(8, -1), "")));
        return new FoundingRecord(new ClusterId(Long.MIN_VALUE, 42), 0xFFFF, membership);
    }

    Storage.Write write(HardState hardState, long firstIndex, List<Entry> entries) {
        return new Storage.Write(++lastWriteId, hardState, firstIndex, entries);
    }

    /** A write of a leader of the entries' term. */
    Storage.Write append(long firstIndex, Entry... entries) {
        long term = entries[entries.length - 1].term();
        return write(new HardState(term, null, 0), firstIndex, List.of(entries));
    }

    /** The whole log as the storage, just opened, says it is. */
    Found find() {
        Storage.Recovered recovered = storage.recover();
        List<Entry> entries = new ArrayList<>();
        long last = recovered.log().terms().lastIndex();
        while (entries.size() < last) {
            List<Entry> more = storage.read(entries.size() + 1L, last, Integer.MAX_VALUE);
            if (more.isEmpty()) {
                throw broken("the log should end at " + last + ", but nothing can be read at " + (entries.size() + 1));
            }
            entries.addAll(more);
        }
        return new Found(recovered, entries);
    }

    /** The log must be this one, in all that a new opening tells. */
    void expect(ExpectedLog expected) {
        Found found = find();
        check(expected.objectionTo(found.entries()));
        Storage.Recovered recovered = found.recovered();
        if (!recovered.hardState().equals(expected.hardState())) {
            throw broken("the hard state was found to be " + recovered.hardState() + ", not " + expected.hardState());
        }
        if (!recovered.log().terms().equals(expected.terms())) {
            throw broken("the terms were found to be " + recovered.log().terms() + ", not " + expected.terms());
        }
        List<Entry> tail = recovered.log().tail();
        if (!tail.equals(expected.entries().subList(expected.entries().size() - tail.size(), expected.entries().size()))) {
            throw broken("the tail " + tail + " is not the end of the log");
        }
    }

    void check(String objection) {
        if (!objection.isEmpty()) {
            throw broken(objection);
        }
    }

    void check(boolean holds, String otherwise) {
        if (!holds) {
            throw broken(otherwise);
        }
    }

    /** This must be refused. */
    void refuses(String what, Runnable act) {
        try {
            act.run();
        } catch (RuntimeException | AssertionError e) {
            return;     // its type is not promised but where a check asks for it
        }
        throw broken(what + " was not refused");
    }

    ContractBroken broken(String seen) {
        return new ContractBroken(sentence, seen);
    }

    /** An entry whose payload tells it from all others. */
    static Entry entry(long index, long term, int payloadBytes) {
        byte[] payload = new byte[payloadBytes];
        for (int i = 0; i < payloadBytes; i++) {
            payload[i] = (byte) (31 * index + 7 * term + i);
        }
        return Entry.of(index, term, Entry.Kind.COMMAND, 1000 * index, payload);
    }

    static List<Entry> entries(long firstIndex, long lastIndex, long term, int payloadBytes) {
        List<Entry> entries = new ArrayList<>();
        for (long index = firstIndex; index <= lastIndex; index++) {
            entries.add(entry(index, term, payloadBytes));
        }
        return entries;
    }

    @Override
    public void close() {
        close(storage);
        abandoned.forEach(StorageTrial::close);
    }

    private static void close(@Nullable Storage opened) {
        try {
            if (opened != null) {
                opened.close();
            }
        } catch (RuntimeException e) {
            // It has been judged already, or its process is dead.
        }
    }
}
