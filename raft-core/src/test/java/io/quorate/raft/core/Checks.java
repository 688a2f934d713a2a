package io.quorate.raft.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.core.NodeStatus.RoleName;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What must hold whatever a script does: remembers the whole history of a {@link Cluster} and fails where a new event contradicts it. */
final class Checks {

    private final Membership membership;
    private final Map<Long, ReplicaId> leaders = new HashMap<>();        // by term
    private final Map<EntryId, Entry> entries = new HashMap<>();
    private final Map<Long, EntryId> committed = new HashMap<>();        // by index
    private final Map<ReplicaId, NodeStatus> lastSeen = new HashMap<>();

    Checks(Membership membership) {
        this.membership = membership;
    }

    /** Term and index name one content, for ever. */
    void onDisk(List<Entry> written) {
        for (Entry entry : written) {
            Entry known = entries.putIfAbsent(entry.id(), entry);
            assertTrue(known == null || known.equals(entry), () -> "two contents of " + entry.id());
        }
    }

    /** Nothing is said before what it rests on is durable. */
    void onSend(Message message, HardState hardState, List<Entry> disk) {
        assertTrue(message.term() <= hardState.term(), () -> "said before its term was durable: " + message);
        if (message instanceof Message.Vote vote && vote.granted()) {
            assertEquals(new HardState(vote.term(), vote.to(), hardState.commitIndex()), hardState, "granted before durable");
        } else if (message instanceof Message.RequestVote request) {
            assertEquals(new HardState(request.term(), request.from(), hardState.commitIndex()), hardState, "asked before durable");
            EntryId last = disk.isEmpty() ? EntryId.ZERO : disk.get(disk.size() - 1).id();
            assertEquals(last, request.last(), "advertised before durable");
        } else if (message instanceof Message.AppendAccepted accepted) {
            assertTrue(accepted.matchIndex() <= disk.size(), () -> "acknowledged before durable: " + accepted);
        } else if (message instanceof Message.AppendEntries append) {
            ReplicaId leader = leaders.putIfAbsent(append.term(), append.from());
            assertTrue(leader == null || leader.equals(append.from()), () -> "two leaders of term " + append.term());
        }
    }

    /** Everybody applies the same entries in the same order, and only what its own disk holds. */
    void onApply(List<Entry> applied, long expectedFirst, List<Entry> disk) {
        long index = expectedFirst;
        for (Entry entry : applied) {
            assertEquals(index, entry.index(), "applied out of order");
            assertTrue(index <= disk.size() && disk.get((int) index - 1).equals(entry), () -> "applied before durable: " + entry);
            EntryId known = committed.putIfAbsent(index, entry.id());
            assertTrue(known == null || known.equals(entry.id()), () -> "applied " + entry.id() + " where " + known + " is committed");
            index++;
        }
    }

    /** One leader in a term; terms and commits never go back; what is committed stays. */
    void onNode(RaftNode node) {
        if (node.role() == RoleName.LEADER) {
            ReplicaId leader = leaders.putIfAbsent(node.term(), node.self());
            assertTrue(leader == null || leader.equals(node.self()),
                () -> "two leaders of term " + node.term() + ": " + leader + ", " + node);
            assertTrue(node.memberships().mayCount(node.self()));
        }
        NodeStatus status = node.status();
        NodeStatus before = lastSeen.put(node.self(), status);
        assertTrue(before == null || before.term() <= status.term(), () -> "term went back: " + node);
        assertTrue(status.commitIndex() <= status.lastIndex() && status.durableIndex() <= status.lastIndex(), node::toString);
        for (long index = 1; index <= status.commitIndex(); index++) {
            EntryId here = node.log().idAt(index);
            EntryId known = committed.putIfAbsent(index, here);
            assertTrue(known == null || known.equals(here), () -> here + " where " + known + " is committed: " + node);
        }
        if (node.role() == RoleName.LEADER && (before == null || before.role() != RoleName.LEADER)) {
            for (EntryId entry : committed.values()) {
                if (entry.term() < node.term()) {
                    assertTrue(node.log().contains(entry), () -> "leader without the committed " + entry + ": " + node);
                }
            }
        }
        assertNotNull(node.toString());
    }
}
