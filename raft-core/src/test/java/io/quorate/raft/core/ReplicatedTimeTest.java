package io.quorate.raft.core;

import static io.quorate.raft.core.Cluster.T;
import static io.quorate.raft.core.Cluster.id;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.testing.RecordedEffects.Accepted;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.LongRange;

/** The stamps that leaders give their entries: they go on from leader to leader, never fall, never run ahead, and come when asked for. */
class ReplicatedTimeTest {

    private static final long SECOND = 1_000_000_000L;

    // ---------------------------------------------------------------------------------------------------------------- the clock alone

    @Property(tries = 300)
    void itIsReachedAtTheFirstMomentAtWhichItIsNoLess(@ForAll @LongRange(min = 0, max = 1L << 61) long base, @ForAll long since,
                                                      @ForAll @LongRange(min = 0, max = 1L << 58) long wanted) {
        ReplicatedTime time = new ReplicatedTime(base, since);
        long moment = time.reaches(base + wanted);
        assertTrue(time.at(moment) >= base + wanted);
        assertTrue(wanted == 0 || time.at(moment - 1) < base + wanted);
    }

    @Property(tries = 300)
    void aClockThatIsTooFastByNoMoreThanTheDriftBoundNeverRunsAhead(@ForAll @LongRange(min = 0, max = 1L << 58) long elapsed) {
        ReplicatedTime time = new ReplicatedTime(7, -3);
        long fast = elapsed + elapsed / ReplicatedTime.DRIFT_PARTS;
        assertTrue(time.at(-3 + fast) <= 7 + elapsed + 1, () -> time.at(-3 + fast) + " after " + elapsed);
        assertTrue(time.at(-3 + elapsed) >= 7 + elapsed - elapsed / ReplicatedTime.DRIFT_PARTS);
    }

    @Example
    void whatLiesBehindItIsReachedAndWhatIsBeyondAllTimeIsFar() {
        ReplicatedTime time = new ReplicatedTime(100, 5);
        assertEquals(5, time.reaches(100));
        assertEquals(5, time.reaches(-1));
        assertTrue(time.reaches(Long.MAX_VALUE - 1) > 1L << 58);
        assertEquals(new ReplicatedTime(100, Long.MAX_VALUE).at(Long.MIN_VALUE + 9), time.at(15), "clocks wrap around");
    }

    // ------------------------------------------------------------------------------------------------------------------------ stamps

    /** Its first entry carries the newest stamp there is, later ones what has passed since, less the drift bound. */
    @Example
    void aLeaderStampsItsEntriesByTheTimeSinceItTookOffice() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        assertEquals(List.of(0L), stamps(c, 1));
        c.pass(SECOND / 2);
        c.propose(1);
        c.settle();
        assertEquals(List.of(0L, SECOND / 2 - SECOND / 200), stamps(c, 1));
    }

    @Example
    void thoseWhoOnlyFollowHandOutTheSameStamps() {
        Cluster c = Cluster.of(3);
        busy(c, 1, 2, 3);
        c.heartbeat(1);
        assertEquals(5, c.applied(1).size());
        assertEquals(stamps(c, 1), stamps(c, 2));
        assertEquals(stamps(c, 1), stamps(c, 3));
    }

    /** The time between the last entry and the next election is not counted: nobody knows how much it was. */
    @Example
    void theNextLeaderGoesOnFromTheNewestStampInItsLog() {
        Cluster c = Cluster.of(3);
        busy(c, 1, 2, 3);
        c.heartbeat(1);
        long newest = stamps(c, 2).get(4);
        assertTrue(newest > 0);
        c.crash(1);
        c.pass(100 * T);
        c.elect(2, 3);
        c.settle(2, 3);
        assertEquals(newest, stamps(c, 2).get(5));
    }

    @Example
    void aLeaderThatHasRestartedGoesOnFromTheNewestStampOnItsDisk() {
        Cluster c = Cluster.of(3);
        busy(c, 1, 2, 3);
        c.heartbeat(1);
        long newest = stamps(c, 1).get(4);
        c.restart(1, 2, 3);
        c.elect(1, 2, 3);
        c.settle();
        assertEquals(newest, stamps(c, 1).get(5));
    }

    @Example
    void aLogThatIsNothingButASnapshotGoesOnFromItsTime() {
        EntryId last = new EntryId(3, 70);
        SnapshotId snapshot = new SnapshotId(last, Cluster.voters(3), 5 * SECOND);
        RaftLog log = new RaftLog(new LogView(snapshot, new TermTable(last), List.of(), List.of()));
        assertEquals(5 * SECOND, log.newestNanos());
    }

    /** Somebody else may have seen it, and counted from it. */
    @Example
    void aStampThatWasCutOffAgainStaysTheNewest() {
        RaftLog log = new RaftLog(LogView.empty(Cluster.voters(3)));
        log.append(Entry.of(1, 1, Entry.Kind.COMMAND, 10, new byte[0]));
        log.append(Entry.of(2, 1, Entry.Kind.COMMAND, 30, new byte[0]));
        log.truncate(2);
        log.append(Entry.of(2, 2, Entry.Kind.COMMAND, 20, new byte[0]));
        assertEquals(30, log.newestNanos());
    }

    /** Two of three elect, the third is told little or nothing, and what it had may be cut off again. */
    @Property(tries = 30)
    void stampsNeverFallWhoeverLeads(@ForAll long seed) {
        Random random = new Random(seed);
        Cluster c = Cluster.of(3);
        for (int terms = 0; terms < 6; terms++) {
            int leader = 1 + random.nextInt(3);
            int other = leader % 3 + 1;
            if (!c.node(leader).log().last().isAtLeast(c.node(other).log().last())) {
                leader = other;
                other = leader == 1 ? 3 : leader - 1;
            }
            c.elect(leader, other);
            for (int entries = random.nextInt(4); entries > 0; entries--) {
                c.pass(random.nextInt((int) (T / 20)));
                c.propose(leader);
                if (random.nextBoolean()) {
                    c.settle(leader, other);
                }
            }
            if (random.nextBoolean()) {
                c.settle();
            }
            c.dropAll();
        }
        for (int n = 1; n <= 3; n++) {
            RaftLog log = c.node(n).log();
            List<Long> stamps = LongStream.rangeClosed(1, log.lastIndex()).mapToObj(index -> log.inMemory(index).timeNanos()).toList();
            assertEquals(stamps.stream().sorted().toList(), stamps);
        }
    }

    // ------------------------------------------------------------------------------------------------------------ when it is asked for

    @Example
    void aLeaderWritesATimeEntryWhenTheTimeThatIsWantedHasCome() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        long office = c.now();
        c.step(1, new Event.TimeWanted(T / 20), 0);
        assertEquals(new ReplicatedTime(0, office).reaches(T / 20), c.node(1).deadline(), "earlier than the heartbeat");
        c.pass(1);
        c.tick(1);
        assertEquals("1", c.log(1), "not before");
        c.timeout(1);
        c.settle();
        assertEquals("1 1", c.log(1));
        Entry entry = c.applied(3).size() > 1 ? c.applied(3).get(1) : heard(c).get(1);
        assertEquals(Entry.Kind.TIME, entry.kind());
        assertEquals(T / 20, entry.timeNanos());
        for (int i = 0; i < 30; i++) {
            c.heartbeat(1);
        }
        assertEquals("1 1", c.log(1), "once");
    }

    @Example
    void whereNobodyWantsTheTimeNoneIsWritten() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        c.step(1, new Event.TimeWanted(T), 0);
        c.step(1, new Event.TimeWanted(Long.MAX_VALUE), 0);
        for (int i = 0; i < 50; i++) {
            c.heartbeat(1);
        }
        assertEquals("1", c.log(1));
    }

    @Example
    void anEntryOfThatTimeOrLaterIsAsGoodAsATimeEntry() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        c.pass(T / 20);
        c.propose(1);
        c.settle();
        c.step(1, new Event.TimeWanted(T / 40), 0);
        assertEquals("1 1", c.log(1));
        for (int i = 0; i < 5; i++) {
            c.heartbeat(1);
        }
        assertEquals("1 1", c.log(1));
    }

    /** Each replica's own state machine asks it; only who leads may answer. */
    @Example
    void aFollowerRemembersWhatIsWantedUntilItLeads() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        c.step(2, new Event.TimeWanted(T / 20), 0);
        for (int i = 0; i < 5; i++) {
            c.heartbeat(1);
        }
        assertEquals("1", c.log(2));
        c.crash(1);
        c.elect(2, 3);
        c.settle(2, 3);
        c.timeout(2);
        c.settle(2, 3);
        assertEquals("1 2 2", c.log(2));
    }

    /** It may be all that frees what the budget is full of. */
    @Example
    void aTimeEntryPassesEveryBudget() {
        Cluster c = Cluster.of(Cluster.config(1, 1, 1, 1, 1), 3);
        c.elect(1, 2, 3);
        c.settle();
        c.propose(1);
        c.propose(1);
        assertEquals(1, c.takeEffects(1, Accepted.class).size(), "one oversized command is in, and no more");
        c.step(1, new Event.TimeWanted(T / 20), 0);
        c.dropAll();
        c.timeout(1);
        assertEquals("1 1 1", c.log(1));
    }

    private static void busy(Cluster c, int leader, int... others) {
        c.elect(leader, others);
        for (int i = 0; i < 4; i++) {
            c.pass(T / 20);
            c.propose(leader);
            c.settle();
        }
    }

    private static List<Entry> heard(Cluster c) {
        return c.history(Message.AppendEntries.class, 1, 3).stream().filter(m -> m.to().equals(id(3)))
            .flatMap(m -> m.entries().stream()).distinct().toList();
    }

    private static List<Long> stamps(Cluster c, int n) {
        return c.applied(n).stream().map(Entry::timeNanos).toList();
    }
}
