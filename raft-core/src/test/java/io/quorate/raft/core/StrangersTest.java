package io.quorate.raft.core;

import static io.quorate.raft.core.Cluster.T;
import static io.quorate.raft.core.Cluster.id;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.core.NodeStatus.RoleName;
import io.quorate.raft.testing.RecordedEffects.Readable;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Who is not a voter of this membership counts for nothing, whatever he says: not a stranger, not a node's earlier disk, not a learner.
 */
class StrangersTest {

    private static final Membership MEMBERSHIP = new Membership(1, Cluster.members(1, 2, 3), List.of(), Cluster.members(4));

    private static ReplicaId stranger(String who) {
        return switch (who) {
            case "a stranger" -> id(9);
            case "another disk of node 2" -> new ReplicaId(2, 0xBAD);
            case "a learner" -> id(4);
            default -> throw new IllegalArgumentException(who);
        };
    }

    @ParameterizedTest
    @ValueSource(strings = {"a stranger", "another disk of node 2", "a learner"})
    void aStrangersPreVoteCountsForNothing(String who) {
        Cluster c = group();
        c.timeout(1);
        long round = c.take(Message.PreVote.class, 1, 2).round();
        c.deliver(new Message.PreVoteAnswer(stranger(who), id(1), 0, null, round, 0));
        assertEquals(RoleName.PRE_CANDIDATE, c.role(1));
    }

    @ParameterizedTest
    @ValueSource(strings = {"a stranger", "another disk of node 2", "a learner"})
    void aStrangersVoteCountsForNothing(String who) {
        Cluster c = group();
        c.timeout(1);
        c.deliver(Message.PreVote.class, 1, 2);
        c.deliver(Message.PreVoteAnswer.class, 2, 1);
        c.write(1);
        c.deliver(new Message.Vote(stranger(who), id(1), 1, null));
        assertEquals(RoleName.CANDIDATE, c.role(1));
    }

    @ParameterizedTest
    @ValueSource(strings = {"a stranger", "another disk of node 2", "a learner"})
    void aStrangersDiskCountsForNoCommit(String who) {
        Cluster c = group();
        c.elect(1, 2);
        c.writeAll(1);
        c.deliver(new Message.AppendAccepted(stranger(who), id(1), 1, 1, 1, 1, 0, 0));
        assertEquals(0, c.commit(1));
    }

    @ParameterizedTest
    @ValueSource(strings = {"a stranger", "another disk of node 2", "a learner"})
    void aStrangersEchoConfirmsNoRound(String who) {
        Cluster c = group();
        c.elect(1, 2);
        c.settle(1, 2);
        c.dropAll();
        c.read(1);
        c.deliver(new Message.AppendAccepted(stranger(who), id(1), 1, 0, 0, 2, 0, 0));
        c.deliver(new Message.AppendRejected(stranger(who), id(1), 1, EntryId.ZERO, EntryId.ZERO, 2));
        assertEquals(List.of(), c.takeEffects(1, Readable.class));
        c.settle(1, 2);
        assertEquals(1, c.takeEffects(1, Readable.class).size());
    }

    /** So neither does it keep a leader in office that hears nobody else. */
    @ParameterizedTest
    @ValueSource(strings = {"a stranger", "another disk of node 2", "a learner"})
    void aStrangersEchoKeepsNoLeaderInOffice(String who) {
        Cluster c = group();
        c.elect(1, 2);
        c.settle(1, 2);
        for (int i = 0; i < 30 && c.role(1) == RoleName.LEADER; i++) {
            c.timeout(1);
            c.dropAll();
            c.deliver(new Message.AppendAccepted(stranger(who), id(1), 1, 1, 1, i, 0, 0));
        }
        assertEquals(RoleName.FOLLOWER, c.role(1));
        assertEquals(1, c.term(1));
    }

    /** A learner receives the log like everyone. */
    @Test
    void aLearnerReceivesTheLog() {
        Cluster c = group();
        c.elect(1, 2);
        c.settle();
        c.propose(1);
        c.settle();
        assertEquals("1 1", c.disk(4));
        assertEquals(2, c.commit(4));
    }

    /** What was meant for an earlier life of this node is not for this one: neither its term nor anything else is taken from it. */
    @Test
    void aMessageToAPreviousIncarnationIsIgnored() {
        ReplicaId previous = new ReplicaId(1, 0xDEAD);
        List<Message> messages = List.of(
            new Message.AppendEntries(id(2), previous, 7, EntryId.ZERO, List.of(Cluster.entry(1, 7)), 1, 0, 1),
            new Message.AppendAccepted(id(2), previous, 7, 0, 0, 0, 0, 0),
            new Message.AppendRejected(id(2), previous, 7, EntryId.ZERO, EntryId.ZERO, 0),
            new Message.PreVote(id(2), previous, 7, EntryId.ZERO, 0),
            new Message.PreVoteAnswer(id(2), previous, 7, Message.Denial.HEARS_LEADER, 0, 0),
            new Message.RequestVote(id(2), previous, 7, EntryId.ZERO, 0),
            new Message.Vote(id(2), previous, 7, Message.Denial.HEARS_LEADER));
        Cluster c = group();
        String before = c.node(1).toString();
        for (Message message : messages) {
            c.deliver(message);
            assertEquals(before, c.node(1).toString(), message::toString);
            assertEquals(List.of(), c.pending(1));
            assertEquals(List.of(), c.network());
        }
    }

    /** Votes that the previous incarnation of a candidate has won are not this one's. */
    @Test
    void aVoteForAPreviousIncarnationIsNotCounted() {
        Cluster c = group();
        c.timeout(1);
        c.deliver(Message.PreVote.class, 1, 2);
        c.deliver(Message.PreVoteAnswer.class, 2, 1);
        c.write(1);
        c.deliver(new Message.Vote(id(2), new ReplicaId(1, 0xDEAD), 1, null));
        assertEquals(RoleName.CANDIDATE, c.role(1));
        c.deliver(new Message.Vote(id(2), id(1), 1, null));
        assertEquals(RoleName.LEADER, c.role(1));
    }

    /** Whether somebody may ask for votes is not for the voter's membership to say: it may be the voter that is behind (thesis 4.2.2). */
    @Test
    void aVoteIsGrantedToWhomTheVotersMembershipDoesNotName() {
        Cluster c = group();
        c.pass(T);
        c.deliver(new Message.RequestVote(id(9), id(1), 1, EntryId.ZERO, 0));
        c.writeAll(1);
        assertTrue(c.sent(Message.Vote.class, 1, 9).get(0).granted());
    }

    private static Cluster group() {
        return Cluster.of(RaftConfig.DEFAULT, MEMBERSHIP, 0, "", "", "", "");
    }
}
