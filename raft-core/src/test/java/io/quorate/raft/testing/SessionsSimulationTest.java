package io.quorate.raft.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.Command;
import io.quorate.raft.SessionCommand;
import io.quorate.raft.SessionResult;
import io.quorate.raft.Sessions;
import io.quorate.raft.SnapshotPolicy;
import io.quorate.raft.StateMachine;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Groups under all faults, whose clients propose in sessions and repeat what they do not know the outcome of; and sessions with something
 * wrong in them, which the same runs must find. The larger budget of runs with sessions is a share of all others.
 */
class SessionsSimulationTest {

    private static final int SEEDS = Integer.getInteger("sessions.seeds", 12);
    private static final Sessions.Options OPTIONS = new Sessions.Options(Duration.ofHours(1), 1000, 10_000);
    private static final SnapshotPolicy OFTEN = SnapshotPolicy.DEFAULT.withLogBytesMin(400).withLogToSnapshotRatio(1)
        .withRetryPause(Duration.ofSeconds(1));

    // ------------------------------------------------------------------------------------------------------------ what must be right

    /** Some counters, each of which answers a command by how many it has had, in replies of many sizes. */
    private static final class Counters implements StateMachine {

        private static final int COUNTERS = 20;

        private final long[] counts = new long[COUNTERS];

        @Override
        public byte[] apply(Command command) {
            long count = ++counts[command.payload().get(0)];
            return ByteBuffer.allocate(Long.BYTES + (int) (7 * count % 200)).putLong(count).array();
        }

        @Override
        public byte[] query(byte[] query) {
            return ByteBuffer.allocate(Long.BYTES).putLong(counts[query[0]]).array();
        }

        @Override
        public Snapshot snapshot() {
            long[] captured = counts.clone();
            return out -> {
                DataOutputStream data = new DataOutputStream(out);
                for (long count : captured) {
                    data.writeLong(count);
                }
            };
        }

        @Override
        public void restore(InputStream in) throws IOException {
            DataInputStream data = new DataInputStream(in);
            for (int i = 0; i < COUNTERS; i++) {
                counts[i] = data.readLong();
            }
        }
    }

    /** Counts once for each operation, so that whatever counts twice is seen by everybody who counts later. */
    private static final class CounterModel implements SequentialModel<Long> {

        @Override
        public Long initial() {
            return 0L;
        }

        @Override
        public Object keyOf(Operation operation) {
            return operation.input()[0];
        }

        @Override
        public @Nullable Long step(Long count, Operation operation) {
            long after = operation.kind() == Operation.Kind.READ ? count : count + 1;
            byte[] output = operation.output();
            return output == null || ByteBuffer.wrap(output).getLong() == after ? after : null;
        }
    }

    private static Workload.Request countOrLook(int client, RandomGenerator random) {
        byte[] counter = {(byte) random.nextInt(Counters.COUNTERS)};
        return random.nextInt(4) == 0 ? Workload.Request.read(counter) : Workload.Request.propose(counter);
    }

    private static Simulation<Counters> counting() {
        return Simulation.of(Counters::new).workload(() -> SessionsSimulationTest::countOrLook).model(new CounterModel())
            .digest(counters -> Arrays.hashCode(counters.counts)).timeouts(60);
    }

    /** I23: over crashes, cuts, changes of leader, snapshots and expiry each operation counts once, by the judgement of the model too. */
    @Test
    void eachCommandCountsExactlyOnceHoweverOftenItIsRepeated() {
        Simulation<Counters> simulation = counting().sessions(OPTIONS);
        Map<Happening, Long> happenings = new EnumMap<>(Happening.class);
        long acknowledged = 0;
        for (long seed = 1; seed <= SEEDS; seed++) {
            Simulation.Report report = (seed % 2 == 0 ? simulation : simulation.snapshots(OFTEN)).run(seed);
            assertTrue(report.isLinearizable());
            acknowledged += report.acknowledged();
            report.happenings().forEach((what, times) -> happenings.merge(Happening.valueOf(what), times, Long::sum));
        }
        assertTrue(acknowledged > 50L * SEEDS, "little was done: " + acknowledged);
        for (Happening what : Happening.values()) {
            assertTrue(!what.name().startsWith("SESSION_") || happenings.get(what) > 0, () -> what + " did not happen: " + happenings);
        }
    }

    // ------------------------------------------------------------------------------------------------------------- what must be found

    /** Sessions that are as they should be but for what a subclass changes, and hide their table, by which they would be known. */
    private static class Planted implements StateMachine {

        final StateMachine machine;
        final Sessions<StateMachine> sessions;

        Planted(StateMachine machine) {
            this.machine = machine;
            sessions = Sessions.around(machine, OPTIONS);
        }

        @Override
        public byte[] apply(Command command) {
            SessionCommand said = SessionCommand.decode(command.payload());
            byte[] result = sessions.apply(command);
            return said instanceof SessionCommand.Call call ? answer(command, call, result) : result;
        }

        byte[] answer(Command command, SessionCommand.Call call, byte[] result) {
            return result;
        }

        @Override
        public byte[] query(byte[] query) {
            return sessions.query(query);
        }

        @Override
        public long wakeUpNanos() {
            return sessions.wakeUpNanos();
        }

        @Override
        public void onTime(long index, long timeNanos) {
            sessions.onTime(index, timeNanos);
        }

        @Override
        public @Nullable Snapshot snapshot() {
            return sessions.snapshot();
        }

        @Override
        public void restore(InputStream in) throws IOException {
            sessions.restore(in);
        }

        @Override
        public String toString() {
            return "";
        }
    }

    /** Does again what is repeated. */
    private static final class Repeating extends Planted {

        private final Set<ByteBuffer> done = new HashSet<>();

        private Repeating(StateMachine machine) {
            super(machine);
        }

        @Override
        byte[] answer(Command command, SessionCommand.Call call, byte[] result) {
            boolean isDone = SessionResult.decode(result) instanceof SessionResult.Done;
            boolean isCopy = !done.add(ByteBuffer.allocate(2 * Long.BYTES).putLong(call.session().index()).putLong(call.sequence()).flip());
            return isDone && isCopy ? new SessionResult.Done(machine.apply(command.withPayload(call.command()))).encode() : result;
        }
    }

    /** Remembers that something was done, and not what the reply was. */
    private static final class Mute extends Planted {

        private final Set<ByteBuffer> done = new HashSet<>();

        private Mute(StateMachine machine) {
            super(machine);
        }

        @Override
        byte[] answer(Command command, SessionCommand.Call call, byte[] result) {
            boolean isDone = SessionResult.decode(result) instanceof SessionResult.Done;
            boolean isCopy = !done.add(ByteBuffer.allocate(2 * Long.BYTES).putLong(call.session().index()).putLong(call.sequence()).flip());
            return isDone && isCopy ? new SessionResult.Done(new byte[0]).encode() : result;
        }
    }

    /** Refuses what was answered but not acknowledged. */
    private static final class Hasty extends Planted {

        private final Set<ByteBuffer> done = new HashSet<>();

        private Hasty(StateMachine machine) {
            super(machine);
        }

        @Override
        byte[] answer(Command command, SessionCommand.Call call, byte[] result) {
            boolean isDone = SessionResult.decode(result) instanceof SessionResult.Done;
            boolean isCopy = !done.add(ByteBuffer.allocate(2 * Long.BYTES).putLong(call.session().index()).putLong(call.sequence()).flip());
            return isDone && isCopy ? new SessionResult.Refused(SessionResult.Reason.ACKNOWLEDGED).encode() : result;
        }
    }

    /** Lets sessions live on. */
    private static final class Ageless extends Planted {

        private Ageless(StateMachine machine) {
            super(machine);
        }

        @Override
        public long wakeUpNanos() {
            return Long.MAX_VALUE;
        }
    }

    /** Changes what a snapshot says of each session. */
    private static class Rewriting extends Planted {

        Rewriting(StateMachine machine) {
            super(machine);
        }

        long expiry(long nanos) {
            return nanos;
        }

        long acknowledged(long sequence) {
            return sequence;
        }

        boolean keepsReplies() {
            return true;
        }

        @Override
        public Snapshot snapshot() {
            Snapshot whole = sessions.snapshot();
            return out -> {
                ByteArrayOutputStream bytes = new ByteArrayOutputStream();
                whole.writeTo(bytes);
                DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes.toByteArray()));
                DataOutputStream changed = new DataOutputStream(out);
                changed.writeByte(in.readByte());
                int count = in.readInt();
                changed.writeInt(count);
                for (int i = 0; i < count; i++) {
                    rewrite(in, changed);
                }
                in.transferTo(out);
            };
        }

        private void rewrite(DataInputStream in, DataOutputStream out) throws IOException {
            out.writeLong(in.readLong());
            out.writeLong(in.readLong());
            out.writeLong(in.readLong());
            out.writeLong(expiry(in.readLong()));
            out.writeLong(acknowledged(in.readLong()));
            int replies = in.readInt();
            out.writeInt(keepsReplies() ? replies : 0);
            for (int i = 0; i < replies; i++) {
                long sequence = in.readLong();
                byte[] reply = in.readNBytes(in.readInt());
                if (keepsReplies()) {
                    out.writeLong(sequence);
                    out.writeInt(reply.length);
                    out.write(reply);
                }
            }
        }
    }

    private static final class ForgettingReplies extends Rewriting {

        private ForgettingReplies(StateMachine machine) {
            super(machine);
        }

        @Override
        boolean keepsReplies() {
            return false;
        }
    }

    private static final class ForgettingAcknowledgements extends Rewriting {

        private ForgettingAcknowledgements(StateMachine machine) {
            super(machine);
        }

        @Override
        long acknowledged(long sequence) {
            return 0;
        }
    }

    private static final class ForgettingTime extends Rewriting {

        private ForgettingTime(StateMachine machine) {
            super(machine);
        }

        @Override
        long expiry(long nanos) {
            return nanos + Duration.ofMinutes(10).toNanos();
        }
    }

    @Test
    void sessionsThatDoAgainWhatIsRepeatedAreFound() {
        assertFound(Repeating::new, 10, "SessionCommandsTakeEffectOnce");
    }

    @Test
    void sessionsThatForgetTheReplyAreFound() {
        assertFound(Mute::new, 10, "CopiesGetTheFirstReply");
    }

    @Test
    void sessionsThatRefuseWhatNobodyHasAcknowledgedAreFound() {
        assertFound(Hasty::new, 10, "OnlySettledCommandsAreForgotten");
    }

    @Test
    void sessionsThatNeverExpireAreFound() {
        assertFound(Ageless::new, 40, "SessionsEndByReplicatedTime");
    }

    /** One replica executes what the others answer from what they keep. */
    @Test
    void sessionsWhoseRepliesAreInNoSnapshotAreFound() {
        assertFound(ForgettingReplies::new, 40, "SessionCommandsTakeEffectOnce", "SameResults");
    }

    @Test
    void sessionsWhoseAcknowledgementsAreInNoSnapshotAreFound() {
        assertFound(ForgettingAcknowledgements::new, 40, "SessionCommandsTakeEffectOnce", "SameResults");
    }

    @Test
    void sessionsWhoseExpiryIsInNoSnapshotAreFound() {
        assertFound(ForgettingTime::new, 40, "SessionsEndByReplicatedTime", "SessionCommandsTakeEffectOnce", "SameResults");
    }

    /** With the table in sight a replica that lacks a part of it is found as soon as it is restored. */
    @Test
    void aTableThatIsNotTheOthersIsFoundWithoutAnyCopy() {
        UnaryOperator<StateMachine> around = machine -> new Rewriting(machine) {
            @Override
            boolean keepsReplies() {
                return false;
            }

            @Override
            public String toString() {
                return sessions.toString();
            }
        };
        // Where a copy comes first, it is found by that.
        assertFound(around, 10, Set.of("SameState"), Set.of("SessionCommandsTakeEffectOnce", "SameResults"));
    }

    /** By the runs of the swarm, within so many of them. */
    private static void assertFound(UnaryOperator<StateMachine> around, int seeds, String... invariants) {
        assertFound(around, seeds, Set.of(invariants), Set.of());
    }

    private static void assertFound(UnaryOperator<StateMachine> around, int seeds, Set<String> invariants, Set<String> others) {
        Simulation<Registers> simulation = Registers.simulation().snapshots(OFTEN).sessions(OPTIONS, around).unexplained();
        for (long seed = 1; seed <= seeds; seed++) {
            try {
                simulation.run(seed);
            } catch (SimulationFailure failure) {
                assertEquals(seed, failure.seed());
                if (invariants.contains(failure.invariant())) {
                    return;
                }
                assertTrue(others.contains(failure.invariant()), failure::getMessage);
            }
        }
        throw new AssertionError(seeds + " seeds have not found it");
    }
}
