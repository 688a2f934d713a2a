package io.quorate.raft.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.core.NodeStatus.RoleName;
import io.quorate.raft.testing.RecordedEffects;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Groups that take snapshots, drop what these cover, lose messages, crash and lag, at random; what they do is held against {@link Checks}
 * all the time. In the end all are up and reach each other: then all have the same state, without a new command.
 */
class SnapshotRunsTest {

    private static final int FIRST_SEED = 301;   // logs conflict often in what follows it
    private static final int RUNS = 60;
    private static final int PERIODS = 8;
    private static final int STEPS = 250;

    /** What the runs must have reached for their passing to mean anything. */
    private static final class Reached {
        private int snapshots;
        private int installs;
        private int conflicts;
        private int crashesWhileInstalling;
        private int commits;

        @Override
        public String toString() {
            return snapshots + " snapshots taken, " + installs + " installed, " + conflicts + " of them over a conflicting log, "
                + crashesWhileInstalling + " crashes meanwhile, " + commits + " entries committed";
        }
    }

    @Test
    void allComeToTheSameStateWhateverHasHappened() {
        Reached reached = run(FIRST_SEED, FIRST_SEED + RUNS - 1);
        assertTrue(reached.snapshots > 10 * RUNS && reached.installs > RUNS && reached.conflicts > RUNS / 10
            && reached.crashesWhileInstalling > RUNS / 10 && reached.commits > 20 * RUNS, reached::toString);
    }

    private static Reached run(long firstSeed, long lastSeed) {
        Reached reached = new Reached();
        for (long seed = firstSeed; seed <= lastSeed; seed++) {
            try {
                new Run(seed, reached).run();
            } catch (AssertionError | RuntimeException failure) {
                throw new AssertionError("in the run with seed " + seed, failure);
            }
        }
        return reached;
    }

    private static final class Run {
        private final Random random;
        private final Reached reached;
        private final int size;
        private final boolean[] isUp;
        private final boolean[] isCutOff;   // nothing reaches it or leaves it
        private final Cluster c;

        private Run(long seed, Reached reached) {
            random = new Random(seed);
            this.reached = reached;
            size = random.nextInt(4) == 0 ? 5 : 3;
            isUp = new boolean[size + 1];
            isCutOff = new boolean[size + 1];
            long cached = random.nextBoolean() ? 1 : 400;
            c = Cluster.of(Cluster.config(1 << 20, random.nextBoolean() ? 150 : 1 << 20, 1 << 20, 300, cached), size);
            for (int n = 1; n <= size; n++) {
                isUp[n] = true;
                c.draws(n, random.nextLong(Cluster.T));
            }
        }

        private void run() {
            for (int period = 0; period < PERIODS; period++) {
                Arrays.fill(isCutOff, false);
                int leader = leader();
                if (leader > 0 && random.nextBoolean()) {   // it will have what nobody else has
                    isCutOff[leader] = true;
                    for (int i = random.nextInt(15); i >= 0; i--) {
                        c.propose(leader, random.nextInt(40));
                    }
                    c.writeAll(leader);
                } else if (random.nextInt(3) > 0) {
                    isCutOff[1 + random.nextInt(size)] = true;
                }
                for (int step = 0; step < STEPS; step++) {
                    act(1 + random.nextInt(size));
                }
            }
            heal();
        }

        private void act(int n) {
            int dice = random.nextInt(200);
            if (isUp[n] && !c.pendingInstalls(n).isEmpty() && random.nextInt(12) == 0) {
                crash(n);
            } else if (!isUp[n]) {
                if (dice < 20) {
                    restart(n);
                }
            } else if (dice < 85) {
                deliver();
            } else if (dice < 160) {
                work(n);
            } else if (dice < 180) {
                if (leader() > 0) {
                    c.propose(leader(), random.nextInt(40));
                }
            } else if (dice < 184) {
                tick();
            } else if (dice < 197) {
                compact(n);
            } else if (dice < 198) {
                crash(n);
            } else if (dice < 199 && c.fetching(n) != null) {
                c.failFetch(n);
            }
        }

        /** One that believes to lead, or 0. */
        private int leader() {
            for (int n = 1; n <= size; n++) {
                if (isUp[n] && c.role(n) == RoleName.LEADER && !isCutOff[n]) {
                    return n;
                }
            }
            return 0;
        }

        /** The oldest message or some other one arrives, twice perhaps, or is lost. */
        private void deliver() {
            List<Message> network = c.network();
            if (network.isEmpty()) {
                tick();
                return;
            }
            Message message = network.get(random.nextInt(4) > 0 ? 0 : random.nextInt(network.size()));
            boolean isLost = random.nextInt(20) == 0 || isCutOff[message.from().nodeId()] || isCutOff[message.to().nodeId()];
            if (isLost || random.nextInt(20) > 0) {
                c.lose(message);
            }
            if (!isLost) {
                c.deliver(message);
            }
        }

        /** The disk, the state machine, the reader or the fetcher of a replica gets something done. */
        private void work(int n) {
            if (!isUp[n]) {
                return;
            }
            switch (random.nextInt(5)) {
                case 0 -> c.applyAll(n);
                case 1 -> c.answerReads(n);
                case 2 -> {
                    if (c.mayFetch(n)) {
                        c.fetch(n);
                    }
                }
                default -> {
                    if (!c.pendingInstalls(n).isEmpty() || !c.pending(n).isEmpty()) {
                        c.write(n);
                    }
                }
            }
        }

        /** Time passes until somebody wants to do something. */
        private void tick() {
            int next = 0;
            for (int n = 1; n <= size; n++) {
                if (isUp[n] && (next == 0 || c.node(n).deadline() < c.node(next).deadline())) {
                    next = n;
                }
            }
            if (next > 0) {
                c.draws(next, random.nextLong(Cluster.T));
                c.timeout(next);
            }
        }

        /** A snapshot of what is applied, or was a little earlier; what it covers is dropped, or not all of it. */
        private void compact(int n) {
            long applied = c.applied(n).size();
            long index = applied - random.nextInt(5);
            if (index > c.node(n).status().snapshotIndex() && index > c.diskSnapshotIndex(n) && c.pendingInstalls(n).isEmpty()) {
                c.snapshot(n, index);
                c.drop(n, random.nextInt(4) > 0 ? index : Math.max(0, index - random.nextInt(10)));
                reached.snapshots++;
            }
        }

        private void crash(int n) {
            reached.crashesWhileInstalling += c.pendingInstalls(n).isEmpty() ? 0 : 1;
            if (random.nextInt(3) == 0) {
                c.persist(n);   // durable, and nobody knows
            }
            c.crash(n);
            isUp[n] = false;
        }

        private void restart(int n) {
            if (random.nextInt(4) == 0) {
                c.dropTerms(n);
            }
            c.restart(n);
            isUp[n] = true;
        }

        private void heal() {
            for (int n = 1; n <= size; n++) {
                isCutOff[n] = false;
                if (!isUp[n]) {
                    restart(n);
                }
            }
            for (int turn = 0; !isQuiet(); turn++) {
                assertTrue(turn < 400, () -> "no agreement: " + c);
                c.serve();
                tick();
                for (int n = 1; n <= size; n++) {
                    if (c.fetching(n) != null && !c.mayFetch(n)) {
                        c.failFetch(n);   // its source has a newer one
                    }
                }
            }
            List<Entry> state = c.applied(1);
            for (int n = 2; n <= size; n++) {
                assertEquals(state, c.applied(n));
            }
            reached.commits += state.size();
            for (int n = 1; n <= size; n++) {
                reached.installs += c.takeEffects(n, RecordedEffects.Restore.class).size();
            }
            reached.conflicts += c.conflictingInstalls();
        }

        private boolean isQuiet() {
            List<Long> ends = new ArrayList<>();
            boolean hasLeader = false;
            for (int n = 1; n <= size; n++) {
                NodeStatus status = c.node(n).status();
                hasLeader |= status.role() == RoleName.LEADER
                    && status.peers().stream().allMatch(peer -> "replicate".equals(peer.replication()));
                ends.add(status.lastIndex());
                ends.add(status.commitIndex());
                ends.add((long) c.applied(n).size());
            }
            return hasLeader && ends.stream().distinct().count() == 1;
        }
    }
}
