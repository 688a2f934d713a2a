package io.quorate.raft.core;

import static io.quorate.raft.core.Cluster.id;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.core.NodeStatus.RoleName;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Section 5.4 of the paper, sentence by sentence, and its figure 8. */
class Section54SafetyTest {

    /** "The voter denies its vote if its own log is more up-to-date than that of the candidate" (§5.4.1). */
    @ParameterizedTest
    @CsvSource({
        "1 1, 1, 1, false",      // same last term: the longer log is more up-to-date
        "1 1, 2, 1, true",
        "1 1, 3, 1, true",
        "1 1 1, 2, 2, true",     // "the log with the later term is more up-to-date", though it is shorter
        "1 2, 9, 1, false"})
    void theVoterDeniesItsVoteIfItsOwnLogIsMoreUpToDate(String log, long lastIndex, long lastTerm, boolean isGranted) {
        Cluster c = Cluster.of(log, "", "");
        EntryId last = new EntryId(lastTerm, lastIndex);
        c.deliver(new Message.PreVote(id(2), id(1), 2, last, 5));
        c.writeAll(1);
        assertEquals(isGranted, c.take(Message.PreVoteAnswer.class, 1, 2).granted());
        c.deliver(new Message.RequestVote(id(2), id(1), 3, last, 0));
        c.writeAll(1);
        assertEquals(isGranted, c.take(Message.Vote.class, 1, 2).granted());
        assertEquals(isGranted ? id(2) : null, c.hardState(1).votedFor());
    }

    /** "Raft uses the voting process to prevent a candidate from winning an election unless its log contains all committed entries." */
    @Test
    void aCandidateWithoutACommittedEntryCannotWin() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        c.propose(1);
        c.settle(1, 2);
        assertEquals(2, c.commit(1));
        c.crash(1);
        c.dropAll();
        for (int attempt = 0; attempt < 4; attempt++) {
            c.timeout(3);
            c.settle(2, 3);
            assertNotEquals(RoleName.LEADER, c.role(3));
        }
        c.elect(2, 3);
        c.settle(2, 3);
        assertEquals("1 1 2", c.log(3));
        assertEquals(3, c.commit(3));
    }

    /** "Only log entries from the leader's current term are committed by counting replicas" (§5.4.2): figure 8, steps (a) to (c). */
    @Test
    void raftNeverCommitsLogEntriesFromPreviousTermsByCountingReplicas() {
        Cluster c = figure8c();
        assertEquals("1 2", c.disk(2));
        assertEquals("1 2", c.disk(3));
        assertEquals("1 2 4", c.disk(1));
        assertEquals(2, c.node(1).status().peers().get(0).matchIndex());
        assertEquals(2, c.node(1).status().peers().get(1).matchIndex());
        assertEquals(0, c.commit(1));
        assertEquals(List.of(), c.applied(1));
    }

    /** Figure 8 (d): "S5 could be elected ... and overwrite the entry with its own entry from term 3." */
    @Test
    void figure8dAnOldEntryOnAMajorityIsOverwritten() {
        Cluster c = figure8c();
        c.crash(1);
        c.dropAll();
        c.restart(5);
        c.elect(5, 2, 3, 4);
        c.settle(2, 3, 4, 5);
        for (int n = 2; n <= 5; n++) {
            assertEquals("1 3 5", c.disk(n));
            assertEquals(3, c.commit(n));
        }
        c.restart(1);
        c.heartbeat(5);
        assertEquals("1 3 5", c.disk(1));
    }

    /** Figure 8 (e): "if S1 replicates an entry from its current term on a majority ... then this entry is committed (S5 cannot win)." */
    @Test
    void figure8eWithAnEntryOfItsOwnTermOnAMajorityTheOldOneIsCommittedToo() {
        Cluster c = figure8c();
        c.settle(1, 2, 3);
        assertEquals("1 2 4", c.disk(3));
        assertEquals(3, c.commit(1));
        c.crash(1);
        c.dropAll();
        c.restart(5);
        for (int attempt = 0; attempt < 5; attempt++) {
            c.pass(Cluster.T);
            c.timeout(5);
            c.settle(2, 3, 4, 5);
            assertNotEquals(RoleName.LEADER, c.role(5));
        }
        c.elect(3, 2, 4, 5);
        c.settle(2, 3, 4, 5);
        assertTrue(c.disk(5).startsWith("1 2 4"));
        assertEquals("2", c.disk(4).split(" ")[1]);
    }

    /** A new leader does not wait for a client: its first entry commits what it inherited (§8). */
    @Test
    void aNewLeaderCommitsWhatItInheritedWithAnEntryOfItsOwn() {
        Cluster c = Cluster.of("1 1", "1 1", "1");
        c.elect(1, 2);
        assertEquals(0, c.commit(1));
        c.settle(1, 2);
        assertEquals(3, c.commit(1));
        assertEquals(Entry.Kind.NO_OP, c.applied(1).get(2).kind());
    }

    /** The commit looks at the term of the entry that a quorum has reached, not at the first one on the way there. */
    @Test
    void inheritedEntriesDoNotHoldUpTheCommitOfTheLeadersOwn() {
        Cluster c = Cluster.of("1 2 3", "1", "1");
        c.elect(1, 2, 3);
        c.settle();
        assertEquals("1 2 3 4", c.log(3));
        assertEquals(4, c.commit(3));
    }

    /** Leader completeness over a chain of leaders: each entry once committed is in the log of every later leader (§5.4.3). */
    @Test
    void everyLaterLeaderHasEveryCommittedEntry() {
        Cluster c = Cluster.of(5);
        int[][] quorums = {{1, 2, 3}, {3, 4, 5}, {5, 1, 2}, {2, 3, 4}, {4, 5, 1}};
        for (int[] quorum : quorums) {
            int leader = electOneOf(c, quorum);
            c.propose(leader);
            c.settle(quorum);
            assertFalse(c.applied(leader).isEmpty());
            c.dropAll();
        }
        int leader = electOneOf(c, 1, 2, 3, 4, 5);
        c.settle();
        for (int n = 1; n <= 5; n++) {
            assertEquals(c.log(leader), c.disk(n));
        }
    }

    /** Elects whoever of these has the most up-to-date log. */
    private static int electOneOf(Cluster c, int... quorum) {
        int best = quorum[0];
        for (int n : quorum) {
            if (c.node(n).log().last().isAtLeast(c.node(best).log().last())) {
                best = n;
            }
        }
        int candidate = best;
        c.pass(10 * Cluster.T);
        c.elect(candidate, java.util.Arrays.stream(quorum).filter(n -> n != candidate).toArray());
        return candidate;
    }

    /** Figure 8 up to (c): the entry of term 2 stands on S1, S2 and S3; S1 leads term 4, whose first entry only S1 has. */
    private static Cluster figure8c() {
        RaftConfig oneEntryPerMessage = Cluster.config(1 << 20, 1 << 20, 1 << 20, 1, 1 << 20);
        Cluster c = Cluster.of(oneEntryPerMessage, Cluster.voters(5), 0, "1", "1", "1", "1", "1");
        // (a) S1 leads term 2 and replicates index 2 to S2 only.
        c.elect(1, 2, 3, 4, 5);
        c.settle(1, 2);
        assertEquals("1 2", c.disk(1));
        assertEquals("1 2", c.disk(2));
        // (b) S1 crashes; S5 is elected for term 3 by S3, S4 and itself, and has another entry at index 2.
        c.crash(1);
        c.dropAll();
        c.elect(5, 3, 4);
        c.writeAll(5);
        assertEquals("1 3", c.disk(5));
        // (c) S5 crashes; S1 restarts, is elected for term 4, and goes on replicating.
        c.crash(5);
        c.dropAll();
        c.restart(1);
        c.elect(1, 2, 3, 4);
        assertEquals(4, c.term(1));
        c.writeAll(1);
        while (c.node(1).status().peers().get(1).matchIndex() < 2) {   // S3, one message at a time, as far as index 2
            if (!c.sent(Message.AppendEntries.class, 1, 3).isEmpty()) {
                c.deliver(Message.AppendEntries.class, 1, 3);
            } else if (!c.sent(Message.AppendRejected.class, 3, 1).isEmpty()) {
                c.deliver(Message.AppendRejected.class, 3, 1);
            } else if (!c.sent(Message.AppendAccepted.class, 3, 1).isEmpty()) {
                c.deliver(Message.AppendAccepted.class, 3, 1);
            } else {
                c.write(3);
            }
            if (c.disk(3).equals("1 2")) {
                while (!c.sent(Message.AppendEntries.class, 1, 3).isEmpty()) {
                    c.take(Message.AppendEntries.class, 1, 3);   // index 3 does not arrive
                }
            }
        }
        c.deliver(Message.AppendEntries.class, 1, 2);   // S2: the first heartbeat, then the probe, which shows index 2
        c.deliver(Message.AppendEntries.class, 1, 2);
        c.deliver(Message.AppendAccepted.class, 2, 1);
        c.deliver(Message.AppendAccepted.class, 2, 1);
        return c;
    }
}
