package io.quorate.raft.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.Storage;
import io.quorate.raft.StorageException;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.SnapshotId;
import io.quorate.raft.storage.testing.SimulatedFiles;
import io.quorate.raft.storage.testing.SimulatedFiles.Loss;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/**
 * Random lives in which segments are let go of and their files used again and again, ended by losses of power anywhere: whatever stood in a
 * file before, what is found is what was reported, and at most the step that it died in.
 */
class RecyclingLifeTest {

    private static final int LIVES = 100;

    @Test
    void whateverStoodInAFileBeforeIsNotWhatIsFoundThere() throws IOException {
        int[] met = lives(0, LIVES);
        assertTrue(met[0] > 5 * LIVES && met[1] > LIVES, () -> met[0] + " openings, " + met[1] + " over what was there before");
    }

    private static int[] lives(long firstSeed, int count) throws IOException {
        int[] met = new int[2];
        for (long seed = firstSeed; seed < firstSeed + count; seed++) {
            Once life = new Once(seed);
            try {
                life.live();
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError("seed " + seed + ": " + e, e);
            }
            met[0] += life.found;
            met[1] += life.foundOld;
        }
        return met;
    }

    private static final class Once {

        private final Random random;
        private final FileStorage.Options options;
        private SimulatedFiles files = new SimulatedFiles();
        private FileStorage storage;
        private ModelStorage model = ModelStorage.EMPTY;
        private long writes;
        private int found;          // openings
        private int foundOld;       // of these, with frames of an earlier segment behind the end of the log

        Once(long seed) {
            random = new Random(seed);
            options = FileStorage.Options.defaults().withSegmentBytes((8 << 10) + random.nextInt(12 << 10)).withPartBytes(1 << 10)
                .withLogTailBytes(random.nextInt(4 << 10)).withTailBytesMax(random.nextInt(20 << 10));
        }

        private interface Step {
            void run() throws IOException;
        }

        private void live() throws IOException {
            open();
            int steps = 20 + random.nextInt(100);
            for (int i = 0; i < steps; i++) {
                ModelStorage next = model;
                Step step;
                int choice = random.nextInt(16);
                boolean isClosed = false;
                if (choice < 9) {
                    Storage.Write write = write();
                    next = model.after(write);
                    step = () -> storage.write(List.of(write));
                } else if (choice < 13) {
                    int times = 1 + random.nextInt(8);
                    step = () -> {
                        for (int done = 0; done < times && storage.maintain(); ) {
                            done++;
                        }
                    };
                } else if (choice < 15 && model.last().index() > model.covered()) {
                    SnapshotId id = snapshot();
                    next = model.on(id);
                    step = () -> {
                        Snapshot.take(storage, id, ModelStorage.state(id));
                        storage.compact(random.nextBoolean() ? Long.MAX_VALUE : 1);
                    };
                } else {
                    step = () -> storage.close();
                    isClosed = true;
                }
                take(step, next, isClosed);
            }
            storage.close();
        }

        private void take(Step step, ModelStorage next, boolean isClosed) throws IOException {
            boolean dies = random.nextInt(8) == 0;
            if (dies) {
                files.dieAt(1 + random.nextInt(16));
            }
            List<ModelStorage> possible = List.of(next);
            try {
                step.run();
                if (dies) {
                    storage.close();
                }
            } catch (IOException | StorageException e) {
                assertTrue(String.valueOf(e.getMessage()).contains("simulated failure"), e::toString);
                possible = List.of(next, model);
            }
            model = next;
            if (dies || isClosed) {
                files = files.restart(Loss.values()[random.nextInt(Loss.values().length)], random);
                expect(possible);
                if (random.nextInt(3) == 0) {
                    // What was found may be promised now, so it must outlast a loss of power.
                    files = files.restart(Loss.LOSES_ALL, random);
                    expect(List.of(model));
                }
            }
        }

        private void open() throws IOException {
            storage = Logs.start(files, options);
            storage.recover();
        }

        private void expect(List<ModelStorage> possible) throws IOException {
            found++;
            foundOld += hasOldBehind() ? 1 : 0;
            storage = Logs.start(files, options);
            Storage.Recovered recovered = storage.recover();
            writes = 0;
            List<String> objections = new ArrayList<>();
            for (ModelStorage each : possible) {
                String objection = each.objectionTo(recovered, storage);
                if (objection.isEmpty()) {
                    model = each;
                    return;
                }
                objections.add(objection);
            }
            assertEquals(List.of(), objections);
        }

        private boolean hasOldBehind() {
            String last = files.list().stream().filter(name -> SegmentHeader.idOf(name) != 0).reduce((one, other) -> other).orElseThrow();
            long id = SegmentHeader.idOf(last);
            byte[] bytes = files.bytes(last);
            long incarnation = storage.identity().replica().incarnation();
            for (int at = SegmentHeader.BYTES; at + FrameHeader.BYTES <= bytes.length; at++) {
                for (long earlier = Math.max(1, id - 40); earlier < id && bytes[at] == 'Q'; earlier++) {
                    if (FrameHeader.decode(bytes, at, incarnation, earlier, at) != null) {
                        return true;
                    }
                }
            }
            return false;
        }

        private Storage.Write write() {
            HardState before = model.hardState();
            long term = Math.max(1, before.term() + (random.nextInt(12) == 0 ? 1 : 0));
            long next = model.last().index() + 1;
            long first = random.nextInt(6) == 0 ? Math.max(model.covered() + 1, next - random.nextInt(6)) : next;
            if (first < next) {
                term = before.term() + 1;       // what is replaced is so by a later leader
            }
            List<Entry> entries = new ArrayList<>();
            int count = random.nextInt(5);
            for (int i = 0; i < count; i++) {
                entries.add(Logs.entry(first + i, term, random.nextInt(40) == 0 ? random.nextInt(9000) : random.nextInt(900)));
            }
            HardState after = new HardState(term, term == before.term() ? before.votedFor() : Logs.OTHER, 0);
            return new Storage.Write(++writes, after, first, entries);
        }

        private SnapshotId snapshot() {
            long last = model.last().index();
            long index = last - random.nextInt((int) Math.min(8, last - model.covered()));
            Entry entry = model.entries().get(index);
            return Snapshot.at(index, entry.term());
        }
    }

    /**
     * Lives on with other seeds, for the profile {@code deep}.
     *
     * @param arguments for how many seconds
     */
    public static void main(String[] arguments) throws IOException {
        long begin = System.nanoTime();
        long nanos = TimeUnit.SECONDS.toNanos(Long.parseLong(arguments[0]));
        long seed = LIVES;
        long openings = 0;
        long old = 0;
        while (System.nanoTime() - begin < nanos) {
            int[] met = lives(seed, LIVES);
            seed += LIVES;
            openings += met[0];
            old += met[1];
        }
        System.out.printf("storage: files used again: lives=%d openings=%d over_what_was_there=%d seconds=%d%n", seed - LIVES, openings,
            old, TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begin));
    }
}
