package io.quorate.raft.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.Identity;
import io.quorate.raft.Storage;
import io.quorate.raft.StorageException;
import io.quorate.raft.core.HardState;
import io.quorate.raft.storage.testing.SimulatedFiles;
import io.quorate.raft.storage.testing.SimulatedFiles.Loss;
import java.io.IOException;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** One short life that meets everything (opening, founding, appending, rolling, preparing, closing), ended at each of its steps. */
class CrashPointTest {

    private static final List<List<Storage.Write>> WRITES = List.of(
        List.of(new Storage.Write(1, new HardState(1, Logs.OTHER, 0), 1, List.of())),
        List.of(Logs.append(2, 1, 4, 2, 50)),
        List.of(Logs.append(3, 5, 9, 2, 50)),
        List.of(Logs.append(4, 10, 13, 2, 100)),
        List.of(new Storage.Write(5, new HardState(3, null, 6), 9, Logs.entries(9, 12, 3, 80))),
        List.of(Logs.append(6, 13, 14, 3, 1500)),
        List.of(Logs.append(7, 15, 15, 3, 10)));

    /** How far a life came. */
    private static final class Life {
        private Identity identity;   // as last reported
        private boolean opened;
        private boolean founding;
        private int acknowledged;    // writes

        void run(SimulatedFiles files) throws IOException {
            FileStorage storage = FileStorage.open(files, 1, Logs.TINY);
            identity = storage.identity();
            opened = true;
            founding = true;
            storage.found(Logs.founding(storage));
            identity = storage.identity();
            storage.recover();
            for (List<Storage.Write> batch : WRITES) {
                storage.write(batch);
                acknowledged++;
                storage.maintain();
                storage.maintain();
            }
            storage.close();
            FileStorage again = FileStorage.open(files, 1, Logs.TINY);
            identity = again.identity();
            again.recover();
            again.close();
        }
    }

    private static ModelLog model(int writes) {
        ModelLog model = ModelLog.EMPTY;
        for (List<Storage.Write> batch : WRITES.subList(0, writes)) {
            model = model.after(batch);
        }
        return model.restarted();
    }

    private static int operations() throws IOException {
        SimulatedFiles files = new SimulatedFiles();
        new Life().run(files);
        return files.operations();
    }

    @ParameterizedTest
    @EnumSource(Loss.class)
    void whereverItEndsWhatWasReportedIsFoundAndNothingIsRefused(Loss loss) throws IOException {
        int operations = operations();
        assertTrue(operations > 80, "only " + operations);
        for (int at = 1; at <= operations; at++) {
            for (int seed = 0; seed < (loss == Loss.TEARS ? 30 : 1); seed++) {
                SimulatedFiles files = new SimulatedFiles();
                files.dieAt(at);
                Life life = new Life();
                try {
                    life.run(files);
                } catch (IOException | StorageException e) {
                    assertTrue(String.valueOf(e.getMessage()).contains("simulated failure"), e::getMessage);
                }
                checkAfter(life, files.restart(loss, new Random(seed)), "operation " + at + ", seed " + seed);
            }
        }
    }

    private static void checkAfter(Life life, SimulatedFiles files, String when) throws IOException {
        FileStorage storage = FileStorage.open(files, 1, Logs.TINY);
        Identity found = storage.identity();
        if (life.opened) {
            assertEquals(life.identity.replica(), found.replica(), when);
            assertTrue(found.boot() > life.identity.boot(), when);
        }
        if (found.isBlank()) {
            assertTrue(!life.opened || life.identity.isBlank(), when);
            storage.found(Logs.founding(storage));
        }
        ModelLog log = ModelLog.of(storage);
        if (!log.equals(model(life.acknowledged))) {
            assertTrue(life.founding && life.acknowledged < WRITES.size(), when);
            assertEquals(model(life.acknowledged + 1), log, when);
        }
        // It goes on from there, over another loss of power.
        long next = log.entries().size() + 1;
        List<Storage.Write> more = List.of(Logs.append(1, next, next + 20, 9, 70));
        storage.write(more);
        FileStorage again = Logs.start(files.restart(Loss.LOSES_ALL, new Random()), Logs.TINY);
        ModelLog expected = log.after(List.of(new Storage.Write(1, more.get(0).hardState(), next, more.get(0).entries())));
        assertEquals(expected.entries(), ModelLog.of(again).entries(), when);
    }

    @Test
    void afterAFailedFsyncTheNextProcessTrustsNothingThatIsOnlyInTheCache() throws IOException {
        int operations = operations();
        for (int at = 1; at <= operations; at++) {
            SimulatedFiles files = new SimulatedFiles();
            files.failOnceAt(at);
            Life life = new Life();
            try {
                life.run(files);
            } catch (IOException | StorageException e) {
                assertTrue(String.valueOf(e.getMessage()).contains("simulated failure"), e::getMessage);
            }
            // The process starts again on the same kernel, which shows what it failed to write; then the power fails.
            SimulatedFiles same = files.restart(Loss.NONE, new Random());
            FileStorage storage = Logs.start(same, Logs.TINY);
            ModelLog promised = ModelLog.of(storage);
            FileStorage later = Logs.start(same.restart(Loss.LOSES_ALL, new Random()), Logs.TINY);
            assertEquals(promised, ModelLog.of(later), "operation " + at);
        }
    }
}
