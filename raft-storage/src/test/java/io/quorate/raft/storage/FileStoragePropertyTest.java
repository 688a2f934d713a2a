package io.quorate.raft.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.Storage;
import io.quorate.raft.StorageException;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.storage.testing.SimulatedFiles;
import io.quorate.raft.storage.testing.SimulatedFiles.Loss;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

/** Random lives of a storage, against the simplest model of a log. */
class FileStoragePropertyTest {

    @Property(tries = 400)
    void whateverIsWrittenIsWhatIsFoundAgain(@ForAll long seed) throws IOException {
        live(new Random(seed), false);
    }

    @Property(tries = 400)
    void aDiskThatDiesLeavesWhatWasReportedAndAtMostTheWriteItDiedIn(@ForAll long seed) throws IOException {
        live(new Random(seed), true);
    }

    private static void live(Random random, boolean dies) throws IOException {
        SimulatedFiles files = new SimulatedFiles();
        FileStorage.Options options = Logs.TINY.withSegmentBytes(1024 + random.nextInt(4096)).withTailBytesMax(random.nextInt(3000));
        FileStorage storage = Logs.start(files, options);
        ModelLog model = ModelLog.of(storage);
        long writeId = 0;
        int steps = 5 + random.nextInt(40);
        for (int step = 0; step < steps; step++) {
            int choice = random.nextInt(12);
            if (choice < 8) {
                List<Storage.Write> batch = batch(random, model, writeId);
                writeId += batch.size();
                if (dies && random.nextInt(8) == 0) {
                    files.dieAt(1 + random.nextInt(12));
                    ModelLog next = model.after(batch);
                    boolean acknowledged = false;
                    try {
                        storage.write(batch);
                        acknowledged = true;
                        storage.close();
                    } catch (StorageException e) {
                        assertTrue(String.valueOf(e.getMessage()).contains("simulated failure"), e::getMessage);
                    }
                    files = files.restart(Loss.values()[random.nextInt(4)], random);
                    storage = Logs.start(files, options);
                    ModelLog found = ModelLog.of(storage);
                    if (acknowledged || !found.equals(model.restarted())) {
                        assertEquals(next.restarted(), found);
                    }
                    // What was found may be promised now, so it must outlast a loss of power.
                    files = files.restart(Loss.LOSES_ALL, random);
                    storage = Logs.start(files, options);
                    assertEquals(found, ModelLog.of(storage));
                    model = found;
                } else {
                    storage.write(batch);
                    model = model.after(batch);
                    assertReads(random, storage, model);
                }
            } else if (choice < 9) {
                storage.maintain();
            } else {
                if (choice < 11) {
                    storage.close();
                    assertEquals(storage.identity().boot() + 1, reopened(files, options).identity().boot());
                }
                files = files.restart(Loss.values()[random.nextInt(4)], random);
                storage = Logs.start(files, options);
                model = model.restarted();
                assertEquals(model, ModelLog.of(storage));
            }
        }
    }

    private static FileStorage reopened(SimulatedFiles files, FileStorage.Options options) throws IOException {
        FileStorage storage = FileStorage.open(files, 1, options);
        storage.close();
        return storage;
    }

    private static void assertReads(Random random, FileStorage storage, ModelLog model) {
        if (model.entries().isEmpty()) {
            return;
        }
        int first = 1 + random.nextInt(model.entries().size());
        int last = first + random.nextInt(model.entries().size() - first + 1);
        int bytesMax = random.nextInt(2000);
        List<Entry> expected = new ArrayList<>();
        int bytes = 0;
        for (Entry entry : model.entries().subList(first - 1, last)) {
            bytes += entry.size();
            if (bytes > bytesMax && !expected.isEmpty()) {
                break;
            }
            expected.add(entry);
        }
        assertEquals(expected, storage.read(first, last, bytesMax));
    }

    /** Some writes that may follow this model: appends, replaced suffixes, cuts, hard states alone. */
    static List<Storage.Write> batch(Random random, ModelLog model, long lastWriteId) {
        List<Storage.Write> batch = new ArrayList<>();
        ModelLog state = model;
        int writes = 1 + random.nextInt(4);
        for (int i = 1; i <= writes; i++) {
            HardState hardState = hardState(random, state);
            long first = switch (random.nextInt(4)) {
                case 0 -> Math.max(1 + hardState.commitIndex(), state.nextIndex() - random.nextInt(5));
                default -> state.nextIndex();
            };
            first = Math.min(first, state.nextIndex());
            int count = hardState.term() == 0 || random.nextInt(4) == 0 ? 0 : random.nextInt(6);
            List<Entry> entries = new ArrayList<>();
            long term = first == 1 ? 1 : Math.max(1, state.entries().get((int) first - 2).term());
            for (int k = 0; k < count; k++) {
                term = random.nextInt(3) == 0 ? hardState.term() : term;
                entries.add(Logs.entry(first + k, term, random.nextInt(20) == 0 ? random.nextInt(6000) : random.nextInt(100)));
            }
            Storage.Write write = new Storage.Write(lastWriteId + i, hardState, first, entries);
            batch.add(write);
            state = state.after(List.of(write));
        }
        return batch;
    }

    private static HardState hardState(Random random, ModelLog state) {
        HardState old = state.hardState();
        long commit = Math.max(old.commitIndex(), Math.min(state.entries().size(), old.commitIndex() + random.nextInt(3)));
        return switch (random.nextInt(5)) {
            case 0 -> new HardState(old.term() + 1, random.nextBoolean() ? Logs.OTHER : null, commit);
            case 1 -> new HardState(old.term(), old.votedFor() == null && old.term() > 0 ? new ReplicaId(3, -1) : old.votedFor(), commit);
            default -> new HardState(old.term(), old.votedFor(), commit);
        };
    }
}
