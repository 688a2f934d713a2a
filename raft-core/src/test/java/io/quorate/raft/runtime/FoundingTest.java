package io.quorate.raft.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.ClusterId;
import io.quorate.raft.FoundingMessage;
import io.quorate.raft.FoundingRecord;
import io.quorate.raft.ServerStatus;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.ReplicaId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Predicate;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class FoundingTest {

    private static final Map<Integer, String> THREE = Map.of(1, "a", 2, "b", 3, "c");
    private static final long STEP = 20_000_000;

    /** A node with its disk: what it would do with a process around it. */
    private static final class Node {
        final ReplicaId self;
        final Map<Integer, String> members;
        @Nullable FoundingRecord durable;
        @Nullable Founding founding;      // null while it is down

        Node(int nodeId, long incarnation, Map<Integer, String> members) {
            self = new ReplicaId(nodeId, incarnation);
            this.members = members;
        }
    }

    private final Map<Integer, Node> nodes = new TreeMap<>();
    private final List<FoundingMessage> sent = new ArrayList<>();       // under way
    private final List<FoundingMessage> history = new ArrayList<>();    // everything that was ever sent
    private final SplittableRandom random = new SplittableRandom(7);
    private final List<FoundingRecord> adopted = new ArrayList<>();     // every record that became durable anywhere
    private final Set<FoundingRecord> established = new HashSet<>();    // every record that a majority once held
    private long incarnations = 100;
    private long now = Long.MAX_VALUE - 500_000_000;                    // wraps around during the tests

    @Test
    void threeBlankNodesFoundOneGroupThatNamesThemAll() {
        startAll();
        run(1500);

        FoundingRecord record = nodes.get(1).durable;
        assertNotNull(record);
        assertEquals(record, nodes.get(2).durable);
        assertEquals(record, nodes.get(3).durable);
        assertEquals(0, record.epoch());
        assertEquals(Membership.of(1, List.of(new Member(nodes.get(1).self, "a"), new Member(nodes.get(2).self, "b"),
            new Member(nodes.get(3).self, "c"))), record.membership());
        for (Node node : nodes.values()) {
            assertNull(node.founding.problem(now));
        }
    }

    @Test
    void aNodeAloneFoundsItsGroupAtOnce() {
        start(1, Map.of(1, "a"));
        turn(nodes.get(1));
        assertEquals(List.of(new Member(nodes.get(1).self, "a")), nodes.get(1).durable.membership().voters());
        assertEquals(List.of(), sent);
    }

    @Test
    void nothingIsFoundedWhileOneIsMissingAndTheProblemNamesIt() {
        start(1, THREE);
        start(2, THREE);
        run(3000);
        assertNull(nodes.get(1).durable);
        assertNull(nodes.get(2).durable);
        assertTrue(nodes.get(1).founding.problem(now).contains("no answer from nodes [3]"), nodes.get(1).founding.problem(now));

        start(3, THREE);
        run(1500);
        assertNotNull(nodes.get(3).durable);
    }

    @Test
    void nothingIsFoundedAmongNodesThatDisagreeAndTheProblemNamesThem() {
        start(1, THREE);
        start(2, THREE);
        start(3, Map.of(1, "a", 2, "b", 3, "elsewhere"));
        run(3000);
        assertEquals(List.of(), adopted);
        assertTrue(nodes.get(1).founding.problem(now).contains("nodes [3] were started with other initial members"),
            nodes.get(1).founding.problem(now));
        assertTrue(nodes.get(3).founding.problem(now).contains("nodes [1, 2]"), nodes.get(3).founding.problem(now));
    }

    @Test
    void aFounderThatDiesBeforeItsRecordIsDurableHasFoundedNothing() {
        startAll();
        runUntilFounding(nodes.get(1));
        crash(1);
        run(1000);
        assertEquals(List.of(), adopted);

        restart(1);
        run(1500);
        assertEquals(1, new HashSet<>(adopted).size());
        assertEquals(3, adopted.size());
    }

    @Test
    void aFounderThatDiesBeforeItTellsFinishesAfterItsRestart() {
        startAll();
        FoundingRecord record = runUntilFounding(nodes.get(1));
        nodes.get(1).durable = record;
        crash(1);
        run(1000);
        assertNull(nodes.get(2).durable);
        assertNull(nodes.get(3).durable);

        restart(1);
        run(500);
        assertEquals(record, nodes.get(2).durable);
        assertEquals(record, nodes.get(3).durable);
    }

    @Test
    void whomTheMembershipNamesIsLetInThoughTheGroupWasFoundedWithoutHim() {
        startAll();
        run(1500);
        wipe(3);
        start(4, Map.of(2, "b", 4, "d"));
        run(3000);
        FoundingRecord record = nodes.get(1).durable;
        ReplicaId wiped = nodes.get(3).self;
        ReplicaId fresh = nodes.get(4).self;
        assertNull(nodes.get(3).durable);
        assertNull(nodes.get(4).durable);
        assertEquals(List.of(wiped, fresh), nodes.get(2).founding.strangers(now).stream().map(ServerStatus.Stranger::replica).toList());
        assertEquals("at-4", nodes.get(2).founding.strangers(now).get(1).address());
        assertEquals(List.of(wiped), nodes.get(1).founding.strangers(now).stream().map(ServerStatus.Stranger::replica).toList());

        List<Member> founders = record.membership().voters();
        Membership present = new Membership(5, founders, List.of(), List.of(new Member(wiped, "c"), new Member(fresh, "d")));
        nodes.get(2).founding.present(present);
        assertEquals(List.of(), nodes.get(2).founding.strangers(now));
        run(1000);
        assertEquals(record, nodes.get(3).durable);
        assertEquals(record, nodes.get(4).durable);
        assertEquals(present, nodes.get(4).founding.told());
        assertNull(nodes.get(4).founding.problem(now));
    }

    @Test
    void whomTheMembershipNamesInAnotherLifeStaysOut() {
        startAll();
        run(1500);
        wipe(3);
        ReplicaId another = new ReplicaId(3, 7777);
        nodes.get(2).founding.present(new Membership(5, nodes.get(1).durable.membership().voters(), List.of(),
            List.of(new Member(another, "c"))));
        run(3000);
        assertNull(nodes.get(3).durable);
        assertTrue(nodes.get(3).founding.isLeftOut());
    }

    @Test
    void strangersAreFewAndForgottenWhenTheyGo() {
        startAll();
        run(1500);
        Founding two = nodes.get(2).founding;
        for (int i = 0; i < 100; i++) {
            now += 1_000_000;
            two.step(new FoundingMessage(9, 5000 + i, 2, 0, 0, null, true, null, "x"), now);
        }
        assertEquals(Strangers.KEPT_MAX, two.strangers(now).size());
        assertTrue(two.strangers(now).stream().anyMatch(stranger -> stranger.replica().incarnation() == 5099), "the last that asked");
        assertTrue(two.takeNews());
        run(Strangers.KEPT_NANOS / 1_000_000 + 1000);
        assertEquals(List.of(), two.strangers(now));
        assertTrue(two.takeNews(), "who goes is no longer to be found");
        assertFalse(two.takeNews());
    }

    @Test
    void aFoundedReplicaDoesNotLookAtWhomItWasStartedWith() {
        start(1, Map.of(1, "a"));
        turn(nodes.get(1));
        Founding again = new Founding(nodes.get(1).self, Map.of(7, "g"), nodes.get(1).durable, random.split(), sent::add, () -> "a", now);
        assertFalse(again.isBlank());
        assertNull(again.turn(now));
    }

    @Test
    void nothingIsToldBeforeItIsDurable() {
        startAll();
        runUntilFounding(nodes.get(1));
        assertTrue(history.stream().allMatch(message -> message.founding() == null));
        nodes.get(1).founding.step(new FoundingMessage(2, nodes.get(2).self.incarnation(), 1, 0, 0, null, true), now);
        assertTrue(history.stream().allMatch(message -> message.founding() == null));
    }

    @Test
    void aLostTellingIsMadeUpForByTheNextQuestion() {
        startAll();
        FoundingRecord record = runUntilFounding(nodes.get(1));
        found(nodes.get(1), record);
        sent.clear();
        assertNull(nodes.get(2).durable);
        run(500);
        assertEquals(record, nodes.get(2).durable);
        assertEquals(record, nodes.get(3).durable);
    }

    @Test
    void theWipedNodeWithTheLowestIdFoundsNoSecondGroup() {
        startAll();
        run(1500);
        ClusterId group = nodes.get(2).durable.clusterId();
        ReplicaId before = nodes.get(1).self;
        wipe(1);
        run(5000);

        assertNull(nodes.get(1).durable);
        assertTrue(nodes.get(1).founding.isLeftOut());
        String problem = nodes.get(1).founding.problem(now);
        assertEquals("blank directory, but the group " + group + " was founded without it (node 1 then had another data directory, "
            + before + "); name " + nodes.get(1).self + " in a change of the membership to let it in, or put the original directory back"
            + " if there still is one (an older copy of it is not safe). The group goes on without this node as long as a majority runs",
            problem);
        assertEquals("node 1 runs on a blank data directory, " + nodes.get(1).self + ", which is not the group's member and counts for"
            + " nothing; name it in a change of the membership to let it in", nodes.get(2).founding.stranger(1, now));
        assertNull(nodes.get(2).founding.stranger(3, now));
        crash(1);
        run(6000);
        assertNull(nodes.get(2).founding.stranger(1, now), "it is gone");
    }

    @Test
    void aWipedNodeAmongBlankOnesThatAreDownWaits() {
        startAll();
        run(1500);
        crash(2);
        crash(3);
        wipe(1);
        sent.clear();
        run(5000);
        assertNull(nodes.get(1).durable);
    }

    @Test
    void oneFoundedMemberIsEnoughToKeepWipedOnesFromFounding() {
        startAll();
        run(1500);
        wipe(1);
        wipe(2);
        run(5000);
        assertNull(nodes.get(1).durable);
        assertNull(nodes.get(2).durable);
    }

    @Test
    void aGroupWhoseNodesAreAllWipedIsFoundedAnew() {
        startAll();
        run(1500);
        FoundingRecord old = nodes.get(1).durable;
        wipe(1);
        run(500);
        wipe(2);
        wipe(3);
        run(4000);
        FoundingRecord fresh = nodes.get(1).durable;
        assertNotNull(fresh);
        assertNotEquals(old.clusterId(), fresh.clusterId());
        assertEquals(fresh, nodes.get(2).durable);
        assertEquals(fresh, nodes.get(3).durable);
    }

    @Test
    void answersToAnEarlierLifeOfANodeTellItNothing() {
        startAll();
        run(60);
        List<FoundingMessage> blankAnswers = history.stream().filter(message -> !message.isQuestion() && message.to() == 1
            && message.founding() == null).toList();
        assertFalse(blankAnswers.isEmpty());
        run(1500);
        crash(2);
        crash(3);
        wipe(1);
        for (int i = 0; i < 20; i++) {
            blankAnswers.forEach(message -> nodes.get(1).founding.step(message, now));
            run(100);
        }
        assertNull(nodes.get(1).durable, "founded a second group on old answers");
    }

    @Test
    void oldAnswersDoNotCount() {
        startAll();
        Founding one = nodes.get(1).founding;
        FoundingMessage two = answer(2, nodes.get(2).self.incarnation());
        FoundingMessage three = answer(3, nodes.get(3).self.incarnation());
        one.step(two, now);
        now += Founding.FRESH_NANOS;
        one.step(three, now);
        assertNull(one.turn(now));
        one.step(two, now);
        assertNotNull(one.turn(now));
    }

    @Test
    void aNodeThatSpeaksAsTwoDirectoriesIsNotCountedUntilItHasSettled() {
        startAll();
        Founding one = nodes.get(1).founding;
        long real = nodes.get(2).self.incarnation();
        FoundingMessage three = answer(3, nodes.get(3).self.incarnation());
        one.step(answer(2, 999), now);          // an answer of a life of node 2 that has just ended
        one.step(answer(2, real), now);
        one.step(three, now);
        assertNull(one.turn(now));
        FoundingRecord record = null;
        for (int i = 0; i < 12 && record == null; i++) {
            now += 100_000_000;
            one.step(answer(2, real), now);
            one.step(three, now);
            record = one.turn(now);
        }
        assertNotNull(record);
        assertNotNull(record.membership().member(nodes.get(2).self));
    }

    @Test
    void aRecordThatDoesNotNameThisDirectoryIsNotAdopted() {
        start(2, THREE);
        Founding two = nodes.get(2).founding;
        Membership others = Membership.of(1, List.of(new Member(new ReplicaId(2, 1), "b"), new Member(new ReplicaId(1, 1), "a")));
        two.step(new FoundingMessage(1, 1, 2, nodes.get(2).self.incarnation(), 0, new FoundingRecord(new ClusterId(1, 2), 0, others),
            false), now);
        assertNull(two.turn(now));
        assertTrue(two.problem(now).contains("then had another data directory, " + new ReplicaId(2, 1)), two.problem(now));

        Membership stranger = Membership.of(1, List.of(new Member(new ReplicaId(1, 1), "a")));
        two.step(new FoundingMessage(1, 1, 2, nodes.get(2).self.incarnation(), 0, new FoundingRecord(new ClusterId(1, 2), 0, stranger),
            false), now);
        assertTrue(two.problem(now).contains("node 2 was not among its members"), two.problem(now));
    }

    @Test
    void messagesForOthersAndFromItselfAreIgnored() {
        start(1, Map.of(1, "a", 2, "b"));
        Founding one = nodes.get(1).founding;
        one.step(new FoundingMessage(2, 5, 3, 0, 0, null, true), now);
        one.step(new FoundingMessage(1, 5, 1, 0, 0, null, true), now);
        assertEquals(List.of(), sent);
    }

    @Test
    void aQuestionAloneIsNoAnswer() {
        startAll();
        Founding one = nodes.get(1).founding;
        one.step(new FoundingMessage(2, nodes.get(2).self.incarnation(), 1, 0, Founding.digest(THREE), null, true), now);
        one.step(new FoundingMessage(3, nodes.get(3).self.incarnation(), 1, 0, Founding.digest(THREE), null, true), now);
        assertNull(one.turn(now));
    }

    @Test
    void questionsKeepTheirDistance() {
        start(1, Map.of(1, "a", 2, "b"));
        Founding one = nodes.get(1).founding;
        one.turn(now);
        assertEquals(1, sent.size());
        long pause = one.deadline() - now;
        assertTrue(pause >= Founding.ASK_NANOS && pause < 2 * Founding.ASK_NANOS, "" + pause);
        one.turn(now + pause - 1);
        assertEquals(1, sent.size());
        one.turn(now + pause);
        assertEquals(2, sent.size());
    }

    @Test
    void theDigestDependsOnIdsAndAddressesAndNotOnTheirOrder() {
        assertEquals(Founding.digest(new TreeMap<>(THREE)), Founding.digest(new HashMap<>(THREE)));
        assertNotEquals(Founding.digest(Map.of(1, "a")), Founding.digest(Map.of(2, "a")));
        assertNotEquals(Founding.digest(Map.of(1, "a")), Founding.digest(Map.of(1, "b")));
        assertNotEquals(Founding.digest(Map.of(1, "a\n2=b")), Founding.digest(Map.of(1, "a", 3, "b")));
    }

    @Test
    void aNodeThatIsNotAmongTheMembersIsTurnedAway() {
        assertThrows(IllegalArgumentException.class, () -> start(4, THREE));
    }

    /**
     * Crashes, wipes, losses, repetitions and old messages, in any order: no node adopts a record that does not name it, no second group
     * arises beside one that lives, and when all can talk again there is a group.
     */
    @Property(tries = 800)
    void whateverHappensNoSecondGroupArises(@ForAll long seed) {
        nodes.clear();
        sent.clear();
        history.clear();
        adopted.clear();
        established.clear();
        now = 0;
        SplittableRandom chance = new SplittableRandom(seed);
        Map<Integer, String> members = chance.nextBoolean() ? THREE : Map.of(1, "a", 2, "b", 3, "c", 4, "d", 5, "e");
        int wipes = 1 + chance.nextInt(members.size() - 1);
        Set<Integer> deaf = new HashSet<>();
        members.keySet().forEach(nodeId -> start(nodeId, members));
        for (int i = 0; i < 500; i++) {
            now += chance.nextLong(80_000_000);
            int nodeId = 1 + chance.nextInt(members.size());
            Node node = nodes.get(nodeId);
            int choice = chance.nextInt(100);
            if (choice < 3) {
                crash(nodeId);
            } else if (choice < 5 && wipes > 0) {
                wipes--;
                wipe(chance.nextBoolean() ? 1 : nodeId);     // the founder's is the one that matters most
            } else if (choice < 9 && !deaf.remove(nodeId)) {
                deaf.add(nodeId);
            } else if (choice < 12 && node.founding == null) {
                restart(nodeId);
            } else if (choice < 17 && !history.isEmpty()) {
                deliver(history.get(chance.nextInt(history.size())));
            } else if (choice < 50 && !sent.isEmpty()) {
                FoundingMessage message = sent.remove(chance.nextInt(sent.size()));
                if (chance.nextInt(10) > 0 && !deaf.contains(message.to())) {
                    deliver(message);
                }
            } else if (node.founding != null) {
                FoundingRecord record = node.founding.turn(now);
                if (record != null && chance.nextInt(4) == 0) {
                    crash(nodeId);                          // before it is durable
                } else if (record != null && chance.nextInt(4) == 0) {
                    node.durable = record;
                    adopted.add(record);
                    crash(nodeId);                          // after, and before anybody hears of it
                } else if (record != null) {
                    found(node, record);
                }
            }
            assertOneGroup(members.size());
        }
        for (Node node : nodes.values()) {
            if (node.founding == null) {
                restart(node.self.nodeId());
            }
        }
        run(4000);
        assertOneGroup(members.size());
        Set<FoundingRecord> groups = new HashSet<>();
        for (Node node : nodes.values()) {
            if (node.durable == null) {
                assertNotNull(node.founding.problem(now), "node " + node.self + " is blank and says nothing");
            } else {
                groups.add(node.durable);
            }
        }
        assertFalse(groups.isEmpty(), "everybody talks, and nobody has founded");
    }

    /**
     * A record that a majority held at one time may stand for acknowledged commands, and as long as a majority of its data directories has
     * not been wiped they are not lost: no other such group may arise beside it.
     */
    private void assertOneGroup(int size) {
        Map<FoundingRecord, Integer> holders = new HashMap<>();
        for (Node node : nodes.values()) {
            FoundingRecord record = node.durable;
            if (record != null) {
                assertNotNull(record.membership().member(node.self), node.self + " adopted " + record);
                holders.merge(record, 1, Integer::sum);
            }
        }
        holders.forEach((record, count) -> {
            if (count > size / 2) {
                established.add(record);
            }
        });
        List<FoundingRecord> living = established.stream().filter(record -> record.membership().voters().stream()
            .filter(member -> nodes.get(member.id().nodeId()).self.equals(member.id())).count() > size / 2).toList();
        assertTrue(living.size() <= 1, () -> "a second group arose beside one that still lives: " + living);
    }

    // ------------------------------------------------------------------------------------------------------------------- the little world

    private FoundingMessage answer(int from, long incarnation) {
        return new FoundingMessage(from, incarnation, 1, nodes.get(1).self.incarnation(), Founding.digest(THREE), null, false);
    }

    private void startAll() {
        start(1, THREE);
        start(2, THREE);
        start(3, THREE);
    }

    private void start(int nodeId, Map<Integer, String> members) {
        nodes.put(nodeId, new Node(nodeId, incarnations++, members));
        restart(nodeId);
    }

    private void restart(int nodeId) {
        Node node = nodes.get(nodeId);
        node.founding = new Founding(node.self, node.members, node.durable, random.split(), message -> {
            sent.add(message);
            history.add(message);
        }, () -> "at-" + nodeId, now);
    }

    private void crash(int nodeId) {
        nodes.get(nodeId).founding = null;
    }

    private void wipe(int nodeId) {
        start(nodeId, nodes.get(nodeId).members);
    }

    private void deliver(FoundingMessage message) {
        Node to = nodes.get(message.to());
        if (to != null && to.founding != null) {
            to.founding.step(message, now);
        }
    }

    private void found(Node node, FoundingRecord record) {
        node.durable = record;
        adopted.add(record);
        node.founding.founded(record);
    }

    private void turn(Node node) {
        FoundingRecord record = node.founding == null ? null : node.founding.turn(now);
        if (record != null) {
            assertNull(node.durable, "founded twice");
            found(node, record);
        }
    }

    private void run(long millis) {
        runUntil(millis, node -> false);
    }

    private FoundingRecord runUntilFounding(Node founder) {
        runUntil(3000, node -> node == founder && node.founding.turn(now) != null);
        FoundingRecord record = founder.founding.turn(now);
        assertNotNull(record);
        return record;
    }

    private void runUntil(long millis, Predicate<Node> isEnough) {
        long end = now + millis * 1_000_000;
        while (end - now > 0) {
            now += STEP;
            List<FoundingMessage> arriving = new ArrayList<>(sent);
            sent.clear();
            arriving.forEach(this::deliver);
            for (Node node : nodes.values()) {
                if (node.founding != null && isEnough.test(node)) {
                    return;
                }
                turn(node);
            }
        }
    }
}
