package io.quorate.raft.testing;

import io.quorate.raft.Storage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.core.SnapshotId;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * A random life of a storage as a replica leads it: appends, replaced suffixes, cuts, hard states alone, snapshots taken and installed,
 * compaction, reads, restarts, deaths. Terms and the commit index only rise, a vote is not taken back, and nothing committed is replaced.
 */
final class StorageLife {

    private static final int STEPS_MAX = 60;
    private static final int LAST_STEPS = 8;    // that a failure prints

    private final StorageTrial trial;
    private final RandomGenerator random;
    private final Deque<String> lastSteps = new ArrayDeque<>();
    private ExpectedLog log = ExpectedLog.EMPTY;

    StorageLife(StorageTrial trial, RandomGenerator random) {
        this.trial = trial;
        this.random = random;
    }

    /** Lives it. What goes wrong is told with the steps that led to it. */
    void live() throws Exception {
        int steps = 1 + random.nextInt(STEPS_MAX);
        for (int i = 1; i <= steps; i++) {
            try {
                step(i);
            } catch (RuntimeException | AssertionError e) {
                ContractBroken broken = trial.broken("at step " + i + " " + e + "; the last steps: " + String.join("; ", lastSteps));
                broken.initCause(e);
                throw broken;
            }
        }
    }

    private void step(int number) throws Exception {
        switch (random.nextInt(14)) {
            case 0 -> {
                say(number, "reopen");
                trial.reopen();
                trial.expect(log);
            }
            case 1 -> {
                say(number, "crash");
                if (trial.crash()) {
                    trial.expect(log);
                }
            }
            case 2 -> {
                say(number, "maintain");
                trial.storage().maintain();
            }
            case 3, 4, 5 -> read(number);
            case 12 -> snapshot(number);
            case 13 -> {
                long wanted = random.nextBoolean() ? Long.MAX_VALUE : 1 + random.nextLong(log.nextIndex());
                say(number, "compact(" + wanted + ")");
                trial.storage().compact(wanted);
            }
            default -> write(number);
        }
    }

    private void read(int number) {
        long first = 1 + random.nextLong(log.lastIndex() + 2);
        long last = first + random.nextInt(10);
        int bytesMax = random.nextInt(2000);
        say(number, "read(" + first + ", " + last + ", " + bytesMax + ")");
        trial.check(log.objectionTo(trial.storage().read(first, last, bytesMax), first, last, bytesMax, trial.storage().firstIndex()));
    }

    /** Of what is committed here one is taken; of what is not, one is installed, of this history or another. */
    private void snapshot(int number) throws Exception {
        long index = log.covered() + 1 + random.nextInt(10);
        long commitIndex = log.hardState().commitIndex();
        if (index <= commitIndex) {
            SnapshotId id = StorageTrial.snapshotAt(index, log.termAt(index));
            say(number, "take " + id.last());
            trial.take(id);
            log = log.after(id);
            return;
        }
        long before = Math.max(1, log.termAt(commitIndex));
        long term = random.nextBoolean() && index <= log.lastIndex() ? log.termAt(index)
            : before + random.nextLong(Math.max(1, log.hardState().term() - before + 1));
        SnapshotId id = StorageTrial.snapshotAt(index, term);
        say(number, "install " + id.last());
        trial.receive(id);
        HardState old = log.hardState();
        Storage.Write write = trial.install(new HardState(Math.max(old.term(), term), old.term() < term ? null : old.votedFor(), index), id);
        trial.storage().write(List.of(write));
        log = log.after(write);
    }

    private void write(int number) {
        List<Storage.Write> batch = new ArrayList<>();
        ExpectedLog after = log;
        StringBuilder text = new StringBuilder("write");
        for (int i = random.nextInt(4); i >= 0; i--) {
            Storage.Write write = next(after);
            batch.add(write);
            after = after.after(write);
            text.append(' ').append(write.id()).append(':').append(write.hardState().term()).append('/').append(write.firstIndex())
                .append('+').append(write.entries().size());
        }
        say(number, text.toString());
        trial.storage().write(batch);
        log = after;
    }

    private Storage.Write next(ExpectedLog before) {
        HardState old = before.hardState();
        long term = old.term() + (old.term() == 0 || random.nextInt(3) == 0 ? 1 + random.nextInt(2) : 0);
        ReplicaId vote = term == old.term() && old.votedFor() != null ? old.votedFor()
            : random.nextBoolean() ? null : new ReplicaId(1 + random.nextInt(3), 1 + random.nextInt(9));
        long first = random.nextInt(3) > 0 ? before.nextIndex()
            : old.commitIndex() + 1 + random.nextLong(before.nextIndex() - old.commitIndex());
        List<Entry> entries = new ArrayList<>();
        long entryTerm = Math.max(1, before.termAt(first - 1));
        for (int i = random.nextInt(4) == 0 ? 0 : random.nextInt(6); i > 0; i--) {
            entryTerm = random.nextInt(3) == 0 ? term : entryTerm;
            entries.add(StorageTrial.entry(first + entries.size(), entryTerm, random.nextInt(20) == 0 ? random.nextInt(6000)
                : random.nextInt(100)));
        }
        long commit = Math.min(first - 1 + entries.size(), old.commitIndex() + random.nextInt(3));
        return trial.write(new HardState(term, vote, commit), first, entries);
    }

    private void say(int number, String step) {
        lastSteps.addLast(number + " " + step);
        if (lastSteps.size() > LAST_STEPS) {
            lastSteps.removeFirst();
        }
    }
}
