package io.quorate.raft.testing;

import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Message;
import io.quorate.raft.election.GroupLeadership;
import io.quorate.raft.election.LeaderState;
import io.quorate.raft.election.LeaderTask;
import io.quorate.raft.election.Leadership;
import io.quorate.raft.election.OpenCandidacy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * Elections beside all servers of a simulated group, and what must hold of them: nobody's office is valid while another's is, in real time
 * and at any moment; tokens grow; start and stop alternate; and a start finds everything of earlier terms applied.
 *
 * <p>While faults go on the task is as bad as any: it throws, takes long, hangs for a while, and gives the office back for no reason. Where
 * only a minority may be disturbed, and at the end, it is good.
 */
final class SimulatedElection implements Companion.Maker {

    /** What a run came to. */
    static final class Tally {
        long grants;
        long losses;
        long resignations;
        long failures;
        long hangs;
        long regrants;        // more than one in one term of the group

        @Override
        public String toString() {
            return grants + " grants, " + losses + " losses, " + resignations + " resignations, " + failures + " failures, " + hangs
                + " hangs, " + regrants + " grants once more in a term";
        }
    }

    private final Tally tally;
    private final List<Held> held = new ArrayList<>();      // of processes that live
    private long lastToken;
    private long lastTerm;
    private long calls = Long.MIN_VALUE;                    // counted apart from those of clients and operators

    SimulatedElection(Tally tally) {
        this.tally = tally;
    }

    private static final class Held {

        private final Beside by;
        private final GroupLeadership leadership;
        private boolean isRevoked;

        private Held(Beside by, GroupLeadership leadership) {
            this.by = by;
            this.leadership = leadership;
            leadership.revoked().thenRun(() -> isRevoked = true);
        }
    }

    @Override
    public Companion beside(SimulatedGroup group, SimulatedReplica replica, SimulatedProcess process) {
        held.removeIf(each -> each.by.replica.nodeId() == replica.nodeId());      // it died with the last process
        return new Beside(group, replica, process);
    }

    private void onGranted(Beside by, GroupLeadership leadership) {
        if (leadership.fencingToken() <= lastToken) {
            throw new InvariantBroken("TokensGrow", by.replica.id() + " was granted " + leadership + " after token " + lastToken);
        }
        lastToken = leadership.fencingToken();
        tally.grants++;
        tally.regrants += leadership.term() == lastTerm ? 1 : 0;
        lastTerm = leadership.term();
        held.add(new Held(by, leadership));
        checkHolders();
    }

    /** A validity begins with a grant, or with a turn of a raft thread that has renewed a lease: after each of them all are looked at. */
    private void checkHolders() {
        held.removeIf(each -> each.isRevoked && !each.leadership.isValid() || !each.by.lives());
        Held valid = null;
        for (Held each : held) {
            if (each.leadership.isValid()) {
                if (valid != null) {
                    throw new InvariantBroken("OneHolderAtATime", valid.by.replica.id() + " holds " + valid.leadership + " for "
                        + valid.leadership.remaining() + " and " + each.by.replica.id() + " holds " + each.leadership + " for "
                        + each.leadership.remaining());
                }
                valid = each;
            }
        }
    }

    private final class Beside implements Companion, LeaderTask<GroupLeadership> {

        private final SimulatedGroup group;
        private final SimulatedReplica replica;
        private final SimulatedProcess process;
        private final SplittableRandom random;
        private final boolean isGood;                       // all the time
        private final OpenCandidacy candidacy;
        private final int boot;
        private final List<Runnable> waiting = new ArrayList<>();   // for the end of a pause
        private boolean isDue;
        private long wakeAt;
        private @Nullable GroupLeadership started;          // and not stopped
        private @Nullable GroupLeadership seen;             // the last one that was granted
        private @Nullable InvariantBroken broken;           // in a call of the task, which keeps what is thrown to itself

        private Beside(SimulatedGroup group, SimulatedReplica replica, SimulatedProcess process) {
            this.group = group;
            this.replica = replica;
            this.process = process;
            boot = replica.boot();
            random = new SplittableRandom(31L * replica.id().incarnation() + replica.boot());
            isGood = group.plan().isHarmless() || group.plan().faults().isEmpty();
            candidacy = new OpenCandidacy(replica.id(), process.server().helm(), this::handOver, this::wake, this, this::execute,
                Duration.ofNanos(2 * t()), random::nextLong, replica.clock()::nanos);
        }

        private long t() {
            return group.plan().electionTimeoutNanos();
        }

        private boolean isBad() {
            return !isGood && !group.isHealing();
        }

        private boolean lives() {
            return replica.isUp() && replica.boot() == boot;
        }

        // ---- turns

        @Override
        public void onTurn() {
            checkHolders();
        }

        @Override
        public void onSend(Message message) {
            if (message instanceof Message.TimeoutNow) {
                for (Held each : held) {
                    if (each.by == this && each.leadership.isValid()) {
                        throw new InvariantBroken("OneHolderAtATime", replica.id() + " lets another campaign, and holds "
                            + each.leadership);
                    }
                }
            }
        }

        @Override
        public void onResumed() {
            List<Runnable> tasks = List.copyOf(waiting);
            waiting.clear();
            tasks.forEach(this::go);
            wake();
        }

        private void wake() {
            if (!isDue) {
                isDue = true;
                process.after(group.turnDelay(random), () -> {
                    isDue = false;
                    turn();
                });
            }
        }

        /** Now, or when the pause is over. */
        private void go(Runnable task) {
            if (process.isPaused()) {
                waiting.add(task);
            } else {
                task.run();
                InvariantBroken seenBroken = broken;
                if (seenBroken != null) {
                    throw seenBroken;
                }
            }
        }

        private void turn() {
            if (process.isPaused()) {
                return;      // goes on with the turn after the pause
            }
            candidacy.turn();
            if (candidacy.state() instanceof LeaderState.Leader leader && leader.leadership() != seen
                    && leader.leadership() instanceof GroupLeadership granted) {
                seen = granted;
                onGranted(this, granted);
            }
            long nanos = replica.clock().realNanos(Math.min(candidacy.nanosUntilDeadline(), 1L << 50)) + 1;
            long at = group.now() + nanos;
            if (wakeAt <= group.now() || at < wakeAt) {
                wakeAt = at;
                process.after(nanos, this::turn);
            }
        }

        private void execute(Runnable call) {
            long delay = isBad() && random.nextInt(8) == 0 ? random.nextLong(4 * t()) : random.nextLong(t() / 20);
            if (delay > 2 * t()) {
                tally.hangs++;
            }
            process.after(delay, () -> go(call));
        }

        private CompletionStage<?> handOver(int toNode) {
            CompletableFuture<Void> handedOver = new CompletableFuture<>();
            process.transfer(calls++, toNode, new SimulatedProcess.Caller() {

                @Override
                public void done(byte[] result, long index) {
                    handedOver.complete(null);
                }

                @Override
                public void failed(@Nullable Throwable why) {
                    handedOver.completeExceptionally(why == null ? new IllegalStateException("it died") : why);
                }
            });
            return handedOver;
        }

        // ---- the task

        @Override
        public void start(GroupLeadership leadership) {
            if (started != null) {
                broken = new InvariantBroken("StartAndStopAlternate", replica.id() + " starts " + leadership + " before it has stopped "
                    + started);
            }
            started = leadership;
            checkApplied(leadership);
            if (isBad() && random.nextInt(6) == 0) {
                tally.failures++;
                throw new IllegalStateException("the work cannot be done");
            }
            if (isBad() && random.nextInt(3) == 0) {
                process.after(random.nextLong(10 * t()), () -> go(() -> resign(leadership)));
            }
        }

        private void resign(GroupLeadership leadership) {
            if (isBad() && started == leadership) {
                tally.resignations++;
                if (random.nextBoolean()) {
                    leadership.resign();
                } else {
                    leadership.resign(1 + random.nextInt(group.plan().nodes()));
                }
            }
        }

        private void checkApplied(GroupLeadership leadership) {
            long applied = replica.appliedIndex();
            EntryId next = group.invariants().committedAt(applied + 1);
            if (next != null && next.term() < leadership.term()) {
                broken = new InvariantBroken("StartsOnWholeState", replica.id() + " starts " + leadership + " of term "
                    + leadership.term() + " and has not applied " + next);
            }
        }

        @Override
        public void stop(GroupLeadership leadership, Leadership.Reason why) {
            tally.losses += why == Leadership.Reason.LOST ? 1 : 0;
            if (started != leadership) {
                broken = new InvariantBroken("StartAndStopAlternate", replica.id() + " stops " + leadership + " while "
                    + started + " is started");
            }
            started = null;
        }
    }
}
