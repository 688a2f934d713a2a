package io.quorate.raft.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.Identity;
import io.quorate.raft.Storage;
import io.quorate.raft.StorageException;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.MembershipCodec;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.core.SnapshotId;
import io.quorate.raft.storage.testing.SimulatedFiles;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One short life that meets everything: opening, founding, votes, appends over several segments with and without a spare, a frame that
 * needs a segment of its own, replaced suffixes, snapshots that are taken, received, and installed over a log that is kept and over one
 * that goes, compaction, closing, opening again, and a snapshot of which only a part was received.
 *
 * <p>It knows at each moment what it has been told is durable, and what may be so already: a test ends it anywhere and judges by that.
 */
final class Life {

    static final long INCARNATION = 0x0123456789ABCDEFL;
    /** The last snapshot that is whole. */
    static final SnapshotId NEWEST = Snapshot.at(44, 5);
    /** The snapshot of which only a part is here in the end. */
    static final SnapshotId BEGUN = Snapshot.at(70, 6);

    private static final SnapshotId LATER = Snapshot.at(68, 6);
    private static final SnapshotId TAKEN = Snapshot.at(8, 1);
    private static final SnapshotId SAME_HISTORY = Snapshot.at(18, 3);
    private static final SnapshotId OTHER_HISTORY = Snapshot.at(40, 5);
    private static final ReplicaId SELF = new ReplicaId(1, INCARNATION);
    private static final Map<SnapshotId, byte[]> TRANSFERS = new HashMap<>();

    private final SimulatedFiles files;
    private final FileStorage.Options options;
    private final int payloadBytes;
    private final boolean triesAgain;
    private final boolean isLong;
    private final List<ModelStorage> possible = new ArrayList<>(List.of(ModelStorage.EMPTY));   // as last reported, and what may be since
    private @Nullable Identity identity;    // as last reported
    private boolean isFounding;
    private long writeId;

    /** @param triesAgain whether a snapshot that failed is taken or received again */
    Life(SimulatedFiles files, FileStorage.Options options, boolean triesAgain) {
        this(files, options, triesAgain, false);
    }

    /** @param isLong whether it goes on after another opening, in files of segments that were let go of */
    Life(SimulatedFiles files, FileStorage.Options options, boolean triesAgain, boolean isLong) {
        this.files = files;
        this.options = options;
        this.triesAgain = triesAgain;
        this.isLong = isLong;
        payloadBytes = options.segmentBytes() / 16;
    }

    /** Segments of this size, of which a dozen entries and their frames fill one. */
    static FileStorage.Options options(int segmentBytes) {
        return FileStorage.Options.defaults().withSegmentBytes(segmentBytes).withPartBytes(1 << 10).withLogTailBytes(segmentBytes / 4);
    }

    /** What it was told is there comes first, and last what will be when the step is done that it is in. */
    List<ModelStorage> possible() {
        return possible;
    }

    /** Lives to the end, or until the disk fails; returns whether it came to the end. However it ends, no file stays open. */
    boolean run() throws IOException {
        try {
            open(this::first);
            open(this::second);
            if (isLong) {
                open(this::third);
            }
            return true;
        } catch (IOException | StorageException e) {
            assertTrue(String.valueOf(e.getMessage()).contains("simulated failure"), e::toString);
            return false;
        }
    }

    private interface Work {
        void run(FileStorage storage) throws IOException;
    }

    private void open(Work work) throws IOException {
        FileStorage storage;
        try {
            storage = FileStorage.open(files, 1, INCARNATION, options);
        } catch (StorageException e) {
            assertEquals(List.of(), files.held());
            throw e;
        }
        try {
            identity = storage.identity();
            work.run(storage);
        } finally {
            close(storage);
        }
    }

    private void close(FileStorage storage) {
        try {
            storage.close();
        } finally {
            assertEquals(List.of(), files.held());
        }
    }

    private void first(FileStorage storage) throws IOException {
        isFounding = true;
        storage.found(Logs.founding(storage));
        identity = storage.identity();
        storage.recover();
        write(storage, new Storage.Write(++writeId, new HardState(1, Logs.OTHER, 0), 1, List.of()));
        for (int i = 0; i < 4; i++) {
            write(storage, append(1 + 3 * i, 3 + 3 * i, 1, 2 * i));
        }
        storage.maintain();      // the next segment is prepared
        write(storage, append(13, 15, 1, 9));
        take(storage, TAKEN);
        write(storage, append(16, 18, 1, 11));
        // What was not committed is replaced, in a later term, together with what is appended behind it.
        write(storage, new Storage.Write(++writeId, new HardState(3, SELF, 12), 17, List.of(membership(17, 3))), append(18, 18, 3, 13));
        Snapshot.compact(storage, Long.MAX_VALUE);
        write(storage, append(19, 22, 3, 15));
        receive(storage, SAME_HISTORY, Integer.MAX_VALUE);
        write(storage, install(SAME_HISTORY));
        Snapshot.compact(storage, 1);
        write(storage, append(23, 25, 3, 19));
        write(storage, new Storage.Write(++writeId, new HardState(4, null, 22), 26, List.of(Logs.entry(26, 4, 17 * payloadBytes))));
        write(storage, append(27, 28, 4, 25));
    }

    private void second(FileStorage storage) throws IOException {
        storage.recover();
        writeId = 0;
        write(storage, append(28, 29, 4, 26));
        receive(storage, OTHER_HISTORY, Integer.MAX_VALUE);
        write(storage, append(30, 30, 4, 27), install(OTHER_HISTORY), append(41, 43, 5, 41));
        write(storage, append(44, 46, 5, 43));
        Snapshot.compact(storage, Long.MAX_VALUE);
        write(storage, new Storage.Write(++writeId, new HardState(6, Logs.OTHER, 45), 47, List.of()));
        write(storage, append(47, 50, 6, 45));
        receive(storage, BEGUN, transfer(BEGUN).length - 1000);      // a part and a half
        take(storage, NEWEST);
        write(storage, append(51, 55, 6, 50));
        write(storage, append(56, 58, 6, 51));
        storage.compact(Long.MAX_VALUE);
        storage.maintain();      // what is still to be deleted stays for the next opening
        storage.maintain();
    }

    private void third(FileStorage storage) throws IOException {
        storage.recover();
        writeId = 0;
        for (int i = 0; i < 4; i++) {
            write(storage, append(59 + 5 * i, 63 + 5 * i, 6, 55 + i));
        }
        take(storage, LATER);
        Snapshot.compact(storage, 1);
        write(storage, append(79, 83, 6, 80));
        storage.maintain();
    }

    // ---------------------------------------------------------------------------------------------------------------- its steps

    private Storage.Write append(long first, long last, long term, long commitIndex) {
        HardState now = now().hardState();
        return new Storage.Write(++writeId, new HardState(term, term == now.term() ? now.votedFor() : term == 3 ? SELF : null, commitIndex),
            first, Logs.entries(first, last, term, payloadBytes));
    }

    private static Entry membership(long index, long term) {
        Membership membership = Membership.of(index, List.of(new Member(SELF, "a:1"), new Member(Logs.OTHER, "b:" + index)));
        return Entry.of(index, term, Entry.Kind.MEMBERSHIP, 0, MembershipCodec.encode(membership));
    }

    private Storage.Write install(SnapshotId id) {
        HardState now = now().hardState();
        return new Storage.Write(++writeId, id.last().term() > now.term() ? new HardState(id.last().term(), null, id.index()) : now,
            id.index() + 1, List.of(), id);
    }

    private ModelStorage now() {
        return possible.get(possible.size() - 1);
    }

    private void write(FileStorage storage, Storage.Write... batch) {
        for (Storage.Write write : batch) {
            if (write.install() != null) {   // of a term that is known, nothing else may be
                possible.add(now().afterHardStateOf(write));
            }
            possible.add(now().after(write));
        }
        storage.write(List.of(batch));
        reported();
    }

    private void reported() {
        ModelStorage last = now();
        possible.clear();
        possible.add(last);
    }

    private void take(FileStorage storage, SnapshotId id) throws IOException {
        possible.add(now().on(id));
        orAgain(() -> Snapshot.take(storage, id, ModelStorage.state(id)));
        reported();
    }

    private void receive(FileStorage storage, SnapshotId id, int bytesMax) throws IOException {
        orAgain(() -> {
            byte[] transfer = transfer(id);
            try (Storage.SnapshotInput input = storage.receiveSnapshot(id)) {
                int end = Math.min(bytesMax, transfer.length);
                for (int from = (int) input.received(); from < end; from = (int) input.received()) {
                    input.write(from, Arrays.copyOfRange(transfer, from, Math.min(end, from + 700)));
                }
                assertTrue(end < transfer.length || input.complete());
            }
        });
    }

    private interface Attempt {
        void run() throws IOException;
    }

    private void orAgain(Attempt attempt) throws IOException {
        try {
            attempt.run();
        } catch (IOException | StorageException e) {
            if (!triesAgain) {
                throw e;
            }
            attempt.run();
        }
    }

    /** What another replica sends. */
    static byte[] transfer(SnapshotId id) throws IOException {
        if (!TRANSFERS.containsKey(id)) {
            TRANSFERS.put(id, Snapshot.transferOf(id, ModelStorage.state(id)));
        }
        return TRANSFERS.get(id);
    }

    // ---------------------------------------------------------------------------------------------------------- what comes after

    /** Opens what is left as the next process does, which must be the same replica in a later boot, founded if that was told. */
    FileStorage reopen(SimulatedFiles left) {
        FileStorage storage = openNext(left);
        Identity found = storage.identity();
        Identity told = identity;
        if (told != null) {
            assertEquals(told.replica(), found.replica());
            assertTrue(found.boot() > told.boot(), "boot " + found.boot() + " after boot " + told.boot());
            assertTrue(told.founding() == null || told.founding().equals(found.founding()), "the founding is forgotten");
        }
        if (found.isBlank()) {
            storage.found(Logs.founding(storage));
        }
        return storage;
    }

    private FileStorage openNext(SimulatedFiles left) {
        return FileStorage.open(left, 1, INCARNATION, options);
    }

    /**
     * Opens what is left, and judges it.
     *
     * @return which of the possible ones it is
     */
    ModelStorage expectOneOf(List<ModelStorage> these, SimulatedFiles left) throws IOException {
        FileStorage storage = reopen(left);
        ModelStorage found = expectOneOf(these, storage, left);
        storage.close();
        return found;
    }

    private static ModelStorage expectOneOf(List<ModelStorage> these, FileStorage storage, SimulatedFiles left) throws IOException {
        Storage.Recovered recovered = storage.recover();
        List<String> objections = new ArrayList<>();
        for (int i = these.size() - 1; i >= 0; i--) {
            String objection = these.get(i).objectionTo(recovered, storage);
            if (objection.isEmpty()) {
                expectNoLeftovers(these.get(i), left);
                return these.get(i);
            }
            objections.add(objection);
        }
        throw new AssertionError(recovered + " " + objections);
    }

    /** Of snapshots there are the newest one's files, and those of one that can be received on. */
    private static void expectNoLeftovers(ModelStorage model, SimulatedFiles files) {
        List<String> all = files.list();
        for (String file : all) {
            SnapshotName name = SnapshotName.of(file);
            if (name != null) {
                boolean isNewest = name.index() == model.covered() && all.contains(name.manifest());
                assertTrue(isNewest || all.contains(name.received()), () -> file + " in " + all);
            }
            assertTrue(!file.endsWith(".tmp"), file);
        }
    }

    /**
     * Opens what is left and judges it; then lives on from there, over another end of a segment, a snapshot and a loss of power.
     *
     * @return which of the possible ones was there
     */
    ModelStorage goOn(List<ModelStorage> these, SimulatedFiles left) throws IOException {
        assertTrue(isFounding || !left.list().contains(SegmentHeader.fileName(1)), "nobody has founded it");
        FileStorage storage = reopen(left);
        ModelStorage found = expectOneOf(these, storage, left);
        ModelStorage then = found;
        long next = found.last().index() + 1;
        for (int i = 0; i < 3; i++) {
            Storage.Write more = Logs.append(1 + i, next + 5 * i, next + 5 * i + 4, 9, payloadBytes);
            storage.write(List.of(more));
            then = then.after(more);
        }
        SnapshotId id = Snapshot.at(next + 4, 9);
        Snapshot.take(storage, id, ModelStorage.state(id));
        then = then.on(id);
        Snapshot.compact(storage, Long.MAX_VALUE);
        storage.close();
        SimulatedFiles later = left.restart(change -> false);
        FileStorage again = openNext(later);
        assertEquals(storage.identity().boot() + 1, again.identity().boot());
        expectOneOf(List.of(then), again, later);
        again.close();
        return found;
    }

    /**
     * Opens what is left, writes once and closes, or dies at this operation of that; then power is lost in any way, and it is judged again:
     * what was there for the second process is there for the third.
     *
     * @param seed of the ways in which power is lost
     * @return how many disks were judged; 0 if it did not come to that operation
     */
    int dieAgain(SimulatedFiles left, int operation, Losses losses, int seed) throws IOException {
        List<ModelStorage> now = new ArrayList<>(possible);
        left.dieAt(operation);
        try {
            FileStorage storage = reopen(left);
            try {
                ModelStorage found = expectOneOf(possible, storage, left);
                long next = found.last().index() + 1;
                Storage.Write more = Logs.append(1, next, next + 2, 9, payloadBytes);
                now = List.of(found, found.after(more));
                storage.write(List.of(more));
                now = List.of(found.after(more));
            } finally {
                storage.close();
            }
            return 0;
        } catch (IOException | StorageException e) {
            assertTrue(String.valueOf(e.getMessage()).contains("simulated failure"), e::toString);
        }
        int judged = 0;
        for (SimulatedFiles later : losses.of(left, seed)) {
            expectOneOf(now, later);
            judged++;
        }
        return judged;
    }

    /** How power is lost: gives each disk that the next process may find. */
    interface Losses {
        List<SimulatedFiles> of(SimulatedFiles files, int seed);
    }
}
