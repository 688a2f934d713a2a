package io.quorate.raft;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.SessionResult.Done;
import io.quorate.raft.SessionResult.Opened;
import io.quorate.raft.SessionResult.Refused;
import io.quorate.raft.testing.Operation;
import io.quorate.raft.testing.Simulation;
import io.quorate.raft.testing.SimulationFailure;
import io.quorate.raft.testing.Workload;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.LongFunction;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Whole groups under all faults, whose clients repeat whatever they do not know the outcome of. */
class SessionsSimulationTest {

    private static final int SEEDS = Integer.getInteger("sessions.seeds", 20);

    /** What one run has done, all replicas together: each increment stands at one index, or it has been counted twice. */
    private static final class Run {

        private final Map<Long, Long> indexes = new HashMap<>();     // by increment
        private final Set<Long> acknowledged = new HashSet<>();
        private final Set<Long> refused = new HashSet<>();
        private long repeated;        // acknowledged, after an unknown outcome
        private long forgotten;       // refused, because the session had expired
        private long givenUp;
        private long full;            // refused for want of room, for now

        private void counts(long increment, long index) {
            Long known = indexes.putIfAbsent(increment, index);
            if (known != null && known != index) {
                throw new AssertionError("increment " + increment + " counts at " + known + " and at " + index);
            }
        }

        private void end() {
            for (long increment : acknowledged) {
                assertTrue(indexes.containsKey(increment), () -> "acknowledged, and not counted: " + increment);
            }
            for (long increment : refused) {
                assertTrue(!indexes.containsKey(increment), () -> "refused, and counted: " + increment);
            }
        }
    }

    /** A counter. */
    private static final class Counter implements StateMachine {

        private final Run run;
        private long total;

        private Counter(Run run) {
            this.run = run;
        }

        @Override
        public byte[] apply(Command command) {
            long increment = command.payload().getLong(0);
            run.counts(increment, command.index());
            total++;
            return answer(increment);
        }

        private static byte[] answer(long increment) {
            return ByteBuffer.allocate(8 + (int) (increment % 100)).putLong(-increment).array();
        }

        @Override
        public byte[] query(byte[] query) {
            return ByteBuffer.allocate(8).putLong(total).array();
        }

        @Override
        public Snapshot snapshot() {
            long captured = total;
            return out -> new DataOutputStream(out).writeLong(captured);
        }

        @Override
        public void restore(InputStream in) throws IOException {
            total = new DataInputStream(in).readLong();
        }
    }

    /** One session, used by several clients. */
    private static final class Shared {
        private @Nullable SessionId id;             // null while it is not open
        private long last;
        private final TreeSet<Long> unsettled = new TreeSet<>();

        private long acknowledged() {
            return unsettled.isEmpty() ? last : unsettled.first() - 1;
        }
    }

    /** What a client is about. */
    private static final class Pending {
        private final Shared shared;
        private final SessionId session;
        private final long sequence;
        private final long increment;
        private boolean isPerhaps;
        private boolean isSettled;
        private int open;            // requests; in a flood a client asks again before it is answered

        private Pending(Shared shared, SessionId session, long increment) {
            this.shared = shared;
            this.increment = increment;
            this.session = session;
            sequence = ++shared.last;
            shared.unsettled.add(sequence);
        }

        private void settle() {
            isSettled = true;
            if (session.equals(shared.id)) {
                shared.unsettled.remove(sequence);
            }
        }
    }

    /** Increments, each until its outcome is known. */
    private static final class Increments implements Workload {

        private final Run run;
        private final LongFunction<byte[]> outsideOfSessions;      // null for those inside
        private final Shared[] sessions = {new Shared(), new Shared(), new Shared()};
        private final Map<Integer, Pending> pending = new HashMap<>();
        private final Map<Request, Pending> asked = new IdentityHashMap<>();
        private long lastIncrement;

        private Increments(Run run, @Nullable LongFunction<byte[]> outsideOfSessions) {
            this.run = run;
            this.outsideOfSessions = outsideOfSessions;
        }

        @Override
        public Request next(int client, RandomGenerator random) {
            Shared shared = sessions[client % sessions.length];
            Pending mine = pending.get(client);
            if (mine != null && random.nextInt(60) == 0) {
                run.givenUp++;
                mine.settle();
                pending.remove(client);
                mine = null;
            }
            if (mine == null) {
                SessionId session = shared.id;
                if (session == null) {
                    return Request.propose(new SessionCommand.Open(1L << random.nextInt(27, 35), random.nextLong()).encode());
                } else if (random.nextInt(10) == 0) {
                    return random.nextBoolean() ? Request.read(new byte[0])
                        : Request.propose(new SessionCommand.KeepAlive(session, shared.acknowledged()).encode());
                }
                mine = new Pending(shared, session, ++lastIncrement);
                pending.put(client, mine);
            }
            ByteBuffer command = ByteBuffer.allocate(8).putLong(0, mine.increment);
            Request request = Request.propose(outsideOfSessions != null ? outsideOfSessions.apply(mine.increment)
                : new SessionCommand.Call(mine.session, mine.sequence, mine.session.equals(shared.id) ? shared.acknowledged() : 0, command)
                    .encode());
            asked.put(request, mine);
            mine.open++;
            return request;
        }

        @Override
        public void onOutcome(int client, Request request, Operation.Outcome outcome, byte @Nullable [] output) {
            if (request.kind() == Operation.Kind.READ) {
                return;
            }
            Shared shared = sessions[client % sessions.length];
            Pending mine = asked.remove(request);
            if (mine != null) {
                mine.open--;
            }
            if (outcome != Operation.Outcome.DONE || output == null) {
                if (mine != null) {
                    mine.isPerhaps |= outcome == Operation.Outcome.UNKNOWN;
                }
                return;
            }
            SessionResult result = SessionResult.decode(output);
            if (result instanceof Opened opened) {
                shared.id = opened.session();
                shared.last = 0;
                shared.unsettled.clear();
            } else if (result instanceof Done done && mine != null) {
                assertArrayEquals(Counter.answer(mine.increment), done.result(), "another's answer");
                run.acknowledged.add(mine.increment);
                run.repeated += mine.isPerhaps ? 1 : 0;
                mine.settle();
                pending.remove(client, mine);
            } else if (result instanceof Refused refused && refused.reason() == SessionResult.Reason.FULL) {
                run.full++;
            } else if (result instanceof Refused refused && refused.reason() == SessionResult.Reason.ACKNOWLEDGED) {
                assertTrue(mine != null && mine.isSettled, "nobody has acknowledged it");
            } else if (result instanceof Refused refused) {
                assertEquals(SessionResult.Reason.NO_SUCH_SESSION, refused.reason());
                run.forgotten++;
                if (mine == null || mine.session.equals(shared.id)) {
                    shared.id = null;
                }
                if (mine != null) {
                    if (!mine.isPerhaps && !mine.isSettled && mine.open == 0) {
                        run.refused.add(mine.increment);
                    }
                    mine.settle();
                    pending.remove(client, mine);
                }
            }
        }
    }

    private Run run = new Run();

    /** Machines are made behind the workload of their run. */
    private Simulation<Sessions<Counter>> simulation(@Nullable LongFunction<byte[]> outsideOfSessions) {
        Sessions.Options options = new Sessions.Options(Duration.ofHours(1), 5000, 50_000);
        return Simulation.of(() -> Sessions.around(new Counter(run), options))
            .workload(() -> new Increments(run = new Run(), outsideOfSessions))
            .digest(sessions -> 31L * sessions.toString().hashCode() + sessions.machine().total)
            .timeouts(60);
    }

    /** I23: increments are repeated over crashes, cuts, pauses and changes of leader, and each that is acknowledged counts once. */
    @Test
    void eachAcknowledgedIncrementCountsExactlyOnce() {
        Run all = new Run();
        Simulation<Sessions<Counter>> logsOnly = simulation(null);
        Simulation<Sessions<Counter>> simulation =
            logsOnly.snapshots(SnapshotPolicy.DEFAULT.withLogBytesMin(2000).withRetryPause(Duration.ofSeconds(1)));
        long restored = 0;
        for (long seed = 1; seed <= SEEDS; seed++) {
            Simulation.Report report = (seed % 4 == 0 ? logsOnly : simulation).run(seed);
            restored += report.happenings().get("SNAPSHOT_RESTORED");
            run.end();
            all.repeated += run.repeated;
            all.forgotten += run.forgotten;
            all.givenUp += run.givenUp;
            all.full += run.full;
            run.acknowledged.forEach(increment -> all.acknowledged.add(all.acknowledged.size() + 1L));
            run.refused.forEach(increment -> all.refused.add(all.refused.size() + 1L));
        }
        System.out.println("sessions: seeds=" + SEEDS + " acknowledged=" + all.acknowledged.size() + " after_unknown=" + all.repeated
            + " forgotten=" + all.forgotten + " given_up=" + all.givenUp + " full=" + all.full + " refused=" + all.refused.size()
            + " restored=" + restored);
        assertTrue(restored > SEEDS, "few were restored from snapshots: " + restored);
        assertTrue(all.repeated > SEEDS, "few had to be repeated: " + all.repeated);
        assertTrue(all.forgotten > SEEDS, "few sessions expired: " + all.forgotten);
        assertTrue(all.acknowledged.size() > 100 * SEEDS, "little was done: " + all.acknowledged.size());
    }

    /** Without sessions the same clients do harm; a run that did not show it would prove nothing. */
    @Test
    void whatIsRepeatedOutsideOfSessionsIsFoundToCountTwice() {
        Simulation<Sessions<Counter>> simulation =
            simulation(increment -> new SessionCommand.Plain(ByteBuffer.allocate(8).putLong(0, increment)).encode()).unexplained();
        SimulationFailure failure = assertThrows(SimulationFailure.class, () -> {
            for (long seed = 1; seed <= SEEDS; seed++) {
                simulation.run(seed);
            }
        });
        assertTrue(String.valueOf(failure.getCause()).contains(" counts at "), failure::getMessage);
    }
}
