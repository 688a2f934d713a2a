package io.quorate.raft.election;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.RequestFailedException;
import io.quorate.raft.ServerStoppedException;
import io.quorate.raft.election.Leadership.Reason;
import io.quorate.raft.election.VirtualGroup.Process;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Named elections in virtual time: who leads, for how long, and who is next. */
class ElectionsTest {

    private static final Elections.Options OPTIONS = Elections.Options.DEFAULT.withTtl(Duration.ofSeconds(2));

    /** So that nothing but a recovery ends a lease. */
    private static final Elections.Options LONG = OPTIONS.withTtl(Duration.ofSeconds(60));

    private VirtualGroup group = new VirtualGroup();
    private final List<String> journal = new ArrayList<>();

    private final class Member {
        private final Process process = group.new Process();
        private final Elections elections;
        private final Election election;

        private Member() {
            this(OPTIONS);
        }

        private Member(Elections.Options options) {
            elections = new Elections(process, options);
            election = elections.election("billing");
        }

        private CompletableFuture<Leadership> campaign(String value) {
            return election.campaign(bytes(value));
        }

        private Leadership lead(String value) {
            CompletableFuture<Leadership> elected = campaign(value);
            group.passMillis(200);
            return assertDone(elected);
        }
    }

    // -------------------------------------------------------------------------------------------------------------------- who leads

    @Test
    void whoComesFirstLeadsAndTheNextLeadsWithAHigherTokenAsSoonAsHeResigns() {
        Member one = new Member();
        Member other = new Member();
        Leadership first = one.lead("one");
        assertTrue(first.isValid());
        CompletableFuture<Leadership> next = other.campaign("other");
        group.pass(Duration.ofSeconds(20));      // the lease is refreshed
        assertTrue(first.isValid());
        assertFalse(next.isDone());
        first.resign();
        group.passMillis(100);
        assertFalse(first.isValid());
        assertEquals(Reason.RESIGNED, first.revoked().toCompletableFuture().join());
        Leadership second = assertDone(next);
        assertTrue(second.isValid());
        assertTrue(second.fencingToken() > first.fencingToken());
        assertEquals(1, group.machine().keys());
    }

    @Test
    @SuppressWarnings("NullAway")
    void whatIsMissingIsSaidAtOnceAndLeavesNoFutureOpen() {
        Election election = new Member().elections.election("office");
        assertThrows(NullPointerException.class, () -> election.campaign(null));
        assertThrows(NullPointerException.class, () -> election.campaign(null, new NoTask(), Runnable::run));
        assertThrows(NullPointerException.class, () -> election.proclaim(null, new byte[1]));
    }

    private static final class NoTask implements LeaderTask<Leadership> {

        @Override
        public void start(Leadership leadership) {
            throw new AssertionError("nobody stands");
        }

        @Override
        public void stop(Leadership leadership, Reason why) {
            throw new AssertionError("nobody stands");
        }
    }

    @Test
    void whoClosesHandsOverAtOnce() {
        Member one = new Member();
        Leadership first = one.lead("one");
        CompletableFuture<Leadership> next = new Member().campaign("other");
        group.passMillis(100);
        CompletableFuture<Void> closed = one.elections.closeAsync();
        group.passMillis(60);
        assertTrue(closed.isDone());
        assertFalse(first.isValid());
        assertEquals(Reason.CLOSED, first.revoked().toCompletableFuture().join());
        assertTrue(assertDone(next).isValid());
        assertEquals(1, group.machine().leases());
        assertEquals(1, group.sessions.openSessions());
    }

    @Test
    void whoDiesIsReplacedWhenHisLeaseHasEndedAndNotBefore() {
        Member one = new Member();
        Leadership first = one.lead("one");
        CompletableFuture<Leadership> next = new Member().campaign("other");
        group.pass(Duration.ofSeconds(2));
        one.process.kill();
        long killed = group.now();
        while (!next.isDone()) {
            assertTrue(group.now() - killed < Duration.ofMillis(2100).toNanos());
            group.passMillis(1);
        }
        assertFalse(first.isValid());
        assertTrue(group.now() - killed > Duration.ofMillis(2000 - 667).toNanos());
    }

    // ---------------------------------------------------------------------------------------------------------------- how long

    /** Reckoned from before the proposal, with the own clock as slow as it may be, whenever that happens; so at no moment are there two. */
    @Test
    void whoIsCutOffKnowsThatItIsOverBeforeTheGroupEndsHisLease() {
        for (int permille : new int[] {990, 1000, 1010}) {
            for (int millis = 0; millis < 700; millis += 50) {
                group = new VirtualGroup();
                group.tripNanos = Duration.ofMillis(20).toNanos();
                Member one = new Member();
                one.process.rate(permille);
                Leadership first = one.lead("one");
                CompletableFuture<Leadership> next = new Member().campaign("other");
                group.passMillis(800 + millis);
                one.process.isCut = true;
                while (!next.isDone()) {
                    assertFalse(first.isValid() && group.machine().leases() == 1, "valid, and the group has ended its lease");
                    group.passMillis(1);
                }
                assertFalse(first.isValid());
                group.passMillis(10);
                assertEquals(Reason.LOST, first.revoked().toCompletableFuture().join());
            }
        }
    }

    @Test
    void whoIsNotAnsweredDoesNotCountOnWhatHasArrived() {
        Member one = new Member();
        Leadership first = one.lead("one");
        CompletableFuture<Leadership> next = new Member().campaign("other");
        group.passMillis(100);
        one.process.isDeaf = true;
        Duration remaining = first.remaining();
        group.pass(remaining);
        assertFalse(first.isValid());
        assertFalse(next.isDone());
        group.passMillis(100);      // what nobody holds is given back, and not waited for
        assertTrue(assertDone(next).isValid());
        assertEquals(Reason.LOST, first.revoked().toCompletableFuture().join());
    }

    /** The clock of one whose process stands still goes on: whatever it asks first when it goes on, it is told the truth. */
    @Test
    void whoWasPausedForTooLongIsNotValidWhenHeGoesOnAndStandsAgainBehindTheOthers() {
        Member one = new Member();
        Leadership first = one.lead("one");
        Member other = new Member();
        CompletableFuture<Leadership> next = other.campaign("other");
        group.passMillis(100);
        one.process.pause();
        group.pass(Duration.ofSeconds(10));
        assertFalse(first.isValid());
        Leadership second = assertDone(next);
        one.process.resume();
        assertFalse(first.isValid());
        group.passMillis(200);
        assertFalse(first.isValid());
        assertEquals(Reason.LOST, first.revoked().toCompletableFuture().join());
        assertTrue(second.isValid());
        CompletableFuture<Leadership> again = one.campaign("one");
        group.pass(Duration.ofSeconds(5));
        assertFalse(again.isDone());
        other.elections.closeAsync();
        group.passMillis(100);
        assertTrue(assertDone(again).fencingToken() > second.fencingToken());
    }

    /** Replicated time stands still without a leader, so the group does not end the lease; its holder cannot know that. */
    @Test
    void whileTheGroupHasNoLeaderNobodyIsValidForLongerThanHisLeaseAndNobodyElseLeads() {
        Member one = new Member();
        Leadership first = one.lead("one");
        CompletableFuture<Leadership> next = new Member().campaign("other");
        group.passMillis(100);
        group.hasLeader = false;
        group.pass(Duration.ofSeconds(10));
        assertFalse(first.isValid());
        assertFalse(next.isDone());
        group.hasLeader = true;
        group.passMillis(1200);      // and not until the leases end that nobody holds any more
        assertFalse(first.isValid());
        assertNotNull(VirtualGroup.now(next));
    }

    /** Whoever was told that it was not valid is not told the contrary. */
    @Test
    void aRefreshThatIsAnsweredWhenTheTimeIsUpRevivesNothing() {
        Member one = new Member();
        Leadership first = one.lead("one");
        group.passMillis(100);
        long refreshes = group.applied(KeyCommand.Refresh.class);
        Duration remaining = first.remaining();
        while (group.applied(KeyCommand.Refresh.class) == refreshes) {
            remaining = first.remaining();
            group.passMillis(1);
        }
        one.process.pause();      // the answer is on its way
        group.pass(remaining.plusMillis(50));
        assertFalse(first.isValid());
        one.process.resume();
        for (int i = 0; i < 100; i++) {
            group.passMillis(1);
            assertFalse(first.isValid());
        }
        assertEquals(Reason.LOST, first.revoked().toCompletableFuture().join());
    }

    @Test
    void aLeaseThatIsShorterThanAskedForIsRefreshedInItsTime() {
        group = new VirtualGroup(new LeasedKeys.Options(Duration.ofMillis(300), 1000, 1 << 20, 1 << 20));
        Member one = new Member();
        Leadership first = one.lead("one");
        group.pass(Duration.ofSeconds(5));
        assertTrue(first.isValid());
        one.process.isCut = true;
        group.passMillis(297);
        assertFalse(first.isValid());
    }

    // -------------------------------------------------------------------------------------------------------------------- who is next

    @Test
    void theOrderIsThatOfArrivalAndOnlyTheNextAsksWhenSomebodyGoes() {
        List<Member> members = new ArrayList<>();
        List<CompletableFuture<Leadership>> elected = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            Member member = new Member();
            members.add(member);
            elected.add(member.campaign("member " + i));
            group.passMillis(300);
        }
        long token = 0;
        for (int i = 0; i < 20; i++) {
            Leadership leadership = assertDone(elected.get(i));
            assertTrue(leadership.fencingToken() > token);
            token = leadership.fencingToken();
            for (int j = i + 1; j < 20; j++) {
                assertFalse(elected.get(j).isDone());
            }
            long commands = group.applied.stream().filter(command -> !(command instanceof KeyCommand.Refresh)).count();
            leadership.resign();
            group.passMillis(100);
            assertEquals(commands + 1, group.applied.stream().filter(command -> !(command instanceof KeyCommand.Refresh)).count());
        }
        assertEquals(0, group.machine().keys());
    }

    @Test
    void whoStandsNoMoreIsPassedOver() {
        Leadership first = new Member().lead("one");
        CompletableFuture<Leadership> second = new Member().campaign("second");
        group.passMillis(100);
        CompletableFuture<Leadership> third = new Member().campaign("third");
        group.passMillis(100);
        assertTrue(second.cancel(false));
        group.passMillis(100);
        assertFalse(third.isDone());
        first.resign();
        group.passMillis(100);
        assertTrue(assertDone(third).isValid());
        assertEquals(1, group.machine().keys());
    }

    /** Whatever the place of its commands in the log is. */
    @Test
    void whoIsCancelledWhileHeEntersLeavesNothingBehind() {
        Member one = new Member();
        group.passMillis(100);
        for (int micros = 0; micros < 6000; micros += 500) {
            CompletableFuture<Leadership> elected = one.campaign("one");
            group.pass(Duration.ofNanos(1000L * micros));
            if (!elected.cancel(false)) {
                elected.join().resign();
            }
            group.passMillis(100);
            assertEquals(0, group.machine().keys(), "cancelled after " + micros + " us");
        }
    }

    @Test
    void whoIsCancelledWhileHeEntersLeavesNothingBehindThoughCommandsOvertakeEachOther() {
        Member one = new Member();
        group.passMillis(100);
        one.process.slowPutsNanos = Duration.ofMillis(50).toNanos();
        CompletableFuture<Leadership> elected = one.campaign("one");
        group.passMillis(10);
        assertTrue(elected.cancel(false));
        group.passMillis(200);
        assertEquals(1, group.applied(KeyCommand.PutIfAbsent.class));
        assertEquals(0, group.machine().keys());
    }

    /** He is told that somebody has gone before he is told that he is to wait for him. */
    @Test
    void whoLooksWhileTheOneBeforeGoesLooksAgain() {
        Leadership first = new Member().lead("one");
        Member other = new Member();
        group.passMillis(100);
        other.process.slowLooksNanos = Duration.ofMillis(200).toNanos();
        CompletableFuture<Leadership> next = other.campaign("other");
        group.passMillis(60);
        first.resign();
        group.passMillis(800);
        assertTrue(assertDone(next).isValid());
    }

    @Test
    void whoMissedChangesLooksAtTheLineAgain() {
        group = new VirtualGroup(new LeasedKeys.Options(Duration.ofHours(1), 1000, 1 << 20, 300));
        Leadership first = new Member().lead("one");
        Member other = new Member();
        CompletableFuture<Leadership> next = other.campaign("other");
        group.passMillis(800);
        other.process.isCut = true;
        first.resign();
        group.passMillis(50);
        for (int i = 0; i < 10; i++) {
            group.command(new KeyCommand.PutIfAbsent("k" + i, ByteBuffer.allocate(0), null));
        }
        group.passMillis(700);
        other.process.isCut = false;
        group.pass(Duration.ofSeconds(3));
        assertTrue(assertDone(next).isValid());
        assertEquals(2, group.applied(KeyCommand.PutIfAbsent.class), "it has kept its place");
    }

    /** Its lease lives on, so nobody else would ever be let in. */
    @Test
    void anOfficeThatCouldNotBeGivenAwayAtOnceIsGivenAwayLater() {
        Member one = new Member();
        Leadership first = one.lead("one");
        CompletableFuture<Leadership> next = new Member().campaign("other");
        group.passMillis(100);
        one.process.cannotDelete = true;
        CompletableFuture<Void> resigned = first.resign().toCompletableFuture();
        group.pass(Duration.ofSeconds(5));
        assertTrue(resigned.isCompletedExceptionally());
        assertFalse(first.isValid());
        assertFalse(next.isDone());
        one.process.cannotDelete = false;
        group.pass(Duration.ofSeconds(2));
        assertTrue(assertDone(next).isValid());
    }

    @Test
    void aHundredCandidatesOfOneProcessHaveNothingToDoWithEachOther() {
        Member one = new Member();
        List<CompletableFuture<Leadership>> elected = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            elected.add(one.elections.election("name " + i).campaign(bytes("one")));
        }
        group.passMillis(300);
        elected.forEach(each -> assertTrue(assertDone(each).isValid()));
        assertEquals(100, elected.stream().map(each -> each.join().fencingToken()).distinct().count());
        one.elections.closeAsync();
        group.passMillis(100);
        assertEquals(0, group.machine().keys());
    }

    /** The second waits for a deletion, and the first question of its client does not ask about that. */
    @Test
    void whoComesWhileTheFirstQuestionForChangesIsUnderWayIsWokenToo() {
        for (int trip : new int[] {1, 30}) {
            for (int gap : new int[] {0, 1, 2, 10, 25, 60}) {
                group = new VirtualGroup();
                Leadership first = new Member().lead("one");
                group.tripNanos = Duration.ofMillis(trip).toNanos();
                Member other = new Member();
                group.passMillis(500);
                other.elections.election("of nobody else").campaign(bytes("other"));
                group.passMillis(gap);
                CompletableFuture<Leadership> next = other.campaign("other");
                group.passMillis(500);
                first.resign();
                group.pass(Duration.ofSeconds(2));
                assertTrue(next.isDone(), gap + " ms after the first, with a trip of " + trip + " ms");
            }
        }
    }

    @Test
    void whoWaitsIsWokenHoweverManyComeAndHoweverLongAnAnswerTakes() {
        for (int trip : new int[] {1, 9, 15, 30}) {
            group = new VirtualGroup();
            Leadership first = new Member().lead("one");
            group.tripNanos = Duration.ofMillis(trip).toNanos();
            Member other = new Member();
            group.passMillis(500);
            CompletableFuture<Leadership> next = other.campaign("other");
            group.passMillis(500);
            first.resign();
            for (int i = 0; i < 100; i++) {
                other.elections.lock("lock " + i).lock().thenAccept(FencedLock.Hold::close);
                group.passMillis(10);
            }
            assertTrue(next.isDone(), "with a trip of " + trip + " ms");
        }
    }

    // ------------------------------------------------------------------------------------------------------------------------ tasks

    private final class Work implements LeaderTask<Leadership> {
        private boolean fails;

        @Override
        public void start(Leadership leadership) {
            journal.add("start");
            if (fails) {
                throw new IllegalStateException("cannot");
            }
        }

        @Override
        public void stop(Leadership leadership, Reason why) {
            journal.add("stop " + why + (leadership.isValid() ? " valid" : ""));
        }
    }

    @Test
    void aTaskIsStoppedBeforeTheOfficeIsGivenAwayAndStartedAgainWhenItIsItsTurn() {
        Member one = new Member();
        Candidate candidate = one.election.campaign(bytes("one"), new Work(), one.process.executor());
        group.passMillis(100);
        Leadership first = candidate.leadership().orElseThrow();
        CompletableFuture<Leadership> next = new Member().campaign("other");
        group.passMillis(100);
        first.resign();
        group.passMillis(100);
        assertEquals(List.of("start", "stop RESIGNED valid"), journal);
        assertEquals(Optional.empty(), candidate.leadership());
        assertDone(next).resign();
        group.passMillis(100);
        assertEquals(List.of("start", "stop RESIGNED valid", "start"), journal);
        candidate.withdraw();
        group.passMillis(100);
        assertEquals("stop CLOSED valid", journal.get(3));
        assertEquals(0, group.machine().keys());
    }

    @Test
    void aTaskThatCannotBeStartedLetsOthersTryAndComesBackLater() {
        Member one = new Member();
        Work work = new Work();
        work.fails = true;
        one.election.campaign(bytes("one"), work, one.process.executor());
        group.passMillis(100);
        assertEquals(List.of("start", "stop START_FAILED valid"), journal);
        assertEquals(0, group.machine().keys());
        Leadership other = new Member().lead("other");
        work.fails = false;
        other.resign();
        group.pass(Duration.ofSeconds(3));
        assertEquals("start", journal.get(journal.size() - 1));
    }

    @Test
    void aTaskWhoseLeaseIsLostIsStoppedAndStandsAgain() {
        Member one = new Member();
        one.election.campaign(bytes("one"), new Work(), one.process.executor());
        group.passMillis(100);
        one.process.isCut = true;
        group.pass(Duration.ofSeconds(3));
        assertEquals(List.of("start", "stop LOST"), journal);
        one.process.isCut = false;
        group.pass(Duration.ofSeconds(15));
        assertEquals(List.of("start", "stop LOST", "start"), journal);
        assertEquals(1, group.machine().leases());
        assertEquals(1, group.machine().keys());
    }

    @Test
    void aTaskThatNeverStopsKeepsNobodyOutForEverWhenAllIsClosed() {
        Member one = new Member();
        List<Runnable> hanging = new ArrayList<>();
        one.election.campaign(bytes("one"), new Work(), task -> {
            if (hanging.isEmpty()) {
                task.run();
            }
            hanging.add(task);
        });
        group.passMillis(100);
        CompletableFuture<Leadership> waiting = one.elections.election("other").campaign(bytes("one"));
        CompletableFuture<Void> closed = one.elections.closeAsync();
        group.pass(Duration.ofSeconds(59));
        assertFalse(closed.isDone());
        assertEquals(1, group.machine().leases());
        group.pass(Duration.ofSeconds(2));
        assertTrue(closed.isDone());
        assertTrue(waiting.isDone());
        assertEquals(0, group.machine().leases());
        long refreshes = group.applied(KeyCommand.Refresh.class);
        group.pass(Duration.ofSeconds(60));
        assertEquals(refreshes, group.applied(KeyCommand.Refresh.class));
    }

    /** It would wait for itself. In virtual time nothing else goes on meanwhile, so a wait would be a minute of real time. */
    @Test
    @Timeout(30)
    void whoClosesFromATaskOrAListenerDoesNotWait() {
        Member one = new Member();
        one.election.campaign(bytes("one"), new LeaderTask<>() {
            @Override
            public void start(Leadership leadership) {
                one.elections.close();
                journal.add("start");
            }

            @Override
            public void stop(Leadership leadership, Reason why) {
                one.elections.close();
                journal.add("stop " + why);
            }
        }, one.process.executor());
        group.passMillis(500);
        assertEquals(List.of("start", "stop CLOSED"), journal);
        assertEquals(0, group.machine().leases());
        Member other = new Member();
        other.election.states(state -> {
            other.elections.close();
            journal.add("told");
        }, other.process.executor());
        group.passMillis(500);
        assertEquals("told", journal.get(2));
        assertEquals(0, group.machine().leases());
    }

    // -------------------------------------------------------------------------------------------------------------- what others see

    @Test
    void whoObservesIsToldWhoLeadsFirstAndThenEachChange() {
        Member one = new Member();
        Leadership first = one.lead("one");
        Member watcher = new Member();
        List<String> told = new ArrayList<>();
        Observation<Optional<Holder>> observation = watcher.election.observe(
            holder -> told.add(holder.map(each -> text(each.value()) + (each.fencingToken() == first.fencingToken() ? " first" : ""))
                .orElse("nobody")), watcher.process.executor());
        group.passMillis(100);
        assertEquals(List.of("one first"), told);
        one.election.proclaim(first, bytes("one moved"));
        new Member().campaign("other");
        group.passMillis(100);
        first.resign();
        group.passMillis(100);
        assertEquals(List.of("one first", "one moved first", "other"), told);
        observation.close();
        assertEquals("other", text(VirtualGroup.now(passing(watcher.election.leader())).orElseThrow().value()));
    }

    @Test
    void whoProclaimsKeepsHisTokenAndHisPlaceAndWhoLeadsNoMoreProclaimsNothing() {
        Member one = new Member();
        Leadership first = one.lead("one");
        List<CompletableFuture<Void>> all = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            all.add(one.election.proclaim(first, bytes("value " + i)));
        }
        group.passMillis(100);
        all.forEach(each -> assertTrue(each.isDone() && !each.isCompletedExceptionally()));
        Holder holder = VirtualGroup.now(passing(one.election.leader())).orElseThrow();
        assertEquals(new Holder(bytes("value 4"), first.fencingToken()), holder);
        first.resign();
        CompletableFuture<Void> late = passing(one.election.proclaim(first, bytes("late")));
        assertTrue(assertThrows(CompletionException.class, late::join).getCause() instanceof IllegalStateException);
        assertEquals(Optional.empty(), VirtualGroup.now(passing(one.election.leader())));
    }

    /** The office may notice first that the time is up, and who hears of that may close everything before the lease's keeper has. */
    @Test
    void whatIsProclaimedWhileTheLeaseEndsAndAllIsClosedFailsInTheEnd() {
        for (boolean isReversed : new boolean[] {false, true}) {
            group = new VirtualGroup();
            group.isReversed = isReversed;
            Member one = new Member();
            Leadership first = one.lead("one");
            group.passMillis(100);
            CompletableFuture<Void> closed = new CompletableFuture<>();
            first.revoked().thenRun(() -> one.elections.closeAsync().thenRun(() -> closed.complete(null)));
            one.process.isCut = true;
            CompletableFuture<Void> proclaimed = one.election.proclaim(first, bytes("in vain"));
            group.pass(Duration.ofSeconds(30));
            assertTrue(closed.isDone());
            assertTrue(proclaimed.isCompletedExceptionally());
            assertEquals(Reason.LOST, first.revoked().toCompletableFuture().join());
        }
    }

    @Test
    void statesAreLeaderFollowerOfWhomAndUnknownAndUnknownIsNotFollower() {
        Member one = new Member();
        Member other = new Member();
        List<Object> told = new ArrayList<>();
        other.election.states(state -> told.add(state instanceof LeaderState.Leader leader ? leader.leadership() : state),
            other.process.executor());
        group.passMillis(100);
        Leadership first = one.lead("one");
        CompletableFuture<Leadership> next = other.campaign("other");
        group.passMillis(100);
        first.resign();
        group.passMillis(100);
        Leadership second = assertDone(next);
        other.process.isCut = true;
        group.pass(Duration.ofSeconds(3));
        assertEquals(List.of(new LeaderState.Unknown(), new LeaderState.Follower("one"), second, new LeaderState.Unknown()), told);
        other.process.isCut = false;
        Leadership third = one.lead("one again");
        assertTrue(third.isValid());
        group.pass(Duration.ofSeconds(15));
        assertEquals(new LeaderState.Follower("one again"), told.get(told.size() - 1));
        other.process.isCut = true;
        group.pass(Duration.ofSeconds(3));
        assertEquals(new LeaderState.Unknown(), told.get(told.size() - 1));
    }

    /** Neither while it gives the office back, and cannot yet, nor when it has another lease before the last one's key has gone. */
    @Test
    void nobodyIsToldToFollowHimself() {
        Member one = new Member();
        List<LeaderState> told = new ArrayList<>();
        one.election.states(told::add, one.process.executor());
        one.process.cannotDelete = true;
        Leadership first = one.lead("one");
        first.resign();
        group.pass(Duration.ofSeconds(3));
        assertEquals(List.of(new LeaderState.Unknown(), new LeaderState.Leader(first), new LeaderState.Unknown()), told);

        KeyEntry left = first("election\0billing\0");
        group.command(new KeyCommand.Refresh(left.lease()));
        one.process.isDeaf = true;
        group.pass(Duration.ofSeconds(1));
        one.process.isCut = true;
        group.pass(Duration.ofMillis(1100));
        group.command(new KeyCommand.PutIfAbsent(left.key() + "-late", ByteBuffer.wrap(left.value()), left.lease()));
        one.process.isCut = false;
        one.process.isDeaf = false;
        group.passMillis(500);
        assertEquals(new LeaderState.Unknown(), told.get(told.size() - 1));
        assertEquals(3, told.size());
    }

    private static String valueOf(Optional<Holder> holder) {
        return holder.map(each -> text(each.value())).orElse("nobody");
    }

    /** The one is cut off from what it would have to read, the other's listener takes nothing. */
    @Test
    void whoCannotBeToldKeepsNoMoreThanSoMuchAndIsToldTheNewestInTheEnd() {
        Member deaf = new Member();
        deaf.process.cannotList = true;
        List<String> read = new ArrayList<>();
        Observation<?> missing = deaf.election.observe(holder -> read.add(valueOf(holder)), Runnable::run);
        Member busy = new Member();
        List<Runnable> work = new ArrayList<>();
        List<String> heard = new ArrayList<>();
        Observation<?> waiting = busy.election.observe(holder -> heard.add(valueOf(holder)), work::add);
        Member one = new Member();
        Leadership leads = one.lead("one");
        String value = "";
        for (int i = 0; i < 60; i++) {
            value = i + " of many".repeat(5000);
            passing(one.election.proclaim(leads, bytes(value)));
            group.passMillis(50);
        }
        assertTrue(missing.bytes() > 200_000 && missing.bytes() <= Observation.MISSED_BYTES_MAX + 50_000, () -> "kept " + missing.bytes());
        assertTrue(waiting.bytes() > 200_000 && waiting.bytes() <= Observation.WAITING_BYTES_MAX, () -> "kept " + waiting.bytes());
        deaf.process.cannotList = false;
        group.passMillis(500);
        while (!work.isEmpty()) {
            work.remove(0).run();
        }
        assertEquals(List.of(value), read);
        assertEquals(value, heard.get(heard.size() - 1));
        assertEquals(0, missing.bytes());
        assertEquals(0, waiting.bytes());
    }

    /** An executor of the user's that can be shut down, and opened again. */
    private static final class Gate implements Executor {
        private boolean isShut;

        @Override
        public void execute(Runnable task) {
            if (isShut) {
                throw new RejectedExecutionException("shut");
            }
            task.run();
        }
    }

    @Test
    void whoseExecutorRefusesHoldsUpNobodyElseAndIsToldEverythingWhenItWillHaveItAgain() {
        Leadership billing = new Member().lead("one");
        Leadership other = passing(new Member().elections.election("other").campaign(bytes("two"))).join();
        Member watcher = new Member();
        Gate gate = new Gate();
        List<String> told = new ArrayList<>();
        watcher.elections.election("other").observe(holder -> told.add(holder.map(each -> text(each.value())).orElse("nobody")), gate);
        CompletableFuture<Leadership> next = watcher.campaign("three");
        group.passMillis(500);
        gate.isShut = true;
        other.resign();
        group.pass(Duration.ofSeconds(1));
        billing.resign();
        passing(new Member().elections.election("other").campaign(bytes("four")));
        group.passMillis(200);
        assertTrue(assertDone(next).isValid());
        assertEquals(List.of("two"), told);
        gate.isShut = false;
        group.pass(Duration.ofSeconds(2));
        assertEquals(List.of("two", "nobody", "four"), told);
    }

    @Test
    void aLeaseIsHadAgainThoughTheExecutorOfAListenerRefusesToHearThatItWasLost() {
        Member one = new Member();
        Gate gate = new Gate();
        new Member().elections.election("other").campaign(bytes("other"));
        one.elections.election("other").states(state -> { }, gate);
        one.election.campaign(bytes("one"), new Work(), one.process.executor());
        group.passMillis(500);
        gate.isShut = true;
        one.process.isCut = true;
        group.pass(Duration.ofSeconds(5));
        one.process.isCut = false;
        group.pass(Duration.ofSeconds(15));
        assertEquals(List.of("start", "stop LOST", "start"), journal);
    }

    @Test
    void whoLosesHisSessionGivesTheLeaseBackInTheNextSoThatNobodyWaitsForItsTime() {
        Leadership first = new Member(LONG).lead("one");
        CompletableFuture<Leadership> next = new Member(LONG).campaign("other");
        group.passMillis(200);
        group.forgetFirstSession();
        group.pass(Duration.ofSeconds(20));      // until the lease is to be refreshed
        group.passMillis(500);
        assertEquals(Reason.LOST, assertDone(first.revoked().toCompletableFuture()));
        assertTrue(assertDone(next).isValid());
        assertEquals(2, group.machine().leases());
    }

    // ------------------------------------------------------------------------------------------------------------------------ epochs

    /** Otherwise an index that is used again after a recovery would make a token that was there before. */
    @Test
    void aTokenHoldsTheEpochInWhichItsHolderWasSeenToBeFirst() {
        Leadership first = new Member().lead("one");
        assertEquals(0, FencingToken.epoch(first.fencingToken()));
        Member other = new Member();
        CompletableFuture<Leadership> next = other.campaign("other");
        group.passMillis(100);
        group.epoch = 3;
        group.passMillis(100);
        first.resign();
        group.passMillis(200);
        assertEquals(3, FencingToken.epoch(assertDone(next).fencingToken()));
        assertTrue(next.join().isValid());
    }

    /** Also if he has come to hold the office just before, and the group has forgotten what he has said since. */
    @Test
    void whoObservesIsToldTheTokenThatTheHolderHasThoughTheGroupWasRecoveredSince() {
        Member member = new Member(LONG);
        List<Optional<Holder>> told = new ArrayList<>();
        Member watcher = new Member(LONG);
        watcher.election.observe(told::add, watcher.process.executor());
        Leadership first = member.lead("one");
        CompletableFuture<Leadership> next = new Member(LONG).campaign("other");
        group.passMillis(200);
        Runnable recovery = group.backup();
        recovery.run();
        group.passMillis(200);
        assertToken(first, watcher, told, "one");

        Runnable again = group.backup();
        first.resign();
        group.passMillis(200);
        assertEquals(1, FencingToken.epoch(assertDone(next).fencingToken()));
        assertToken(next.join(), watcher, told, "other");

        again.run();      // the first has left, but the group does not know that any more; and the next holds a token of epoch 1
        member.elections.closeAsync();
        group.pass(Duration.ofSeconds(3));
        assertEquals(2, group.epoch);
        assertTrue(next.join().isValid());
        assertToken(next.join(), watcher, told, "other");
    }

    private void assertToken(Leadership holder, Member watcher, List<Optional<Holder>> told, String value) {
        Holder seen = told.get(told.size() - 1).orElseThrow();
        assertEquals(value, text(seen.value()));
        assertEquals(holder.fencingToken(), seen.fencingToken());
        assertEquals(seen, passing(watcher.election.leader()).join().orElseThrow());
    }

    @Test
    void anAnswerOfWhichTheEpochIsNotCertainElectsNobody() {
        Member one = new Member();
        group.passMillis(100);
        one.process.slowLooksNanos = Duration.ofMillis(200).toNanos();
        CompletableFuture<Leadership> elected = one.campaign("one");
        group.passMillis(100);
        group.epoch = 1;
        group.passMillis(1000);
        assertEquals(1, FencingToken.epoch(assertDone(elected).fencingToken()));
    }

    /** Their leases are of one index, in two histories; each has entered the line with the first key of a client. */
    @Test
    void whoEnteredBeforeARecoveryIsNotTakenForWhoEntersWithALeaseOfTheSameIndex() {
        Leadership holder = new Member(LONG).lead("holder");
        Runnable recovery = group.backup();
        CompletableFuture<Leadership> lost = new Member(LONG).campaign("lost");
        group.passMillis(500);
        recovery.run();
        CompletableFuture<Leadership> next = new Member(LONG).campaign("next");
        group.pass(Duration.ofSeconds(3));
        holder.resign();
        group.passMillis(500);
        Leadership leads = assertDone(next);
        assertEquals(1, FencingToken.epoch(leads.fencingToken()));
        assertFalse(lost.isDone());
        leads.resign();
        group.passMillis(500);
        assertTrue(assertDone(lost).fencingToken() > leads.fencingToken());
    }

    /** As after a group was set back by other means than a recovery. No office is held by nobody, and the token is higher in the end. */
    @Test
    void whoseTokenWouldNotBeHigherGivesHisPlaceAway() {
        Runnable recovery = group.backup();
        Member one = new Member();
        group.passMillis(200);
        for (int i = 0; i < 30; i++) {
            group.command(new KeyCommand.PutIfAbsent("k" + i, ByteBuffer.allocate(0), null));
        }
        Candidate candidate = one.election.campaign(bytes("one"), new Work(), one.process.executor());
        group.passMillis(200);
        long token = candidate.leadership().orElseThrow().fencingToken();
        recovery.run();
        group.epoch = 0;
        group.pass(Duration.ofSeconds(20));
        assertTrue(candidate.leadership().orElseThrow().fencingToken() > token);
        assertEquals(List.of("start", "stop LOST", "start"), journal);
        assertEquals(1, group.machine().keys());
    }

    /** Who holds the office, who came after the backup, and the place he had before the group was recovered from that. */
    private record Forgotten(Leadership holder, CompletableFuture<Leadership> next, KeyEntry place) { }

    private Forgotten candidateForgottenByARecovery() {
        Leadership holder = new Member(LONG).lead("holder");
        Member other = new Member(LONG);
        group.passMillis(500);
        Runnable recovery = group.backup();
        CompletableFuture<Leadership> next = other.campaign("next");
        group.passMillis(500);
        KeyEntry place = last("election\0billing\0");
        recovery.run();
        return new Forgotten(holder, next, place);
    }

    /** In the other history somebody else has put it, as it happens at the same index. */
    @Test
    void aKeyThatGoesWithAnotherLeaseIsNobodysPlaceThoughItHasHisNameAndHisIndex() {
        Forgotten forgotten = candidateForgottenByARecovery();
        LeaseId others = first("election\0billing\0").lease();
        group.command(new KeyCommand.PutIfAbsent(forgotten.place.key(), new Proclaimed(group.epoch, new byte[0]).encode(), others));
        assertEquals(forgotten.place.createIndex(), last("election\0billing\0").createIndex());
        group.pass(Duration.ofSeconds(3));
        forgotten.holder.resign();
        group.pass(Duration.ofSeconds(3));
        assertFalse(forgotten.next.isDone());
        group.command(new KeyCommand.Delete(forgotten.place.key(), KeyCommand.ANY_VERSION, others));
        group.passMillis(500);
        assertEquals(first("election\0billing\0").createIndex(), FencingToken.index(assertDone(forgotten.next).fencingToken()));
    }

    /** What was put is put again, by a copy that was late, where the recovered group has come to; the old place may be another's. */
    @Test
    void aPlaceThatWasTakenAgainAfterARecoveryIsLeftSoThatNoTokenIsOfAnIndexThatIsAnothers() {
        Forgotten forgotten = candidateForgottenByARecovery();
        group.command(new KeyCommand.PutIfAbsent("of another", ByteBuffer.allocate(0), null));
        group.command(new KeyCommand.PutIfAbsent(forgotten.place.key(), ByteBuffer.wrap(forgotten.place.value()), forgotten.place.lease()));
        assertTrue(last("election\0billing\0").createIndex() > forgotten.place.createIndex());
        group.pass(Duration.ofSeconds(3));
        forgotten.holder.resign();
        group.passMillis(500);
        assertEquals(first("election\0billing\0").createIndex(), FencingToken.index(assertDone(forgotten.next).fencingToken()));
        assertEquals(2, group.machine().keys(), "the one place, and what is another's");
    }

    /** The lease is older than what was lost, and goes on; so nothing but the key says that the office is not held any more. */
    @Test
    void whoseKeyTheRecoveredGroupHasForgottenHoldsTheOfficeNoMoreThoughHisLeaseGoesOn() {
        Member one = new Member(LONG);
        group.passMillis(500);
        Runnable recovery = group.backup();
        Leadership first = one.lead("one");
        recovery.run();
        CompletableFuture<Leadership> next = new Member(LONG).campaign("other");
        group.pass(Duration.ofSeconds(3));
        assertTrue(assertDone(next).isValid());
        assertFalse(first.isValid());
        assertEquals(Reason.LOST, first.revoked().toCompletableFuture().join());
    }

    /** He has given it back, and that is forgotten; but he lives, and so would his lease. */
    @Test
    void whatWasGivenBackBeforeARecoveryThatForgotItIsGivenBackOnceMore() {
        Leadership first = new Member().lead("one");
        Runnable recovery = group.backup();
        first.resign();
        group.passMillis(200);
        recovery.run();
        CompletableFuture<Leadership> next = new Member().campaign("other");
        group.pass(Duration.ofSeconds(3));
        assertTrue(assertDone(next).isValid());
    }

    @Test
    void aLeaseIsRefreshedInTheEpochInWhichItWasGrantedAndInNoOther() {
        Leadership first = new Member().lead("one");
        group.pass(Duration.ofSeconds(5));
        group.epoch = 1;
        group.pass(Duration.ofSeconds(2));
        assertFalse(first.isValid());
        assertEquals(Reason.LOST, first.revoked().toCompletableFuture().join());
        assertEquals(0, group.machine().keys());
        assertEquals(1, group.machine().leases());
    }

    /** Else the lock would be asked for, and never given back. */
    @Test
    void nobodyWaitsForALockForEver() {
        Member one = new Member();
        assertThrows(IllegalArgumentException.class, () -> one.elections.lock("billing").tryLock(Duration.ofSeconds(Long.MAX_VALUE)));
        group.passMillis(500);
        assertEquals(0, group.machine().keys());
    }

    /** Who comes in the moment in which the group is met again has the question put anew; not with an index of the other history. */
    @Test
    void whoWaitsIsWokenAfterARecoveryAlsoIfSomebodyElseBeginsToWaitJustThen() {
        Leadership first = new Member(LONG).lead("one");
        Member other = new Member(LONG);
        CompletableFuture<Leadership> next = other.campaign("next");
        group.passMillis(500);
        Runnable recovery = group.backup();
        for (int i = 0; i < 50; i++) {
            group.command(new KeyCommand.PutIfAbsent("election\0billing\0of another " + i, ByteBuffer.allocate(0), null));
        }
        group.passMillis(500);
        recovery.run();
        other.elections.election("of another name").campaign(bytes("next"));
        group.pass(Duration.ofSeconds(5));
        first.resign();
        group.passMillis(500);
        assertTrue(assertDone(next).isValid());
    }

    /** The line is so long that it is read in pieces, and what happens between two of them is told only after the last. */
    @Test
    void whoObservesALongLineMissesNothingThatHappensWhileItIsRead() {
        for (int millis = 0; millis < 30; millis++) {
            group = new VirtualGroup();
            for (int i = 10; i < 50; i++) {
                group.command(new KeyCommand.PutIfAbsent("election\0billing\0" + i, ByteBuffer.allocate(60_000), null));
            }
            Member watcher = new Member(LONG);
            List<Optional<Holder>> told = new ArrayList<>();
            watcher.election.observe(told::add, watcher.process.executor());
            group.passMillis(millis);
            KeyEntry gone = first("election\0billing\0");
            group.command(new KeyCommand.Delete(gone.key(), KeyCommand.ANY_VERSION, null));
            group.pass(Duration.ofSeconds(1));
            assertEquals(first("election\0billing\0").createIndex(),
                FencingToken.index(told.get(told.size() - 1).orElseThrow().fencingToken()), "after " + millis + " ms");
        }
    }

    // ----------------------------------------------------------------------------------------------------------------------- trouble

    /** As a put does that was on its way for longer than all that was done because it was not answered. */
    @Test
    void aKeyOfOnesOwnThatNobodyWantsAnyMoreIsTakenAwayWhereverItComesFrom() {
        Leadership first = new Member().lead("first");
        Member one = new Member();
        CompletableFuture<Leadership> second = one.campaign("second");
        group.passMillis(200);
        KeyEntry own = last("election\0billing\0");
        group.command(new KeyCommand.PutIfAbsent(own.key() + "-ghost", ByteBuffer.wrap(own.value()), own.lease()));
        CompletableFuture<Leadership> third = new Member().campaign("third");
        group.passMillis(200);
        first.resign();
        group.passMillis(200);
        assertDone(second).resign();
        group.passMillis(200);
        assertTrue(assertDone(third).isValid());
        assertEquals(1, group.machine().keys());
    }

    @Test
    void whenTheLeaseIsEndedByOthersWhoHeldItIsToldAndStandsAgain() {
        Member one = new Member();
        one.election.campaign(bytes("one"), new Work(), one.process.executor());
        group.passMillis(100);
        KeyEntry key = first("election\0billing\0");
        group.command(new KeyCommand.Revoke(key.lease()));
        group.passMillis(300);
        assertEquals(List.of("start", "stop LOST", "start"), journal);
        assertEquals(1, group.machine().keys());
    }

    @Test
    void aFullGroupIsAskedAgain() {
        group = new VirtualGroup(new LeasedKeys.Options(Duration.ofHours(1), 1000, 300, 1000));
        LeaseId hog = ((KeyResult.Granted) group.command(new KeyCommand.Grant(Duration.ofSeconds(3).toNanos(), 1))).lease();
        assertTrue(group.command(new KeyCommand.PutIfAbsent("k", ByteBuffer.allocate(0), hog)) instanceof KeyResult.Done);
        CompletableFuture<Leadership> elected = new Member().campaign("one");
        group.pass(Duration.ofSeconds(2));
        assertFalse(elected.isDone());
        group.pass(Duration.ofSeconds(3));
        assertTrue(assertDone(elected).isValid());
    }

    @Test
    void aFullGroupIsAskedMoreAndMoreSeldom() {
        group = new VirtualGroup(new LeasedKeys.Options(Duration.ofHours(1), 1000, 500, 1000));
        Member one = new Member();
        group.passMillis(100);
        group.command(new KeyCommand.PutIfAbsent("k", ByteBuffer.allocate(1000), null));
        CompletableFuture<Leadership> elected = one.campaign("one");
        group.pass(Duration.ofSeconds(10));
        long before = group.applied(KeyCommand.PutIfAbsent.class);
        group.pass(Duration.ofSeconds(10));
        assertFalse(elected.isDone());
        long tries = group.applied(KeyCommand.PutIfAbsent.class) - before;
        assertTrue(tries >= 5 && tries <= 20, () -> tries + " in 10 s");
    }

    @Test
    void whatTheGroupWillNeverHaveIsNotTriedAgainAndIsSaid() {
        Member one = new Member();
        CompletableFuture<Leadership> elected = one.election.campaign(new byte[70_000]);
        Candidate candidate = one.election.campaign(new byte[70_000], new Work(), one.process.executor());
        CompletableFuture<FencedLock.Hold> lock = one.elections.lock("billing").lock();
        group.pass(Duration.ofSeconds(60));
        for (CompletableFuture<?> each : List.of(elected, candidate.ended().toCompletableFuture())) {
            assertTrue(each.isDone());
            assertTrue(assertThrows(CompletionException.class, each::join).getCause() instanceof RequestFailedException);
        }
        assertEquals(3, group.applied(KeyCommand.PutIfAbsent.class));
        assertTrue(assertDone(lock).isValid(), "the others stay");
        assertEquals(List.of(), journal);
        Candidate other = one.election.campaign(bytes("one"), new Work(), one.process.executor());
        passing(other.withdraw().toCompletableFuture()).join();
        assertTrue(other.ended().toCompletableFuture().isDone());
    }

    @Test
    void whatIsClosedFailsAndSaysSo() {
        Member one = new Member();
        Leadership first = one.lead("one");
        CompletableFuture<Leadership> waits = one.campaign("again");
        group.passMillis(100);
        one.elections.closeAsync();
        CompletableFuture<Leadership> late = one.campaign("late");
        group.passMillis(100);
        assertFalse(first.isValid());
        for (CompletableFuture<Leadership> each : List.of(waits, late)) {
            assertTrue(assertThrows(CompletionException.class, each::join).getCause() instanceof ServerStoppedException);
        }
        assertEquals(0, group.machine().keys());
        assertEquals(0, group.machine().leases());
    }

    @Test
    void aNameIsAnyTextThatIsNoPartOfAnother() {
        Member one = new Member();
        for (String bad : List.of("", "a\0b", "n".repeat(501), "\ud800")) {
            assertThrows(IllegalArgumentException.class, () -> one.elections.election(bad));
        }
        Leadership first = one.lead("one");
        CompletableFuture<Leadership> longer = one.elections.election("billing2").campaign(bytes("one"));
        group.passMillis(100);
        CompletableFuture<Leadership> shorter = one.elections.election("bill").campaign(bytes("one"));
        group.passMillis(100);
        assertTrue(assertDone(longer).isValid());
        assertTrue(assertDone(shorter).isValid());
        assertTrue(first.isValid());
    }

    // ------------------------------------------------------------------------------------------------------------------------- locks

    @Test
    void aLockIsHeldByOneAtATimeAndWhoTriesForSoLongGivesUp() {
        Member one = new Member();
        Member other = new Member();
        CompletableFuture<FencedLock.Hold> held = passing(one.elections.lock("billing").lock());
        FencedLock.Hold hold = held.join();
        assertTrue(hold.isValid());
        CompletableFuture<Optional<FencedLock.Hold>> tried = other.elections.lock("billing").tryLock(Duration.ofMillis(500));
        group.passMillis(400);
        assertFalse(tried.isDone());
        group.passMillis(200);
        assertEquals(Optional.empty(), VirtualGroup.now(tried));
        CompletableFuture<Optional<FencedLock.Hold>> again = other.elections.lock("billing").tryLock(Duration.ofSeconds(5));
        group.passMillis(100);
        hold.unlock();
        group.passMillis(100);
        assertFalse(hold.isValid());
        FencedLock.Hold second = VirtualGroup.now(again).orElseThrow();
        assertTrue(second.isValid() && second.fencingToken() > hold.fencingToken());
        group.pass(Duration.ofSeconds(10));
        assertTrue(second.isValid(), "the time to try is no time to hold");
        assertSame(Reason.RESIGNED, hold.released().toCompletableFuture().join());
        assertTrue(other.lead("as an election").isValid(), "an election of that name is something else");
    }

    /** Of the same process too: it belongs to whoever got it. */
    @Test
    void whoAsksTwiceWaitsForHimself() {
        Member one = new Member();
        FencedLock.Hold hold = passing(one.elections.lock("l").lock()).join();
        CompletableFuture<FencedLock.Hold> second = passing(one.elections.lock("l").lock());
        assertFalse(second.isDone());
        hold.close();
        assertTrue(passing(second).join().isValid());
    }

    // ----------------------------------------------------------------------------------------------------------------------- helpers

    private <T> CompletableFuture<T> passing(CompletableFuture<T> future) {
        group.passMillis(150);
        return future;
    }

    private KeyEntry first(String prefix) {
        return ((KeyAnswer.Line) KeyAnswer.decode(group.machine().query(new KeyQuery.Line(prefix, "").encode()))).first();
    }

    private KeyEntry last(String prefix) {
        byte[] answer = group.machine().query(new KeyQuery.Range(prefix, "", 100).encode());
        return ((KeyAnswer.Entries) KeyAnswer.decode(answer)).entries().stream()
            .max(Comparator.comparingLong(KeyEntry::createIndex)).orElseThrow();
    }

    private static <T> T assertDone(CompletableFuture<T> future) {
        assertTrue(future.isDone(), "not yet");
        return future.join();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
