package io.quorate.raft.netty;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.FoundingMessage;
import io.quorate.raft.Identity;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.netty.wire.RefusedCode;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class PeersTest {

    @Test
    void threeNodesOnFreePortsReachEachOther() {
        try (Node one = Node.start(Node.member(1)); Node two = Node.start(Node.member(2)); Node three = Node.start(Node.member(3))) {
            one.peers(two, three);
            two.peers(one, three);
            three.peers(one, two);
            one.reach(two);
            two.reach(one);
            one.reach(three);
            three.reach(two);
            assertNull(one.transport.trouble(2));
            assertNull(one.transport.trouble(9));
            assertTrue(one.transport.counters().bytesOut() > 0);
            assertTrue(two.transport.counters().bytesIn() > 0);
        }
    }

    @Test
    void messagesArriveInTheOrderInWhichTheyWereSent() {
        try (Node one = Node.start(Node.member(1)); Node two = Node.start(Node.member(2))) {
            one.peers(two);
            one.reach(two);
            List<Message> sent = new ArrayList<>();
            for (int i = 0; i < 3000; i++) {
                sent.add(i % 3 == 0 ? append(one, two, i + 1, 500) : one.vote(two, i));
            }
            sent.forEach(one.transport::send);
            for (Message message : sent) {
                assertEquals(message, Node.take(two.messages));
            }
            assertEquals(Map.of(), one.transport.counters().droppedMessages());
        }
    }

    @Test
    void whatIsSentBeforeTheFirstConnectionStandsWaitsForIt() {
        try (Node one = Node.start(Node.member(1)); Node two = Node.start(Node.member(2))) {
            one.peers(two);
            one.transport.send(one.vote(two, 5));
            assertEquals(one.vote(two, 5), Node.take(two.messages));
        }
    }

    @Test
    void aPeerThatRestartsIsReachedAgain() {
        try (Node one = Node.start(Node.member(1), Node.QUICK)) {
            Node two = Node.start(Node.member(2));
            one.peers(two);
            one.reach(two);
            String address = two.address();
            two.close();
            Node.until("trouble", () -> one.transport.trouble(2) != null);
            Node.until("a refused connection",
                () -> String.valueOf(one.transport.trouble(2)).contains("connection refused; nothing listens there"));
            Identity next = Node.member(2, 2, Node.CLUSTER, 0);
            try (Node again = new Node(next, NettyTransport.builder().bind(address).build())) {
                one.reach(again);
                assertNull(one.transport.trouble(2));
            }
        }
    }

    @Test
    void aPeerThatMovesIsReachedAtItsNewAddress() {
        try (Node one = Node.start(Node.member(1)); Node old = Node.start(Node.member(2)); Node moved = Node.start(Node.member(2))) {
            one.peers(old);
            one.reach(old);
            one.peers(moved);
            one.reach(moved);
        }
    }

    @Test
    void anAddressThatIsNoneIsTrouble() {
        try (Node one = Node.start(Node.member(1))) {
            one.transport.peers(Map.of(2, "nonsense", 3, "no-such-host.invalid:1"));
            Node.until("trouble", () -> one.transport.trouble(2) != null && one.transport.trouble(3) != null);
            assertTrue(one.transport.trouble(2).contains("host:port"), one.transport.trouble(2));
            assertTrue(one.transport.trouble(3).contains("no-such-host.invalid"), one.transport.trouble(3));
        }
    }

    @Test
    void whoIsNoLongerAPeerGetsNothing() {
        try (Node one = Node.start(Node.member(1)); Node two = Node.start(Node.member(2))) {
            one.peers(two);
            one.reach(two);
            one.peers();
            one.transport.send(one.vote(two, 2));
            one.transport.send(one.question(two));
            assertEquals(Map.of(2, 2L), one.transport.counters().droppedMessages());
            assertNull(one.transport.trouble(2));
        }
    }

    @Test
    void whoIsNotNamedIsAnsweredWhileItCalls() {
        try (Node one = Node.start(Node.member(1)); Node two = Node.start(Node.member(2))) {
            one.peers(two);
            one.reach(two);
            two.reach(one);         // which two was never told of
            assertEquals(0, one.transport.counters().connectionsAccepted());
            one.peers();
            Node.until("the caller to be forgotten", () -> {
                long before = two.transport.counters().droppedMessages().getOrDefault(1, 0L);
                two.transport.send(two.vote(one, 2));
                return two.transport.counters().droppedMessages().getOrDefault(1, 0L) > before;
            });
            assertNull(two.transport.trouble(1));
        }
    }

    @Test
    void whoCallsIsAnsweredThereWhileHisAddressLeadsNowhere() throws Exception {
        try (Node one = Node.start(Node.member(1), Node.QUICK); Node two = Node.start(Node.member(2))) {
            one.transport.peers(Map.of(2, nowhere()));
            Node.until("trouble", () -> one.transport.trouble(2) != null);
            two.peers(one);
            two.reach(one);
            one.reach(two);
            one.transport.send(one.question(two));      // to whatever lives there
            assertEquals(one.question(two), Node.take(two.foundings));
            assertNull(one.transport.trouble(2));
            assertEquals(0, two.transport.counters().connectionsAccepted());
            one.peers(two);         // told at last
            Node.until("a connection of its own", () -> two.transport.counters().connectionsAccepted() == 1);
            one.reach(two);
        }
    }

    @Test
    void theOldAndTheNewDiskOfOneNodeAreBothAnswered() {
        Identity wiped = new Identity(new ReplicaId(2, 77), 1, null);
        try (Node one = Node.start(Node.member(1)); Node old = Node.start(Node.member(2)); Node blank = Node.start(wiped)) {
            one.peers(old);
            blank.peers(one);
            one.reach(old);
            blank.transport.send(blank.question(one));
            Node.take(one.foundings);
            FoundingMessage answer = new FoundingMessage(1, one.identity.replica().incarnation(), 2, 77, 5, one.identity.founding(), false);
            one.transport.send(answer);
            assertEquals(answer, Node.take(blank.foundings));
            one.reach(old);
            assertTrue(blank.messages.isEmpty() && old.foundings.isEmpty());
        }
    }

    @Test
    void anOlderBootIsNotHeardOnAConnectionToItEither() throws Exception {
        try (ServerSocket server = new ServerSocket(0); Node one = Node.start(Node.member(1))) {
            one.transport.peers(Map.of(2, "127.0.0.1:" + server.getLocalPort()));
            try (Stranger older = new Stranger(server.accept())) {
                older.expect(FrameType.HELLO);
                older.send(FrameType.WELCOME, Greeting.ofPeer(Node.member(2, 4, Node.CLUSTER, 0), 0, "").toWelcome(1));
                Message message = new Message.PreVote(Node.replica(2), Node.replica(1), 1, EntryId.ZERO, 1);
                older.send(message);
                assertEquals(message, Node.take(one.messages));
                Stranger.peer(Node.member(2, 5, Node.CLUSTER, 0), one).close();
                older.send(message);
                assertEquals(5, older.expectRefusal().youngerBoot());
                assertTrue(one.messages.isEmpty());
            }
        }
    }

    @Test
    void aProcessThatEndsIsNoticedAtOnceOnConnectionsOfEitherWay() throws Exception {
        try (Node one = Node.start(Node.member(1)); Node two = Node.start(Node.member(2)); Node three = Node.start(Node.member(3))) {
            one.peers(two);
            one.reach(two);
            two.transport.close();
            assertEquals(2, Node.take(one.lost));
            one.transport.peers(Map.of(3, nowhere()));
            Node.until("trouble", () -> one.transport.trouble(3) != null);
            Stranger caller = Stranger.peer(Node.member(3), one);
            Node.until("the caller", () -> one.transport.trouble(3) == null);
            assertTrue(one.lost.isEmpty());
            caller.close();
            assertEquals(3, Node.take(one.lost));
            three.peers(one);
            three.reach(one);
            assertTrue(one.lost.isEmpty() && three.lost.isEmpty());
        }
    }

    @Test
    void aPeerIsLostOnceThoughItsConnectionsEndOneAfterTheOther() throws Exception {
        ServerSocket server = new ServerSocket(0);
        try (Node one = Node.start(Node.member(1))) {
            one.transport.peers(Map.of(2, "127.0.0.1:" + server.getLocalPort()));
            Stranger opened = new Stranger(server.accept());
            opened.expect(FrameType.HELLO);
            opened.send(FrameType.WELCOME, Greeting.ofPeer(Node.member(2), 0, "").toWelcome(1));
            // Before there is a caller, whose connection would hide that this one is not there yet.
            Node.until("the connection", () -> one.transport.trouble(2) == null);
            Stranger caller = Stranger.peer(Node.member(2), one);
            one.transport.send(new Message.PreVote(Node.replica(1), Node.replica(2), 1, EntryId.ZERO, 1));
            opened.expect(FrameType.PRE_VOTE);
            server.close();
            opened.close();
            assertEquals(2, Node.take(one.lost));
            caller.close();
            Node.until("the end of the other", () -> one.transport.trouble(2) != null);
            assertNull(Node.poll(one.lost));
        } finally {
            server.close();
        }
    }

    @Test
    void whoClosesAConnectionAndRefusesTheNextIsNotLost() throws Exception {
        try (ServerSocket server = new ServerSocket(0); Node one = Node.start(Node.member(1), Node.QUICK)) {
            one.transport.peers(Map.of(2, "127.0.0.1:" + server.getLocalPort()));
            try (Stranger first = new Stranger(server.accept())) {
                first.expect(FrameType.HELLO);
                first.send(FrameType.WELCOME, Greeting.ofPeer(Node.member(2), 0, "").toWelcome(1));
                Node.until("the connection", () -> one.transport.trouble(2) == null);
            }
            try (Stranger second = new Stranger(server.accept())) {
                second.expect(FrameType.HELLO);
                second.send(FrameType.REFUSED, new Refusal(RefusedCode.REFUSED_BUSY, "not now").toFrame());
                second.expectEnd();
            }
            try (Stranger third = new Stranger(server.accept())) {
                third.expect(FrameType.HELLO);
                assertTrue(one.lost.isEmpty());
            }
        }
    }

    @Test
    void whoOnlyClosesAConnectionIsNotLost() throws Exception {
        try (ServerSocket server = new ServerSocket(0); Node one = Node.start(Node.member(1))) {
            one.transport.peers(Map.of(2, "127.0.0.1:" + server.getLocalPort()));
            for (int i = 0; i < 3; i++) {
                try (Stranger restless = new Stranger(server.accept())) {
                    restless.expect(FrameType.HELLO);
                    restless.send(FrameType.WELCOME, Greeting.ofPeer(Node.member(2), 0, "").toWelcome(1));
                    Node.until("the connection", () -> one.transport.trouble(2) == null);
                }
            }
            assertTrue(one.lost.isEmpty());
        }
    }

    @Test
    void aDamagedByteCostsTheConnectionAndNothingElse() throws Exception {
        try (Node one = Node.start(Node.member(1)); Node two = Node.start(Node.member(2)); Forwarder between = new Forwarder(two.port())) {
            one.transport.peers(Map.of(2, between.address()));
            one.reach(two);
            between.damageNext();
            one.transport.send(append(one, two, 1, 100));
            Node.until("the damage to be counted", () -> two.transport.counters().damagedFrames() == 1);
            assertTrue(two.messages.isEmpty());
            one.reach(two);
            assertEquals(1, two.transport.counters().damagedFrames());
            assertEquals(2, two.transport.counters().connectionsAccepted());
        }
    }

    @Test
    void aPeerThatDoesNotReadBlocksNobodyAndIsGivenUp() throws Exception {
        Timing timing =
            new Timing(Node.millis(5000), Node.millis(50), Node.millis(1000), Node.millis(20_000), Node.millis(5), Node.millis(50));
        try (ServerSocket server = new ServerSocket(0); Node one = Node.start(Node.member(1), timing);
                Node three = Node.start(Node.member(3))) {
            one.transport.peers(Map.of(2, "127.0.0.1:" + server.getLocalPort(), 3, three.address()));
            try (Stranger stalled = new Stranger(server.accept())) {
                stalled.expect(FrameType.HELLO);
                stalled.send(FrameType.WELCOME, Greeting.ofPeer(Node.member(2), 0, "").toWelcome(1));
                one.reach(three);
                Message bulk = new Message.AppendEntries(one.identity.replica(), Node.replica(2), 1, EntryId.ZERO,
                    List.of(Entry.of(1, 1, Entry.Kind.COMMAND, 0, new byte[256 << 10])), 0, 0, 1);
                long before = System.nanoTime();
                for (int i = 0; i < 400; i++) {
                    one.transport.send(bulk);
                }
                assertTrue(System.nanoTime() - before < TimeUnit.SECONDS.toNanos(5), "send has waited");
                long dropped = one.transport.counters().droppedMessages().getOrDefault(2, 0L);
                assertTrue(dropped > 200, "dropped " + dropped);
                assertTrue(one.transport.messagesUnsent() >= dropped, "metrics count them");
                assertEquals(null, one.transport.counters().droppedMessages().get(3));
                one.reach(three);
                Node.until("the peer to be given up", () -> one.transport.trouble(2) != null);
                assertTrue(one.transport.trouble(2).contains("taken a byte") || one.transport.trouble(2).contains("lost"),
                    one.transport.trouble(2));
            }
        }
    }

    @Test
    void aPeerThatIsSilentIsGivenUpByBothEnds() throws Exception {
        try (ServerSocket server = new ServerSocket(0); Node one = Node.start(Node.member(1), Node.QUICK)) {
            one.transport.peers(Map.of(2, "127.0.0.1:" + server.getLocalPort()));
            try (Stranger mute = new Stranger(server.accept()); Stranger opener = Stranger.peer(Node.member(3), one)) {
                mute.expect(FrameType.HELLO);
                mute.send(FrameType.WELCOME, Greeting.ofPeer(Node.member(2), 0, "").toWelcome(1));
                mute.expect(FrameType.PING);
                Node.until("the peer to be given up", () -> one.transport.trouble(2) != null);
                assertTrue(one.transport.trouble(2).contains("nothing heard"), one.transport.trouble(2));
                opener.expectEnd();
                assertTrue(one.lost.isEmpty());     // silence is no sign of an end
            }
        }
    }

    @Test
    void anIdleConnectionStaysOpen() {
        try (Node one = Node.start(Node.member(1), Node.QUICK); Node two = Node.start(Node.member(2), Node.QUICK)) {
            one.peers(two);
            one.reach(two);
            long quiet = System.nanoTime() + 4 * Node.QUICK.silenceNanos();
            Node.until("a long silence", () -> System.nanoTime() - quiet > 0);
            one.reach(two);
            assertEquals(1, two.transport.counters().connectionsAccepted());
        }
    }

    @Test
    void aNewerConnectionOfOneReplicaReplacesTheOlder() {
        try (Node one = Node.start(Node.member(1)); Stranger first = Stranger.peer(Node.member(2), one);
                Stranger second = Stranger.peer(Node.member(2), one)) {
            first.expectEnd();
            Message message = new Message.PreVote(Node.replica(2), Node.replica(1), 1, EntryId.ZERO, 1);
            second.send(message);
            assertEquals(message, Node.take(one.messages));
        }
    }

    @Test
    void aReceiverThatFailsCostsTheConnectionAndNotTheServer() {
        try (Node one = Node.start(Node.member(1)); Node two = Node.start(Node.member(2))) {
            one.peers(two);
            one.reach(two);
            two.onMessage = message -> {
                throw new IllegalStateException("a test's fault");
            };
            one.transport.send(one.vote(two, 3));
            Node.until("the next connection", () -> two.transport.counters().connectionsAccepted() == 2);
            two.onMessage = two.messages::add;
            one.reach(two);
        }
    }

    @Test
    void anAppendThatFitsNoFrameIsDroppedAndTheNextGoesOn() {
        try (Node one = Node.start(Node.member(1)); Node two = Node.start(Node.member(2))) {
            one.peers(two);
            one.reach(two);
            List<Entry> entries = List.of(Entry.of(1, 1, Entry.Kind.COMMAND, 0, new byte[Entry.PAYLOAD_BYTES_MAX]),
                Entry.of(2, 1, Entry.Kind.COMMAND, 0, new byte[Entry.PAYLOAD_BYTES_MAX]));
            one.transport.send(new Message.AppendEntries(one.identity.replica(), Node.replica(2), 1, EntryId.ZERO, entries, 0, 0, 1));
            one.transport.send(one.vote(two, 8));
            assertEquals(one.vote(two, 8), Node.take(two.messages));
            assertEquals(Map.of(2, 1L), one.transport.counters().droppedMessages());
        }
    }

    @Test
    void theLargestEntryPasses() {
        try (Node one = Node.start(Node.member(1)); Node two = Node.start(Node.member(2))) {
            one.peers(two);
            one.reach(two);
            Message largest = append(one, two, 1, Entry.PAYLOAD_BYTES_MAX);
            one.transport.send(largest);
            assertEquals(largest, Node.take(two.messages));
        }
    }

    /** An address where nothing listens. */
    private static String nowhere() throws Exception {
        try (ServerSocket empty = new ServerSocket(0)) {
            return "127.0.0.1:" + empty.getLocalPort();
        }
    }

    private static Message append(Node from, Node to, long index, int size) {
        EntryId prev = index == 1 ? EntryId.ZERO : new EntryId(1, index - 1);
        return new Message.AppendEntries(from.identity.replica(), to.identity.replica(), 1, prev,
            List.of(Entry.of(index, 1, Entry.Kind.COMMAND, 0, new byte[size])), 0, 0, index);
    }
}
