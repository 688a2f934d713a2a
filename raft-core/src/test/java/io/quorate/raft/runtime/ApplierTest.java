package io.quorate.raft.runtime;

import static io.quorate.raft.runtime.Recorder.bytes;
import static io.quorate.raft.runtime.Recorder.command;
import static io.quorate.raft.runtime.Recorder.noOp;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.ClusterId;
import io.quorate.raft.Command;
import io.quorate.raft.FoundingRecord;
import io.quorate.raft.NotLeaderException;
import io.quorate.raft.OutcomeUnknownException;
import io.quorate.raft.RaftObserver;
import io.quorate.raft.ServerStoppedException;
import io.quorate.raft.SnapshotPolicy;
import io.quorate.raft.StateMachine;
import io.quorate.raft.Storage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Event;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.InvariantViolation;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.MembershipCodec;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.testing.InMemoryStorage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class ApplierTest {

    private static final byte[] MEMBERSHIP = MembershipCodec.encode(Membership.of(2, List.of(new Member(new ReplicaId(1, 11), "a"))));

    private final Recorder.Journal journal = new Recorder.Journal();
    private final InMemoryStorage storage = InMemoryStorage.blank(1, 11);
    private final Mailbox mailbox = new Mailbox();
    private final Budget budget = new Budget(1 << 20);
    private long now;
    private final Waker applyThread = new Waker();
    private Applier applier = applier(journal);

    @Test
    void commandsReachTheStateMachineInOrderAndOtherEntriesOnlyCount() {
        Entry membership = Entry.of(3, 1, Entry.Kind.MEMBERSHIP, 0, MEMBERSHIP);
        Entry time = Entry.of(4, 1, Entry.Kind.TIME, 0, new byte[0]);
        apply(noOp(1, 1), command(2, 1, "a"), membership, time, command(5, 1, "b"));
        applier.turn(now);

        assertEquals(List.of("2:a", "5:b"), journal.commands);
        assertEquals(5, applier.appliedIndex());
        assertEquals(List.of(new Event.Applied(5)), completions());
    }

    // -------------------------------------------------------------------------------------------------------------------- time

    /** Tells what it is called with, and wants what it is told to want. */
    private static final class Waiting implements StateMachine {

        private final List<String> calls = new ArrayList<>();
        private long wakeUpNanos = Long.MAX_VALUE;

        @Override
        public byte[] apply(Command command) {
            calls.add("apply " + command.index() + " at " + command.timeNanos());
            String text = new String(command.bytes(), StandardCharsets.US_ASCII);
            if (!text.isEmpty()) {
                wakeUpNanos = Long.parseLong(text);
            }
            return new byte[0];
        }

        @Override
        public byte[] query(byte[] query) {
            return new byte[0];
        }

        @Override
        public long wakeUpNanos() {
            return wakeUpNanos;
        }

        @Override
        public void onTime(long index, long timeNanos) {
            calls.add("onTime " + index + " at " + timeNanos);
            wakeUpNanos = timeNanos + 100;
        }
    }

    private static Entry at(long index, Entry.Kind kind, long timeNanos, String text) {
        return Entry.of(index, 1, kind, timeNanos, bytes(text));
    }

    @Test
    void theTimeIsToldBeforeTheFirstEntryThatIsNoEarlierWhateverItIs() {
        Waiting machine = new Waiting();
        applier = applier(machine);
        apply(at(1, Entry.Kind.COMMAND, 10, "50"), at(2, Entry.Kind.COMMAND, 49, ""), at(3, Entry.Kind.TIME, 50, ""),
            at(4, Entry.Kind.COMMAND, 149, ""), at(5, Entry.Kind.COMMAND, 170, ""), Entry.of(6, 1, Entry.Kind.MEMBERSHIP, 400, MEMBERSHIP));
        applier.turn(now);
        assertEquals(List.of("apply 1 at 10", "apply 2 at 49", "onTime 3 at 50", "apply 4 at 149", "onTime 5 at 170", "apply 5 at 170",
            "onTime 6 at 400"), machine.calls);
    }

    @Test
    void theNodeIsToldWhatTimeIsWantedOnlyWhenThatChanges() {
        Waiting machine = new Waiting();
        applier = applier(machine);
        apply(at(1, Entry.Kind.COMMAND, 10, ""));
        applier.turn(now);
        assertEquals(List.of(new Event.Applied(1)), completions());
        apply(at(2, Entry.Kind.COMMAND, 10, "50"), at(3, Entry.Kind.COMMAND, 10, "60"));
        applier.turn(now);
        assertEquals(List.of(new Event.Applied(3), new Event.TimeWanted(60)), completions());
        apply(at(4, Entry.Kind.COMMAND, 20, ""));
        applier.turn(now);
        assertEquals(List.of(new Event.Applied(4)), completions());
        apply(at(5, Entry.Kind.TIME, 60, ""));
        applier.turn(now);
        assertEquals(List.of(new Event.Applied(5), new Event.TimeWanted(160)), completions());
    }

    /** Before there is an entry there may be no node that could be told. */
    @Test
    void whatAnEmptyStateWaitsForIsToldWithTheFirstEntry() {
        Waiting machine = new Waiting();
        machine.wakeUpNanos = 70;
        applier = applier(machine);
        applier.turn(now);
        assertEquals(List.of(), completions());
        apply(noOp(1, 1));
        applier.turn(now);
        assertEquals(List.of(new Event.Applied(1), new Event.TimeWanted(70)), completions());
    }

    @Test
    void aMachineThatCannotBeToldTheTimeStopsTheServer() {
        StateMachine broken = new StateMachine() {
            @Override
            public byte[] apply(Command command) {
                return new byte[0];
            }

            @Override
            public byte[] query(byte[] query) {
                return new byte[0];
            }

            @Override
            public long wakeUpNanos() {
                return 5;
            }
        };
        applier = applier(broken);
        apply(at(1, Entry.Kind.TIME, 5, ""));
        assertThrows(UnsupportedOperationException.class, () -> applier.turn(now));
        assertEquals(0, applier.appliedIndex(), "the entry was not applied");
    }

    @Test
    void aProposalIsDoneWithItsResultWhenItsEntryIsApplied() {
        Recorder caller = propose(2, 1, 100);
        apply(noOp(1, 1));
        applier.turn(now);
        assertEquals("open", caller.outcome());

        apply(command(2, 1, "a"));
        applier.turn(now);
        assertEquals("did a at 2", caller.outcome());
        assertEquals(0, budget.taken());
    }

    @Test
    void aProposalReplacedByAnotherEntryHasFailedAndNothingHappened() {
        Recorder caller = propose(1, 1, 100);
        apply(command(1, 2, "another"));
        applier.turn(now);
        assertEquals("NotLeaderException", caller.outcome());
        assertEquals(7, ((NotLeaderException) caller.failure()).leaderNodeId());
        assertEquals(0, budget.taken());
    }

    // ------------------------------------------------------------------------------------------------------------------- outcomes

    @Test
    void whoAsksForAnOutcomeIsToldAsSoonAsItIsCertain() {
        Recorder applied = await(2, 1, 100);
        Recorder replaced = await(3, 1, 100);
        Recorder overtaken = await(9, 1, 100);
        Recorder later = await(4, 3, 100);
        apply(noOp(1, 1));
        applier.turn(now);
        assertEquals(List.of("open", "open", "open", "open"), outcomes(applied, replaced, overtaken, later));
        apply(command(2, 1, "a"), noOp(3, 2));
        applier.turn(now);
        assertEquals(List.of("\1 at 3", "\0 at 3", "\0 at 3", "open"), outcomes(applied, replaced, overtaken, later));
        assertEquals("\1 at 3", await(2, 1, 100).outcome());
        apply(noOp(4, 3));
        applier.turn(now);
        assertEquals("\1 at 4", later.outcome());
        assertEquals(0, budget.taken());
    }

    @Test
    void anOutcomeThatIsNotCertainInTimeIsUnknownAndNamesItsEntry() {
        Recorder asked = await(2, 1, 100);
        Recorder proposed = propose(3, 1, 100);
        applier.turn(now);
        assertEquals(100, applier.nanosUntilDeadline(now));
        applier.turn(now + 100);
        for (Recorder each : List.of(asked, proposed)) {
            assertEquals("OutcomeUnknownException", each.outcome());
        }
        assertEquals(new EntryId(1, 2), ((OutcomeUnknownException) asked.failure()).entry());
        assertEquals(new EntryId(1, 3), ((OutcomeUnknownException) proposed.failure()).entry());
        assertEquals(0, budget.taken());
    }

    @Test
    void whoWaitsForAnOutcomeIsToldWhenTheServerStops() {
        Recorder asked = await(2, 1, 100);
        applier.turn(now);
        Recorder untouched = new Recorder();
        applier.add(List.of(awaiting(3, 1, 100, untouched)));
        applier.close(null);
        assertEquals(List.of("ServerStoppedException", "ServerStoppedException"), outcomes(asked, untouched));
        assertEquals(0, budget.taken());
    }

    private Recorder await(long index, long term, long deadline) {
        Recorder caller = new Recorder();
        applier.add(List.of(awaiting(index, term, deadline, caller)));
        applier.turn(now);
        return caller;
    }

    private Call awaiting(long index, long term, long deadline, Recorder caller) {
        budget.take(Call.bytesOf(new byte[0]));
        return Call.await(new EntryId(term, index), deadline, budget, caller);
    }

    private static List<String> outcomes(Recorder... callers) {
        return Arrays.stream(callers).map(Recorder::outcome).toList();
    }

    @Test
    void aProposalWithoutOutcomeInTimeMayHaveHappened() {
        now = Long.MAX_VALUE - 10;            // the clock wraps around before the deadline
        applier = applier(journal);
        Recorder caller = propose(1, 1, now + 100);
        applier.turn(now);
        assertEquals(100, applier.nanosUntilDeadline(now));
        applier.turn(now + 99);
        assertEquals("open", caller.outcome());

        applier.turn(now + 100);
        assertEquals("OutcomeUnknownException", caller.outcome());
        assertEquals(Long.MAX_VALUE, applier.nanosUntilDeadline(now));

        apply(command(1, 1, "late"));
        applier.turn(now + 200);
        assertEquals(List.of("1:late"), journal.commands);
        assertEquals("OutcomeUnknownException", caller.outcome());
    }

    @Test
    void aCallThatStandsBehindWorkThatTakesLongIsAnsweredInTimeAllTheSame() {
        apply(command(1, 1, "a"));
        apply(command(2, 1, "b"));
        apply(command(3, 1, "c"));
        Recorder proposal = propose(4, 1, 100);
        Recorder read = read(3, Long.MAX_VALUE, 100, "all");
        Recorder refused = new Recorder();
        Call call = call(Call.Kind.PROPOSE, 100, refused);
        call.refused(new NotLeaderException("Nothing happened"));
        applier.add(List.of(call));
        applier.turn(now);
        assertEquals(1, applier.appliedIndex());   // a turn applies one hand-out
        assertEquals(100, applier.nanosUntilDeadline(now));

        applier.turn(100);
        assertEquals(2, applier.appliedIndex());
        assertEquals("OutcomeUnknownException", proposal.outcome());
        assertEquals("OverloadedException", read.outcome());
        assertEquals("NotLeaderException", refused.outcome());
        assertEquals(0, budget.taken());
        applier.turn(100);
        apply(command(4, 1, "d"));
        applier.turn(100);
        assertEquals(List.of("1:a", "2:b", "3:c", "4:d"), journal.commands);
    }

    @Test
    void aReadWaitsForItsIndex() {
        Recorder caller = read(2, Long.MAX_VALUE, 100, "all");
        apply(command(1, 1, "a"));
        applier.turn(now);
        assertEquals("open", caller.outcome());

        apply(command(2, 1, "b"));
        applier.turn(now);
        assertEquals("1:a,2:b at 2", caller.outcome());
    }

    @Test
    void readsAreAnsweredInTheOrderOfTheirIndexes() {
        Recorder later = read(2, Long.MAX_VALUE, 100, "all");
        Recorder sooner = read(1, Long.MAX_VALUE, 100, "all");
        apply(command(1, 1, "a"));
        applier.turn(now);
        assertEquals("1:a at 1", sooner.outcome());
        assertEquals("open", later.outcome());
    }

    @Test
    void aReadThatWaitsTooLongFailsAndNothingHappened() {
        Recorder caller = read(5, Long.MAX_VALUE, 100, "all");
        applier.turn(now);
        applier.turn(100);
        assertEquals("OverloadedException", caller.outcome());
        assertEquals(0, budget.taken());
    }

    @Test
    void aFailingQueryFailsItsCallerAlone() {
        Recorder bad = read(0, Long.MAX_VALUE, 100, "bad");
        Recorder good = read(0, Long.MAX_VALUE, 100, "all");
        applier.turn(now);
        assertEquals("IllegalArgumentException", bad.outcome());
        assertEquals(" at 0", good.outcome());
    }

    @Test
    void anAnswerReadAfterTheLeaseRanOutIsThrownAwayAndAskedForAgain() {
        applier = applier(new StateMachine() {
            @Override
            public byte[] apply(Command command) {
                return new byte[0];
            }

            @Override
            public byte[] query(byte[] query) {
                now += 50;                    // the query takes its time
                return bytes("stale?");
            }
        });
        Recorder inTime = read(0, 60, 1000, "q");
        applier.turn(now);
        assertEquals("stale? at 0", inTime.outcome());

        Recorder late = read(0, 100, 1000, "q");
        applier.turn(now);                    // the query ends at 100, as does the lease
        assertEquals("open", late.outcome());
        mailbox.fill();
        assertInstanceOf(Call.class, mailbox.poll());
    }

    @Test
    void entriesThatAreNotInMemoryAreReadFromStorageChunkByChunk() {
        byte[] large = new byte[Applier.CHUNK_BYTES * 2 / 3];
        List<Entry> entries = new ArrayList<>();
        for (int i = 1; i <= 4; i++) {
            entries.add(Entry.of(i, 1, Entry.Kind.COMMAND, 0, large));
        }
        store(entries);
        applier = applier(new Counter());
        applier.add(List.of(new Work.Apply(1, 4, List.of())));

        applier.turn(now);
        assertEquals(1, applier.appliedIndex());
        assertTrue(applier.hasWork());
        while (applier.hasWork()) {
            applier.turn(now);
        }
        assertEquals(4, applier.appliedIndex());
        assertEquals(List.of(new Event.Applied(1), new Event.Applied(2), new Event.Applied(3), new Event.Applied(4)), completions());
    }

    @Test
    void aTurnAppliesABoundedPartOfALongList() {
        byte[] large = new byte[Applier.CHUNK_BYTES / 2 + 1];
        List<Entry> entries = new ArrayList<>();
        for (int i = 1; i <= 3; i++) {
            entries.add(Entry.of(i, 1, Entry.Kind.COMMAND, 0, large));
        }
        applier = applier(new Counter());
        applier.add(List.of(new Work.Apply(1, 3, entries)));
        applier.turn(now);
        assertEquals(2, applier.appliedIndex());
        applier.turn(now);
        assertEquals(3, applier.appliedIndex());
        assertFalse(applier.hasWork());
    }

    @Test
    void anEntryDamagedInMemoryIsNotApplied() {
        Entry entry = command(1, 1, "good");
        entry.array()[entry.payloadOffset()] ^= 1;
        apply(entry);
        InvariantViolation thrown = assertThrows(InvariantViolation.class, () -> applier.turn(now));
        assertTrue(thrown.getMessage().contains("damaged"), thrown.getMessage());
        assertEquals(List.of(), journal.commands);
        assertEquals(0, applier.appliedIndex());
    }

    @Test
    void anEntryThatIsDamagedOnTheDiskIsWaitedForAndAllElseGoesOn() {
        storage.found(new FoundingRecord(new ClusterId(1, 1), 0, Membership.of(1, List.of(new Member(new ReplicaId(1, 11), "a")))));
        storage.write(List.of(new Storage.Write(1, new HardState(1, null, 0), 1, List.of(command(1, 1, "a"), command(2, 1, "b"),
            command(3, 1, "c")))));
        storage.disk().damage(2);
        Recorder proposed = propose(3, 1, 1000);
        applier.add(List.of(new Work.Apply(1, 2, List.of()), new Work.Apply(3, 3, List.of())));
        applier.turn(now);
        applier.turn(now);
        assertEquals(List.of("1:a"), journal.commands);
        assertEquals(1, applier.appliedIndex());
        assertFalse(applier.hasWork(), "it would be turned for ever");

        Recorder enough = read(1, Long.MAX_VALUE, 1000, "all");
        Recorder tooMuch = read(2, Long.MAX_VALUE, 500, "all");
        applier.turn(now);
        assertEquals("1:a at 1", enough.outcome());
        now = 500;
        applier.turn(now);
        assertEquals("OverloadedException", tooMuch.outcome());
        assertEquals("open", proposed.outcome());

        storage.repair(List.of(command(2, 1, "b")));
        applier.add(List.of(new Work.Retry()));
        applier.turn(now);
        applier.turn(now);
        assertEquals(List.of("1:a", "2:b", "3:c"), journal.commands);
        assertEquals("did c at 3", proposed.outcome());
    }

    @Test
    void whatWaitsBehindADamagedEntryIsGivenBackUntilTheNodeHandsItOutAnew() {
        storage.found(new FoundingRecord(new ClusterId(1, 1), 0, Membership.of(1, List.of(new Member(new ReplicaId(1, 11), "a")))));
        storage.write(List.of(new Storage.Write(1, new HardState(1, null, 0), 1, List.of(command(1, 1, "a"), command(2, 1, "b"),
            command(3, 1, "c"), command(4, 1, "d")))));
        storage.disk().damage(2);
        applier.add(List.of(new Work.GiveUp()));
        applier.turn(now);
        applier.add(List.of(new Work.Apply(1, 2, List.of()), new Work.Apply(3, 3, List.of())));
        applier.turn(now);
        applier.turn(now);
        applier.add(List.of(new Work.GiveUp()));
        applier.turn(now);
        // What the node hands out before it has heard of it has a gap in front of it.
        applier.add(List.of(new Work.Apply(4, 4, List.of(command(4, 1, "d")))));
        applier.turn(now);
        applier.turn(now);
        assertEquals(List.of("1:a"), journal.commands);
        assertFalse(applier.hasWork());

        storage.repair(List.of(command(2, 1, "b")));
        applier.add(List.of(new Work.HandedBack(), new Work.Apply(2, 4, List.of())));
        applier.turn(now);
        assertEquals(List.of("1:a", "2:b", "3:c", "4:d"), journal.commands);
    }

    @Test
    void aGapInWhatIsToBeAppliedIsABrokenInvariant() {
        applier.add(List.of(new Work.Apply(2, 2, List.of(command(2, 1, "b")))));
        assertThrows(InvariantViolation.class, () -> applier.turn(now));

        applier = applier(journal);
        applier.add(List.of(new Work.Apply(1, 1, List.of(command(3, 1, "c")))));
        assertThrows(InvariantViolation.class, () -> applier.turn(now));
    }

    @Test
    void aProposalAcceptedBehindWhatIsAppliedIsABrokenInvariant() {
        apply(command(1, 1, "a"));
        applier.turn(now);
        Recorder proposed = propose(1, 2, 100);
        Recorder behind = propose(2, 2, 100);
        assertThrows(InvariantViolation.class, () -> applier.turn(now));
        applier.close(null);
        assertEquals(List.of("OutcomeUnknownException", "OutcomeUnknownException"), outcomes(proposed, behind));
        assertEquals(0, budget.taken());
    }

    @Test
    void whateverExceptionACallbackThrowsTheServerGoesOn() {
        IOException checked = new IOException("of a language without checked exceptions");
        List<Recorder> callers = List.of(proposeThrowing(1, checked), propose(2, 1, 100));
        apply(command(1, 1, "a"), command(2, 1, "b"));
        applier.turn(now);
        assertEquals(List.of("did a at 1", "did b at 2"), callers.stream().map(Recorder::outcome).toList());
    }

    @Test
    void anErrorFromACallbackStopsTheServerAndTheOthersAreTold() {
        AssertionError error = new AssertionError("a caller's mistake");
        List<Recorder> callers = List.of(proposeThrowing(1, error), propose(2, 1, 100), proposeThrowing(3, error), propose(4, 1, 100));
        apply(command(1, 1, "a"), command(2, 1, "b"));
        assertSame(error, assertThrows(AssertionError.class, () -> applier.turn(now)));
        assertSame(error, assertThrows(AssertionError.class, () -> applier.close(error)));
        assertEquals(List.of("did a at 1", "OutcomeUnknownException", "OutcomeUnknownException", "OutcomeUnknownException"),
            callers.stream().map(Recorder::outcome).toList());
        assertEquals(0, budget.taken());
    }

    @Test
    void anErrorFromACallbackIsNoReasonNotToTellTheOthersWhoseTimeIsUp() {
        AssertionError error = new AssertionError("a caller's mistake");
        Busy machine = new Busy();
        applier = applier(machine);
        List<Recorder> callers = List.of(propose(1, 1, 200), proposeThrowing(2, error), propose(3, 1, 100));
        applier.turn(now);
        machine.inside = () -> {
            now = 150;
            CompletionException thrown = assertThrows(CompletionException.class, () -> relieve(2));
            assertSame(error, thrown.getCause());
        };
        apply(command(1, 1, "a"));
        applier.turn(now);
        assertEquals(List.of("applied at 1", "OutcomeUnknownException", "OutcomeUnknownException"),
            callers.stream().map(Recorder::outcome).toList());
    }

    /** Of a caller that throws this as soon as it has heard. */
    private Recorder proposeThrowing(long index, Throwable thrown) {
        Recorder caller = new Recorder();
        Call call = call(Call.Kind.PROPOSE, 100, new Completion() {

            @Override
            public void done(byte[] result, long at) {
                caller.done(result, at);
                throw ApplierTest.<RuntimeException>unchecked(thrown);
            }

            @Override
            public void failed(Throwable why) {
                caller.failed(why);
                throw ApplierTest.<RuntimeException>unchecked(thrown);
            }
        });
        call.accepted(new EntryId(1, index));
        applier.add(List.of(call));
        return caller;
    }

    @Test
    void anExceptionFromApplyEndsTheTurnAndItsCallerHearsPerhaps() {
        Recorder caller = propose(1, 1, 100);
        apply(command(1, 1, "bad"));
        IllegalStateException cause = assertThrows(IllegalStateException.class, () -> applier.turn(now));
        assertEquals("cannot apply this", cause.getMessage());
        assertEquals(0, applier.appliedIndex());

        applier.close(cause);
        assertEquals("OutcomeUnknownException", caller.outcome());
        assertSame(cause, caller.failure().getCause());
    }

    @Test
    void noResultAtAllIsAnError() {
        applier = applier(new StateMachine() {
            @Override
            @SuppressWarnings("NullAway")
            public byte[] apply(Command command) {
                return null;
            }

            @Override
            public byte[] query(byte[] query) {
                return null;
            }
        });
        Recorder caller = read(0, Long.MAX_VALUE, 100, "q");
        applier.turn(now);
        assertEquals("IllegalStateException", caller.outcome());
        apply(command(1, 1, "a"));
        assertThrows(IllegalStateException.class, () -> applier.turn(now));
    }

    @Test
    void closingCompletesEverythingEachAsExactlyAsIsKnown() {
        Recorder accepted = propose(3, 1, 1000);
        Recorder reading = read(9, Long.MAX_VALUE, 1000, "q");
        applier.turn(now);
        Recorder acceptedLate = propose(4, 1, 1000);
        Recorder readingLate = read(0, Long.MAX_VALUE, 1000, "q");
        Recorder refused = new Recorder();
        Call refusedCall = call(Call.Kind.PROPOSE, 1000, refused);
        refusedCall.refused(new NotLeaderException(2, "b"));
        applier.add(List.of(refusedCall));

        applier.close(null);
        assertEquals("OutcomeUnknownException", accepted.outcome());
        assertEquals("OutcomeUnknownException", acceptedLate.outcome());
        assertEquals("ServerStoppedException", reading.outcome());
        assertEquals("ServerStoppedException", readingLate.outcome());
        assertEquals("NotLeaderException", refused.outcome());
        assertEquals(0, budget.taken());
        assertFalse(applier.add(List.of()));
    }

    @Test
    void aCauseIsHandedOn() {
        Recorder accepted = propose(1, 1, 1000);
        Recorder reading = read(9, Long.MAX_VALUE, 1000, "q");
        RuntimeException cause = new RuntimeException("disk");
        applier.close(cause);
        assertSame(cause, assertInstanceOf(OutcomeUnknownException.class, accepted.failure()).getCause());
        assertSame(cause, assertInstanceOf(ServerStoppedException.class, reading.failure()).getCause());
    }

    @Test
    void whateverAQueryThrowsReachesItsCallerAndOnlyAnErrorStopsTheServer() {
        applier = applier(new StateMachine() {
            @Override
            public byte[] apply(Command command) {
                return new byte[0];
            }

            @Override
            public byte[] query(byte[] query) {
                throw query[0] == 'e' ? ApplierTest.<RuntimeException>unchecked(new StackOverflowError())
                    : ApplierTest.<RuntimeException>unchecked(new IOException("of a language without checked exceptions"));
            }
        });
        Recorder checked = read(0, Long.MAX_VALUE, 1000, "checked");
        applier.turn(now);
        assertEquals("IOException", checked.outcome());

        Recorder waiting = read(1, Long.MAX_VALUE, 1000, "error");
        Recorder next = read(1, Long.MAX_VALUE, 1000, "error");
        apply(noOp(1, 1));
        assertThrows(StackOverflowError.class, () -> applier.turn(now));
        assertEquals("StackOverflowError", waiting.outcome());
        applier.close(new StackOverflowError());
        assertEquals("ServerStoppedException", next.outcome());
        assertEquals(0, budget.taken());
    }

    @SuppressWarnings("unchecked")
    private static <E extends Throwable> E unchecked(Throwable thrown) throws E {
        throw (E) thrown;
    }

    private static final class Counter implements StateMachine {
        @Override
        public byte[] apply(Command command) {
            return new byte[0];
        }

        @Override
        public byte[] query(byte[] query) {
            return new byte[0];
        }
    }

    // ------------------------------------------------------------------------------------- held up outside

    /** Does something in the middle of a method. */
    private static final class Busy implements StateMachine {

        private Runnable inside = () -> { };

        @Override
        public byte[] apply(Command command) {
            inside.run();
            return bytes("applied");
        }

        @Override
        public byte[] query(byte[] query) {
            inside.run();
            return bytes("answered");
        }
    }

    /** What the late thread does, this often, while the caller of this waits. */
    private void relieve(int times) {
        CompletableFuture.runAsync(() -> {
            for (int i = 0; i < times; i++) {
                applier.relieve(now);
            }
        }).join();
    }

    @Test
    void callsEndAtTheirDeadlineThoughTheStateMachineIsInsideAMethod() {
        Busy machine = new Busy();
        applier = applier(machine);
        Recorder applied = propose(1, 1, 100);
        Recorder patient = propose(2, 1, 300);
        Recorder awaited = new Recorder();
        applier.add(List.of(Call.await(new EntryId(1, 9), 100, budget, awaited)));
        Recorder read = read(1, Long.MAX_VALUE, 100, "all");
        List<Recorder> later = new ArrayList<>();
        machine.inside = () -> {
            machine.inside = () -> { };
            now = 200;
            later.add(read(1, Long.MAX_VALUE, 150, "came while it was busy"));
            relieve(1);
            assertEquals("open", applied.outcome(), "it may be back in a moment");
            relieve(1);
            assertEquals("OutcomeUnknownException", applied.outcome());
            assertEquals(new EntryId(1, 1), ((OutcomeUnknownException) applied.failure()).entry());
            assertEquals("OutcomeUnknownException", awaited.outcome());
            assertEquals("OverloadedException", read.outcome());
            assertEquals("OverloadedException", later.get(0).outcome());
            assertEquals("open", patient.outcome());
        };
        apply(command(1, 1, "a"), command(2, 1, "b"));
        applier.turn(now);
        assertEquals("applied at 2", patient.outcome(), "all else goes on when the machine is back");
        for (Recorder over : List.of(applied, awaited, read, later.get(0))) {
            assertTrue(over.outcome().endsWith("Exception"), "told once: " + over.outcome());
        }
    }

    @Test
    void aQueryThatTakesTooLongIsGivenUpAndItsAnswerIsNobodys() {
        Busy machine = new Busy();
        applier = applier(machine);
        apply(noOp(1, 1));
        applier.turn(now);
        Recorder read = read(1, Long.MAX_VALUE, 100, "all");
        machine.inside = () -> {
            now = 100;
            relieve(2);
            assertEquals("OverloadedException", read.outcome());
        };
        applier.turn(now);
        assertEquals("OverloadedException", read.outcome());
        machine.inside = () -> { };
        Recorder next = read(1, Long.MAX_VALUE, 200, "all");
        applier.turn(now);
        assertEquals("answered at 1", next.outcome());
    }

    @Test
    void whoStandsBehindACallerWhoBlocksIsToldByAnotherThread() {
        Recorder second = new Recorder();
        Completion first = new Completion() {
            @Override
            public void done(byte[] result, long index) {
                relieve(2);
                assertEquals("NotLeaderException", second.outcome());
            }

            @Override
            public void failed(Throwable why) {
                relieve(2);
                assertEquals("NotLeaderException", second.outcome());
            }
        };
        Call blocking = call(Call.Kind.PROPOSE, 1000, first);
        blocking.accepted(new EntryId(1, 2));
        Call behind = call(Call.Kind.PROPOSE, 1000, second);
        behind.accepted(new EntryId(1, 3));
        applier.add(List.of(blocking, behind));
        apply(noOp(1, 2));       // both have failed by it
        applier.turn(now);
        assertEquals("NotLeaderException", second.outcome());
    }

    @Test
    void proposalsWakeTheApplyThreadOnlyIfTheirTimeIsUpBeforeItLooks() {
        applier.willLookIn(100);
        assertFalse(Wakers.isWoken(applyThread, () -> propose(1, 1, 100)), "it looks in time, and nothing is committed yet");
        assertTrue(Wakers.isWoken(applyThread, () -> propose(2, 1, 99)));
    }

    @Test
    void allElseWakesTheApplyThreadThoughProposalsComeWithIt() {
        applier.willLookIn(100);
        Call accepted = call(Call.Kind.PROPOSE, 200, new Recorder());
        accepted.accepted(new EntryId(1, 1));
        assertTrue(Wakers.isWoken(applyThread, () -> applier.add(List.of(accepted, new Work.Apply(1, 1, List.of(noOp(1, 1)))))));
        applier.turn(now);
        assertEquals(1, applier.appliedIndex());
    }

    @Test
    void nobodyIsRelievedWhoIsNotHeldUp() {
        Recorder late = propose(1, 1, 100);
        applier.turn(now);
        now = 200;
        relieve(3);
        assertEquals("open", late.outcome(), "the apply thread sleeps, and wakes up by itself");
        applier.turn(now);
        assertEquals("OutcomeUnknownException", late.outcome());
    }

    private Applier applier(StateMachine machine) {
        SnapshotTaker taker = new SnapshotTaker(storage, mailbox);
        return new Applier(machine, storage, mailbox, () -> now, () -> new NotLeaderException(7, "seven"),
            new SnapshotDesk(SnapshotPolicy.DEFAULT, new SplittableRandom(1), storage, taker, RaftObserver.NONE), applyThread);
    }

    private void apply(Entry... entries) {
        applier.add(List.of(new Work.Apply(entries[0].index(), entries[entries.length - 1].index(), List.of(entries))));
    }

    private void store(List<Entry> entries) {
        storage.found(new FoundingRecord(new ClusterId(1, 1), 0, Membership.of(1, List.of(new Member(new ReplicaId(1, 11), "a")))));
        storage.write(List.of(new Storage.Write(1, new HardState(1, null, 0), 1, entries)));
    }

    private Call call(Call.Kind kind, long deadline, Completion completion) {
        byte[] payload = bytes("x");
        budget.take(Call.bytesOf(payload));
        return new Call(kind, payload, deadline, budget, completion);
    }

    private Recorder propose(long index, long term, long deadline) {
        Recorder caller = new Recorder();
        Call call = call(Call.Kind.PROPOSE, deadline, caller);
        call.accepted(new EntryId(term, index));
        applier.add(List.of(call));
        return caller;
    }

    private Recorder read(long index, long validUntil, long deadline, String query) {
        Recorder caller = new Recorder();
        budget.take(Call.bytesOf(bytes(query)));
        Call call = new Call(Call.Kind.READ, bytes(query), deadline, budget, caller);
        call.readable(index, validUntil);
        applier.add(List.of(call));
        return caller;
    }

    private List<Event> completions() {
        List<Event> events = new ArrayList<>();
        mailbox.fill();
        for (Mail mail = mailbox.poll(); mail != null; mail = mailbox.poll()) {
            events.add(((Mail.OfEvent) mail).event());
        }
        return events;
    }
}
