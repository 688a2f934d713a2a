package io.quorate.raft.election;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.Command;
import io.quorate.raft.SessionCommand;
import io.quorate.raft.Sessions;
import io.quorate.raft.election.KeyResult.Done;
import io.quorate.raft.election.KeyResult.Otherwise;
import io.quorate.raft.election.KeyResult.Reason;
import io.quorate.raft.election.KeyResult.Refused;
import io.quorate.raft.testing.StateMachineContract;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Keys that go with their leases, and what is told of it. */
class LeasedKeysTest {

    private static final long SECOND = 1_000_000_000L;
    private static final LeasedKeys.Options SMALL = new LeasedKeys.Options(Duration.ofSeconds(60), 50, 1500, 600);

    private LeasedKeys machine = new LeasedKeys(SMALL);
    private long index = 100;
    private long now;

    // ---------------------------------------------------------------------------------------------------------------------- leases

    @Test
    void aLeaseThatIsNotRefreshedEndsByReplicatedTimeAndItsKeysGoWithIt() {
        LeaseId lease = grant(10);
        put("a", "1", lease);
        put("b", "1", null);
        now += 9 * SECOND;
        assertEquals(new Done(index + 1), command(new KeyCommand.Refresh(lease)));
        assertEquals(now + 10 * SECOND, machine.wakeUpNanos());
        now += 10 * SECOND - 1;
        assertEquals("1", value("a"));
        now += 1;
        assertEquals(new Refused(Reason.NO_SUCH_LEASE), command(new KeyCommand.Refresh(lease)));
        assertNull(value("a"));
        assertEquals("1", value("b"));
        assertEquals(Long.MAX_VALUE, machine.wakeUpNanos());
        assertEquals(0, machine.leases());
    }

    @Test
    void aRevokedLeaseTakesItsKeysAtOnceAndNobodyElses() {
        LeaseId lease = grant(10);
        LeaseId other = grant(10);
        put("a", "1", lease);
        put("b", "1", other);
        assertEquals(new Done(index + 1), command(new KeyCommand.Revoke(lease)));
        assertNull(value("a"));
        assertEquals("1", value("b"));
        assertEquals(new Refused(Reason.NO_SUCH_LEASE), command(new KeyCommand.Revoke(lease)));
        assertEquals(1, machine.leases());
    }

    @Test
    void aLeaseIsKnownByItsNumberTooAndNotByItsPlaceAlone() {
        LeaseId lease = grant(10);
        LeaseId stranger = new LeaseId(lease.index(), lease.number() + 1);
        assertEquals(new Refused(Reason.NO_SUCH_LEASE), command(new KeyCommand.Refresh(stranger)));
        assertEquals(new Refused(Reason.NO_SUCH_LEASE), command(new KeyCommand.Revoke(stranger)));
        assertEquals(new Refused(Reason.NO_SUCH_LEASE), put("a", "1", stranger));
    }

    @Test
    void noLeaseIsLongerThanTheOptionsAllow() {
        KeyResult.Granted granted = (KeyResult.Granted) command(new KeyCommand.Grant(61 * SECOND, 7));
        assertEquals(60 * SECOND, granted.ttlNanos());
        now += 60 * SECOND;
        assertEquals(new Refused(Reason.NO_SUCH_LEASE), command(new KeyCommand.Refresh(granted.lease())));
    }

    // ------------------------------------------------------------------------------------------------------------------------ keys

    @Test
    void aKeyIsPutOnceAndWhoComesLaterIsToldWhoWasFirst() {
        LeaseId lease = grant(10);
        assertEquals(new Done(index + 1), put("a", "1", lease));
        KeyEntry first = new KeyEntry("a", bytes("1"), index, index, lease);
        assertEquals(new Otherwise(first), put("a", "2", null));
        assertEquals("1", value("a"));
    }

    @Test
    void aKeyIsChangedAndDeletedOnlyInTheVersionThatOneKnows() {
        put("a", "1", null);
        long version = index;
        assertEquals(new Done(version + 1), command(new KeyCommand.CompareAndSet("a", version, buffer("2"), null)));
        KeyEntry changed = new KeyEntry("a", bytes("2"), version, version + 1, null);
        assertEquals(new Otherwise(changed), command(new KeyCommand.CompareAndSet("a", version, buffer("3"), null)));
        assertEquals(new Otherwise(changed), command(new KeyCommand.Delete("a", version, null)));
        assertEquals("2", value("a"));
        assertEquals(new Done(index + 1), command(new KeyCommand.Delete("a", version + 1, null)));
        assertEquals(new Otherwise(null), command(new KeyCommand.Delete("a", version + 1, null)));
        assertEquals(new Otherwise(null), command(new KeyCommand.CompareAndSet("a", version + 1, buffer("3"), null)));
        assertEquals(0, machine.bytes());
    }

    @Test
    void whatBelongsToALeaseIsLeftAloneByWhoDoesNotNameIt() {
        LeaseId lease = grant(10);
        LeaseId other = grant(10);
        put("a", "1", lease);
        long version = index;
        for (LeaseId stranger : new LeaseId[] {null, other}) {
            assertEquals(new Refused(Reason.NOT_THE_LEASES), command(new KeyCommand.CompareAndSet("a", version, buffer("2"), stranger)));
            assertEquals(new Refused(Reason.NOT_THE_LEASES), command(new KeyCommand.Delete("a", version, stranger)));
        }
        assertEquals(new Done(index + 1), command(new KeyCommand.CompareAndSet("a", version, buffer("2"), lease)));
        assertEquals(new Done(index + 1), command(new KeyCommand.Delete("a", index, lease)));
        put("b", "1", null);
        assertEquals(new Refused(Reason.NOT_THE_LEASES), command(new KeyCommand.Delete("b", index, lease)));
    }

    @Test
    void aKeyThatWasDeletedAndPutAgainIsAnotherOne() {
        LeaseId lease = grant(10);
        put("a", "1", lease);
        command(new KeyCommand.Delete("a", index, lease));
        LeaseId later = grant(20);
        assertEquals(new Done(index + 1), put("a", "1", later));
        now += 15 * SECOND;
        command(new KeyCommand.Grant(1, 1));
        assertEquals("1", value("a"));     // though the first lease has ended
    }

    @Test
    void whatIsTooLargeIsRefused() {
        assertEquals(new Refused(Reason.TOO_LARGE), put("k".repeat(LeasedKeys.KEY_CHARS_MAX + 1), "1", null));
        assertEquals(new Refused(Reason.TOO_LARGE), put("a", "v".repeat(51), null));
        put("a", "v".repeat(50), null);
        assertEquals(new Refused(Reason.TOO_LARGE), command(new KeyCommand.CompareAndSet("a", index, buffer("v".repeat(51)), null)));
        assertEquals(1, machine.keys());
    }

    @Test
    void atTheBoundNothingIsGrantedOrPutOrMadeLargerAndTheRestGoesOn() {
        LeaseId lease = grant(10);
        put("first", "1", null);
        long version = index;
        for (int i = 0; machine.bytes() < SMALL.bytesMax(); i++) {
            assertInstanceOf(Done.class, put("k" + i, "", lease));
        }
        assertEquals(new Refused(Reason.FULL), put("one more", "", lease));
        assertEquals(new Refused(Reason.FULL), command(new KeyCommand.Grant(SECOND, 1)));
        assertEquals(new Refused(Reason.FULL), command(new KeyCommand.CompareAndSet("first", version, buffer("22"), null)));
        assertInstanceOf(Done.class, command(new KeyCommand.CompareAndSet("first", version, buffer("2"), null)));
        assertInstanceOf(Done.class, command(new KeyCommand.Refresh(lease)));
        assertInstanceOf(Done.class, command(new KeyCommand.Revoke(lease)));
        assertInstanceOf(Done.class, put("one more", "", null));
    }

    @Test
    void whatNobodyCanReadIsRefusedAndStopsNobody() {
        assertEquals(new Refused(Reason.UNREADABLE), raw(new byte[0]));
        assertEquals(new Refused(Reason.UNREADABLE), raw(new byte[] {99}));
        byte[] cut = new KeyCommand.Grant(1, 1).encode();
        assertEquals(new Refused(Reason.UNREADABLE), raw(Arrays.copyOf(cut, cut.length - 1)));
        assertThrows(IllegalArgumentException.class, () -> machine.query(new byte[] {99}));
    }

    // --------------------------------------------------------------------------------------------------------------------- changes

    @Test
    void whoAsksForChangesBehindAnIndexGetsAllOfThemInOrderAndNoneTwice() {
        LeaseId lease = grant(10);
        put("a", "1", lease);
        KeyEntry a = new KeyEntry("a", bytes("1"), index, index, lease);
        command(new KeyCommand.CompareAndSet("a", index, buffer("2"), lease));
        KeyEntry changed = new KeyEntry("a", bytes("2"), a.createIndex(), index, lease);
        put("b", "1", lease);
        KeyEntry b = new KeyEntry("b", bytes("1"), index, index, lease);
        now += 10 * SECOND;
        tell();
        List<KeyChange> all = List.of(KeyChange.to(a), KeyChange.to(changed), KeyChange.to(b), KeyChange.deleted(index, changed),
            KeyChange.deleted(index, b));
        for (long after = 0; after <= index; after++) {
            long known = after;
            assertEquals(new KeyAnswer.Changes(index, all.stream().filter(change -> change.index() > known).toList()), changes(after));
        }
        assertEquals(new KeyAnswer.Changes(index, List.of(KeyChange.to(b), KeyChange.deleted(index, b))), changes(0, "b"));
        assertEquals(new KeyAnswer.Changes(index, List.of()), changes(KeyQuery.NOW));
        assertEquals(new KeyAnswer.Changes(index + 5, List.of()), changes(index + 5));      // of a state that is not here yet
    }

    @Test
    void whoIsTooLateIsToldSoAndNeverGetsAPart() {
        put("a", "1", null);
        long first = index;
        while (machine.query(new KeyQuery.Changes(first - 1, List.of()).encode())[0] == KeyAnswer.CHANGES) {
            command(new KeyCommand.CompareAndSet("a", index, buffer("v".repeat(50)), null));
            assertTrue(index < first + 100, "nothing is ever forgotten");
        }
        long after = first - 1;
        while (changes(after) instanceof KeyAnswer.Compacted compacted) {
            assertEquals(index, compacted.index());
            after++;
        }
        List<KeyChange> rest = ((KeyAnswer.Changes) changes(after)).changes();
        assertTrue(after > first && rest.size() >= 2, () -> "kept " + rest);
        for (int i = 0; i < rest.size(); i++) {
            assertEquals(after + 1 + i, rest.get(i).index());
        }
        assertEquals(index, after + rest.size());
    }

    /** A part of what happened at one index would leave who goes on behind it without the rest. */
    @Test
    void anAnswerThatWouldBeTooLongEndsBetweenTwoIndexes() {
        machine = new LeasedKeys(new LeasedKeys.Options(Duration.ofDays(1), 1 << 20, 64 << 20, 64 << 20));
        LeaseId lease = grant(10);
        String large = "v".repeat(LeasedKeys.ANSWER_BYTES_MAX / 2);
        for (int i = 0; i < 5; i++) {
            put("k" + i, large, lease);
        }
        long last = index;
        KeyAnswer.Changes part = (KeyAnswer.Changes) changes(0);
        assertEquals(2, part.changes().size());
        assertEquals(part.changes().get(1).index(), part.index());
        part = (KeyAnswer.Changes) changes(part.index());
        assertEquals(2, part.changes().size());
        KeyAnswer.Changes rest = (KeyAnswer.Changes) changes(part.index());
        assertEquals(last, rest.changes().get(0).index());
        assertEquals(last, rest.index());
    }

    // --------------------------------------------------------------------------------------------------------------------- queries

    @Test
    void aLineIsInTheOrderInWhichItsKeysWerePut() {
        put("n/z", "", null);
        KeyEntry first = entry("n/z");
        put("n/a", "", null);
        KeyEntry second = entry("n/a");
        put("m/a", "", null);
        put("n/b", "", null);
        assertEquals(new KeyAnswer.Line(index, first, null, null), line("n/", ""));
        assertEquals(new KeyAnswer.Line(index, first, first, null), line("n/", "n/z"));
        assertEquals(new KeyAnswer.Line(index, first, second, first), line("n/", "n/a"));
        assertEquals(new KeyAnswer.Line(index, first, entry("n/b"), second), line("n/", "n/b"));
        KeyEntry third = entry("n/b");
        put("n/c", "", null);
        assertEquals(new KeyAnswer.Line(index, first, entry("n/c"), third), line("n/", "n/c"));
        assertEquals(new KeyAnswer.Line(index, first, null, null), line("n/", "m/a"));
        assertEquals(new KeyAnswer.Line(index, null, null, null), line("o/", "o/x"));
    }

    @Test
    void aRangeIsReadInPieces() {
        for (String key : List.of("a/1", "a/2", "a/3", "a", "b")) {
            put(key, "", null);
        }
        assertEquals(new KeyAnswer.Entries(index, false, List.of(entry("a/1"), entry("a/2"))), range("a/", "", 2));
        assertEquals(new KeyAnswer.Entries(index, true, List.of(entry("a/3"))), range("a/", "a/2", 2));
        assertEquals(new KeyAnswer.Entries(index, true, List.of()), range("c", "", 2));
        assertEquals(5, ((KeyAnswer.Entries) range("", "", 10)).entries().size());
    }

    // ------------------------------------------------------------------------------------------------------------------- snapshots

    @Test
    void aRestoredMachineKnowsKeysLeasesTimesAndChanges() throws IOException {
        LeaseId lease = grant(10);
        put("a", "1", lease);
        put("b", "2", null);
        now += 4 * SECOND;
        command(new KeyCommand.Refresh(grant(20)));
        byte[] state = state(machine);
        LeasedKeys restored = new LeasedKeys(SMALL);
        restored.restore(new ByteArrayInputStream(state));
        assertArrayEquals(state, state(restored));
        assertEquals(machine.toString(), restored.toString());
        assertEquals(machine.bytes(), restored.bytes());
        assertEquals(machine.wakeUpNanos(), restored.wakeUpNanos());
        byte[] history = new KeyQuery.Changes(0, List.of()).encode();
        assertArrayEquals(machine.query(history), restored.query(history));
        machine = restored;
        now += 6 * SECOND;
        tell();
        assertNull(value("a"));
        assertEquals("2", value("b"));
    }

    @Test
    void whatIsNoSnapshotIsRefused() throws IOException {
        LeaseId lease = grant(10);
        put("a", "1", lease);
        byte[] state = state(machine);
        for (int length = 0; length < state.length; length++) {
            byte[] cut = Arrays.copyOf(state, length);
            assertThrows(IOException.class, () -> new LeasedKeys().restore(new ByteArrayInputStream(cut)));
        }
        state[0] = 9;
        IOException refusal = assertThrows(IOException.class, () -> machine.restore(new ByteArrayInputStream(state)));
        assertTrue(refusal.getMessage().contains("format 9"), refusal::getMessage);
        assertEquals("1", value("a"));     // and what was there stays
    }

    /** As a capture is written while commands go on being applied. */
    @Test
    void aCaptureIsUntouchedByWhatComesLater() throws IOException {
        LeaseId lease = grant(10);
        put("a", "1", lease);
        byte[] state = state(machine);
        LeasedKeys.Snapshot captured = machine.snapshot();
        put("b", "1", lease);
        command(new KeyCommand.CompareAndSet("a", entry("a").version(), buffer("2"), lease));
        now += 10 * SECOND;
        tell();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        captured.writeTo(out);
        assertArrayEquals(state, out.toByteArray());
    }

    /** Also within sessions, as it is used, and with a history short enough to be forgotten. */
    @Test
    void itKeepsTheContractOfStateMachines() {
        StateMachineContract.of(() -> new LeasedKeys(SMALL)).commands(LeasedKeysTest::drawCommand).queries(LeasedKeysTest::drawQuery)
            .seed(6).check();
        StateMachineContract.of(() -> Sessions.around(new LeasedKeys(SMALL)))
            .commands(random -> new SessionCommand.Plain(ByteBuffer.wrap(drawCommand(random))).encode())
            .queries(LeasedKeysTest::drawQuery).seed(7).check();
    }

    private static byte[] drawCommand(RandomGenerator random) {
        // Leases are at indexes, which are drawn too: of some hundred commands some are granted just there.
        LeaseId lease = random.nextInt(4) == 0 ? null : new LeaseId(1 + random.nextInt(300), random.nextInt(2));
        String key = "k" + random.nextInt(6);
        ByteBuffer value = buffer("v".repeat(random.nextInt(60)));
        return switch (random.nextInt(8)) {
            case 0, 1 -> new KeyCommand.Grant(1 + random.nextLong(20 * SECOND), random.nextInt(2)).encode();
            case 2 -> lease == null ? new byte[] {99} : new KeyCommand.Refresh(lease).encode();
            case 3 -> lease == null ? new byte[0] : new KeyCommand.Revoke(lease).encode();
            case 4 -> new KeyCommand.CompareAndSet(key, 1 + random.nextInt(300), value, lease).encode();
            case 5 -> new KeyCommand.Delete(key, 1 + random.nextInt(300), lease).encode();
            default -> new KeyCommand.PutIfAbsent(key, value, lease).encode();
        };
    }

    private static byte[] drawQuery(RandomGenerator random) {
        String key = "k" + random.nextInt(6);
        return switch (random.nextInt(4)) {
            case 0 -> new KeyQuery.Get(key).encode();
            case 1 -> new KeyQuery.Range("", random.nextBoolean() ? "" : key, 1 + random.nextInt(5)).encode();
            case 2 -> new KeyQuery.Line("", key).encode();
            default -> new KeyQuery.Changes(random.nextInt(300) - 1, List.of()).encode();
        };
    }

    // --------------------------------------------------------------------------------------------------------------------- helpers

    private void tell() {
        index++;
        if (now >= machine.wakeUpNanos()) {
            machine.onTime(index, now);
            assertTrue(machine.wakeUpNanos() > now);
        }
    }

    private KeyResult raw(byte[] payload) {
        tell();
        return KeyResult.decode(machine.apply(new Command(index, ByteBuffer.wrap(payload).asReadOnlyBuffer(), now)));
    }

    private KeyResult command(KeyCommand command) {
        return raw(command.encode());
    }

    private LeaseId grant(long seconds) {
        return ((KeyResult.Granted) command(new KeyCommand.Grant(seconds * SECOND, 77))).lease();
    }

    private KeyResult put(String key, String value, @Nullable LeaseId lease) {
        return command(new KeyCommand.PutIfAbsent(key, buffer(value), lease));
    }

    private KeyAnswer ask(KeyQuery query) {
        return KeyAnswer.decode(machine.query(query.encode()));
    }

    private KeyEntry entry(String key) {
        List<KeyEntry> found = ((KeyAnswer.Entries) ask(new KeyQuery.Get(key))).entries();
        return found.isEmpty() ? null : found.get(0);
    }

    private @Nullable String value(String key) {
        KeyEntry entry = entry(key);
        return entry == null ? null : new String(entry.value(), StandardCharsets.UTF_8);
    }

    private KeyAnswer line(String prefix, String key) {
        return ask(new KeyQuery.Line(prefix, key));
    }

    private KeyAnswer range(String prefix, String after, int max) {
        return ask(new KeyQuery.Range(prefix, after, max));
    }

    private KeyAnswer changes(long after, String... prefixes) {
        return ask(new KeyQuery.Changes(after, List.of(prefixes)));
    }

    private static byte[] state(LeasedKeys machine) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        machine.snapshot().writeTo(out);
        return out.toByteArray();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static ByteBuffer buffer(String text) {
        return ByteBuffer.wrap(bytes(text));
    }
}
