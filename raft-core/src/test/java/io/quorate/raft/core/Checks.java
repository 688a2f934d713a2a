package io.quorate.raft.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.core.NodeStatus.RoleName;
import io.quorate.raft.testing.RecordedEffects;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What must hold whatever a script does: remembers the whole history of a {@link Cluster} and fails where a new event contradicts it. */
final class Checks {

    private final Membership founding;
    private final Map<Long, ReplicaId> leaders = new HashMap<>();        // by term
    private final Map<EntryId, Entry> entries = new HashMap<>();
    private final Map<Long, EntryId> committed = new HashMap<>();        // by index
    private final Map<ReplicaId, NodeStatus> lastSeen = new HashMap<>();
    private final Map<ReplicaId, Set<EntryId>> durable = new HashMap<>();   // what a disk has ever held
    private final Set<List<Membership>> intersecting = new HashSet<>();     // pairs that were found to be safe
    private final Map<EntryId, Membership> installed = new HashMap<>();     // by the last entry of a snapshot
    private long committedIndex;

    Checks(Membership founding) {
        this.founding = founding;
    }

    /** Term and index name one content, for ever. */
    void onDisk(List<Entry> written) {
        for (Entry entry : written) {
            Entry known = entries.putIfAbsent(entry.id(), entry);
            assertTrue(known == null || known.equals(entry), () -> "two contents of " + entry.id());
        }
    }

    void onDurable(ReplicaId replica, List<Entry> written) {
        Set<EntryId> held = durable.computeIfAbsent(replica, id -> new HashSet<>());
        written.forEach(entry -> held.add(entry.id()));
    }

    /** Nothing is said before what it rests on is durable. */
    void onSend(Message message, TestDisk disk) {
        HardState hardState = disk.hardState();
        assertTrue(message.term() <= hardState.term(), () -> "said before its term was durable: " + message);
        if (message instanceof Message.Vote vote && vote.granted()) {
            assertEquals(new HardState(vote.term(), vote.to(), hardState.commitIndex()), hardState, "granted before durable");
        } else if (message instanceof Message.RequestVote request) {
            assertEquals(new HardState(request.term(), request.from(), hardState.commitIndex()), hardState, "asked before durable");
            assertEquals(disk.last(), request.last(), "advertised before durable");
        } else if (message instanceof Message.AppendAccepted accepted) {
            assertTrue(accepted.matchIndex() <= disk.lastIndex(), () -> "acknowledged before durable: " + accepted);
        } else if (message instanceof Message.AppendEntries append) {
            ReplicaId leader = leaders.putIfAbsent(append.term(), append.from());
            assertTrue(leader == null || leader.equals(append.from()), () -> "two leaders of term " + append.term());
        }
    }

    /** Everybody applies the same entries in the same order, and only what its own disk holds. */
    void onApply(List<Entry> applied, long expectedFirst, TestDisk disk) {
        long index = expectedFirst;
        for (Entry entry : applied) {
            assertEquals(index, entry.index(), "applied out of order");
            assertEquals(List.of(entry), disk.read(index, index, Long.MAX_VALUE), "applied before durable");
            EntryId known = committed.putIfAbsent(index, entry.id());
            assertTrue(known == null || known.equals(entry.id()), () -> "applied " + entry.id() + " where " + known + " is committed");
            index++;
        }
    }

    /** The machine has done all it was given before the log under it goes, and nothing that is not committed is put in its place. */
    void onInstall(RecordedEffects.Install install, long given, long applied) {
        assertEquals(given, applied, () -> "installs over what is still being applied: " + install);
        SnapshotId snapshot = install.snapshot();
        installed.put(snapshot.last(), snapshot.membership());
        EntryId known = committed.putIfAbsent(snapshot.index(), snapshot.last());
        assertTrue(known == null || known.equals(snapshot.last()), () -> "installs " + snapshot + " where " + known + " is committed");
    }

    /** A machine goes forward only, to what all others have applied. */
    void onRestore(List<Entry> state, long given) {
        assertTrue(state.size() > given, () -> "restored to " + state.size() + ", but it has applied " + given);
        long index = 0;
        for (Entry entry : state) {
            assertEquals(++index, entry.index());
            EntryId known = committed.putIfAbsent(index, entry.id());
            assertTrue(known == null || known.equals(entry.id()), () -> "restored " + entry.id() + " where " + known + " is committed");
        }
    }

    /** What it had only in mind is gone, a term that was not durable too. */
    void onCrash(ReplicaId id, HardState durable) {
        lastSeen.computeIfPresent(id, (same, status) -> status.term() > durable.term() ? null : status);
    }

    /** One leader in a term; terms and commits never go back; what is committed stays. */
    void onNode(RaftNode node) {
        if (node.role() == RoleName.LEADER) {
            ReplicaId leader = leaders.putIfAbsent(node.term(), node.self());
            assertTrue(leader == null || leader.equals(node.self()),
                () -> "two leaders of term " + node.term() + ": " + leader + ", " + node);
        }
        NodeStatus status = node.status();
        NodeStatus before = lastSeen.put(node.self(), status);
        assertTrue(before == null || before.term() <= status.term(), () -> "term went back: " + node);
        assertTrue(status.commitIndex() <= status.lastIndex() && status.durableIndex() <= status.lastIndex(), node::toString);
        for (long index = Math.max(1, status.firstIndex() - 1); index <= status.commitIndex(); index++) {
            EntryId here = node.log().idAt(index);
            EntryId known = committed.putIfAbsent(index, here);
            assertTrue(known == null || known.equals(here), () -> here + " where " + known + " is committed: " + node);
        }
        if (node.role() == RoleName.LEADER && (before == null || before.role() != RoleName.LEADER)) {
            for (EntryId entry : committed.values()) {
                if (entry.term() < node.term() && entry.index() >= status.firstIndex() - 1) {
                    assertTrue(node.log().contains(entry), () -> "leader without the committed " + entry + ": " + node);
                }
            }
        }
        committedIndex = Math.max(committedIndex, status.commitIndex());
        onMemberships(node, before);
        assertNotNull(node.toString());
    }

    /** The last membership in the log is in force, one is uncommitted at most, none goes before the own term, and neighbours intersect. */
    private void onMemberships(RaftNode node, @Nullable NodeStatus before) {
        long base = node.log().firstIndex() - 1;
        Membership snapshot = base == 0 ? null : installed.get(node.log().idAt(base));
        Membership last = snapshot == null ? founding : snapshot;
        boolean mayLead = last.isVoter(node.self());
        int uncommitted = 0;
        for (long index = snapshot == null ? 1 : base + 1; index <= node.log().lastIndex(); index++) {
            Entry entry = entries.get(node.log().covers(index) ? node.log().idAt(index) : committed.get(index));
            if (entry.kind() != Entry.Kind.MEMBERSHIP) {
                continue;
            }
            Membership next = Membership.of(entry);
            assertEquals(last.version() + 1, next.version(), node::toString);
            assertIntersecting(last, next);
            last = next;
            mayLead = next.isVoter(node.self()) || mayLead && index > node.commitIndex();
            if (node.role() == RoleName.LEADER) {
                uncommitted += index > committedIndex ? 1 : 0;
                assertTrue(entry.term() < node.term() || node.log().termAt(node.commitIndex()) == node.term(),
                    () -> "a membership before the own term: " + node);
            }
        }
        assertEquals(last, node.membership(), () -> "in force is not the last in the log: " + node);
        assertTrue(uncommitted <= 1, () -> "more than one uncommitted membership: " + node);
        if (node.role() == RoleName.LEADER) {
            if (before == null || before.role() != RoleName.LEADER) {
                assertTrue(mayLead, () -> "leads and counts nowhere: " + node);
            } else if (before.commitIndex() < node.commitIndex()) {
                EntryId entry = node.log().idAt(node.commitIndex());
                Predicate<ReplicaId> has = id -> durable.getOrDefault(id, Set.of()).contains(entry);
                boolean isOnQuorum = isQuorum(before.membership(), has) || isQuorum(last, has);
                assertTrue(isOnQuorum, () -> "committed too early: " + entry + " by " + node);
            }
        }
    }

    /** No two sets of replicas that do not meet can both decide, the one by this membership and the other by that. */
    private void assertIntersecting(Membership one, Membership other) {
        if (!intersecting.add(List.of(one, other))) {
            return;
        }
        List<ReplicaId> all = Stream.concat(one.members().stream(), other.members().stream()).map(Member::id).distinct().toList();
        for (int bits = 0; bits < 1 << all.size(); bits++) {
            int some = bits;
            Predicate<ReplicaId> isIn = id -> (some >> all.indexOf(id) & 1) != 0;
            assertFalse(isQuorum(one, isIn) && isQuorum(other, isIn.negate()), () -> one + " and " + other + " can decide apart");
        }
    }

    private static boolean isQuorum(Membership membership, Predicate<ReplicaId> yes) {
        return isMajority(membership.voters(), yes) && (membership.outgoing().isEmpty() || isMajority(membership.outgoing(), yes));
    }

    private static boolean isMajority(List<Member> half, Predicate<ReplicaId> yes) {
        return 2 * half.stream().filter(member -> yes.test(member.id())).count() > half.size();
    }
}
