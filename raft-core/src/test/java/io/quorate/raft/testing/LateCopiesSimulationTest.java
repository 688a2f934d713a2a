package io.quorate.raft.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.Command;
import io.quorate.raft.SessionCommand;
import io.quorate.raft.SessionId;
import io.quorate.raft.SessionResult;
import io.quorate.raft.Sessions;
import io.quorate.raft.SnapshotPolicy;
import io.quorate.raft.StateMachine;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Commands of sessions of which copies come late: repeated by clients who cannot know better, and again when they have long been answered,
 * at whichever replica, while everything goes wrong and snapshots are taken all the time. Each takes effect once, and each copy is answered
 * as the first was or refused as settled. All that a snapshot holds is compared after each command.
 */
class LateCopiesSimulationTest {

    private static final int SEEDS = Integer.getInteger("simulation.copies.seeds", 30);
    private static final Duration LONG = Duration.ofHours(1);
    private static final Duration SHORT = Duration.ofSeconds(10);       // so that clients who are cut off lose theirs

    /** How often each increment took effect; each names itself by its client's session and number. */
    private static final class Increments implements StateMachine {

        private final TreeMap<Long, Integer> effects = new TreeMap<>();   // by name
        private long sum;

        @Override
        public byte[] apply(Command command) {
            effects.merge(command.payload().getLong(0), 1, Integer::sum);
            return ByteBuffer.allocate(Long.BYTES).putLong(++sum).array();      // which no other increment is answered
        }

        @Override
        public byte[] query(byte[] query) {
            return ByteBuffer.allocate(Long.BYTES).putLong(sum).array();
        }

        @Override
        public Snapshot snapshot() {
            TreeMap<Long, Integer> captured = new TreeMap<>(effects);
            return out -> {
                DataOutputStream data = new DataOutputStream(out);
                data.writeInt(captured.size());
                for (Map.Entry<Long, Integer> effect : captured.entrySet()) {
                    data.writeLong(effect.getKey());
                    data.writeInt(effect.getValue());
                }
            };
        }

        @Override
        public void restore(InputStream in) throws IOException {
            DataInputStream data = new DataInputStream(in);
            effects.clear();
            sum = 0;
            for (int left = data.readInt(); left > 0; left--) {
                long name = data.readLong();
                int times = data.readInt();
                effects.put(name, times);
                sum += times;
            }
        }
    }

    /** What clients have seen, over all runs of a test. */
    private static final class Seen {
        private long done;
        private long repeatedAfterUnknown;
        private long answeredTwice;
        private long refusedAsSettled;
        private long lostSessions;
    }

    /** Each client opens a session and increments in it, one number after the other; what it cannot know, it repeats. */
    private static final class Incrementing implements Workload {

        private static final class Client {
            private @Nullable SessionId session;                            // null until it is open
            private long next = 1;
            private boolean isUnknown;                                      // whether next was asked and perhaps done
            private final Map<Long, byte[]> replies = new HashMap<>();      // of this session
        }

        private final Map<Integer, Client> clients = new HashMap<>();
        private final Seen seen;
        private final boolean isCareless;

        /** @param isCareless numbers what it repeats anew, as if it had never asked */
        private Incrementing(Seen seen, boolean isCareless) {
            this.seen = seen;
            this.isCareless = isCareless;
        }

        @Override
        public Request next(int number, RandomGenerator random) {
            Client client = clients.computeIfAbsent(number, any -> new Client());
            SessionId session = client.session;
            if (session == null) {
                Duration timeout = number % 2 == 0 ? LONG : SHORT;
                return Request.propose(new SessionCommand.Open(timeout.toNanos(), random.nextLong()).encode());
            }
            if (random.nextInt(10) == 0) {
                return Request.read(new byte[0]);
            }
            long acknowledged = Math.max(0, client.next - 1 - random.nextInt(4));
            long sequence = client.next;
            if (client.next > 1 && random.nextInt(4) == 0) {    // a copy of an earlier one that was on its way for long
                sequence = random.nextLong(Math.max(1, client.next - 6), client.next);
            } else if (client.isUnknown) {
                seen.repeatedAfterUnknown++;
            }
            ByteBuffer name = ByteBuffer.allocate(Long.BYTES).putLong(0, session.index() << 20 | sequence);
            return Request.propose(new SessionCommand.Call(session, isCareless ? random.nextLong(1, 1L << 40) : sequence,
                isCareless ? 0 : Math.min(acknowledged, client.next - 1), name).encode());
        }

        @Override
        public void onOutcome(int number, Request request, Operation.Outcome outcome, byte @Nullable [] output) {
            Client client = clients.get(number);
            if (request.kind() == Operation.Kind.READ) {
                return;
            }
            SessionCommand asked = SessionCommand.decode(ByteBuffer.wrap(request.input()));
            if (output == null) {
                client.isUnknown |= outcome == Operation.Outcome.UNKNOWN && asked instanceof SessionCommand.Call call
                    && call.sequence() == client.next;
                return;
            }
            SessionResult result = SessionResult.decode(output);
            if (result instanceof SessionResult.Opened opened) {
                client.session = opened.session();
                client.next = 1;
                client.isUnknown = false;
                client.replies.clear();
            } else if (result instanceof SessionResult.Refused refused) {
                onRefused(client, (SessionCommand.Call) asked, refused);
            } else {
                onDone(client, (SessionCommand.Call) asked, output);
            }
        }

        private void onRefused(Client client, SessionCommand.Call call, SessionResult.Refused refused) {
            if (refused.reason() == SessionResult.Reason.NO_SUCH_SESSION) {
                seen.lostSessions++;
                client.session = null;
            } else {
                assertEquals(SessionResult.Reason.ACKNOWLEDGED, refused.reason());
                assertTrue(call.sequence() < client.next, "what nobody has acknowledged was refused: " + call);
                seen.refusedAsSettled++;
            }
        }

        private void onDone(Client client, SessionCommand.Call call, byte[] output) {
            byte[] before = client.replies.putIfAbsent(call.sequence(), output);
            if (before != null) {
                assertTrue(Arrays.equals(before, output), "two replies to " + call);
                seen.answeredTwice++;
            }
            if (call.sequence() == client.next) {
                client.next++;
                client.isUnknown = false;
                seen.done++;
            }
        }
    }

    @Test
    void eachCommandTakesEffectOnceAndIsAnsweredAlikeHoweverOftenItIsRepeated() {
        Seen seen = new Seen();
        Simulation<Sessions<Increments>> simulation = simulation(seen, false);
        Map<String, Long> happened = new TreeMap<>();
        for (long seed = 1; seed <= SEEDS; seed++) {
            simulation.run(seed).happenings().forEach((what, times) -> happened.merge(what, times, Long::sum));
        }
        assertTrue(seen.done > 20L * SEEDS && seen.repeatedAfterUnknown > SEEDS && seen.answeredTwice > SEEDS
            && seen.refusedAsSettled > SEEDS && seen.lostSessions > 0, () -> "done " + seen.done + ", repeated " + seen.repeatedAfterUnknown
            + ", answered twice " + seen.answeredTwice + ", settled " + seen.refusedAsSettled + ", lost " + seen.lostSessions);
        for (Happening what : new Happening[] {Happening.SNAPSHOT_INSTALLED, Happening.SNAPSHOT_RESTORED, Happening.ELECTION_WON,
            Happening.CRASH_WRITE_LOST, Happening.OUTCOME_UNKNOWN}) {
            assertTrue(happened.get(what.name()) > 0, () -> what + " did not happen: " + happened);
        }
    }

    /** Who repeats under another number does it twice: the check above would have shown it. */
    @Test
    void aCommandThatIsRepeatedUnderAnotherNumberTakesEffectTwiceAndThatIsCaught() {
        Simulation<Sessions<Increments>> simulation = simulation(new Seen(), true).unexplained();
        SimulationFailure caught = assertThrows(SimulationFailure.class, () -> {
            for (long seed = 1; seed <= SEEDS; seed++) {
                simulation.run(seed);
            }
        });
        assertEquals("EachTakesEffectOnce", caught.invariant());
    }

    private static Simulation<Sessions<Increments>> simulation(Seen seen, boolean isCareless) {
        return Simulation.of(() -> Sessions.around(new Increments()))
            .workload(() -> new Incrementing(seen, isCareless))
            .check("EachTakesEffectOnce", sessions -> sessions.machine().effects.forEach((name, times) -> {
                if (times > 1) {
                    throw new IllegalStateException("number " + (name & (1 << 20) - 1) + " of session " + (name >> 20) + " took effect "
                        + times + " times");
                }
            }))
            .digest(LateCopiesSimulationTest::digest)
            .snapshots(SnapshotPolicy.DEFAULT.withLogBytesMin(2000).withLogToSnapshotRatio(1).withRetryPause(Duration.ofSeconds(1)))
            .timeouts(40);
    }

    /** Of all that a snapshot would hold: of the table of sessions too. */
    private static long digest(Sessions<Increments> sessions) {
        try {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            StateMachine.Snapshot snapshot = sessions.snapshot();
            if (snapshot == null) {
                throw new IllegalStateException("there are snapshots");
            }
            snapshot.writeTo(bytes);
            return Arrays.hashCode(bytes.toByteArray());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
