package io.quorate.raft.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.Command;
import io.quorate.raft.Freshness;
import io.quorate.raft.SessionCommand;
import io.quorate.raft.SessionId;
import io.quorate.raft.SessionResult;
import io.quorate.raft.SessionResult.Reason;
import io.quorate.raft.Storage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.MembershipCodec;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.NodeStatus;
import io.quorate.raft.core.NodeStatus.RoleName;
import io.quorate.raft.core.RaftConfig;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.core.SnapshotId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/**
 * Plants each violation and sees it caught, by the class whose business it is: an invariant that cannot fail would prove nothing. Before
 * many a violation stands what comes close to it and is allowed.
 */
class GroupInvariantsTest {

    /** A replica that is whatever a test says. */
    private static final class Planted implements ReplicaView {
        private final ReplicaId id;
        private final List<Entry> log = new ArrayList<>();
        private final Set<EntryId> disk = new HashSet<>();
        private HardState durable = HardState.INITIAL;
        private boolean isFounded = true;
        private RoleName role = RoleName.FOLLOWER;
        private long term;
        private ReplicaId leader;
        private long commitIndex;
        private long durableIndex;
        private long diskLastIndex;
        private long appliedIndex;
        private long nanosUntilDeadline;
        private SimulatedClock.Steady steadyClock = new SimulatedClock.Steady(0, 0);
        private long callBytes;
        private long mailBytes;
        private NodeStatus.Backlog backlog = new NodeStatus.Backlog(0, 0, 0);
        private Membership membership;
        private List<NodeStatus.Peer> peers = List.of();

        private Planted(int node) {
            id = new ReplicaId(node, node);
        }

        /** These entries stand in its log and on its disk. */
        private Planted has(Entry... entries) {
            for (Entry entry : entries) {
                log.add(entry);
                disk.add(entry.id());
                term = Math.max(term, entry.term());
            }
            durable = new HardState(term, durable.votedFor(), 0);
            durableIndex = log.size();
            diskLastIndex = log.size();
            return this;
        }

        /** It leads this term as it should: elected by a durable vote of its own. */
        private Planted leads(long newTerm) {
            role = RoleName.LEADER;
            term = newTerm;
            durable = new HardState(newTerm, id, 0);
            return this;
        }

        private Planted is(RoleName newRole, long newTerm) {
            role = newRole;
            term = newTerm;
            return this;
        }

        private Planted commits(long index) {
            commitIndex = index;
            return this;
        }

        @Override
        public ReplicaId id() {
            return id;
        }

        @Override
        public int boot() {
            return 1;
        }

        @Override
        public boolean isUp() {
            return true;
        }

        @Override
        public boolean isFounded() {
            return isFounded;
        }

        @Override
        public NodeStatus status() {
            return new NodeStatus(id, role, term, leader, 1, log.size(), durableIndex, commitIndex, 0, 0, membership,
                new NodeStatus.Change(true, 0), new NodeStatus.Campaign(List.of(), 0), null, backlog, peers);
        }

        @Override
        public boolean logContains(EntryId entry) {
            return entry.index() <= log.size() && logAt(entry.index()).equals(entry);
        }

        @Override
        public EntryId logAt(long index) {
            return index == 0 ? EntryId.ZERO : log.get((int) index - 1).id();
        }

        @Override
        public HardState durableState() {
            return durable;
        }

        @Override
        public long diskLastIndex() {
            return diskLastIndex;
        }

        @Override
        public boolean diskContains(EntryId entry) {
            return disk.contains(entry);
        }

        @Override
        public boolean anyDiskContains(EntryId entry) {
            return disk.contains(entry);
        }

        @Override
        public SimulatedClock.Steady steadyClock() {
            return steadyClock;
        }

        @Override
        public long appliedIndex() {
            return appliedIndex;
        }

        @Override
        public long callBytes() {
            return callBytes;
        }

        @Override
        public long mailBytes() {
            return mailBytes;
        }

        @Override
        public boolean hasMail() {
            return false;
        }

        @Override
        public long nanosUntilDeadline() {
            return nanosUntilDeadline;
        }
    }

    private static final Set<String> CAUGHT = new TreeSet<>();
    private static final RaftConfig CONFIG = RaftConfig.DEFAULT;
    private static final long T = CONFIG.electionTimeoutNanos();

    private static int tests;

    private final Planted one = new Planted(1);
    private final Planted two = new Planted(2);
    private final Planted three = new Planted(3);
    private final List<Planted> all = List.of(one, two, three);
    private long now;
    private final GroupInvariants strict = new GroupInvariants(all, CONFIG, () -> now, Set.of());
    /** Most plants leave their disks behind, which one invariant would mind that is not theirs. */
    private final GroupInvariants invariants = new GroupInvariants(all, CONFIG, () -> now, Set.of("MemoryIsWhatTheDiskHas"));

    GroupInvariantsTest() {
        Membership membership = Membership.of(1, List.of(member(one), member(two), member(three)));
        all.forEach(replica -> replica.membership = membership);
    }

    @AfterEach
    void count() {
        tests++;
    }

    /** When all tests have run, each invariant has been seen to fail. */
    @AfterAll
    static void everyInvariantHasBeenSeenToFail() {
        long there = Arrays.stream(GroupInvariantsTest.class.getDeclaredMethods())
            .filter(method -> method.isAnnotationPresent(Test.class)).count();
        if (tests == there) {
            assertEquals(names(), CAUGHT);
        }
    }

    @Test
    void thePageOfInvariantsNamesEachOfThem() throws IOException {
        String page = Files.readString(Path.of("..", "docs", "invariants.md"));
        Set<String> missing = names();
        missing.removeIf(name -> page.contains("`" + name + "`"));
        assertEquals(Set.of(), missing);
    }

    @Test
    void anInvariantThatIsExcusedIsNotAsked() {
        GroupInvariants some = new GroupInvariants(all, CONFIG, () -> now, Set.of("ElectionSafety", "RolesGoForward"));
        some.onTurn(one.leads(3));
        some.onTurn(two.leads(3));
        assertThrows(IllegalArgumentException.class, () -> new GroupInvariants(all, CONFIG, () -> now, Set.of("NoSuchThing")));
    }

    // ---- memberships

    @Test
    void goingByAnotherMembershipThanTheLastInTheLogIsCaught() {
        invariants.onTurn(one);
        Membership learned = with(one.membership, 2, List.of(one, two, three), List.of());
        one.membership = learned;
        caught("LastMembershipIsInForce", () -> invariants.onTurn(one));

        invariants.onTurn(two);
        writes(two, membership(1, 1, learned));
        two.membership = learned;
        invariants.onTurn(two);
        writes(two, entry(1, 2, "another leader's"));
        caught("LastMembershipIsInForce", () -> invariants.onTurn(two));
    }

    @Test
    void aSecondUncommittedMembershipIsCaught() {
        elect(one, 3);
        Entry second = membership(1, 3, with(one.membership, 2, List.of(one, two, three), List.of()));
        Entry third = membership(2, 3, with(one.membership, 3, List.of(one, two, three), List.of()));
        writes(one, second, third);
        one.has(second, third).membership = Membership.of(third);
        caught("OneMembershipIsUncommitted", () -> invariants.onTurn(one));
    }

    @Test
    void aMembershipBeforeAnEntryOfTheOwnTermIsCommittedIsCaught() {
        elect(one, 2);
        writes(one, entry(1, 2, "a"));
        two.has(entry(1, 2, "a"));
        invariants.onTurn(one.has(entry(1, 2, "a")).commits(1));
        elect(one, 3);
        Entry second = membership(2, 3, with(one.membership, 2, List.of(one, two, three), List.of()));
        writes(one, second);
        one.has(second).membership = Membership.of(second);
        caught("MembershipsFollowACommit", () -> invariants.onTurn(one));
    }

    @Test
    void membershipsWhoseQuorumsNeedNotMeetAreCaught() {
        invariants.onTurn(one);
        Membership alone = with(one.membership, 2, List.of(one), List.of());
        caught("NeighboursShareAQuorum", () -> writes(one, membership(1, 1, alone)));
        Membership joint = with(one.membership, 2, List.of(one), List.of(one, two, three));
        Membership left = with(joint, 3, List.of(one), List.of());
        GroupInvariants others = new GroupInvariants(all, CONFIG, () -> now, Set.of("MemoryIsWhatTheDiskHas"));
        others.onTurn(one);
        List<Entry> entries = List.of(membership(1, 1, joint), membership(2, 1, left));
        others.onWrite(one, new Storage.Write(1, new HardState(1, null, 0), 1, entries));
        one.has(entries.get(0), entries.get(1));
        Membership leap = with(left, 5, List.of(one), List.of());
        caught("NeighboursShareAQuorum", () -> others.onWrite(one,
            new Storage.Write(2, new HardState(1, null, 0), 3, List.of(membership(3, 1, leap)))));
    }

    private static Membership with(Membership before, long version, List<Planted> voters, List<Planted> outgoing) {
        assertTrue(version > before.version());
        return new Membership(version, voters.stream().map(GroupInvariantsTest::member).toList(),
            outgoing.stream().map(GroupInvariantsTest::member).toList(), List.of());
    }

    private static Entry membership(long index, long term, Membership membership) {
        return Entry.of(index, term, Entry.Kind.MEMBERSHIP, 0, MembershipCodec.encode(membership));
    }

    // ---- elections

    @Test
    void twoLeadersOfOneTermAreCaught() {
        elect(one, 3);
        elect(two, 4);
        one.role = RoleName.FOLLOWER;
        three.is(RoleName.CANDIDATE, 3);
        invariants.onTurn(three);
        caught("ElectionSafety", () -> invariants.onTurn(three.leads(3)));
    }

    @Test
    void twoVotesInOneTermAreCaught() {
        one.durable = new HardState(3, two.id, 0);
        invariants.onSend(one, new Message.Vote(one.id, two.id, 3, null));
        one.durable = new HardState(3, three.id, 0);
        caught("OneVotePerTerm", () -> invariants.onSend(one, new Message.Vote(one.id, three.id, 3, null)));
    }

    @Test
    void aDiskThatHasAnotherVoteThanWasSaidIsCaught() {
        one.durable = new HardState(3, two.id, 0);
        invariants.onSend(one, new Message.Vote(one.id, two.id, 3, null));
        one.durable = new HardState(3, three.id, 0);
        caught("OneVotePerTerm", () -> invariants.onStarted(one));
    }

    @Test
    void aTermThatGoesBackIsCaught() {
        one.durable = new HardState(9, null, 0);
        invariants.onSend(one, new Message.Vote(one.id, two.id, 9, Message.Denial.HEARS_LEADER));
        caught("TermsNeverGoBack", () -> invariants.onSend(one, new Message.Vote(one.id, two.id, 8, Message.Denial.HEARS_LEADER)));
    }

    @Test
    void aTermThatGoesBackInMemoryIsCaught() {
        invariants.onTurn(one.is(RoleName.FOLLOWER, 9));
        invariants.onStarted(one.is(RoleName.FOLLOWER, 8));   // what was neither said nor written, a crash undoes
        invariants.onTurn(one);
        caught("TermsNeverGoBack", () -> invariants.onTurn(one.is(RoleName.FOLLOWER, 7)));
    }

    @Test
    void aTermThatGoesBackOnDiskIsCaught() {
        one.durable = new HardState(9, null, 0);
        invariants.onDurable(one, 1);
        one.durable = new HardState(8, null, 0);
        caught("TermsNeverGoBack", () -> invariants.onStarted(one));
    }

    @Test
    void aVoteThatIsForgottenOnDiskIsCaught() {
        one.durable = new HardState(9, null, 0);
        invariants.onDurable(one, 1);
        one.durable = new HardState(9, two.id, 0);
        invariants.onDurable(one, 2);
        one.durable = new HardState(9, null, 0);
        caught("TermsNeverGoBack", () -> invariants.onDurable(one, 3));
    }

    @Test
    void aTermBelowTheLogsIsCaught() {
        Entry entry = entry(1, 2, "a");
        caught("TermsNeverGoBack", () -> writes(one, entry, new HardState(1, null, 0)));
        writes(two, entry);
        two.has(entry);
        two.durable = new HardState(1, null, 0);
        caught("TermsNeverGoBack", () -> invariants.onStarted(two));
    }

    @Test
    void aLeaderWithoutADurableVoteForItselfIsCaught() {
        elect(one, 3);
        two.is(RoleName.CANDIDATE, 4);
        invariants.onTurn(two);
        two.leads(4).durable = new HardState(3, null, 0);
        caught("LeadersVotedForThemselves", () -> invariants.onTurn(two));
    }

    @Test
    void twoLeadersOfOneTermInTwoMindsAreCaught() {
        one.is(RoleName.FOLLOWER, 4).leader = two.id;
        invariants.onTurn(one);
        one.leader = null;
        invariants.onTurn(one);
        three.is(RoleName.FOLLOWER, 4).leader = three.id;
        caught("OneLeaderIsLearned", () -> invariants.onTurn(three));
        one.leader = three.id;
        caught("OneLeaderIsLearned", () -> invariants.onTurn(one));
    }

    @Test
    void aLeaderThatWasNoCandidateIsCaught() {
        invariants.onStarted(one);
        caught("RolesGoForward", () -> invariants.onTurn(one.leads(1)));
        invariants.onTurn(two.is(RoleName.PRE_CANDIDATE, 2));
        caught("RolesGoForward", () -> invariants.onTurn(two.leads(2)));
    }

    @Test
    void aCandidateOfATermThatItWasInBeforeIsCaught() {
        invariants.onTurn(one.is(RoleName.PRE_CANDIDATE, 1));
        invariants.onTurn(one.is(RoleName.CANDIDATE, 2));
        invariants.onTurn(one.is(RoleName.FOLLOWER, 2));
        caught("RolesGoForward", () -> invariants.onTurn(one.is(RoleName.CANDIDATE, 2)));
    }

    @Test
    void aLeaderThatLeadsItsTermAgainAfterARestartIsCaught() {
        elect(one, 2);
        one.durable = new HardState(2, one.id, 0);
        invariants.onStarted(one);
        caught("RolesGoForward", () -> invariants.onTurn(one.leads(2)));
        caught("RolesGoForward", () -> invariants.onTurn(one.is(RoleName.CANDIDATE, 2)));
    }

    @Test
    void aLeaderThatGoesOnToLeadTheNextTermIsCaught() {
        elect(one, 2);
        invariants.onTurn(one);
        caught("RolesGoForward", () -> invariants.onTurn(one.leads(3)));
    }

    @Test
    void whoWouldWaitForEverIsCaught() {
        one.nanosUntilDeadline = 32 * T;
        invariants.onTurn(one);
        one.nanosUntilDeadline = 1L << 60;
        invariants.onTurn(one.is(RoleName.CANDIDATE, 1));   // its vote is not durable: it waits for its disk
        one.durable = new HardState(1, one.id, 0);
        caught("EveryRoleHasADeadline", () -> invariants.onTurn(one));
        invariants.onTurn(two.is(RoleName.CANDIDATE, 2));
        two.nanosUntilDeadline = T;
        caught("EveryRoleHasADeadline", () -> invariants.onTurn(two.leads(2)));
    }

    // ---- logs

    @Test
    void aGapInALogIsCaught() {
        writes(one, entry(1, 1, "a"));
        one.has(entry(1, 1, "a"));
        Entry far = entry(3, 1, "c");
        caught("LogsHaveNoGaps", () -> writes(one, far));
        caught("LogsHaveNoGaps", () -> writes(one, 2, new HardState(1, null, 0), far));
        caught("LogsHaveNoGaps", () -> writes(one, 1, new HardState(1, null, 0)));   // cuts and puts nothing in its place
    }

    @Test
    void aTermThatFallsInALogIsCaught() {
        caught("LogsHaveNoGaps", () -> writes(one, 1, new HardState(2, null, 0), entry(1, 2, "a"), entry(2, 1, "b")));
    }

    @Test
    void anEntryMadeByAnotherThanTheLeaderIsCaught() {
        elect(one, 2);
        caught("OnlyTheLeaderMakesEntries", () -> writes(two, entry(1, 2, "a")));
    }

    @Test
    void aLeaderThatReplacesWhatStandsInItsLogIsCaught() {
        writes(one, entry(1, 1, "a"));
        elect(one.has(entry(1, 1, "a")), 2);
        writes(one, entry(2, 2, "b"));
        invariants.onTurn(one.has(entry(2, 2, "b")));
        writes(one, 2, one.durable, entry(2, 2, "b"));
        caught("LeadersOnlyAppend", () -> invariants.onTurn(one));
    }

    @Test
    void oneIdentityWithTwoContentsIsCaught() {
        writes(one, entry(1, 1, "a"));
        writes(two, entry(1, 1, "a"));
        caught("LogMatching", () -> writes(three, entry(1, 1, "b")));
    }

    @Test
    void oneIdentityBehindTwoPredecessorsIsCaught() {
        writes(one, entry(1, 1, "a"));
        one.has(entry(1, 1, "a"));
        writes(one, entry(2, 3, "b"));
        two.has(entry(1, 2, "a"));
        writes(two, entry(1, 2, "a"));
        caught("LogMatching", () -> writes(two, entry(2, 3, "b")));
    }

    @Test
    void aDiskThatGivesBackWhatNobodyMadeIsCaught() {
        writes(one, entry(1, 1, "a"));
        invariants.onStarted(one.has(entry(1, 1, "a")));
        caught("LogMatching", () -> invariants.onStarted(two.has(entry(1, 2, "a"))));
    }

    @Test
    void indexesOutOfOrderAreCaught() {
        commitOnAll(entry(1, 1, "a"), entry(2, 1, "b"));
        one.appliedIndex = 2;
        invariants.onTurn(one);
        one.durableIndex = 1;
        caught("IndexesAreOrdered", () -> invariants.onTurn(one));   // applied before it is durable here
        one.durableIndex = 2;
        one.appliedIndex = 3;
        caught("IndexesAreOrdered", () -> invariants.onTurn(one));
    }

    @Test
    void aNodeThatBelievesTooMuchOfItsDiskIsCaught() {
        strict.onWrite(one, new Storage.Write(1, new HardState(1, null, 0), 1, List.of(entry(1, 1, "a"))));
        one.has(entry(1, 1, "a")).disk.clear();
        one.diskLastIndex = 0;
        caught("MemoryIsWhatTheDiskHas", () -> strict.onTurn(one));
        one.durableIndex = 0;
        strict.onTurn(one);
    }

    @Test
    void aNodeThatHasForgottenToWriteItsTermIsCaught() {
        strict.onStarted(one);
        strict.onTurn(one);
        strict.onWrite(one, new Storage.Write(1, new HardState(1, null, 0), 1, List.of()));
        strict.onTurn(one.is(RoleName.FOLLOWER, 1));   // it will be written
        strict.onDurable(one, 1);
        caught("MemoryIsWhatTheDiskHas", () -> strict.onTurn(one));
    }

    // ---- commits

    @Test
    void aCommitThatIsNotOnAMajorityOfDisksIsCaught() {
        writes(one, entry(1, 1, "a"));
        caught("CommittedIsDurableOnAQuorum", () -> invariants.onTurn(one.has(entry(1, 1, "a")).commits(1)));
    }

    @Test
    void aCommitThatIsNotOnAMajorityOfEachHalfIsCaught() {
        Membership joint = new Membership(2, List.of(member(one), member(two)), List.of(member(two), member(three)), List.of());
        writes(one, entry(1, 1, "a"));
        all.forEach(replica -> replica.membership = joint);
        two.has(entry(1, 1, "a"));
        caught("CommittedIsDurableOnAQuorum", () -> invariants.onTurn(one.has(entry(1, 1, "a")).commits(1)));
    }

    @Test
    void aSecondEntryCommittedAtOneIndexIsCaught() {
        writes(one, entry(1, 1, "a"));
        two.has(entry(1, 1, "a"));
        shown(one, new Message.AppendEntries(two.id, one.id, 1, EntryId.ZERO, List.of(entry(1, 1, "a")), 1, 0, 1));
        invariants.onTurn(one.has(entry(1, 1, "a")).commits(1));
        writes(three, entry(1, 2, "b"));
        caught("CommittedNeverChanges", () -> invariants.onTurn(three.has(entry(1, 2, "b")).commits(1)));
    }

    @Test
    void cuttingWhatIsCommittedIsCaught() {
        commitOnAll(entry(1, 1, "a"));
        one.has(entry(2, 1, "b"));
        writes(one, 2, one.durable, entry(2, 1, "b"));
        one.log.set(1, entry(2, 2, "c"));
        writes(one, 2, new HardState(2, null, 1), entry(2, 2, "c"));   // not committed: may be replaced
        caught("CommittedIsNeverCut", () -> writes(one, 1, new HardState(2, null, 1), entry(1, 1, "a")));
    }

    @Test
    void aSnapshotUnderALogThatStaysCutsNothing() {
        commitOnAll(entry(1, 1, "a"), entry(2, 1, "b"));
        SnapshotId held = new SnapshotId(new EntryId(1, 1), one.membership, 0);
        invariants.onWrite(one, new Storage.Write(100, new HardState(1, null, 2), 2, List.of(), held));
        invariants.onTurn(one);
        one.log.remove(1);
        caught("CommittedIsNeverCut",
            () -> invariants.onWrite(one, new Storage.Write(101, new HardState(1, null, 2), 2, List.of(), held)));
    }

    @Test
    void aDiskThatLosesWhatIsCommittedIsCaught() {
        commitOnAll(entry(1, 1, "a"), entry(2, 1, "b"));
        invariants.onDurable(one, 1);
        one.disk.remove(new EntryId(1, 2));
        one.diskLastIndex = 1;
        caught("CommittedStaysOnDisk", () -> invariants.onDurable(one, 2));
    }

    @Test
    void aLeaderWithoutACommittedEntryIsCaught() {
        commitOnAll(entry(1, 1, "a"));
        three.log.clear();
        three.durableIndex = 0;
        three.diskLastIndex = 0;
        three.durable = new HardState(1, null, 0);
        invariants.onStarted(three.commits(0).is(RoleName.CANDIDATE, 2));
        invariants.onTurn(three);
        caught("LeaderCompleteness", () -> invariants.onTurn(three.leads(2)));
    }

    @Test
    void aLeaderWithoutAnEntryThatBecomesKnownToBeCommittedLaterIsCaught() {
        writes(one, entry(1, 1, "a"));
        one.has(entry(1, 1, "a"));
        two.has(entry(1, 1, "a"));
        elect(three, 2);
        caught("LeaderCompleteness", () -> invariants.onTurn(one.is(RoleName.FOLLOWER, 1).commits(1)));
    }

    @Test
    void aLeaderOfAnEarlierTermNeedNotHaveWhatALaterOneCommits() {
        elect(three, 2);
        writes(one, entry(1, 1, "a"));
        one.has(entry(1, 1, "a"));
        two.has(entry(1, 1, "a"));
        shown(one, new Message.AppendEntries(two.id, one.id, 3, new EntryId(1, 1), List.of(), 1, 0, 1));
        invariants.onTurn(one.is(RoleName.FOLLOWER, 3).commits(1));
        assertEquals(1, invariants.committedIndex());
    }

    @Test
    void aCommitIndexThatGoesBackIsCaught() {
        commitOnAll(entry(1, 1, "a"));
        caught("CommitIsMonotonic", () -> invariants.onTurn(one.commits(0)));
    }

    @Test
    void aLeaderThatCommitsByAnEntryOfAnEarlierTermIsCaught() {
        writes(one, entry(1, 1, "a"));
        two.has(entry(1, 1, "a"));
        elect(one.has(entry(1, 1, "a")), 2);
        caught("LeadersCommitTheirOwnTerm", () -> invariants.onTurn(one.commits(1)));
    }

    @Test
    void aFollowerThatCommitsBeyondWhatWasProvedToItIsCaught() {
        writes(one, entry(1, 1, "a"), entry(2, 1, "b"));
        all.forEach(replica -> replica.has(entry(1, 1, "a"), entry(2, 1, "b")));
        shown(one, new Message.AppendEntries(two.id, one.id, 1, new EntryId(1, 1), List.of(), 2, 0, 1));
        invariants.onTurn(one.commits(1));
        caught("FollowersCommitWhatIsProved", () -> invariants.onTurn(one.commits(2)));
        shown(two, new Message.AppendEntries(three.id, two.id, 1, EntryId.ZERO, List.of(entry(1, 1, "a"), entry(2, 1, "b")), 2, 0, 1));
        invariants.onTurn(two.commits(1));       // it had no room for the second
        invariants.onTurn(two.commits(2));
        shown(three, new Message.AppendEntries(two.id, three.id, 2, new EntryId(1, 1), List.of(entry(2, 2, "c")), 2, 0, 1));
        caught("FollowersCommitWhatIsProved", () -> invariants.onTurn(three.is(RoleName.FOLLOWER, 2).commits(2)));   // another entry
    }

    // ---- what is said and believed

    @Test
    void whatIsSaidBeforeItIsDurableIsCaught() {
        one.term = 5;
        caught("AnswersAreDurable", () -> invariants.onSend(one, new Message.Vote(one.id, two.id, 5, Message.Denial.HEARS_LEADER)));
        two.durable = new HardState(5, null, 0);
        caught("AnswersAreDurable", () -> invariants.onSend(two, new Message.Vote(two.id, one.id, 5, null)));
        three.has(entry(1, 5, "a"));
        three.disk.clear();
        caught("AnswersAreDurable", () -> invariants.onSend(three, new Message.AppendAccepted(three.id, one.id, 5, 1, 1, 1, 0, 0)));
    }

    @Test
    void askingForVotesBeforeTheOwnIsDurableIsCaught() {
        one.durable = new HardState(5, null, 0);
        caught("AnswersAreDurable", () -> invariants.onSend(one, new Message.RequestVote(one.id, two.id, 5, EntryId.ZERO, 0)));
        two.durable = new HardState(5, three.id, 0);
        caught("AnswersAreDurable", () -> invariants.onSend(two, new Message.RequestVote(two.id, one.id, 5, EntryId.ZERO, 0)));
        three.durable = new HardState(5, three.id, 0);
        invariants.onSend(three, new Message.RequestVote(three.id, one.id, 5, EntryId.ZERO, 0));
    }

    @Test
    void whatIsSaidInATermThatIsOverIsCaught() {
        one.durable = new HardState(5, null, 0);
        caught("AnswersAreDurable", () -> invariants.onSend(one, new Message.Vote(one.id, two.id, 4, Message.Denial.HEARS_LEADER)));
    }

    @Test
    void advertisingAnEntryThatIsNotDurableIsCaught() {
        one.has(entry(1, 1, "a"));
        one.disk.clear();
        one.durable = new HardState(2, one.id, 0);
        caught("AnswersAreDurable", () -> invariants.onSend(one, new Message.RequestVote(one.id, two.id, 2, new EntryId(1, 1), 0)));
    }

    @Test
    void acknowledgingWhatNobodyHasShownIsCaught() {
        one.has(entry(1, 1, "a"), entry(2, 1, "b"));
        shown(one, new Message.AppendEntries(two.id, one.id, 1, new EntryId(1, 1), List.of(), 2, 0, 1));
        invariants.onSend(one, new Message.AppendAccepted(one.id, two.id, 1, 1, 1, 1, 0, 0));
        caught("AcknowledgedIsTheLeaders", () -> invariants.onSend(one, new Message.AppendAccepted(one.id, two.id, 1, 2, 2, 1, 0, 0)));
    }

    @Test
    void acknowledgingWhatTheLeaderDoesNotHaveIsCaught() {
        writes(two, entry(1, 1, "a"));
        elect(two.has(entry(1, 1, "a")), 2);
        one.has(entry(1, 2, "b"));
        shown(one, new Message.AppendEntries(two.id, one.id, 2, new EntryId(1, 1), List.of(), 0, 0, 1));
        caught("AcknowledgedIsTheLeaders", () -> invariants.onSend(one, new Message.AppendAccepted(one.id, two.id, 2, 1, 1, 1, 0, 0)));
    }

    @Test
    void believingInACopyThatIsNotThereIsCaught() {
        writes(one, entry(1, 1, "a"));
        elect(one.has(entry(1, 1, "a")), 2);
        two.has(entry(1, 1, "a"));
        one.peers = List.of(peer(two, 1, 2, 0, "replicate", false));
        invariants.onTurn(one);
        two.disk.clear();
        invariants.onTurn(one);       // nobody has touched that disk, so nobody looks
        invariants.onDurable(two, 1);
        caught("MatchIsTrue", () -> invariants.onTurn(one));
    }

    @Test
    void aMatchThatShrinksIsCaughtUnlessALossIsReported() {
        writes(one, entry(1, 1, "a"), entry(2, 1, "b"));
        elect(one.has(entry(1, 1, "a"), entry(2, 1, "b")), 2);
        two.has(entry(1, 1, "a"), entry(2, 1, "b"));
        one.peers = List.of(peer(two, 2, 3, 0, "replicate", false));
        invariants.onTurn(one);
        invariants.onDurable(two, 1);
        two.diskLastIndex = 1;
        invariants.onStarted(two);
        one.peers = List.of(peer(two, 1, 3, 0, "replicate", true));
        invariants.onTurn(one);
        one.peers = List.of(peer(two, 0, 3, 0, "replicate", false));
        caught("MatchNeverShrinks", () -> invariants.onTurn(one));
    }

    @Test
    void aLossThatIsReportedOfASoundDiskIsCaught() {
        writes(one, entry(1, 1, "a"), entry(2, 1, "b"));
        elect(one.has(entry(1, 1, "a"), entry(2, 1, "b")), 2);
        invariants.onDurable(two.has(entry(1, 1, "a"), entry(2, 1, "b")), 1);
        invariants.onStarted(two);
        one.peers = List.of(peer(two, 0, 3, 0, "probe", true));
        caught("LossIsTrue", () -> invariants.onTurn(one));
    }

    @Test
    void sendingWhatIsKnownToBeThereIsCaught() {
        writes(one, entry(1, 1, "a"));
        elect(one.has(entry(1, 1, "a")), 2);
        two.has(entry(1, 1, "a"));
        one.peers = List.of(peer(two, 1, 1, 0, "probe", false));
        caught("MatchLiesBelowNext", () -> invariants.onTurn(one));
        one.peers = List.of(peer(two, 1, 3, 0, "replicate", false));
        caught("MatchLiesBelowNext", () -> invariants.onTurn(one));
    }

    @Test
    void aBlankReplicaThatSpeaksIsCaught() {
        one.isFounded = false;
        caught("BlankIsSilent", () -> invariants.onSend(one, new Message.PreVote(one.id, two.id, 0, EntryId.ZERO, 1)));
    }

    @Test
    void whoSpeaksInAnothersNameIsCaught() {
        caught("BlankIsSilent", () -> invariants.onSend(one, new Message.PreVote(three.id, two.id, 0, EntryId.ZERO, 1)));
    }

    @Test
    void aForeignMessageThatChangesSomethingIsCaught() {
        Message foreign = new Message.Vote(two.id, new ReplicaId(1, 99), 7, null);
        invariants.onForeign(one, foreign, "term 1", "term 1");
        caught("ForeignChangesNothing", () -> invariants.onForeign(one, foreign, "term 1", "term 7"));
    }

    @Test
    void whoGoesOnAfterAStorageFailureIsCaught() {
        Message message = new Message.PreVote(one.id, two.id, 0, EntryId.ZERO, 1);
        invariants.onSend(one, message);
        invariants.onStorageFailed(one);
        caught("StorageFailureSilences", () -> invariants.onSend(one, message));
        caught("StorageFailureSilences", () -> invariants.onTurn(one));
        caught("StorageFailureSilences", () -> invariants.onStopped(one, null));
        invariants.onStopped(one, new IllegalStateException("the disk failed"));
        caught("StorageFailureSilences", () -> invariants.onSend(one, message));
        invariants.onStarted(one);
        invariants.onSend(one, message);
    }

    // ---- state machines

    @Test
    void applyingAnotherCommandThanTheCommittedIsCaught() {
        commitOnAll(entry(1, 1, "a"), entry(2, 1, "b"));
        invariants.onApply(one, 1, bytes("a"));
        caught("StateMachineSafety", () -> invariants.onApply(two, 1, bytes("b")));
        caught("StateMachineSafety", () -> invariants.onApply(three, 3, bytes("c")));
    }

    @Test
    void applyingTwiceOrLeavingOutIsCaught() {
        commitOnAll(entry(1, 1, "a"), entry(2, 1, "b"));
        caught("StateMachineSafety", () -> invariants.onApply(one, 2, bytes("b")));
        invariants.onApply(two, 1, bytes("a"));
        caught("StateMachineSafety", () -> invariants.onApply(two, 1, bytes("a")));
        invariants.onStarted(two);
        invariants.onApply(two, 1, bytes("a"));   // a new process begins anew
    }

    @Test
    void applyingWhatIsNotOnTheOwnDiskIsCaught() {
        commitOnAll(entry(1, 1, "a"));
        three.disk.clear();
        caught("StateMachineSafety", () -> invariants.onApply(three, 1, bytes("a")));
    }

    @Test
    void twoResultsOfOneCommandAreCaught() {
        invariants.onApplied(one, 1, bytes("x"));
        invariants.onApplied(one, 100, bytes("z"));
        invariants.onApplied(two, 1, bytes("x"));
        caught("SameResults", () -> invariants.onApplied(three, 1, bytes("y")));
    }

    @Test
    void twoStatesAfterOneIndexAreCaught() {
        invariants.onState(one, 1000, 0);
        invariants.onState(two, 1000, 0);
        caught("SameState", () -> invariants.onState(three, 1000, 1));
    }

    @Test
    void aStampThatFallsIsCaught() {
        caught("TimeNeverFalls", () -> commitOnAll(stamped(1, 5), stamped(2, 5), stamped(3, 4)));
    }

    @Test
    void aTimeThatIsNoEntrysIsCaught() {
        commitOnAll(stamped(1, 5), stamped(2, 7));
        invariants.onTime(one, 1, 5);
        invariants.onTime(two, 2, 7);
        caught("TimeIsTheEntrys", () -> invariants.onTime(three, 2, 6));
        caught("TimeIsTheEntrys", () -> invariants.onTime(three, 3, 7));
    }

    @Test
    void aCallThatIsAppliedAtTwoIndexesIsCaught() {
        invariants.onCallApplied(one, 1, 7);
        invariants.onCallApplied(two, 1, 7);
        caught("AppliedOnce", () -> invariants.onCallApplied(one, 1, 8));
    }

    // ---- sessions

    @Test
    void aCommandOfASessionThatTakesEffectTwiceIsCaught() {
        for (Planted replica : all) {
            said(replica, 1, 0, open(10), false, opened(1));
            said(replica, 2, 0, call(1, 1, 0), true, done("x"));
            said(replica, 3, 0, call(1, 2, 0), true, done("x"));
            said(replica, 4, 0, call(1, 1, 0), false, done("x"));
        }
        caught("SessionCommandsTakeEffectOnce", "1#0001 lets command 1 of session 1-0 take effect at 5, but it did at 2",
            () -> said(one, 5, 0, call(1, 1, 0), true, done("x")));
    }

    @Test
    void aCommandOfASessionThatTakesEffectOnSomeReplicasIsCaught() {
        said(one, 1, 0, open(10), false, opened(1));
        said(one, 2, 0, call(1, 1, 0), true, done("x"));
        caught("SessionCommandsTakeEffectOnce", "command 1 of session 1-0 takes effect at 2 but not on 2#0002",
            () -> said(two, 2, 0, call(1, 1, 0), false, done("x")));
        said(one, 3, 0, call(1, 1, 0), false, done("x"));
        said(two, 2, 0, call(1, 1, 0), true, done("x"));
    }

    @Test
    void aCopyThatGetsAnotherReplyIsCaught() {
        said(one, 1, 0, open(10), false, opened(1));
        said(one, 2, 0, call(1, 1, 0), true, done("x"));
        said(one, 3, 0, call(1, 1, 0), false, done("x"));
        caught("CopiesGetTheFirstReply", "1#0001 answers command 1 of session 1-0 at 4 by ",
            () -> said(one, 4, 0, call(1, 1, 0), false, done("y")));
        caught("CopiesGetTheFirstReply", "1#0001 answers command 2 of session 1-0 at 5 by Done[1 bytes], and it has not taken effect yet",
            () -> said(one, 5, 0, call(1, 2, 0), false, done("x")));
        caught("CopiesGetTheFirstReply", "1#0001 answers command 3 of session 1-0 at 6 by Refused[reason=FULL], and it takes effect",
            () -> said(one, 6, 0, call(1, 3, 0), true, refused(Reason.FULL)));
    }

    @Test
    void aCommandThatIsSettledAndDoneOrNotSettledAndRefusedIsCaught() {
        said(one, 1, 0, open(10), false, opened(1));
        said(one, 2, 0, call(1, 2, 1), true, done("x"));
        said(one, 3, 0, call(1, 1, 0), false, refused(Reason.ACKNOWLEDGED));
        said(one, 4, 0, call(1, 3, 0), false, refused(Reason.FULL));
        caught("OnlySettledCommandsAreForgotten", () -> said(one, 5, 0, call(1, 2, 0), false, refused(Reason.ACKNOWLEDGED)));
        said(one, 6, 0, new SessionCommand.KeepAlive(session(1), 2), false, done(""));
        said(one, 7, 0, call(1, 2, 0), false, refused(Reason.ACKNOWLEDGED));
        caught("OnlySettledCommandsAreForgotten", () -> said(one, 8, 0, call(1, 1, 0), true, done("x")));
    }

    @Test
    void aSessionThatEndsBeforeItsTimeOrNeverIsCaught() {
        said(one, 1, 100, open(10), false, opened(1));
        said(one, 2, 109, call(1, 1, 0), true, done("x"));
        said(one, 3, 118, new SessionCommand.KeepAlive(session(1), 1), false, done(""));
        caught("SessionsEndByReplicatedTime", "1#0001 answers at 4, stamped 127, by Refused[reason=NO_SUCH_SESSION], but session 1-0 ends at "
            + "128", () -> said(one, 4, 127, call(1, 2, 1), false, refused(Reason.NO_SUCH_SESSION)));
        said(one, 5, 128, call(1, 3, 1), false, refused(Reason.NO_SUCH_SESSION));
        caught("SessionsEndByReplicatedTime", () -> said(one, 6, 128, call(1, 4, 1), true, done("x")));
        said(one, 7, 128, open(10), false, opened(7));
        said(one, 8, 128, new SessionCommand.Close(session(7)), false, done(""));
        caught("SessionsEndByReplicatedTime", "1#0001 answers at 9, stamped 128, by Done[1 bytes], but session 7-0 was closed",
            () -> said(one, 9, 128, call(7, 1, 0), true, done("x")));
        caught("SessionsEndByReplicatedTime", "1#0001 opens session 7-0 at 10, which there was before",
            () -> said(one, 10, 128, open(10), false, opened(7)));
        caught("SessionsEndByReplicatedTime", "1#0001 answers at 11, stamped 128, by Done[0 bytes], but session 9-0 was never opened",
            () -> said(one, 11, 128, new SessionCommand.KeepAlive(session(9), 0), false, done("")));
        said(two, 4, 127, call(1, 2, 1), false, refused(Reason.NO_SUCH_SESSION));     // looked at once
    }

    private void said(Planted replica, long index, long timeNanos, SessionCommand command, boolean hasTakenEffect, SessionResult result) {
        invariants.onSession(replica, new Command(index, ByteBuffer.allocate(0), timeNanos), command, hasTakenEffect, result.encode());
    }

    private static SessionCommand open(long timeoutNanos) {
        return new SessionCommand.Open(timeoutNanos, 0);
    }

    private static SessionCommand call(long index, long sequence, long acknowledged) {
        return new SessionCommand.Call(session(index), sequence, acknowledged, ByteBuffer.allocate(0));
    }

    private static SessionResult opened(long index) {
        return new SessionResult.Opened(session(index), 10);
    }

    private static SessionId session(long index) {
        return new SessionId(index, 0);
    }

    private static SessionResult done(String result) {
        return new SessionResult.Done(bytes(result));
    }

    private static SessionResult refused(Reason reason) {
        return new SessionResult.Refused(reason);
    }

    // ---- clients

    @Test
    void aCallThatCompletesTwiceOrAfterItsProcessHasDiedIsCaught() {
        invariants.onCall(one, 1, Freshness.linearizable(), T);
        invariants.onCall(one, 2, Freshness.linearizable(), T);
        invariants.onReadServed(1, 0, 0);
        caught("EveryCallCompletesOnce", () -> invariants.onReadServed(1, 0, 0));
        invariants.onCrashed(one);
        caught("EveryCallCompletesOnce", () -> invariants.onFailed(2, true));
    }

    @Test
    void aCallThatIsMadeTwiceIsCaught() {
        invariants.onCall(one, 1, Freshness.linearizable(), T);
        caught("EveryCallCompletesOnce", () -> invariants.onCall(two, 1, Freshness.linearizable(), T));
    }

    @Test
    void aCallThatIsLeftOverInTheEndIsCaught() {
        invariants.onCall(one, 1, Freshness.linearizable(), T);
        caught("EveryCallCompletesOnce", () -> invariants.onHealed(all));
    }

    @Test
    void aCallThatTakesTooLongIsCaughtButPausesDoNotCount() {
        invariants.onCall(one, 1, Freshness.linearizable(), T);
        invariants.onPaused(one);
        now = 5 * T;
        invariants.onResumed(one);
        now += T;
        invariants.onTurn(one);
        invariants.onReadServed(1, 0, 0);
        invariants.onCall(one, 2, Freshness.linearizable(), T);
        invariants.onCall(one, 3, Freshness.linearizable(), 2 * T);
        now += T + 1;
        caught("EveryCallCompletesInTime", () -> invariants.onReadServed(2, 0, 0));
    }

    @Test
    void aCallThatNeverCompletesIsCaughtWhileItsProcessRuns() {
        invariants.onCall(one, 1, Freshness.linearizable(), T);
        now = T + 1;
        caught("EveryCallCompletesInTime", () -> invariants.onTurn(one));
        invariants.onCrashed(one);
        invariants.onTurn(one);
    }

    @Test
    void aCommandThatIsDoneButNotAppliedThereIsCaught() {
        invariants.onCall(one, 1, null, T);
        caught("DoneMeansApplied", () -> invariants.onDone(1, 7));
        invariants.onCall(one, 2, null, T);
        invariants.onCallApplied(one, 2, 8);
        caught("DoneMeansApplied", () -> invariants.onDone(2, 9));
        invariants.onCall(one, 3, null, T);
        caught("DoneMeansApplied", () -> invariants.onDone(3, 0));   // nowhere, and it says so
    }

    @Test
    void aCommandThatFailedForCertainAndIsAppliedIsCaught() {
        invariants.onCall(one, 1, null, T);
        invariants.onFailed(1, true);
        caught("FailedMeansNeverApplied", () -> invariants.onCallApplied(one, 1, 7));
        invariants.onCall(one, 2, null, T);
        invariants.onFailed(2, false);   // perhaps
        invariants.onCallApplied(one, 2, 8);
        invariants.onCall(one, 3, null, T);
        invariants.onCallApplied(one, 3, 9);
        caught("FailedMeansNeverApplied", () -> invariants.onFailed(3, true));
    }

    @Test
    void aReadThatDoesNotShowWhatWasToldBeforeItBeganIsCaught() {
        invariants.onCall(one, 1, Freshness.linearizable(), T);
        invariants.onCall(two, 2, null, T);
        invariants.onCallApplied(two, 2, 7);
        invariants.onDone(2, 7);
        invariants.onReadServed(1, 0, 0);   // asked before
        invariants.onCall(three, 3, Freshness.linearizable(), T);
        caught("ReadsAreFresh", () -> invariants.onReadServed(3, 6, 6));
    }

    @Test
    void aCommandThatIsAnsweredAsIfItWereAReadIsCaught() {
        invariants.onCall(one, 1, null, T);
        caught("ReadsAreFresh", () -> invariants.onReadServed(1, 0, 0));
    }

    @Test
    void aReadByLeaseThatDoesNotShowWhatWasToldBeforeItBeganIsCaughtAndOneThatNeedNotIsNot() {
        tell(7);
        invariants.onCall(one, 2, Freshness.local(), T);
        invariants.onReadServed(2, 0, 0);
        invariants.onCall(one, 3, Freshness.lease(), T);
        caught("ReadsAreFresh", () -> invariants.onReadServed(3, 6, 6));
    }

    @Test
    void aReadThatIsStalerThanItMayBeIsCaught() {
        tell(7);
        invariants.onCall(one, 2, Freshness.atMost(Duration.ofNanos(5)), T);
        invariants.onReadServed(2, 0, 0);
        one.steadyClock = new SimulatedClock.Steady(0, 5);
        invariants.onCall(one, 3, Freshness.atMost(Duration.ofNanos(5)), T);
        invariants.onReadServed(3, 0, 0);
        one.steadyClock = new SimulatedClock.Steady(0, 6);
        invariants.onCall(two, 4, Freshness.atMost(Duration.ofNanos(5)), T);   // by whose clock no time has passed
        invariants.onReadServed(4, 0, 0);
        invariants.onCall(one, 5, Freshness.atMost(Duration.ofNanos(5)), T);
        caught("StaleReadsAreBounded", () -> invariants.onReadServed(5, 6, 6));
    }

    @Test
    void aReadThatIsStalerThanItMayBeIsCaughtAlsoAfterAClockHasLeaptBackAndHasGoneOnForLong() {
        one.steadyClock = new SimulatedClock.Steady(0, 100);
        tell(7);
        one.steadyClock = new SimulatedClock.Steady(0, 200);
        invariants.onCall(one, 2, Freshness.atMost(Duration.ofNanos(5)), T);
        one.steadyClock = new SimulatedClock.Steady(1, -50);
        invariants.onReadServed(2, 0, 0);    // open when the clock leapt
        invariants.onCall(one, 3, Freshness.atMost(Duration.ofNanos(5)), T);
        one.steadyClock = new SimulatedClock.Steady(1, 5);
        invariants.onReadServed(3, 0, 0);
        one.steadyClock = new SimulatedClock.Steady(1, 6);
        invariants.onCall(one, 4, Freshness.atMost(Duration.ofNanos(5)), T);
        caught("StaleReadsAreBounded", () -> invariants.onReadServed(4, 6, 6));
    }

    @Test
    void aReadThatGoesBackBehindWhatItsClientHasSeenIsCaught() {
        invariants.onCall(one, 1, Freshness.local().notBefore(5), T);
        caught("ReadsNeverGoBack", () -> invariants.onReadServed(1, 4, 4));
    }

    @Test
    void aReadThatSaysAnotherIndexThanItsStatesIsCaught() {
        commitOnAll(entry(1, 1, "a"), Entry.of(2, 1, Entry.Kind.NO_OP, 0, new byte[0]), entry(3, 1, "c"));
        invariants.onApply(one, 1, bytes("a"));
        invariants.onApply(one, 3, bytes("c"));
        for (int call = 1; call <= 6; call++) {
            invariants.onCall(one, call, Freshness.local(), T);
        }
        invariants.onReadServed(1, 0, 0);
        invariants.onReadServed(2, 2, 1);
        invariants.onReadServed(3, 3, 3);
        caught("ReadsTellTheirState", "read 4 is answered from 4, but 3 is committed", () -> invariants.onReadServed(4, 4, 3));
        caught("ReadsTellTheirState", "read 5 is answered from 3, but by a state whose last command is 1, of commands at {1, 3}",
            () -> invariants.onReadServed(5, 3, 1));
        caught("ReadsTellTheirState", "read 6 is answered from 2, but by a state whose last command is 3, of commands at {1, 3}",
            () -> invariants.onReadServed(6, 2, 3));
    }

    @Test
    void anAcknowledgedEntryThatIsNotOnEveryHealedDiskIsCaught() {
        commitOnAll(entry(1, 1, "a"), entry(2, 1, "b"));
        invariants.onCall(one, 1, null, T);
        invariants.onCallApplied(one, 1, 2);
        invariants.onDone(1, 2);
        heal(false);
        all.forEach(replica -> replica.appliedIndex = 1);
        caught("NothingAcknowledgedIsLost", () -> invariants.onHealed(all));
        all.forEach(replica -> replica.appliedIndex = 2);
        two.disk.remove(new EntryId(1, 1));
        caught("NothingAcknowledgedIsLost", () -> invariants.onHealed(all));
    }

    @Test
    void anAcknowledgedEntryThatNobodyKnowsToBeCommittedIsCaught() {
        commitOnAll(entry(1, 1, "a"));
        invariants.onCall(one, 1, null, T);
        invariants.onCallApplied(one, 1, 2);
        invariants.onDone(1, 2);
        heal(false);
        all.forEach(replica -> replica.has(entry(2, 1, "b")).appliedIndex = 2);
        caught("NothingAcknowledgedIsLost", "clients were told of 2, but 1 is committed", () -> invariants.onHealed(all));
    }

    // ---- liveness and resources

    @Test
    void aHealedQuorumWithoutALeaderIsCaught() {
        heal(false);
        now = 70 * T;
        invariants.onTurn(one);
        now++;
        caught("HealedQuorumLeads", () -> invariants.onTurn(one));
        heal(false);
        caught("HealedQuorumLeads", invariants::onEnd);
        elect(one, 1);
        now += 80 * T;
        invariants.onTurn(one);
    }

    @Test
    void aHealedQuorumThatDoesNotAgreeIsCaught() {
        elect(one, 1);
        heal(false);
        invariants.onTurn(one);
        now = 100 * T + 1;
        caught("HealedQuorumAgrees", () -> invariants.onTurn(one));
        two.has(entry(1, 1, "a"));
        caught("HealedQuorumAgrees", () -> invariants.onHealed(all));
        caught("HealedQuorumAgrees", invariants::onEnd);
    }

    @Test
    void aHealedQuorumThatTakesNoWriteIsCaught() {
        elect(one, 1);
        heal(false);
        invariants.onTurn(one);
        invariants.onHealed(all);
        invariants.onEnd();
        heal(true);
        invariants.onTurn(one);
        invariants.onCall(one, 1, Freshness.linearizable(), T);
        invariants.onReadServed(1, 0, 0);
        caught("HealedQuorumAgrees", () -> invariants.onHealed(all));
    }

    @Test
    void aPeerThatIsParkedIsCaught() {
        one.peers = List.of(peer(two, 0, 1, 0, "probe", false));
        heal(false);
        elect(one, 1);
        now = 2 * T;
        invariants.onTurn(one);
        one.peers = List.of(peer(two, 0, 1, 0, "replicate", false));
        invariants.onTurn(one);
        one.peers = List.of(peer(two, 0, 1, 0, "probe", false));
        now = 3 * T;
        invariants.onTurn(one);
        now = 5 * T;
        invariants.onTurn(one);
        now++;
        caught("EveryPeerIsReached", () -> invariants.onTurn(one));
    }

    @Test
    void moreChangesOfLeaderThanFaultsAreCaught() {
        elect(one, 1);
        invariants.onQuorumHealthy();
        invariants.onFault();
        elect(two, 2);
        invariants.onTurn(three.is(RoleName.CANDIDATE, 3));
        caught("FewLeaderChanges", () -> invariants.onTurn(three.leads(3)));
    }

    @Test
    void quietFaultsDoNotSaveUpChangesOfLeader() {
        elect(one, 1);
        invariants.onQuorumHealthy();
        for (int i = 0; i < 10; i++) {
            invariants.onFault();
        }
        invariants.onFault();
        elect(two, 2);
        elect(three, 3);   // the fault before the last may be going on
        invariants.onTurn(one.is(RoleName.CANDIDATE, 4));
        caught("FewLeaderChanges", () -> invariants.onTurn(one.leads(4)));
    }

    @Test
    void aFaultThatHasCostItsChangeOfLeaderCostsNoneWhenTheNextHasBegun() {
        elect(one, 1);
        invariants.onQuorumHealthy();
        invariants.onFault();
        elect(two, 2);
        invariants.onFault();
        elect(three, 3);
        invariants.onTurn(one.is(RoleName.CANDIDATE, 4));
        caught("FewLeaderChanges", () -> invariants.onTurn(one.leads(4)));
    }

    @Test
    void moreMemoryThanIsAllowedIsCaught() {
        long append = CONFIG.appendBytesMax() + (long) (CONFIG.appendBytesMax() / Entry.HEADER_BYTES) * Entry.OBJECT_BYTES;
        one.backlog = new NodeStatus.Backlog(CONFIG.unappliedBytesMax() + append - 1, 0, 0);
        invariants.onTurn(one);
        one.backlog = new NodeStatus.Backlog(CONFIG.unappliedBytesMax() + append, 0, 0);
        caught("MemoryIsBounded", () -> invariants.onTurn(one));
        one.backlog = new NodeStatus.Backlog(0, -1, 0);
        caught("MemoryIsBounded", () -> invariants.onTurn(one));
        elect(two, 1);
        two.peers = List.of(peer(one, 0, 1, CONFIG.inflightBytesMax() + CONFIG.appendBytesMax(), "replicate", false));
        caught("MemoryIsBounded", () -> invariants.onTurn(two));
    }

    /** A leader that hands over may hold one command that is larger than the bound, before it is an entry. */
    @Test
    void aCommandThatIsLargerThanTheBoundMayBeHeldAlone() {
        int bytes = (int) CONFIG.uncommittedBytesMax() + 3 * CONFIG.appendBytesMax();
        one.backlog = new NodeStatus.Backlog(0, Entry.HEADER_BYTES + bytes + Entry.OBJECT_BYTES, 0);
        caught("MemoryIsBounded", () -> invariants.onTurn(one));
        invariants.onProposed(one, bytes);
        invariants.onTurn(one);
    }

    @Test
    void memoryThatIsNotGivenBackIsCaught() {
        one.backlog = new NodeStatus.Backlog(1, 1, 1);
        one.callBytes = 1;
        one.peers = List.of(peer(new Planted(9), 0, 1, 1, "replicate", false));
        invariants.onIdle();
        now = T;
        invariants.onTurn(one);
        invariants.onBusy();
        now = 2 * T;
        invariants.onTurn(one);
        invariants.onIdle();
        now = 3 * T + 1;
        caught("MemoryIsGivenBack", () -> invariants.onTurn(one));
        one.backlog = new NodeStatus.Backlog(0, 0, 0);
        caught("MemoryIsGivenBack", () -> invariants.onTurn(one));
        one.callBytes = 0;
        invariants.onTurn(one);   // the one who is sent entries is not there
        one.peers = List.of(peer(two, 0, 1, 1, "replicate", false));
        caught("MemoryIsGivenBack", () -> invariants.onTurn(one));
    }

    @Test
    void bytesOfMailThatIsGoneAreCaught() {
        one.mailBytes = 200;
        caught("MemoryIsGivenBack", () -> invariants.onTurn(one));
    }

    @Test
    void anElectionWithoutAFaultIsCaught() {
        elect(one, 1);
        invariants.onFaultFree();
        caught("SteadyTerm", () -> invariants.onTurn(two.is(RoleName.FOLLOWER, 2)));
        caught("SteadyTerm", () -> invariants.onSend(three, new Message.PreVote(three.id, two.id, 0, EntryId.ZERO, 1)));
        invariants.onFault();
        invariants.onTurn(two.is(RoleName.FOLLOWER, 3));
    }

    @Test
    void moreThanHeartbeatsInAnIdleGroupAreCaught() {
        one.durable = new HardState(1, null, 0);
        Message heartbeat = new Message.AppendEntries(one.id, two.id, 1, EntryId.ZERO, List.of(), 0, 0, 1);
        Message append = new Message.AppendEntries(one.id, two.id, 1, EntryId.ZERO, List.of(entry(1, 1, "a")), 0, 0, 1);
        one.is(RoleName.FOLLOWER, 1).peers = List.of(peer(two, 0, 1, 0, "replicate", false));
        invariants.onTurn(one);
        invariants.onFaultFree();
        invariants.onSend(one, append);
        invariants.onIdle();
        invariants.onTurn(one);
        caught("OnlyHeartbeatsWhenIdle", () -> invariants.onSend(one, append));
        now = T;
        for (int i = 0; i < 13; i++) {
            invariants.onSend(one, heartbeat);
        }
        caught("OnlyHeartbeatsWhenIdle", () -> invariants.onSend(one, heartbeat));
        invariants.onBusy();
        invariants.onSend(one, append);
    }

    /** An idle group writes the time when a state machine waits for it, and that is all. */
    @Test
    void aTimeThatIsWrittenForNobodyIsCaught() {
        commitOnAll(stamped(1, 5), stamped(2, 6), stamped(3, 7));
        invariants.onFaultFree();
        invariants.onIdle();
        invariants.onSend(one, time(1, 5));
        invariants.onSend(one, time(1, 5));
        invariants.onTime(two, 1, 5);
        invariants.onSend(one, time(2, 6));
        caught("OnlyHeartbeatsWhenIdle", "1#0001 has nothing to do and writes the time at 2 and at 3",
            () -> invariants.onSend(one, time(3, 7)));
    }

    private Message time(long index, long timeNanos) {
        one.durable = new HardState(1, null, 0);
        EntryId prev = new EntryId(index == 1 ? 0 : 1, index - 1);
        return new Message.AppendEntries(one.id, two.id, 1, prev, List.of(stamped(index, timeNanos)), 0, 0, 1);
    }

    /** What comes with a new entry is given back as soon as that is applied everywhere. */
    @Test
    void memoryThatIsNotGivenBackAfterTheTimeWasWrittenIsCaught() {
        invariants.onIdle();
        one.has(entry(1, 1, "a"));
        one.callBytes = 1;
        now = 2 * T;
        invariants.onTurn(one);
        now = 3 * T;
        invariants.onTurn(one);
        now++;
        caught("MemoryIsGivenBack", () -> invariants.onTurn(one));
    }

    // ---- traces

    @Test
    void twoTracesDifferAtTheirFirstDifferentEvent() {
        assertNull(TraceDifference.first(List.of("a", "b"), List.of("a", "b")));
        assertEquals("event 2 is b in one run and c in the other; the last event of both is a",
            TraceDifference.first(List.of("a", "b", "x"), List.of("a", "c")));
        assertEquals("one run ends before event 2, in the other it is b; the last event of both is a",
            TraceDifference.first(List.of("a"), List.of("a", "b")));
    }

    // ---- the way there

    /** A candidacy, and what it leads to. */
    private void elect(Planted replica, long term) {
        replica.is(RoleName.CANDIDATE, term);
        invariants.onTurn(replica);
        invariants.onTurn(replica.leads(term));
    }

    private void heal(boolean hasClients) {
        invariants.onHeal(all, hasClients);
    }

    private void commitOnAll(Entry... entries) {
        writes(one, entries);
        for (Planted replica : all) {
            replica.has(entries).commits(entries.length);
            replica.durable = new HardState(replica.term, null, entries.length);
            invariants.onStarted(replica);
        }
        invariants.onTurn(one);
    }

    /** Somebody is told that his command is done at this index. */
    private void tell(long index) {
        invariants.onCall(two, 1, null, T);
        invariants.onCallApplied(two, 1, index);
        invariants.onDone(1, index);
    }

    /** Behind what its log has, in the term of the last. */
    private void writes(Planted replica, Entry... entries) {
        writes(replica, entries[0].index(), new HardState(entries[entries.length - 1].term(), null, 0), entries);
    }

    private void writes(Planted replica, Entry entry, HardState state) {
        writes(replica, entry.index(), state, entry);
    }

    private void writes(Planted replica, long firstIndex, HardState state, Entry... entries) {
        invariants.onWrite(replica, new Storage.Write(1, state, firstIndex, List.of(entries)));
    }

    private void shown(Planted replica, Message message) {
        invariants.onDelivered(replica, message);
    }

    private static Set<String> names() {
        Set<String> names = new TreeSet<>();
        for (Invariant invariant : new GroupInvariants(List.of(), CONFIG, () -> 0, Set.of()).all()) {
            names.add(invariant.name());
        }
        return names;
    }

    private static void caught(String invariant, Executable violation) {
        caught(invariant, "", violation);
    }

    /** By the very check that says so: another of the same class would not tell what is wrong. */
    private static void caught(String invariant, String says, Executable violation) {
        InvariantBroken broken = assertThrows(InvariantBroken.class, violation);
        assertEquals(invariant, broken.invariant(), broken.getMessage());
        assertTrue(broken.getMessage().startsWith(invariant + ": " + says), broken.getMessage());
        CAUGHT.add(invariant);
    }

    private static NodeStatus.Peer peer(Planted replica, long match, long next, long inflight, String replication, boolean hasLost) {
        return new NodeStatus.Peer(member(replica), 0, match, next, inflight, replication, hasLost, null);
    }

    private static Member member(Planted replica) {
        return new Member(replica.id, "a");
    }

    private static Entry entry(long index, long term, String command) {
        return Entry.of(index, term, Entry.Kind.COMMAND, 0, bytes(command));
    }

    private static Entry stamped(long index, long timeNanos) {
        return Entry.of(index, 1, Entry.Kind.TIME, timeNanos, new byte[0]);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
