package io.quorate.raft.testing;

import io.quorate.raft.ClusterId;
import io.quorate.raft.FoundingRecord;
import io.quorate.raft.Storage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.core.SnapshotId;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** A directory while it is held against one sentence: opened, closed, lost with its process, opened again. */
final class StorageTrial implements AutoCloseable {

    static final int NODE_ID = 3;

    /** What a freshly opened storage says it holds: entries from {@code firstIndex} on. */
    record Found(Storage.Recovered recovered, long firstIndex, List<Entry> entries) { }

    private final String sentence;
    private final StorageContract.Device device;
    private final List<Storage> abandoned = new ArrayList<>();
    private StorageContract.Directory directory;
    private Storage storage;
    private long lastWriteId;       // of this opening

    StorageTrial(String sentence, StorageContract.Device device) throws Exception {
        this.sentence = sentence;
        this.device = device;
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

    /** Damages an entry. Returns false, and does nothing, if the author cannot do that. */
    boolean damage(long index) throws Exception {
        return directory.damage(index);
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
        long first = storage.firstIndex();
        for (long next = first; next <= last; next = first + entries.size()) {
            List<Entry> more = storage.read(next, last, Integer.MAX_VALUE);
            if (more.isEmpty()) {
                throw broken("the log should end at " + last + ", but nothing can be read at " + next);
            }
            entries.addAll(more);
        }
        return new Found(recovered, first, entries);
    }

    /** The log must be this one, in all that a new opening tells. */
    void expect(ExpectedLog expected) throws IOException {
        Found found = find();
        check(expected.objectionTo(found.entries(), found.firstIndex()));
        Storage.Recovered recovered = found.recovered();
        if (!recovered.hardState().equals(expected.hardState())) {
            throw broken("the hard state was found to be " + recovered.hardState() + ", not " + expected.hardState());
        }
        check(expected.objectionTo(recovered.log().terms()));
        List<Entry> all = expected.entries();
        List<Entry> tail = recovered.log().tail();
        check(tail.size() <= all.size() && tail.equals(all.subList(all.size() - tail.size(), all.size())),
            "the tail " + tail + " is not the end of the log");
        List<Entry> memberships = all.stream()
            .filter(entry -> entry.kind() == Entry.Kind.MEMBERSHIP && entry.index() > expected.covered()).toList();
        check(recovered.log().memberships().equals(memberships), "the membership entries behind the snapshot were found to be "
            + recovered.log().memberships() + ", not " + memberships);
        SnapshotId snapshot = expected.snapshot();
        if (snapshot != null) {
            check(recovered.log().snapshot().equals(snapshot), "the log stands on " + recovered.log().snapshot() + ", not " + snapshot);
        }
        expectSnapshot(snapshot);
    }

    // ------------------------------------------------------------------------------------------------------------- snapshots

    /** A snapshot of what the log has at this index. */
    static SnapshotId snapshotAt(long index, long term) {
        Member member = new Member(new ReplicaId(5, -index), "at:" + index);
        return new SnapshotId(new EntryId(term, index), Membership.of(1 + index, List.of(member)), 1000 * index);
    }

    /** The state in a snapshot with this id: of each another one, and of each fifth none at all. */
    static byte[] stateOf(SnapshotId id) {
        byte[] state = new byte[id.index() % 5 == 0 ? 0 : 100 + (int) (id.index() * 977 % 9000)];
        new SplittableRandom(31 * id.index() + id.last().term()).nextBytes(state);
        return state;
    }

    /** Takes a snapshot of the state that belongs to it. */
    void take(SnapshotId id) throws IOException {
        try (Storage.SnapshotOutput output = storage.beginSnapshot(id)) {
            writeState(output, id);
            output.commit();
        }
    }

    /** In pieces: some of one byte. */
    static void writeState(Storage.SnapshotOutput output, SnapshotId id) throws IOException {
        byte[] state = stateOf(id);
        OutputStream out = output.state();
        for (int from = 0; from < state.length; ) {
            int step = Math.min(state.length - from, 1 + from % 700);
            if (step == 1) {
                out.write(state[from]);
            } else {
                out.write(state, from, step);
            }
            from += step;
        }
    }

    /** What another replica of the group sends of it. */
    byte[] transferOf(SnapshotId id) throws Exception {
        try (StorageTrial other = founded(sentence, device)) {
            other.take(id);
            try (Storage.StoredSnapshot stored = other.newest()) {
                return transfer(stored);
            }
        }
    }

    /** All that is moved of it, read in pieces. */
    byte[] transfer(Storage.StoredSnapshot stored) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        while (all.size() < stored.transferBytes()) {
            int bytesMax = 1 + all.size() % 900;
            byte[] piece = stored.read(all.size(), bytesMax);
            check(piece.length > 0 && piece.length <= bytesMax, "read(" + all.size() + ", " + bytesMax + ") of a snapshot gave "
                + piece.length + " bytes");
            all.writeBytes(piece);
        }
        check(stored.read(all.size(), 10).length == 0, "a snapshot goes on behind its end");
        return all.toByteArray();
    }

    /** Receives what is not here yet of these bytes. */
    void receive(Storage.SnapshotInput input, byte[] transfer) {
        while (input.received() < transfer.length) {
            int from = (int) input.received();
            input.write(from, Arrays.copyOfRange(transfer, from, Math.min(transfer.length, from + 1 + from % 1500)));
        }
    }

    /** Receives another replica's snapshot, so that it may be installed. */
    void receive(SnapshotId id) throws Exception {
        byte[] transfer = transferOf(id);
        try (Storage.SnapshotInput input = storage.receiveSnapshot(id)) {
            receive(input, transfer);
            check(input.complete(), "what arrived as it was sent is not complete");
        }
    }

    Storage.Write install(long term, SnapshotId id) {
        return install(new HardState(term, null, 0), id);
    }

    Storage.Write install(HardState hardState, SnapshotId id) {
        return new Storage.Write(++lastWriteId, hardState, id.index() + 1, List.of(), id);
    }

    Storage.StoredSnapshot newest() {
        Storage.StoredSnapshot stored = storage.snapshot();
        if (stored == null) {
            throw broken("there is no snapshot");
        }
        return stored;
    }

    /** The newest snapshot must be this one, with its state; null if there must be none. */
    void expectSnapshot(@Nullable SnapshotId expected) throws IOException {
        if (expected == null) {
            check(storage.snapshot() == null, "there is a snapshot");
            return;
        }
        try (Storage.StoredSnapshot stored = newest()) {
            check(stored.id().equals(expected), "the newest snapshot is " + stored.id() + ", not " + expected);
            expectState(stored);
        }
    }

    void expectState(Storage.StoredSnapshot stored) throws IOException {
        byte[] state = stored.state().readAllBytes();
        check(Arrays.equals(state, stateOf(stored.id())), "the state in " + stored.id() + " is not the one that was written: "
            + state.length + " bytes, where " + stateOf(stored.id()).length + " were");
        check(stored.stateBytes() == state.length, "the state in " + stored.id() + " is said to have " + stored.stateBytes()
            + " bytes, and has " + state.length);
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
