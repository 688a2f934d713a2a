package io.quorate.raft.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.RepairMessage;
import io.quorate.raft.RepairMessage.EntryAnswer;
import io.quorate.raft.RepairMessage.EntryRequest;
import io.quorate.raft.RepairMessage.Missing;
import io.quorate.raft.RepairMessage.Why;
import io.quorate.raft.Storage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.InvariantViolation;
import io.quorate.raft.core.LogView;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.core.SnapshotId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What a repair asks for, and what it makes of the answers, without any disk or network. */
class RepairTest {

    private static final ReplicaId SELF = new ReplicaId(1, 11);
    private static final ReplicaId TWO = new ReplicaId(2, 22);
    private static final ReplicaId THREE = new ReplicaId(3, 33);
    private static final Membership MEMBERS = membership(1, SELF, TWO, THREE);
    private static final long ROUND = 2 * Repair.ASK_NANOS * Repair.PATIENCE_FACTOR_MAX;

    /** Everything that was asked for, in its order. */
    private final List<Object> done = new ArrayList<>();
    private final Repair repair = new Repair(SELF, new SplittableRandom(1), new Repair.Hands() {
        @Override
        public void send(RepairMessage message) {
            done.add(message);
        }

        @Override
        public void put(List<Entry> entries) {
            done.add(entries);
        }

        @Override
        public void replace(Storage.Write write) {
            done.add(write);
        }

        @Override
        public void recover() {
            done.add("recover");
        }

        @Override
        public void fetch(SnapshotId snapshot, ReplicaId source) {
            done.add("fetch " + snapshot.last() + " from " + source);
        }
    });
    private long now = 1_000_000;

    @Test
    void everybodyElseIsAskedAgainAndAgainLessAndLessOften() {
        begin(id(2, 5), id(2, 7));
        assertEquals(List.of(new EntryRequest(SELF, TWO, 1, List.of(id(2, 5), id(2, 7))),
            new EntryRequest(SELF, THREE, 1, List.of(id(2, 5), id(2, 7)))), turn());
        assertEquals(List.of(), turn());
        long first = repair.deadline(now) - now;
        assertTrue(first >= Repair.ASK_NANOS && first < 2 * Repair.ASK_NANOS);
        for (int i = 0; i < 10; i++) {
            now = repair.deadline(now);
            assertEquals(2, turn().size());
        }
        assertTrue(repair.deadline(now) - now >= Repair.PATIENCE_FACTOR_MAX * Repair.ASK_NANOS);
    }

    @Test
    void noQuestionIsLongerThanAMessageMayBe() {
        List<EntryId> many = new ArrayList<>();
        for (int i = 1; i <= RepairMessage.WANTED_MAX + 50; i++) {
            many.add(id(1, i));
        }
        begin(many.toArray(new EntryId[0]));
        assertEquals(many.subList(0, RepairMessage.WANTED_MAX), ((EntryRequest) turn().get(0)).wanted());
    }

    @Test
    void anEntryFromAnybodyIsPutBackAndThenTheLogIsRecoveredAgain() {
        begin(id(2, 5));
        turn();
        repair.step(answer(THREE, 1, List.of(entry(2, 5))), now);
        assertEquals(List.of(List.of(entry(2, 5))), take());
        repair.onPut(List.of(id(2, 5)));
        assertEquals(List.of("recover"), take());
        assertTrue(repair.isIdle());
        assertEquals(0, repair.lastWriteId());
    }

    @Test
    void whatWasNotAskedForIsNotTakenNorWhatIsDamagedItself() {
        begin(id(2, 5));
        turn();
        Entry good = entry(2, 5);
        byte[] bytes = Arrays.copyOf(good.array(), good.size());
        Entry rotten = Entry.decode(bytes, 0, bytes.length);
        bytes[bytes.length - 1] ^= 1;       // in memory, after it was checked
        for (Entry entry : List.of(entry(1, 5), entry(2, 6), rotten)) {
            repair.step(answer(THREE, 1, List.of(entry)), now);
        }
        repair.step(new EntryAnswer(THREE, new ReplicaId(1, 99), 1, List.of(good), List.of(), null, null), now);   // for an earlier life
        assertEquals(List.of(), take());
    }

    @Test
    void whatCanOnlyBePutBackTogetherIsKeptUntilAllOfItIsThere() {
        begin(id(1, 1), id(1, 2));
        turn();
        repair.step(answer(TWO, 1, List.of(entry(1, 1))), now);
        assertEquals(List.of(List.of(entry(1, 1))), take());
        repair.onPut(List.of());
        assertEquals(List.of(id(1, 2)), ((EntryRequest) turn().get(0)).wanted());
        repair.step(answer(TWO, 2, List.of(entry(1, 2))), now);
        assertEquals(List.of(List.of(entry(1, 1), entry(1, 2))), take());
        repair.onPut(List.of(id(1, 1), id(1, 2)));
        assertEquals(List.of("recover"), take());
    }

    @Test
    void whatTheOthersHaveReplacedIsCutOffAndTheLogRecoveredAgain() {
        begin(id(2, 5), id(2, 7));
        turn();
        repair.step(missing(TWO, 1, id(2, 7), Why.REPLACED, null), now);
        assertEquals(List.of(new Storage.Write(1, new HardState(3, TWO, 4), 7, List.of())), take());
        assertEquals(1, repair.lastWriteId());
        // Until it is recovered nothing more is asked for or believed.
        repair.step(answer(THREE, 1, List.of(entry(2, 5))), now);
        now += ROUND;
        assertEquals(List.of(), turn());
        begin(id(2, 5));
        assertEquals(2, turn().size());
    }

    @Test
    void whatIsCommittedHereIsNeverCutOff() {
        begin(id(2, 4));
        turn();
        assertThrows(InvariantViolation.class, () -> repair.step(missing(TWO, 1, id(2, 4), Why.REPLACED, null), now));
        assertEquals(List.of(), take());
    }

    @Test
    void whatTheDiskDoesNotTakeBackIsAskedForAgainWithPatience() {
        begin(id(2, 5));
        turn();
        for (int round = 1; round <= 3; round++) {
            repair.step(answer(TWO, round, List.of(entry(2, 5))), now);
            assertEquals(List.of(List.of(entry(2, 5))), take());
            repair.onPut(List.of());
            assertTrue(String.valueOf(repair.problem()).contains("does not take back"), repair.problem());
            now += ROUND;
            assertTrue(turn().contains(new EntryRequest(SELF, TWO, round + 1, List.of(id(2, 5)))));
        }
        assertTrue(repair.deadline(now) - now > 4 * Repair.ASK_NANOS, "each time it waits for longer");
        repair.step(answer(TWO, 4, List.of(entry(2, 5))), now);
        take();
        repair.onPut(List.of(id(2, 5)));
        assertEquals(List.of("recover"), take());
    }

    @Test
    void aSnapshotIsFetchedOnlyWhenNobodyGivesTheEntry() {
        SnapshotId snapshot = new SnapshotId(id(4, 9), MEMBERS, 0);
        begin(id(2, 5));
        turn();
        repair.step(missing(TWO, 1, id(2, 5), Why.COVERED, snapshot), now);
        assertEquals(List.of(), take(), "somebody else may have it yet");
        now += ROUND;
        assertEquals("fetch 9@4 from " + TWO, turn().get(0));
        repair.onFetched(snapshot);
        // The snapshot's last entry is of a term that this disk has not seen: it has voted in none like that.
        assertEquals(List.of(new Storage.Write(1, new HardState(4, null, 4), 10, List.of(), snapshot)), take());
    }

    @Test
    void aSnapshotThatDoesNotComeIsForgottenAndTheNextOfferTaken() {
        SnapshotId snapshot = new SnapshotId(id(2, 9), MEMBERS, 0);
        begin(id(2, 5));
        turn();
        repair.step(missing(TWO, 1, id(2, 5), Why.COVERED, snapshot), now);
        now += ROUND;
        turn();
        repair.onFetchFailed(snapshot, now);
        repair.onFetched(snapshot);
        assertEquals(List.of(), take());
        assertTrue(turn().contains(new EntryRequest(SELF, THREE, 3, List.of(id(2, 5)))), "its source has a newer one, perhaps");
        repair.step(missing(THREE, 3, id(2, 5), Why.COVERED, snapshot), now);
        now += ROUND;
        assertEquals("fetch 9@2 from " + THREE, turn().get(0));
    }

    @Test
    void anEntryIsLostOnceAllOthersHaveSaidSoInOneRound() {
        begin(id(2, 5));
        turn();
        repair.step(missing(TWO, 1, id(2, 5), Why.DAMAGED, null), now);
        now += ROUND;
        turn();
        repair.step(missing(THREE, 2, id(2, 5), Why.DAMAGED, null), now);
        now += ROUND;
        assertNull(repair.lost(now), "by now the other may have it back");
        now += Repair.LINGER_NANOS;
        assertNull(repair.lost(now), "by now the other may have it back");
        turn();
        repair.step(missing(TWO, 3, id(2, 5), Why.DAMAGED, null), now);
        repair.step(missing(THREE, 3, id(2, 5), Why.DAMAGED, null), now);
        assertNull(repair.lost(now), "the others may want to know, too");
        now += Repair.LINGER_NANOS;
        assertEquals(new Repair.Lost(id(2, 5), false), repair.lost(now));
        repair.step(answer(THREE, 3, List.of(entry(2, 5))), now);
        assertNull(repair.lost(now), "and there it is");
    }

    @Test
    void whoDoesNotKnowOrDoesNotAnswerIsWaitedFor() {
        begin(id(2, 5));
        turn();
        repair.step(missing(TWO, 1, id(2, 5), Why.DAMAGED, null), now);
        repair.step(missing(THREE, 1, id(2, 5), Why.UNKNOWN, null), now);
        assertNull(repair.lost(now));
        now += Repair.LINGER_NANOS;
        assertNull(repair.lost(now));
        String problem = repair.problem();
        assertTrue(problem != null && problem.contains("entry 5@2 is damaged"), problem);
        turn();
        problem = repair.problem();
        assertTrue(problem != null && problem.contains("no answer yet from [" + TWO + ", " + THREE + "]"), problem);
    }

    @Test
    void whoAnswersTellsOfMembersThatAreNotKnownHere() {
        ReplicaId four = new ReplicaId(4, 44);
        begin(id(2, 5));
        turn();
        repair.step(new EntryAnswer(TWO, SELF, 1, List.of(), List.of(new Missing(id(2, 5), Why.DAMAGED)), null,
            membership(7, SELF, TWO, four)), now);
        repair.step(missing(THREE, 1, id(2, 5), Why.DAMAGED, null), now);
        assertNull(repair.lost(now));
        now += ROUND;
        assertTrue(turn().contains(new EntryRequest(SELF, four, 2, List.of(id(2, 5)))));
        repair.step(missing(TWO, 2, id(2, 5), Why.DAMAGED, null), now);
        repair.step(missing(four, 2, id(2, 5), Why.DAMAGED, null), now);
        assertNull(repair.lost(now));
        now += Repair.LINGER_NANOS;
        assertNotNull(repair.lost(now), "node 3 belongs to the group no more");
    }

    @Test
    void whoHasTakenTheDiskOfAMemberThatIsKnownHereAnswersInItsPlace() {
        ReplicaId newTwo = new ReplicaId(2, 222);
        begin(id(2, 5), id(2, 6));
        turn();
        repair.step(answer(newTwo, 1, List.of(entry(2, 5))), now);
        assertEquals(List.of(List.of(entry(2, 5))), take());
        repair.step(new EntryAnswer(newTwo, SELF, 1, List.of(), List.of(new Missing(id(2, 6), Why.REPLACED)), null,
            membership(7, SELF, newTwo, THREE)), now);
        assertEquals(1, take().size(), "the damaged end is cut off");
    }

    @Test
    void onceTheNodeRunsWhatIsReplacedIsItsOwnAffairAndItIsToldOfSnapshots() {
        SnapshotId snapshot = new SnapshotId(id(4, 9), MEMBERS, 0);
        repair.running(MEMBERS);
        assertEquals(1, repair.found(List.of(id(2, 5)), now));
        assertEquals(0, repair.found(List.of(id(2, 5)), now));
        turn();
        repair.step(missing(TWO, 1, id(2, 5), Why.REPLACED, null), now);
        assertEquals(List.of(), take());
        repair.step(missing(THREE, 1, id(2, 5), Why.COVERED, snapshot), now);
        assertEquals(List.of("fetch 9@4 from " + THREE), take(), "all have answered, and nobody has it");
        now += ROUND;
        List<Object> done = turn();
        assertEquals("fetch 9@4 from " + THREE, done.get(0));
        assertEquals(2, done.stream().filter(each -> each instanceof EntryRequest).count());
        now += 2 * ROUND;
        assertEquals("fetch 9@4 from " + THREE, turn().get(0), "the node may have had another one on its way");
        repair.onFetchFailed(snapshot, now);
        now += 4 * ROUND;
        assertTrue(turn().stream().allMatch(each -> each instanceof EntryRequest));
        repair.onFetched(snapshot);
        assertEquals(List.of(), take(), "what is here is the node's to install");
        assertTrue(repair.forgetIf(entry -> entry.index() == 5));
        assertFalse(repair.forgetIf(entry -> entry.index() == 5));
        assertTrue(repair.isIdle());
    }

    // ---- help

    private void begin(EntryId... damaged) {
        repair.begin(new Storage.Recovered(new HardState(3, TWO, 4), LogView.empty(MEMBERS), List.of(damaged)), List.of(MEMBERS), now);
    }

    private List<Object> turn() {
        done.clear();
        repair.turn(now);
        return take();
    }

    private List<Object> take() {
        List<Object> taken = List.copyOf(done);
        done.clear();
        return taken;
    }

    private static EntryAnswer answer(ReplicaId from, long round, List<Entry> entries) {
        return new EntryAnswer(from, SELF, round, entries, List.of(), null, null);
    }

    private static EntryAnswer missing(ReplicaId from, long round, EntryId entry, Why why, @Nullable SnapshotId snapshot) {
        return new EntryAnswer(from, SELF, round, List.of(), List.of(new Missing(entry, why)), snapshot, null);
    }

    private static EntryId id(long term, long index) {
        return new EntryId(term, index);
    }

    private static Entry entry(long term, long index) {
        return Entry.of(index, term, Entry.Kind.COMMAND, 0, new byte[] {1, 2, 3});
    }

    private static Membership membership(long version, ReplicaId... replicas) {
        return Membership.of(version, Arrays.stream(replicas).map(id -> new Member(id, "host:" + id.nodeId())).toList());
    }
}
