package io.quorate.raft.testing;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.NodeStatus;
import io.quorate.raft.core.NodeStatus.RoleName;
import io.quorate.raft.core.ReplicaId;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Plants each violation and sees it caught: an invariant that cannot fail would prove nothing. */
class GroupInvariantsTest {

    /** A replica that is whatever a test says. */
    private static final class Planted implements ReplicaView {
        private final ReplicaId id;
        private final List<Entry> log = new ArrayList<>();
        private final Set<EntryId> disk = new HashSet<>();
        private HardState durable = HardState.INITIAL;
        private RoleName role = RoleName.FOLLOWER;
        private long term;
        private long commitIndex;
        private long durableIndex;
        private List<NodeStatus.Peer> peers = List.of();

        private Planted(int node) {
            id = new ReplicaId(node, node);
        }

        private Planted has(Entry... entries) {
            for (Entry entry : entries) {
                log.add(entry);
                disk.add(entry.id());
                term = Math.max(term, entry.term());
            }
            durable = new HardState(term, null, 0);
            durableIndex = log.size();
            return this;
        }

        private Planted leads(long newTerm) {
            role = RoleName.LEADER;
            term = newTerm;
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
        public NodeStatus status() {
            return new NodeStatus(id, role, term, null, 1, log.size(), durableIndex, commitIndex,
                Membership.of(1, List.of(new Member(id, "a"))), new NodeStatus.Backlog(0, 0, 0), peers);
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
        public boolean diskContains(EntryId entry) {
            return disk.contains(entry);
        }

        @Override
        public boolean anyDiskContains(EntryId entry) {
            return disk.contains(entry);
        }
    }

    private final Planted one = new Planted(1);
    private final Planted two = new Planted(2);
    private final Planted three = new Planted(3);
    private final GroupInvariants invariants = new GroupInvariants(List.of(one, two, three));

    @Test
    void twoLeadersOfOneTermAreCaught() {
        invariants.onTurn(one.leads(3));
        invariants.onTurn(two.leads(4));
        one.role = RoleName.FOLLOWER;
        caught("ElectionSafety", () -> invariants.onTurn(three.leads(3)));
    }

    @Test
    void twoVotesInOneTermAreCaught() {
        one.durable = new HardState(3, two.id, 0);
        invariants.onSend(one, new Message.Vote(one.id, two.id, 3, true));
        one.durable = new HardState(3, three.id, 0);
        caught("OneVotePerTerm", () -> invariants.onSend(one, new Message.Vote(one.id, three.id, 3, true)));
    }

    @Test
    void aTermThatGoesBackIsCaught() {
        one.durable = new HardState(9, null, 0);
        invariants.onSend(one, new Message.Vote(one.id, two.id, 9, false));
        caught("TermsNeverGoBack", () -> invariants.onSend(one, new Message.Vote(one.id, two.id, 8, false)));
    }

    @Test
    void aTermBelowTheLogsIsCaught() {
        one.has(entry(1, 2, "a"));
        one.term = 1;
        caught("TermsNeverGoBack", () -> invariants.onTurn(one));
    }

    @Test
    void anEntryMadeByAnotherThanTheLeaderIsCaught() {
        invariants.onTurn(one.leads(2));
        caught("OnlyTheLeaderMakesEntries", () -> invariants.onWrite(two, EntryId.ZERO, List.of(entry(1, 2, "a"))));
    }

    @Test
    void oneIdentityWithTwoContentsIsCaught() {
        invariants.onWrite(one, EntryId.ZERO, List.of(entry(1, 1, "a")));
        caught("LogMatching", () -> invariants.onWrite(two, EntryId.ZERO, List.of(entry(1, 1, "b"))));
    }

    @Test
    void oneIdentityBehindTwoPredecessorsIsCaught() {
        invariants.onWrite(one, new EntryId(1, 1), List.of(entry(2, 2, "a")));
        caught("LogMatching", () -> invariants.onWrite(two, new EntryId(2, 1), List.of(entry(2, 2, "a"))));
    }

    @Test
    void aCommitThatIsNotOnAMajorityOfDisksIsCaught() {
        one.has(entry(1, 1, "a"));
        one.commitIndex = 1;
        caught("CommittedIsDurableOnAQuorum", () -> invariants.onTurn(one));
    }

    @Test
    void aSecondEntryCommittedAtOneIndexIsCaught() {
        one.has(entry(1, 1, "a"));
        two.has(entry(1, 1, "a"));
        one.commitIndex = 1;
        invariants.onTurn(one);
        three.has(entry(1, 2, "b"));
        three.commitIndex = 1;
        caught("CommittedIsDurableOnAQuorum", () -> invariants.onTurn(three));
    }

    @Test
    void aLeaderWithoutACommittedEntryIsCaught() {
        one.has(entry(1, 1, "a"));
        two.has(entry(1, 1, "a"));
        one.commitIndex = 1;
        invariants.onTurn(one);
        caught("LeaderCompleteness", () -> invariants.onTurn(three.leads(2)));
    }

    @Test
    void applyingAnotherCommandThanTheCommittedIsCaught() {
        commitOnAll(entry(1, 1, "a"), entry(2, 1, "b"));
        invariants.onApply(one, 1, bytes("a"));
        caught("StateMachineSafety", () -> invariants.onApply(two, 1, bytes("b")));
    }

    @Test
    void applyingTwiceOrLeavingOutIsCaught() {
        commitOnAll(entry(1, 1, "a"), entry(2, 1, "b"));
        caught("StateMachineSafety", () -> invariants.onApply(one, 2, bytes("b")));
        invariants.onApply(two, 1, bytes("a"));
        caught("StateMachineSafety", () -> invariants.onApply(two, 1, bytes("a")));
    }

    @Test
    void applyingWhatIsNotOnTheOwnDiskIsCaught() {
        commitOnAll(entry(1, 1, "a"));
        three.disk.clear();
        caught("StateMachineSafety", () -> invariants.onApply(three, 1, bytes("a")));
    }

    @Test
    void aCommitIndexThatGoesBackIsCaught() {
        commitOnAll(entry(1, 1, "a"));
        one.commitIndex = 0;
        caught("CommitIsMonotonic", () -> invariants.onTurn(one));
    }

    @Test
    void whatIsSaidBeforeItIsDurableIsCaught() {
        one.term = 5;
        caught("AnswersAreDurable", () -> invariants.onSend(one, new Message.Vote(one.id, two.id, 5, false)));
        two.durable = new HardState(5, null, 0);
        caught("AnswersAreDurable", () -> invariants.onSend(two, new Message.Vote(two.id, one.id, 5, true)));
        three.has(entry(1, 5, "a"));
        three.disk.clear();
        caught("AnswersAreDurable", () -> invariants.onSend(three, new Message.AppendAccepted(three.id, one.id, 5, 1, 1, 1, 0, 0)));
    }

    @Test
    void advertisingAnEntryThatIsNotDurableIsCaught() {
        one.has(entry(1, 1, "a"));
        one.disk.clear();
        one.durable = new HardState(2, one.id, 0);
        caught("AnswersAreDurable", () -> invariants.onSend(one, new Message.RequestVote(one.id, two.id, 2, new EntryId(1, 1))));
    }

    @Test
    void believingInACopyThatIsNotThereIsCaught() {
        one.has(entry(1, 1, "a")).leads(1);
        one.peers = List.of(new NodeStatus.Peer(new Member(two.id, "b"), 0, 1, 2, 0, "replicate", false));
        caught("MatchIsTrue", () -> invariants.onTurn(one));
    }

    @Test
    void indexesBeyondTheLogAreCaught() {
        one.durableIndex = 1;
        caught("IndexesAreOrdered", () -> invariants.onTurn(one));
    }

    private void commitOnAll(Entry... entries) {
        for (Planted replica : List.of(one, two, three)) {
            replica.has(entries);
            replica.commitIndex = entries.length;
        }
        invariants.onWrite(one, EntryId.ZERO, List.of(entries));
        invariants.onTurn(one);
    }

    private static void caught(String invariant, Executable violation) {
        String message = assertThrows(InvariantBroken.class, violation).getMessage();
        assertTrue(message.startsWith(invariant + ":"), message);
    }

    private static Entry entry(long index, long term, String command) {
        return Entry.of(index, term, Entry.Kind.COMMAND, 0, bytes(command));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(java.nio.charset.StandardCharsets.UTF_8);
    }
}
