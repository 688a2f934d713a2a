package io.quorate.raft;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.core.DiskRoom;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.NodeStatus;
import io.quorate.raft.core.ReplicaId;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** One status made by hand for each sentence. */
class ExplanationTest {

    private static final long T = 1_000_000_000;
    private static final ReplicaId A = new ReplicaId(1, 0xa);
    private static final ReplicaId B = new ReplicaId(2, 0xb);
    private static final ReplicaId C = new ReplicaId(3, 0xc);
    private static final ReplicaId D = new ReplicaId(4, 0xd);
    private static final Membership THREE = new Membership(1, members(A, B, C), List.of(), List.of());
    private static final ServerStatus.Elections CALM = new ServerStatus.Elections(T, true, 0, List.of(), null, false, 0, -1);
    private static final ServerStatus.Disk EMPTY = new ServerStatus.Disk(0, 0, 0, 0, 0, null, 1, 0, -1, true, null);
    private static final ServerStatus.Load IDLE = new ServerStatus.Load(0, 128 << 20, 0, 64 << 20, 0, 64 << 20, 0, 96 << 20, 0, 0);

    private ServerStatus.State state = ServerStatus.State.LEADER;
    private @Nullable ReplicaId leader = A;
    private long lastIndex = 10;
    private long durableIndex = 10;
    private long commitIndex = 10;
    private long appliedIndex = 10;
    private List<ServerStatus.Peer> peers = List.of(peer(B, 0, 10), peer(C, 0, 10));
    private @Nullable String problem;
    private @Nullable Membership membership = THREE;
    private List<ServerStatus.Stranger> strangers = List.of();
    private ServerStatus.@Nullable Elections elections = CALM;
    private ServerStatus.@Nullable Disk disk = EMPTY;
    private ServerStatus.@Nullable Load load = IDLE;

    @Test
    void whatIsWellNeedsNoWords() {
        assertEquals(List.of(), explain());
        assertEquals("nothing holds this replica up", Explanation.of(status()).toString());
    }

    // ---- the replica itself

    @Test
    void aStoppedServerSaysWhy() {
        state = ServerStatus.State.STOPPED;
        problem = "stopped: the disk is full";
        elections = null;
        assertEquals(List.of("This server has stopped: stopped: the disk is full."), explain());
    }

    @Test
    void aBlankReplicaSaysWhatItWaitsForAndWhomItCannotReach() {
        state = ServerStatus.State.BLANK;
        leader = null;
        membership = null;
        elections = null;
        problem = "not founded yet: no answer from nodes [2]";
        peers = List.of(new ServerStatus.Peer(null, 2, "b", -1, -1, null, "connection refused"));
        assertEquals(List.of("This replica, 1#000a, is blank: it neither votes nor holds anything. Not founded yet: no answer from nodes"
            + " [2].",
            "Node 2 at b: connection refused."), explain());
        problem = null;
        assertTrue(explain().get(0).endsWith("It waits for its turn in the founding of its group."), explain().get(0));
    }

    @Test
    void aReplicaWhoseLogIsNotWholeSaysWhatItWaitsForAndWhomItCannotReachAndNothingElse() {
        state = ServerStatus.State.REPAIRING;
        leader = null;
        elections = null;
        disk = null;
        load = null;
        problem = "2 entries are damaged on this disk, the first of them 7@3; no answer yet from [2#000b]; asked of [3#000c]";
        peers = List.of(new ServerStatus.Peer(B, 2, "b", -1, -1, null, "connection refused"), peer(C, -1, -1));
        assertEquals(List.of("This replica, 1#000a, takes no part in its group until its log is whole again: 2 entries are damaged on this"
            + " disk, the first of them 7@3; no answer yet from [2#000b]; asked of [3#000c]. The others go on as long as a majority of them"
            + " runs.",
            "2#000b at b: connection refused."), explain());
        problem = null;
        assertEquals("This replica, 1#000a, takes no part in its group until its log is whole again. The others go on as long as a majority"
            + " of them runs.", explain().get(0));
        assertEquals(List.of(Finding.Repairing.class, Finding.PeerTrouble.class), kinds(), "that no leader is known to it is no wonder");
    }

    @Test
    void damageThatIsFoundWhileTheReplicaRunsIsToldBeforeWhatFollowsFromIt() {
        state = ServerStatus.State.FOLLOWER;
        leader = null;
        disk = damaged("entry 7@3 is damaged on this disk; no answer yet from [2#000b]");
        assertEquals(List.of(Finding.Damaged.class, Finding.NoLeader.class), kinds());
        assertEquals("Entry 7@3 is damaged on this disk; no answer yet from [2#000b]. Meanwhile this replica does not stand for election,"
            + " and what needs that part of its log waits. Have the disk checked.", explain().get(0));
        state = ServerStatus.State.LEADER;
        leader = A;
        assertEquals(List.of(Finding.Damaged.class), kinds(), "a leader tells it too");
        disk = damaged(null);
        assertEquals(List.of(), kinds());
    }

    private static ServerStatus.Disk damaged(@Nullable String what) {
        return new ServerStatus.Disk(0, 0, 0, 0, 0, null, 1, 0, -1, true, null, what, DiskRoom.PLENTY, -1);
    }

    @Test
    void pausesAreTold() {
        elections = new ServerStatus.Elections(T, true, 0, List.of(), null, false, 1, 3 * T);
        assertEquals(List.of("This process stood still for longer than half an election timeout, once, the last time 3000 ms ago: look for"
            + " long garbage collections, suspended virtual machines, or too little processor time."), explain());
        elections = new ServerStatus.Elections(T, true, 0, List.of(), null, false, 7, 900 * T);
        assertTrue(explain().get(0).contains("7 times, the last time 15 min ago"), explain().get(0));
    }

    // ---- no leader

    @Test
    void aReplicaThatHearsTooFewSaysWhoIsSilent() {
        state = ServerStatus.State.PRE_CANDIDATE;
        leader = null;
        peers = List.of(new ServerStatus.Peer(B, 2, "b", -1, -1, null, "connection refused"), peer(C, 11 * T, -1));
        assertEquals(List.of("No leader of term 5 is known here, so nothing is committed by way of this replica.",
            "Of the 3 voters, 1 can be counted on (1#000a), and 2 are needed; missing: 2#000b (never heard; connection refused), 3#000c "
                + "(not heard for"
            + " 11 s).", "2#000b at b: connection refused."), explain());
    }

    @Test
    void aLeaderThatHearsTooFewSaysSoToo() {
        peers = List.of(peer(B, 2 * T, 10), peer(C, 3 * T, 10));
        assertEquals(List.of(Finding.NoQuorum.class), kinds());
        peers = List.of(peer(B, 2 * T - 1, 10), peer(C, 3 * T, 10));
        assertEquals(List.of(), kinds());
    }

    @Test
    void bothHalvesOfAJointMembershipMustBeHeard() {
        membership = new Membership(3, members(A, B, C), members(A, D), List.of());
        peers = List.of(peer(B, 0, 10), peer(C, 0, 10), peer(D, 9 * T, 10));
        assertEquals(List.of("Of the 2 voters that are to go, 1 can be counted on (1#000a), and 2 are needed; missing: 4#000d "
                + "(not heard for 9000"
            + " ms)."),
            explain().subList(0, 1));
    }

    @Test
    void refusedVotesAreToldWithTheirReasons() {
        state = ServerStatus.State.CANDIDATE;
        leader = null;
        elections = new ServerStatus.Elections(T, true, 0, List.of(denial(B, Message.Denial.HEARS_LEADER),
            denial(C, Message.Denial.LOG_IS_NEWER), denial(D, Message.Denial.VOTED_FOR_ANOTHER), denial(A, Message.Denial.TERM_IS_OLD)),
            null, false, 0, -1);
        assertEquals(List.of(
            "2#000b refused this replica its vote: it hears a leader, or leads, or has just started and waits for one election"
                + " timeout.",
            "3#000c refused this replica its vote: its log is newer, and might hold what is committed and missing here; it can be"
                + " elected itself.",
            "4#000d refused this replica its vote: it had voted for another in that term; the next attempt comes by itself.",
            "1#000a refused this replica its vote: it was in a later term already; the next attempt begins behind that."),
            explain().subList(1, 5));
        leader = B;
        state = ServerStatus.State.FOLLOWER;
        assertEquals(List.of(), explain(), "it is over");
    }

    @Test
    void aLearnerWaitsForTheVoters() {
        state = ServerStatus.State.FOLLOWER;
        leader = null;
        membership = new Membership(2, members(B, C), List.of(), members(A));
        assertTrue(explain().contains("This replica, 1#000a, is a learner: it cannot be elected, and waits for one of the voters."));
    }

    @Test
    void whoIsNotNamedYetSaysSo() {
        state = ServerStatus.State.FOLLOWER;
        membership = new Membership(2, members(B, C), List.of(), List.of());
        leader = B;
        assertEquals(List.of("Membership 2, the newest that this replica has, does not name it (1#000a): either it was let in and waits"
            + " for the"
            + " leader to send it the log, or it was removed and may be stopped."), explain());
    }

    @Test
    void whoWasRemovedLearnsIt() {
        state = ServerStatus.State.PRE_CANDIDATE;
        leader = null;
        elections = new ServerStatus.Elections(T, true, 9, List.of(), null, false, 0, -1);
        assertEquals("This replica, 1#000a, is no member any more: membership 9 is committed and does not name it. It may be stopped; to"
            + " come"
            + " back it needs a blank data directory and a change of the membership that names it.", explain().get(0));
    }

    // ---- commit, disk, state machine

    @Test
    void whatHoldsTheCommitBackIsNamed() {
        lastIndex = 12;
        durableIndex = 11;
        peers = List.of(peer(B, T / 10, 11), new ServerStatus.Peer(C, 3, "c", -1, 0, "probe", "no route"));
        assertEquals("Entries 11 to 12 wait until a quorum has them on disk: the leader's own disk is not done with that, 2#000b lacks 1"
            + " entry"
            + " and was heard 100 ms ago, 3#000c lacks 12 entries and was never heard (no route).", explain().get(0));
    }

    @Test
    void learnersHoldNoCommitBack() {
        membership = new Membership(2, members(A, B), List.of(), members(C));
        lastIndex = 12;
        durableIndex = 12;
        peers = List.of(peer(B, 0, 12), peer(C, 0, 1));
        assertEquals(List.of("Entries 11 to 12 wait until a quorum has them on disk: all voters have, and the commit follows."),
            explain());
    }

    @Test
    void aDiskThatDoesNotAnswerIsTold() {
        disk = new ServerStatus.Disk(4 * T, 0, 5 * T, 0, 0, null, 1, 0, -1, true, null);
        assertEquals(List.of("This replica's disk has completed nothing for 4000 ms, and has something to write: if another's is ahead"
            + " meanwhile,"
            + " it hands leadership over."), explain());
        state = ServerStatus.State.FOLLOWER;
        leader = B;
        assertEquals(List.of("This replica's disk has completed nothing for 4000 ms, and has something to write: until it answers, this"
            + " replica"
            + " promises nothing and does not stand for election."), explain());
        disk = new ServerStatus.Disk(T - 1, 0, 5 * T, 0, 0, null, 1, 0, -1, true, null);
        assertEquals(List.of(), explain());
    }

    @Test
    void aStateMachineThatLagsIsTold() {
        appliedIndex = 4;
        load = new ServerStatus.Load(0, 100, 0, 100, 20_000, 1 << 20, 0, 100, 0, 0);
        assertEquals(List.of("The state machine is 6 entries behind what is committed (19 KiB wait in memory): reads and results wait for"
            + " it."),
            explain());
    }

    // ---- membership

    @Test
    void aGoalThatIsNotReachedSaysWhoIsMissing() {
        membership = new Membership(2, members(A, B, C), List.of(), members(D), new Membership.Goal(members(A, B, D), members(C)));
        elections = new ServerStatus.Elections(T, false, 0, List.of(), null, false, 0, -1);
        peers = List.of(peer(B, 0, 10), peer(C, 0, 10), newcomer(NodeStatus.CatchUp.UNHEARD, -1));
        assertEquals(List.of("The group is on its way to voters [1#000a=address-1, 2#000b=address-2, 4#000d=address-4] and learners"
            + " [3#000c=address-3]; the present step, membership 2, is not committed yet.",
            "4#000d is to become a voter and is none yet: it was never heard. Is it running, with the data directory that the goal names,"
                + " at"
            + " address-4?"), explain());
    }

    @Test
    void whyALearnerIsNotPromotedHasThreeAnswers() {
        membership = new Membership(2, members(A, B, C), List.of(), members(D), new Membership.Goal(members(A, B, D), List.of()));
        peers = List.of(peer(B, 0, 10), peer(C, 0, 10), newcomer(NodeStatus.CatchUp.UNHEARD, 5 * T));
        assertTrue(explain().get(1).contains("none yet: it was not heard for 5000 ms. Is it running"), explain().get(1));
        peers = List.of(peer(B, 0, 10), peer(C, 0, 10), newcomer(NodeStatus.CatchUp.BEHIND, 0));
        assertTrue(explain().get(1).contains("none yet: it lacks 7 entries. That ends by itself"), explain().get(1));
        peers = List.of(peer(B, 0, 10), peer(C, 0, 10), newcomer(NodeStatus.CatchUp.READY, 0));
        assertTrue(explain().get(1).contains("none yet: it has caught up, and waits for the others"), explain().get(1));
    }

    /** The joint step would need 3, which is silent and a voter already: nobody is "not promoted", and yet nothing moves. */
    @Test
    void aGoalThatMostOfItsVotersCannotFollowSaysSo() {
        membership = new Membership(2, members(A, B, C), List.of(), List.of(), new Membership.Goal(members(A, C), List.of()));
        peers = List.of(peer(B, 0, 10), voterOfTheGoal(NodeStatus.CatchUp.UNHEARD, 5 * T));
        assertEquals("The step to the new voters waits for a majority of them, 2 of 2, to be heard and to have caught up: 1#000a has;"
            + " not ready: 3#000c (not heard for 5000 ms). Another goal can still be stated.", explain().get(1));
        peers = List.of(peer(B, 0, 10), voterOfTheGoal(NodeStatus.CatchUp.READY, 0));
        assertEquals(List.of(Finding.GoalPending.class), kinds());
    }

    /** One that is silent is none too many when two of three are ready. */
    @Test
    void aVoterOfTheGoalThatIsSilentHoldsUpNothingAsLongAsMostAreReady() {
        membership = new Membership(2, members(A, B, C), List.of(), members(D), new Membership.Goal(members(A, C, D), List.of()));
        peers = List.of(peer(B, 0, 10), voterOfTheGoal(NodeStatus.CatchUp.UNHEARD, 5 * T), newcomer(NodeStatus.CatchUp.READY, 0));
        assertEquals(List.of(Finding.GoalPending.class, Finding.NotPromoted.class), kinds());
    }

    @Test
    void aFollowerSendsToTheLeaderForThat() {
        state = ServerStatus.State.FOLLOWER;
        leader = B;
        membership = new Membership(3, members(A, B, D), members(A, B, C), List.of());
        assertEquals(List.of("The group is on its way to voters [1#000a=address-1, 2#000b=address-2, 4#000d=address-4]; it needs a quorum"
            + " of the"
            + " old and of the new voters until that is committed.",
            "What the change of the membership waits for is known to the leader, 2#000b at there; ask it."), explain());
        leader = null;
        assertTrue(explain().contains("What the change of the membership waits for is known to the leader, and none is known here."));
    }

    @Test
    void aMembershipThatIsNotCommittedHoldsUpTheNext() {
        elections = new ServerStatus.Elections(T, false, 0, List.of(), null, false, 0, -1);
        assertEquals(List.of("Membership 1 is in force but not known to be committed; no other change is taken until it is."), explain());
    }

    @Test
    void blankReplicasThatAskAreNamed() {
        strangers = List.of(new ServerStatus.Stranger(new ReplicaId(3, 0xff), "c:1", 50_000_000),
            new ServerStatus.Stranger(D, "", 50_000_000));
        assertEquals(List.of("A blank replica, 3#00ff at c:1, asked for its group 50 ms ago; the membership names another disk of its"
            + " node, which"
            + " seems to be lost. To let it in, name it in a change of the membership.",
            "A blank replica, 4#000d, asked for its group 50 ms ago. To let it in, name it in a change of the membership."), explain());
    }

    // ---- log and snapshots

    @Test
    void aMachineWithoutSnapshotsKeepsItsLogWhole() {
        disk = new ServerStatus.Disk(0, 0, 0, 0, 0, null, 1, 5000, -1, false, null);
        assertEquals(List.of("The log is kept from entry 1 on, 5000 bytes: the state machine has no snapshots, so nothing may go."),
            explain());
    }

    @Test
    void aLogThatIsStillShortIsExplainedToWhoAsksForIt() {
        disk = new ServerStatus.Disk(0, 0, 0, 0, 0, null, 1, 20 << 20, 64 << 20, true, null);
        assertEquals(List.of(), explain(), "it is as it should be");
        assertEquals(List.of("No snapshot has been taken yet, and the log has 20 MiB; the next one is taken at 64 MiB."),
            Explanation.ofLog(status()).sentences());
        disk = new ServerStatus.Disk(0, 0, 0, 7, 0, null, 8, 400, -1, true, null);
        assertEquals(List.of("The newest snapshot covers entries up to 7, and the log behind it has 400 bytes."),
            Explanation.ofLog(status()).sentences());
        disk = EMPTY;
        assertEquals(List.of(), Explanation.ofLog(status()).sentences());
        disk = null;
        assertEquals(List.of(), Explanation.ofLog(status()).sentences());
    }

    @Test
    void aLogThatIsLongEnoughForASnapshotThatIsNotThereYetIsTold() {
        disk = new ServerStatus.Disk(0, 0, 0, 0, 0, null, 1, 65 << 20, 64 << 20, true, null);
        assertEquals(List.of("No snapshot has been taken yet, and the log has 65 MiB; the next one is taken at 64 MiB, so it is being"
            + " written, or waits until a state machine that is busy can be captured. It stays until that is durable."), explain());
    }

    @Test
    void aSnapshotThatFailedSaysWhy() {
        disk = new ServerStatus.Disk(0, 0, 0, 0, 0, null, 1, 80 << 20, 64 << 20, true, "the last snapshot failed: no space left on device");
        assertEquals(List.of("The log grows, to 80 MiB now: the last snapshot failed: no space left on device."), explain());
    }

    @Test
    void entriesAreKeptForWhoLags() {
        disk = new ServerStatus.Disk(0, 0, 0, 8, 0, null, 3, 0, -1, true, null);
        assertEquals(List.of(), explain(), "it is as it should be");
        assertEquals(List.of("Entries 3 to 8 are kept though a snapshot covers them, for replicas that may need them; what may be kept so"
            + " is"
            + " bounded in bytes."), Explanation.ofLog(status()).sentences());
        peers = List.of(peer(B, 0, 10), peer(C, 0, 4));
        assertEquals(List.of("Entries 3 to 8 are kept though a snapshot covers them, and 3#000c need some of them."), explain());
    }

    @Test
    void aSnapshotUnderWayIsTold() {
        state = ServerStatus.State.FOLLOWER;
        leader = B;
        disk = new ServerStatus.Disk(0, 0, 0, 0, 90, "has 5 bytes of 7", 1, 0, -1, true, null);
        assertEquals(List.of("This replica replaces its state by the snapshot up to entry 90, for it lacks entries that the leader no"
            + " longer has:"
            + " it has 5 bytes of 7."), explain());
        disk = new ServerStatus.Disk(0, 0, 0, 0, 90, null, 1, 0, -1, true, null);
        assertTrue(explain().get(0).endsWith("that the leader no longer has."), explain().get(0));
    }

    // ---- load, transfer, peers

    @Test
    void aTransferHoldsCommands() {
        elections = new ServerStatus.Elections(T, true, 0, List.of(), B, false, 0, -1);
        assertEquals(List.of("This leader is handing over to 2#000b: new commands wait for that, for an election timeout at most."),
            explain());
        elections = new ServerStatus.Elections(T, true, 0, List.of(), B, true, 0, -1);
        assertEquals(List.of("This leader is handing over to 2#000b, who has been told to stand for election: new commands wait for that,"
            + " for an"
            + " election timeout at most."), explain());
    }

    @Test
    void whateverIsNearlyFullIsTold() {
        load = new ServerStatus.Load(90, 100, 0, 100, 0, 100, 0, 100, 0, 0);
        assertEquals(List.of("90 bytes of requests are open at this replica, and at 100 bytes more are refused."), explain());
        load = new ServerStatus.Load(0, 100, 80, 100, 0, 100, 0, 100, 0, 0);
        assertEquals(List.of("80 bytes of commands wait for their commit, and at 100 bytes more are refused."), explain());
        load = new ServerStatus.Load(0, 100, 0, 100, 99, 100, 0, 100, 0, 0);
        assertEquals(List.of("99 bytes of committed entries wait for the state machine, and at 100 bytes more are not handed to it."),
            explain());
        load = new ServerStatus.Load(0, 100, 0, 100, 0, 100, 81, 100, 0, 0);
        assertEquals(List.of("81 bytes of peers' messages wait for the raft thread, and at 100 bytes more are dropped."), explain());
        load = new ServerStatus.Load(79, 100, 79, 100, 79, 100, 79, 100, 0, 0);
        assertEquals(List.of(), explain());
    }

    @Test
    void aDiskThatIsNearlyFullIsToldAndWhatToDo() {
        disk = new ServerStatus.Disk(0, 0, 0, 0, 0, null, 1, 0, -1, true, null, null, DiskRoom.LOW, 12 << 20);
        assertEquals(List.of("The disk of this replica, 1#000a, is nearly full (12 MiB can still be used): it refuses new commands and changes"
            + " of the membership, or hands the lead to a voter that has room, and serves reads. Free some space there, or let snapshots do"
            + " it; all else goes on by itself."), explain());
        state = ServerStatus.State.FOLLOWER;
        leader = B;
        disk = new ServerStatus.Disk(0, 0, 0, 0, 0, null, 1, 0, -1, true, null, null, DiskRoom.NONE, -1);
        assertEquals(List.of("The disk of this replica, 1#000a, is nearly full: it follows, and votes, but takes no more entries and so"
            + " counts for no commit. Free some space there, or let snapshots do it; all else goes on by itself."), explain());
    }

    @Test
    void whatWasRefusedAndDroppedIsTold() {
        load = new ServerStatus.Load(0, 100, 0, 100, 0, 100, 0, 100, 4, 3);
        assertEquals(List.of("Since the start, 3 requests were refused and 4 messages of peers dropped because too much was waiting."),
            explain());
    }

    @Test
    void whatIsWrongWithAPeerIsTold() {
        peers = List.of(peer(B, 0, 10), new ServerStatus.Peer(C, 3, "c", 0, 10, "replicate", "its disk has lost entries"));
        assertEquals(List.of("3#000c at c: its disk has lost entries."), explain());
    }

    @Test
    void whatAClientIsToldOfAStatusTellsLessButTells() {
        elections = null;
        disk = null;
        load = null;
        leader = null;
        state = ServerStatus.State.FOLLOWER;
        peers = List.of(peer(B, 11 * T, -1), peer(C, 11 * T, -1));
        assertEquals(List.of(Finding.NoLeader.class, Finding.NoQuorum.class), kinds());
    }

    // ---- help

    private List<String> explain() {
        return Explanation.of(status()).sentences();
    }

    private List<Class<?>> kinds() {
        return Explanation.of(status()).findings().stream().<Class<?>>map(Object::getClass).toList();
    }

    private ServerStatus status() {
        return new ServerStatus(A, 1, null, state, 5, leader, leader == null ? null : "there", 1, lastIndex, durableIndex, commitIndex,
            appliedIndex, peers, problem, membership, strangers, elections, disk, load);
    }

    private static ServerStatus.Peer peer(ReplicaId replica, long heardNanosAgo, long matchIndex) {
        return new ServerStatus.Peer(replica, replica.nodeId(), "address-" + replica.nodeId(), heardNanosAgo, matchIndex, null, null);
    }

    private static ServerStatus.Peer newcomer(NodeStatus.CatchUp catchUp, long heardNanosAgo) {
        return new ServerStatus.Peer(D, 4, "address-4", heardNanosAgo, 3, "replicate", null, catchUp);
    }

    private static ServerStatus.Peer voterOfTheGoal(NodeStatus.CatchUp catchUp, long heardNanosAgo) {
        return new ServerStatus.Peer(C, 3, "address-3", heardNanosAgo, 10, "replicate", null, catchUp);
    }

    private static NodeStatus.Denied denial(ReplicaId from, Message.Denial why) {
        return new NodeStatus.Denied(from, why);
    }

    private static List<Member> members(ReplicaId... replicas) {
        return Stream.of(replicas).map(replica -> new Member(replica, "address-" + replica.nodeId())).toList();
    }
}
