package io.quorate.raft;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.quorate.raft.SessionResult.Done;
import io.quorate.raft.SessionResult.Opened;
import io.quorate.raft.SessionResult.Reason;
import io.quorate.raft.SessionResult.Refused;
import io.quorate.raft.testing.StateMachineContract;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** At most once, with the same reply, on every replica alike. */
class SessionsTest {

    private static final long SECOND = 1_000_000_000L;
    private static final long NUMBER = 0x1234_5678_9abc_def0L;     // what the clients have drawn
    private static final Sessions.Options SMALL = new Sessions.Options(Duration.ofSeconds(60), 400, 2000);

    /** Answers each command with how many it has had; keeps those that came. */
    private static class Journal implements StateMachine {

        private final List<String> lines = new ArrayList<>();
        private long wakeUpNanos = Long.MAX_VALUE;

        @Override
        public byte[] apply(Command command) {
            String text = new String(command.bytes(), StandardCharsets.UTF_8);
            if (text.startsWith("large ")) {
                lines.add("large");
                return new byte[Integer.parseInt(text.substring(6))];
            }
            if (text.equals("fail")) {
                throw new IllegalStateException("a bug");
            }
            lines.add(text);
            return bytes(text + " is number " + lines.size() + " at " + command.index() + ", " + command.timeNanos());
        }

        @Override
        public byte[] query(byte[] query) {
            return bytes(new String(query, StandardCharsets.UTF_8) + ": " + lines);
        }

        @Override
        public long wakeUpNanos() {
            return wakeUpNanos;
        }

        @Override
        public void onTime(long index, long timeNanos) {
            lines.add("time " + timeNanos + " before " + index);
            wakeUpNanos = Long.MAX_VALUE;
        }

        @Override
        public Snapshot snapshot() {
            long capturedNanos = wakeUpNanos;
            List<String> captured = List.copyOf(lines);
            return out -> {
                DataOutputStream data = new DataOutputStream(out);
                data.writeLong(capturedNanos);
                data.writeInt(captured.size());
                for (String line : captured) {
                    data.writeUTF(line);
                }
            };
        }

        @Override
        public void restore(InputStream in) throws IOException {
            DataInputStream data = new DataInputStream(in);
            wakeUpNanos = data.readLong();
            lines.clear();
            for (int left = data.readInt(); left > 0; left--) {
                lines.add(data.readUTF());
            }
        }
    }

    private Journal journal = new Journal();
    private Sessions<Journal> sessions = Sessions.around(journal);
    private long index;
    private long now;

    // -------------------------------------------------------------------------------------------------------------------- at most once

    @Test
    void aRepeatedCommandGetsTheSameReplyAndHappensOnce() {
        SessionId session = open();
        byte[] reply = call(session, 1, 0, "a");
        now += SECOND;
        assertArrayEquals(reply, call(session, 1, 0, "a"));
        assertArrayEquals(reply, call(session, 1, 0, "what the copy says is not even looked at"));
        assertEquals(List.of("a"), journal.lines);
        assertEquals("a is number 1 at 2, 0", text(reply));
    }

    @Test
    void severalMayBeOutstandingAndComeInAnyOrder() {
        SessionId session = open();
        byte[] third = call(session, 3, 0, "c");
        byte[] first = call(session, 1, 0, "a");
        assertArrayEquals(third, call(session, 3, 0, "c"));
        call(session, 2, 0, "b");
        assertArrayEquals(first, call(session, 1, 0, "a"));
        assertEquals(List.of("c", "a", "b"), journal.lines);
    }

    @Test
    void sessionsAreNumberedEachForItself() {
        SessionId one = open();
        SessionId other = open();
        call(one, 1, 0, "a");
        call(other, 1, 0, "b");
        assertEquals(List.of("a", "b"), journal.lines);
    }

    /** A copy that was long on its way finds that its number is settled, whether it was the first to come or not. */
    @Test
    void whatWasAcknowledgedIsRefusedAndNotExecuted() {
        SessionId session = open();
        call(session, 1, 0, "a");
        call(session, 3, 2, "c");
        assertEquals(Reason.ACKNOWLEDGED, refusal(call(session, 1, 0, "a")));
        assertEquals(Reason.ACKNOWLEDGED, refusal(call(session, 2, 0, "b")));
        assertEquals(Reason.ACKNOWLEDGED, refusal(call(session, 5, 5, "acknowledged before it was said")));
        assertEquals(List.of("a", "c"), journal.lines);
    }

    @Test
    void anAcknowledgementThatComesLateTakesNothingBack() {
        SessionId session = open();
        call(session, 3, 2, "c");
        call(session, 4, 0, "d");
        assertEquals(Reason.ACKNOWLEDGED, refusal(call(session, 2, 0, "b")));
    }

    @Test
    void aSessionThatIsClosedOrNeverWasIsUnknown() {
        SessionId session = open();
        call(session, 1, 0, "a");
        assertArrayEquals(new byte[0], done(apply(new SessionCommand.Close(session))));
        assertEquals(Reason.NO_SUCH_SESSION, refusal(call(session, 1, 0, "a")));
        assertEquals(Reason.NO_SUCH_SESSION, refusal(call(session, 2, 0, "b")));
        assertEquals(Reason.NO_SUCH_SESSION, refusal(apply(new SessionCommand.Close(session))));
        assertEquals(Reason.NO_SUCH_SESSION, refusal(apply(new SessionCommand.KeepAlive(session, 0))));
        assertEquals(Reason.NO_SUCH_SESSION, refusal(call(new SessionId(99, NUMBER), 1, 0, "c")));
        assertEquals(List.of("a"), journal.lines);
        assertEquals(0, sessions.sessionBytes());
    }

    /** So no leader that is rolled back has ever given one away: before the entry is applied there is no number, and then there is one. */
    @Test
    void aSessionIsNumberedByItsIndexAndNoNumberComesAgain() {
        index = 41;
        SessionId session = open();
        assertEquals(new SessionId(42, NUMBER), session);
        apply(new SessionCommand.Close(session));
        assertEquals(new SessionId(44, NUMBER), open());
        assertEquals(new SessionId(45, NUMBER), open());
    }

    @Test
    void plainCommandsAndQueriesAreTheMachinesOwn() {
        assertEquals("a is number 1 at 1, 0", text(apply(new SessionCommand.Plain(ByteBuffer.wrap(bytes("a"))))));
        apply(new SessionCommand.Plain(ByteBuffer.wrap(bytes("a"))));
        assertEquals("q: [a, a]", new String(sessions.query(bytes("q")), StandardCharsets.UTF_8));
    }

    @Test
    void whatCannotBeReadIsRefusedByAResult() {
        for (byte[] payload : List.of(new byte[0], new byte[] {9}, new byte[] {SessionBytes.CALL}, new byte[17], new byte[] {-1, 0})) {
            byte[] whole = payload.length == 17 ? ByteBuffer.wrap(payload).put(0, SessionBytes.CALL).array() : payload;
            assertEquals(Reason.UNREADABLE, refusal(apply(whole)));
        }
        assertEquals(List.of(), journal.lines);
    }

    /** A replica that skipped a command would be no copy: the server must hear of it and stop. */
    @Test
    void anExceptionOfTheMachineIsNoResult() {
        SessionId session = open();
        assertThrows(IllegalStateException.class, () -> call(session, 1, 0, "fail"));
    }

    /** Its log went on from the backup's index, so others' sessions were opened where those of the lost group had been. */
    @Test
    void aSessionOfTheLostGroupIsNoneOfTheOneThatWasRestoredFromItsBackup() throws IOException {
        SessionId kept = open();
        byte[] reply = call(kept, 1, 0, "before the backup");
        long backupIndex = index;
        byte[] backup = bytes(sessions.snapshot());
        SessionId lost = open();
        call(lost, 1, 0, "lost with the old group");

        journal = new Journal();
        sessions = Sessions.around(journal);
        sessions.restore(new ByteArrayInputStream(backup));
        index = backupIndex;
        SessionId fresh = ((Opened) SessionResult.decode(apply(new SessionCommand.Open(10 * SECOND, NUMBER + 1)))).session();
        assertEquals(lost.index(), fresh.index());
        byte[] others = call(fresh, 2, 0, "another's");
        now = 9 * SECOND;
        assertEquals(Reason.NO_SUCH_SESSION, refusal(call(lost, 2, 0, "mine")), "neither executed nor given another's reply");
        assertEquals(Reason.NO_SUCH_SESSION, refusal(call(lost, 3, 2, "nor executed as the other's next")));
        assertEquals(Reason.NO_SUCH_SESSION, refusal(apply(new SessionCommand.KeepAlive(lost, 2))));
        assertEquals(Reason.NO_SUCH_SESSION, refusal(apply(new SessionCommand.Close(lost))));
        assertEquals(List.of("before the backup", "another's"), journal.lines);
        assertEquals(10 * SECOND, sessions.wakeUpNanos(), "nor is the other session kept alive by it");
        assertArrayEquals(others, call(fresh, 2, 0, "another's"), "nor has it acknowledged for it");
        assertArrayEquals(reply, call(kept, 1, 0, "before the backup"), "what the backup knows goes on");
        restart();
        assertEquals(Reason.NO_SUCH_SESSION, refusal(call(lost, 1, 0, "nor after a restart from a snapshot")));
        assertArrayEquals(others, call(fresh, 2, 0, "another's"));
    }

    // ------------------------------------------------------------------------------------------------------------------------- expiry

    @Test
    void aSessionThatIsNotHeardOfExpiresByReplicatedTime() {
        SessionId session = open(10 * SECOND);
        call(session, 1, 0, "a");
        now = 10 * SECOND - 1;
        call(session, 2, 0, "b");
        assertEquals(20 * SECOND - 1, sessions.wakeUpNanos());
        now = 20 * SECOND - 1;
        assertEquals(Reason.NO_SUCH_SESSION, refusal(call(session, 1, 0, "a")));
        assertEquals(Reason.NO_SUCH_SESSION, refusal(call(session, 3, 0, "c")));
        assertEquals(List.of("a", "b"), journal.lines);
    }

    @Test
    void aRepeatedCommandAndASignOfLifeKeepItAlive() {
        SessionId session = open(10 * SECOND);
        byte[] reply = call(session, 1, 0, "a");
        for (int i = 0; i < 5; i++) {
            now += 9 * SECOND;
            assertArrayEquals(reply, call(session, 1, 0, "a"));
            now += 9 * SECOND;
            assertArrayEquals(new byte[0], done(apply(new SessionCommand.KeepAlive(session, 0))));
        }
    }

    @Test
    void memoryIsFreedWhenTheTimeComesThoughNobodyCommandsAnything() {
        open(10 * SECOND);
        SessionId second = open(5 * SECOND);
        call(second, 1, 0, "a");
        assertEquals(5 * SECOND, sessions.wakeUpNanos());
        time(5 * SECOND);
        assertEquals(1, sessions.openSessions());
        assertEquals(10 * SECOND, sessions.wakeUpNanos());
        time(12 * SECOND);
        assertEquals(0, sessions.openSessions());
        assertEquals(0, sessions.sessionBytes());
        assertEquals(Long.MAX_VALUE, sessions.wakeUpNanos());
    }

    @Test
    void noSessionLivesLongerThanTheOptionsAllow() {
        use(SMALL);
        SessionId session = open(3600 * SECOND);
        assertEquals(60 * SECOND, sessions.wakeUpNanos());
        time(60 * SECOND);
        assertEquals(Reason.NO_SUCH_SESSION, refusal(call(session, 1, 0, "a")));
    }

    @Test
    void theMachinesOwnTimeComesWhenItIsDueAndNotWhenASessionIs() {
        journal.wakeUpNanos = 7 * SECOND;
        open(5 * SECOND);
        time(6 * SECOND);
        assertEquals(List.of(), journal.lines);
        assertEquals(7 * SECOND, sessions.wakeUpNanos());
        time(8 * SECOND);
        assertEquals(List.of("time 8000000000 before " + index), journal.lines);
        assertEquals(Long.MAX_VALUE, sessions.wakeUpNanos());
    }

    // ------------------------------------------------------------------------------------------------------------------------- bounds

    @Test
    void acknowledgedRepliesAreForgotten() {
        SessionId session = open();
        long empty = sessions.sessionBytes();
        for (int sequence = 1; sequence <= 100; sequence++) {
            call(session, sequence, sequence - 1, "a");
        }
        assertEquals(empty + SessionTable.REPLY_BYTES + 1 + "a is number 100 at 101, 0".length(), sessions.sessionBytes());
        apply(new SessionCommand.KeepAlive(session, 100));
        assertEquals(empty, sessions.sessionBytes());
    }

    @Test
    void aSessionWithAsManyRepliesAsItMayIsRefusedUntilItAcknowledges() {
        use(SMALL);
        SessionId session = open();
        int sequence = 1;
        while (!(SessionResult.decode(call(session, sequence, 0, "a")) instanceof Refused)) {
            sequence++;
        }
        int executed = journal.lines.size();
        assertEquals(sequence - 1, executed);
        assertEquals(4, executed, "of 122 bytes each");
        assertEquals(Reason.FULL, refusal(call(session, sequence, 0, "a")));
        assertEquals("a is number 1 at 2, 0", text(call(session, 1, 0, "a")), "what is known is answered all the same");
        assertEquals(executed, journal.lines.size());
        assertEquals("a is number " + (executed + 1) + " at " + (index + 1) + ", 0", text(call(session, sequence, sequence - 1, "a")));
    }

    /** Were it refused too, nothing could ever be acknowledged: the group would wait for the client, and the client for the group. */
    @Test
    void theCommandThatAllAcknowledgementsWaitForPassesAFullSession() {
        use(SMALL);
        SessionId session = open();
        for (int sequence = 2; sequence < 10; sequence++) {
            call(session, sequence, 0, "b");
        }
        assertEquals(Reason.FULL, refusal(call(session, 10, 0, "c")));
        int executed = journal.lines.size();
        assertEquals("a is number " + (executed + 1) + " at " + (index + 1) + ", 0", text(call(session, 1, 0, "a")));
        assertEquals("c is number " + (executed + 2) + " at " + (index + 1) + ", 0", text(call(session, 10, 4, "c")));
    }

    @Test
    void oneReplyMayBeLargerThanAllThatMayBeKept() {
        use(SMALL);
        SessionId session = open();
        assertEquals(5000, done(call(session, 1, 0, "large 5000")).length);
        assertEquals(Reason.FULL, refusal(call(session, 2, 0, "b")));
        assertEquals("b is number 2 at 4, 0", text(call(session, 2, 1, "b")));
    }

    @Test
    void whenAllIsFullNoSessionIsOpenedAndEachGoesOnWithOneCommandAtATime() {
        use(SMALL);
        SessionId busy = open();
        SessionId idle = open();
        call(busy, 1, 0, "large 1800");
        assertEquals(Reason.FULL, refusal(apply(new SessionCommand.Open(SECOND, NUMBER))));
        assertEquals("a is number 2 at 5, 0", text(call(idle, 1, 0, "a")));
        assertEquals(Reason.FULL, refusal(call(idle, 2, 0, "b")));
        assertEquals("b is number 3 at 7, 0", text(call(idle, 2, 1, "b")));
        apply(new SessionCommand.KeepAlive(busy, 1));
        open();
    }

    // ---------------------------------------------------------------------------------------------------------------------- snapshots

    @Test
    void aRestoredReplicaKnowsEveryReplyAndAcknowledgement() throws IOException {
        SessionId session = open();
        byte[] second = call(session, 2, 1, "b");
        restart();
        assertEquals(Reason.ACKNOWLEDGED, refusal(call(session, 1, 0, "a")));
        assertArrayEquals(second, call(session, 2, 1, "b"));
        assertEquals(List.of("b"), journal.lines);
    }

    /** Were it only known when it was opened, this replica would refuse what the others execute. */
    @Test
    void aRestoredReplicaLetsSessionsExpireWhenTheOthersDo() throws IOException {
        SessionId session = open(10 * SECOND);
        now = 9 * SECOND;
        call(session, 1, 0, "a");
        restart();
        assertEquals(19 * SECOND, sessions.wakeUpNanos());
        now = 19 * SECOND - 1;
        assertEquals("b is number 2 at 3, 18999999999", text(call(session, 2, 0, "b")));
        now = 29 * SECOND - 1;
        assertEquals(Reason.NO_SUCH_SESSION, refusal(call(session, 3, 0, "c")));
    }

    @Test
    void aSnapshotIsNotChangedByWhatComesLater() throws IOException {
        SessionId session = open();
        call(session, 1, 0, "a");
        StateMachine.Snapshot snapshot = sessions.snapshot();
        byte[] before = bytes(sessions.snapshot());
        call(session, 2, 1, "b");
        apply(new SessionCommand.Close(session));
        assertArrayEquals(before, bytes(snapshot));
    }

    @Test
    void aMachineWithoutSnapshotsHasNoneInHereEither() {
        assertNull(Sessions.around(new Journal() {
            @Override
            public @Nullable Snapshot snapshot() {
                return null;
            }
        }).snapshot());
    }

    @Test
    void aMachineThatKeepsItsStateOnDiskIsTurnedAwayThoughThatIsEmptyYet() {
        for (long index : new long[] {0, 7}) {
            StateMachine durable = new Journal() {
                @Override
                public long appliedIndex() {
                    return index;
                }
            };
            assertThrows(IllegalArgumentException.class, () -> Sessions.around(durable));
        }
    }

    @Test
    void whatIsNoSnapshotIsNotRestored() throws IOException {
        call(open(), 1, 0, "a");
        byte[] whole = bytes(sessions.snapshot());
        assertThrows(EOFException.class, () -> sessions.restore(new ByteArrayInputStream(whole, 0, 20)));
        assertThrows(IOException.class, () -> sessions.restore(new ByteArrayInputStream(whole, 0, 68)));
        byte[] newer = whole.clone();
        newer[0]++;
        assertThrows(IOException.class, () -> sessions.restore(new ByteArrayInputStream(newer)));
        byte[] impossible = whole.clone();
        impossible[1] = -1;
        assertThrows(IOException.class, () -> sessions.restore(new ByteArrayInputStream(impossible)));
        assertEquals(1, sessions.openSessions(), "what was there before stays");
    }

    @Test
    void itKeepsTheContractOfAStateMachine() {
        StateMachineContract.of(() -> Sessions.around(new Journal(), new Sessions.Options(Duration.ofHours(1), 300, 1500)))
            .commands(random -> {
                SessionId session = new SessionId(1 + random.nextInt(40), random.nextInt(20) == 0 ? 8 : 7);
                long sequence = 1 + random.nextInt(6);
                long acknowledged = random.nextInt(4) == 0 ? random.nextInt(6) : 0;
                return switch (random.nextInt(8)) {
                    case 0, 1 -> new SessionCommand.Open(1L << random.nextInt(45), 7).encode();
                    case 2 -> random.nextInt(4) > 0 ? new SessionCommand.KeepAlive(session, acknowledged).encode()
                        : new SessionCommand.Close(session).encode();
                    case 3 -> random.nextBoolean() ? new byte[random.nextInt(10)]
                        : new SessionCommand.Plain(ByteBuffer.wrap(bytes("p"))).encode();
                    default -> new SessionCommand.Call(session, sequence, acknowledged, ByteBuffer.wrap(bytes("c" + sequence))).encode();
                };
            })
            .queries(random -> bytes("q"))
            .check();
    }

    // -------------------------------------------------------------------------------------------------------------------------- steps

    private void use(Sessions.Options options) {
        sessions = Sessions.around(journal, options);
    }

    private SessionId open() {
        return open(1000 * SECOND);
    }

    private SessionId open(long timeoutNanos) {
        return ((Opened) SessionResult.decode(apply(new SessionCommand.Open(timeoutNanos, NUMBER)))).session();
    }

    private byte[] call(SessionId session, long sequence, long acknowledged, String command) {
        return apply(new SessionCommand.Call(session, sequence, acknowledged, ByteBuffer.wrap(bytes(command))));
    }

    private byte[] apply(SessionCommand command) {
        return apply(command.encode());
    }

    private byte[] apply(byte[] payload) {
        tell(++index);
        return sessions.apply(new Command(index, ByteBuffer.wrap(payload).asReadOnlyBuffer(), now));
    }

    /** An entry that says nothing but the time. */
    private void time(long timeNanos) {
        now = timeNanos;
        tell(++index);
    }

    private void tell(long before) {
        if (sessions.wakeUpNanos() <= now) {
            sessions.onTime(before, now);
        }
    }

    private void restart() throws IOException {
        byte[] snapshot = bytes(sessions.snapshot());
        journal = new Journal();
        sessions = Sessions.around(journal);
        sessions.restore(new ByteArrayInputStream(snapshot));
    }

    private static byte[] bytes(StateMachine.@Nullable Snapshot snapshot) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        if (snapshot != null) {
            snapshot.writeTo(out);
        }
        return out.toByteArray();
    }

    private static byte[] done(byte[] result) {
        return ((Done) SessionResult.decode(result)).result();
    }

    private static String text(byte[] result) {
        return new String(done(result), StandardCharsets.UTF_8);
    }

    private static Reason refusal(byte[] result) {
        return ((Refused) SessionResult.decode(result)).reason();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
