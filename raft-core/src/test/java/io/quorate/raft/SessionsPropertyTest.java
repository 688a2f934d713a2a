package io.quorate.raft;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.SessionResult.Reason;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.jspecify.annotations.Nullable;

/** Sessions against a model, and the codec against whatever bytes there are. */
class SessionsPropertyTest {

    private static final Sessions.Options OPTIONS = new Sessions.Options(java.time.Duration.ofNanos(2000), 500, 3000);

    /** Counts how often each command has happened; answers with the count of all. */
    private static final class Counter implements StateMachine {

        private final TreeMap<Long, Long> times = new TreeMap<>();     // by command
        private long total;

        @Override
        public byte[] apply(Command command) {
            times.merge(command.payload().getLong(0), 1L, Long::sum);
            total++;
            return ByteBuffer.allocate(8 + (int) (total % 50)).putLong(total).array();
        }

        @Override
        public byte[] query(byte[] query) {
            return query;
        }

        @Override
        public Snapshot snapshot() {
            Counter captured = new Counter();
            captured.times.putAll(times);
            captured.total = total;
            return out -> {
                DataOutputStream data = new DataOutputStream(out);
                data.writeLong(captured.total);
                data.writeInt(captured.times.size());
                for (Map.Entry<Long, Long> each : captured.times.entrySet()) {
                    data.writeLong(each.getKey());
                    data.writeLong(each.getValue());
                }
            };
        }

        @Override
        public void restore(InputStream in) throws IOException {
            DataInputStream data = new DataInputStream(in);
            total = data.readLong();
            times.clear();
            for (int left = data.readInt(); left > 0; left--) {
                times.put(data.readLong(), data.readLong());
            }
        }
    }

    /** A session as one would think of it. */
    private static final class ModelSession {
        private long timeoutNanos;
        private long heardNanos;
        private long acknowledged;
        private final Map<Long, byte[]> replies = new HashMap<>();     // all that were ever given

        private long bytes() {
            return replies.entrySet().stream().filter(reply -> reply.getKey() > acknowledged)
                .mapToLong(reply -> SessionTable.REPLY_BYTES + reply.getValue().length).sum();
        }
    }

    private static final class Model {
        private final Map<SessionId, ModelSession> sessions = new HashMap<>();

        /** What must be answered; null if it is for the machine, which is asked then. */
        private @Nullable SessionResult answer(long index, long now, SessionCommand command) {
            sessions.values().removeIf(session -> now - session.heardNanos >= session.timeoutNanos);
            if (command instanceof SessionCommand.Open open) {
                if (bytes() >= OPTIONS.bytesMax()) {
                    return new SessionResult.Refused(Reason.FULL);
                }
                ModelSession session = new ModelSession();
                session.timeoutNanos = Math.min(open.timeoutNanos(), OPTIONS.timeoutMax().toNanos());
                session.heardNanos = now;
                SessionId id = new SessionId(index, open.number());
                sessions.put(id, session);
                return new SessionResult.Opened(id, session.timeoutNanos);
            }
            SessionId id = command instanceof SessionCommand.Call call ? call.session()
                : command instanceof SessionCommand.KeepAlive keepAlive ? keepAlive.session() : ((SessionCommand.Close) command).session();
            ModelSession session = sessions.get(id);
            if (session == null) {
                return new SessionResult.Refused(Reason.NO_SUCH_SESSION);
            }
            if (command instanceof SessionCommand.Close) {
                sessions.remove(id);
                return new SessionResult.Done(new byte[0]);
            }
            session.heardNanos = now;
            if (command instanceof SessionCommand.KeepAlive keepAlive) {
                session.acknowledged = Math.max(session.acknowledged, keepAlive.acknowledged());
                return new SessionResult.Done(new byte[0]);
            }
            SessionCommand.Call call = (SessionCommand.Call) command;
            session.acknowledged = Math.max(session.acknowledged, call.acknowledged());
            if (call.sequence() <= session.acknowledged) {
                return new SessionResult.Refused(Reason.ACKNOWLEDGED);
            }
            byte[] known = session.replies.get(call.sequence());
            if (known != null) {
                return SessionResult.decode(known);
            }
            boolean isFull = session.bytes() >= OPTIONS.sessionReplyBytesMax() || bytes() >= OPTIONS.bytesMax();
            return isFull && call.sequence() > session.acknowledged + 1 ? new SessionResult.Refused(Reason.FULL) : null;
        }

        private long bytes() {
            return sessions.values().stream().mapToLong(session -> SessionTable.SESSION_BYTES + session.bytes()).sum();
        }
    }

    /** One replica, fed as the server feeds it, which begins anew from a snapshot now and then. */
    private static final class Replica {
        private Sessions<Counter> sessions = Sessions.around(new Counter(), OPTIONS);

        private void time(long index, long now) {
            if (now >= sessions.wakeUpNanos()) {
                sessions.onTime(index, now);
                assertTrue(sessions.wakeUpNanos() > now);
            }
        }

        private byte[] apply(long index, long now, byte[] payload) {
            time(index, now);
            return sessions.apply(new Command(index, ByteBuffer.wrap(payload).asReadOnlyBuffer(), now));
        }

        private byte[] state() throws IOException {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            Objects.requireNonNull(sessions.snapshot()).writeTo(out);
            return out.toByteArray();
        }

        private void restart() throws IOException {
            byte[] state = state();
            sessions = Sessions.around(new Counter(), OPTIONS);
            sessions.restore(new ByteArrayInputStream(state));
        }
    }

    /** Duplicates, reorderings, acknowledgements, expiries; two replicas that restart from snapshots of their own at different places. */
    @Property(tries = 300)
    void eachCommandHappensAtMostOnceAndEachReplicaAnswersAsTheModel(@ForAll long seed) throws IOException {
        Random random = new Random(seed);
        Replica one = new Replica();
        Replica other = new Replica();
        Model model = new Model();
        long index = 0;
        long now = 0;
        long executed = 0;
        for (int step = 0; step < 200; step++) {
            index++;
            now += random.nextInt(3) > 0 ? random.nextInt(200) : random.nextInt(20) == 0 ? 3000 : 0;
            if (random.nextInt(10) == 0) {
                one.time(index, now);     // an entry of another kind
                other.time(index, now);
                continue;
            }
            SessionCommand command = draw(random, model, index);
            SessionResult expected = model.answer(index, now, command);
            byte[] answer = one.apply(index, now, command.encode());
            if (expected == null) {
                executed++;
                assertEquals(executed, one.sessions.machine().total, () -> "not executed: " + command);
                SessionCommand.Call call = (SessionCommand.Call) command;
                model.sessions.get(call.session()).replies.put(call.sequence(), answer);
            } else {
                assertArrayEquals(expected.encode(), answer, () -> expected + " expected for " + command);
                assertEquals(executed, one.sessions.machine().total, () -> "executed: " + command);
            }
            assertArrayEquals(answer, other.apply(index, now, command.encode()));
            assertEquals(model.bytes(), one.sessions.sessionBytes());
            if (random.nextInt(15) == 0) {
                one.restart();
            }
            if (random.nextInt(15) == 0) {
                other.restart();
            }
            if (random.nextInt(5) == 0) {
                assertArrayEquals(one.state(), other.state());
                assertEquals(one.sessions.wakeUpNanos(), other.sessions.wakeUpNanos());
            }
        }
        assertArrayEquals(one.state(), other.state());
        assertTrue(one.sessions.machine().times.values().stream().allMatch(times -> times == 1), () -> "twice: " + seed);
    }

    private static SessionCommand draw(Random random, Model model, long index) {
        int kind = random.nextInt(20);
        if (kind < 2 || model.sessions.isEmpty() && random.nextBoolean()) {
            return new SessionCommand.Open(1 + random.nextInt(3000), random.nextLong());
        }
        SessionId[] known = model.sessions.keySet().stream().sorted(Comparator.comparingLong(SessionId::index)).toArray(SessionId[]::new);
        SessionId session = known.length == 0 ? new SessionId(index, 0) : known[random.nextInt(known.length)];
        if (random.nextInt(15) == 0) {     // of another group, or of one that is no more
            session = random.nextBoolean() ? new SessionId(session.index(), random.nextLong())
                : new SessionId(1 + random.nextInt((int) index), session.number());
        }
        long sequence = 1 + random.nextInt(12);
        long acknowledged = random.nextInt(4) == 0 ? Math.max(0, sequence - 1 - random.nextInt(3)) : 0;
        if (kind == 2) {
            return new SessionCommand.Close(session);
        } else if (kind == 3) {
            return new SessionCommand.KeepAlive(session, acknowledged);
        }
        return new SessionCommand.Call(session, sequence, acknowledged,
            ByteBuffer.allocate(8).putLong(0, session.index() * 1000 + sequence));
    }

    // -------------------------------------------------------------------------------------------------------------------------- codec

    @Property(tries = 300)
    void whatIsEncodedIsDecoded(@ForAll long seed) {
        Random random = new Random(seed);
        byte[] bytes = new byte[random.nextInt(20)];
        random.nextBytes(bytes);
        long one = 1 + (random.nextLong() >>> 1 + random.nextInt(62));
        long two = 1 + (random.nextLong() >>> 1 + random.nextInt(62));
        long three = random.nextLong() >>> 1 + random.nextInt(62);
        long drawn = random.nextLong();
        SessionId session = new SessionId(two, drawn);
        for (SessionCommand command : new SessionCommand[] {new SessionCommand.Plain(ByteBuffer.wrap(bytes)),
            new SessionCommand.Open(one, drawn),
            new SessionCommand.Call(session, two, three, ByteBuffer.wrap(bytes)), new SessionCommand.KeepAlive(session, three),
            new SessionCommand.Close(session)}) {
            byte[] encoded = command.encode();
            assertEquals(command, SessionCommand.decode(ByteBuffer.wrap(encoded).asReadOnlyBuffer()));
            byte[] within = new byte[encoded.length + 7];
            System.arraycopy(encoded, 0, within, 3, encoded.length);
            assertEquals(command, SessionCommand.decode(ByteBuffer.wrap(within, 3, encoded.length)));
        }
        assertArrayEquals(bytes, ((SessionResult.Done) SessionResult.decode(new SessionResult.Done(bytes).encode())).result());
        SessionResult opened = new SessionResult.Opened(session, two);
        assertEquals(opened, SessionResult.decode(opened.encode()));
        for (Reason reason : Reason.values()) {
            assertEquals(new SessionResult.Refused(reason), SessionResult.decode(new SessionResult.Refused(reason).encode()));
        }
    }

    /** It is the payload of an entry that is committed: whatever stands there, replicas must go on. */
    @Property(tries = 2000)
    void noBytesDoMoreThanBeRefused(@ForAll byte[] bytes) {
        readOrRefused(() -> assertArrayEquals(bytes, SessionCommand.decode(ByteBuffer.wrap(bytes)).encode()));
        readOrRefused(() -> assertArrayEquals(bytes, SessionResult.decode(bytes).encode()));
        for (byte kind = 0; kind < 5; kind++) {
            byte[] likely = Arrays.copyOf(new byte[] {kind}, 1 + bytes.length);
            System.arraycopy(bytes, 0, likely, 1, bytes.length);
            readOrRefused(() -> assertArrayEquals(likely, SessionCommand.decode(ByteBuffer.wrap(likely)).encode()));
            readOrRefused(() -> assertArrayEquals(likely, SessionResult.decode(likely).encode()));
        }
        byte[] cut = new SessionCommand.Call(new SessionId(1, 9), 2, 0, ByteBuffer.allocate(0)).encode();
        assertThrows(IllegalArgumentException.class, () -> SessionCommand.decode(ByteBuffer.wrap(cut, 0, cut.length - 1)));
    }

    private static void readOrRefused(Runnable reading) {
        try {
            reading.run();
        } catch (IllegalArgumentException e) {
            assertTrue(e.getMessage() != null && !e.getMessage().isEmpty());
        }
    }
}
