package io.quorate.raft.netty;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.Unpooled;
import io.quorate.raft.ClusterId;
import io.quorate.raft.FoundingMessage;
import io.quorate.raft.Identity;
import io.quorate.raft.Transport;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.netty.wire.Hello;
import io.quorate.raft.netty.wire.RefusedCode;
import io.quorate.raft.netty.wire.Role;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class HandshakeTest {

    private static final ClusterId OTHER = new ClusterId(1, 1);
    private static final Timing IMPATIENT =
        new Timing(Node.millis(50), Node.millis(50), Node.millis(400), Node.millis(400), Node.millis(5), Node.millis(50));

    @Test
    void anotherClusterIsRefused() {
        assertRefused(RefusedCode.REFUSED_OTHER_CLUSTER, Greeting.ofPeer(Node.member(2, 1, OTHER, 0), 1, "x:1").toHello());
        assertRefused(RefusedCode.REFUSED_OTHER_CLUSTER, Greeting.ofClient(Role.ROLE_CLIENT, OTHER, 0).toHello());
    }

    @Test
    void aLowerEpochIsRefused() {
        assertRefused(RefusedCode.REFUSED_LOWER_EPOCH, Greeting.ofPeer(Node.member(2, 1, Node.CLUSTER, 4), 1, "x:1").toHello());
    }

    @Test
    void whoMeansAnotherNodeIsRefused() {
        assertRefused(RefusedCode.REFUSED_WRONG_NODE, Greeting.ofPeer(Node.member(2, 1, Node.CLUSTER, 5), 3, "x:1").toHello());
    }

    @Test
    void whoBearsTheSameNodeIdIsRefused() {
        assertRefused(RefusedCode.REFUSED_WRONG_NODE, Greeting.ofPeer(Node.member(1, 9, Node.CLUSTER, 5), 1, "x:1").toHello());
    }

    @Test
    void versionsThatDoNotOverlapAreRefused() {
        Hello hello = Greeting.ofPeer(Node.member(2, 1, Node.CLUSTER, 5), 1, "x:1").toHello();
        assertRefused(RefusedCode.REFUSED_VERSION, hello.toBuilder().setVersionMin(2).setVersionMax(9).build());
        assertRefused(RefusedCode.REFUSED_VERSION, hello.toBuilder().setVersionMin(0).setVersionMax(0).build());
    }

    @Test
    void aNewerVersionThatStillSpeaksOursIsWelcome() {
        try (Node one = Node.start(Node.member(1)); Stranger stranger = Stranger.connect(one.port())) {
            stranger.send(FrameType.HELLO, Greeting.ofPeer(Node.member(2), 1, "x:1").toHello().toBuilder().setVersionMax(9).build());
            assertEquals(Node.CLUSTER, Greeting.ofWelcome(stranger.expect(FrameType.WELCOME)).clusterId());
        }
    }

    @Test
    void anyIncarnationIsWelcome() {
        try (Node one = Node.start(Node.member(1))) {
            Identity two = Node.member(2);
            for (long incarnation : new long[] {5, -5, Long.MIN_VALUE}) {
                Identity stray = new Identity(new ReplicaId(2, incarnation), 1, two.founding());
                try (Stranger stranger = Stranger.peer(stray, one)) {
                    Message message = new Message.PreVote(stray.replica(), one.identity.replica(), 1, EntryId.ZERO, 1);
                    stranger.send(message);
                    assertEquals(message, Node.take(one.messages));
                }
            }
        }
    }

    @Test
    void anotherProtocolIsNotAnswered() {
        try (Node one = Node.start(Node.member(1))) {
            try (Stranger stranger = Stranger.connect(one.port())) {
                stranger.send(Unpooled.copiedBuffer("GET / HTTP/1.1\r\nHost: here\r\n\r\n".getBytes(US_ASCII)));
                stranger.expectEnd();
            }
            try (Stranger stranger = Stranger.connect(one.port())) {
                stranger.send(FrameType.HELLO, Greeting.ofClient(Role.ROLE_CLIENT, null, 0).toHello().toBuilder().setMagic(1).build());
                stranger.expectEnd();
            }
            assertEquals(2, one.transport.counters().damagedFrames());
        }
    }

    @Test
    void anOlderBootIsRefusedAndTold() {
        try (Node one = Node.start(Node.member(1))) {
            Stranger.peer(Node.member(2, 7, Node.CLUSTER, 0), one).close();
            try (Node late = Node.start(Node.member(2, 6, Node.CLUSTER, 0))) {
                late.peers(one);
                assertEquals(new Node.YoungerBoot(1, 7), late.youngerBoot.orTimeout(Node.PATIENCE_SECONDS, TimeUnit.SECONDS).join());
                Node.until("trouble", () -> late.transport.trouble(1) != null);
                assertTrue(late.transport.trouble(1).contains("boot 6"), late.transport.trouble(1));
                assertTrue(late.transport.counters().connectionsRefused() > 0);
            }
        }
    }

    @Test
    void whenAYoungerBootComesTheOlderIsToldOnItsOpenConnection() {
        try (Node one = Node.start(Node.member(1)); Stranger older = Stranger.peer(Node.member(2, 6, Node.CLUSTER, 0), one);
                Stranger younger = Stranger.peer(Node.member(2, 7, Node.CLUSTER, 0), one)) {
            Refusal refusal = older.expectRefusal();
            assertEquals(RefusedCode.REFUSED_OLDER_BOOT, refusal.code());
            assertEquals(7, refusal.youngerBoot());
            assertReaches(younger, Node.member(2), one);
        }
    }

    @Test
    void anAcceptorOfAnOlderBootIsToldToo() {
        try (Node one = Node.start(Node.member(1)); Node older = Node.start(Node.member(2, 6, Node.CLUSTER, 0))) {
            Stranger.peer(Node.member(2, 7, Node.CLUSTER, 0), one).close();
            one.peers(older);
            assertEquals(new Node.YoungerBoot(1, 7), older.youngerBoot.orTimeout(Node.PATIENCE_SECONDS, TimeUnit.SECONDS).join());
        }
    }

    @Test
    void theYoungestBootsOfManyReplicasAreRememberedAndNoMore() {
        Boots boots = new Boots();
        for (int i = 1; i <= Boots.REPLICAS_MAX; i++) {
            assertEquals(5, boots.meet(new ReplicaId(i, 1), 5));
        }
        assertEquals(5, boots.meet(new ReplicaId(1, 1), 4));
        boots.meet(new ReplicaId(1, 2), 1);
        assertEquals(4, boots.meet(new ReplicaId(1, 1), 4));
        assertEquals(5, boots.meet(new ReplicaId(3, 1), 4));
    }

    @Test
    void theBootOfARefusedStrangerIsNotRemembered() {
        try (Node one = Node.start(Node.member(1))) {
            try (Stranger stranger = Stranger.connect(one.port())) {
                stranger.send(FrameType.HELLO, Greeting.ofPeer(Node.member(2, 99, OTHER, 0), 1, "x:1").toHello());
                stranger.expectRefusal();
            }
            Stranger.peer(Node.member(2, 1, Node.CLUSTER, 0), one).close();
            assertEquals(1, one.transport.counters().connectionsAccepted());
        }
    }

    @Test
    void theOpenerJudgesTheAcceptorAsWell() {
        assertOpenerRefuses(Node.member(2, 1, OTHER, 0), "cluster");
        assertOpenerRefuses(Node.member(2, 1, Node.CLUSTER, 4), "epoch");
        assertOpenerRefuses(Node.member(3, 1, Node.CLUSTER, 5), "node 3 answered");
    }

    @Test
    void onABlanksConnectionOnlyFoundingMessagesMaySpeak() {
        for (Identity acceptor : List.of(Node.blank(1), Node.member(1))) {
            Identity opener = acceptor.isBlank() ? Node.member(2) : Node.blank(2);
            try (Node one = Node.start(acceptor); Stranger stranger = Stranger.peer(opener, one)) {
                stranger.send(new Message.PreVote(opener.replica(), acceptor.replica(), 1, EntryId.ZERO, 1));
                stranger.expectEnd();
                assertEquals(1, one.transport.counters().forbiddenFrames());
                assertTrue(one.messages.isEmpty());
            }
        }
    }

    @Test
    void aBlankAndAMemberExchangeFoundingMessagesAndNothingElse() {
        try (Node one = Node.start(Node.blank(1)); Node two = Node.start(Node.member(2))) {
            one.peers(two);
            two.peers(one);
            one.transport.send(one.question(two));
            assertEquals(one.question(two), Node.take(two.foundings));
            two.transport.send(two.vote(one, 1));
            two.transport.send(two.question(one));
            assertEquals(two.question(one), Node.take(one.foundings));
            assertTrue(one.messages.isEmpty());
            assertEquals(Map.of(1, 1L), two.transport.counters().droppedMessages());
            assertEquals(0, one.transport.counters().forbiddenFrames());
        }
    }

    @Test
    void onceFoundedConnectionsAreMadeAgainInTheGroupsName() {
        try (Node one = Node.start(Node.blank(1)); Node two = Node.start(Node.blank(2))) {
            one.peers(two);
            two.peers(one);
            one.transport.send(one.question(two));
            Node.take(two.foundings);
            one.transport.founded(new Transport.Local(Node.member(1)));
            two.transport.founded(new Transport.Local(Node.member(2)));
            one.reach(two);
            two.reach(one);
            assertEquals(0, one.transport.counters().forbiddenFrames() + two.transport.counters().forbiddenFrames());
        }
    }

    @Test
    void onceFoundedABlanksConnectionsInBothDirectionsAreClosed() throws Exception {
        try (ServerSocket server = new ServerSocket(0); Node one = Node.start(Node.blank(1));
                Stranger opener = Stranger.peer(Node.blank(2), one)) {
            one.transport.peers(Map.of(3, "127.0.0.1:" + server.getLocalPort()));
            try (Stranger acceptor = new Stranger(server.accept())) {
                assertFalse(Hello.parseFrom(acceptor.expect(FrameType.HELLO).head()).hasClusterId());
                acceptor.send(FrameType.WELCOME, Greeting.ofPeer(Node.member(3), 0, "").toWelcome(1));
                one.transport.send(new FoundingMessage(1, one.identity.replica().incarnation(), 3, 0, 0, null, true));
                acceptor.expect(FrameType.FOUNDING);
                one.transport.founded(new Transport.Local(Node.member(1)));
                opener.expectEnd();
                acceptor.expectEnd();
            }
            try (Stranger acceptor = new Stranger(server.accept())) {
                assertEquals(Node.CLUSTER, Parts.of(Hello.parseFrom(acceptor.expect(FrameType.HELLO).head()).getClusterId()));
            }
        }
    }

    @Test
    void whoSaysNothingIsClosed() {
        try (Node one = Node.start(Node.member(1), IMPATIENT); Stranger stranger = Stranger.connect(one.port())) {
            stranger.expectEnd();
            assertEquals(0, one.transport.counters().connectionsAccepted());
        }
    }

    @Test
    void anAcceptorThatSaysNothingIsTrouble() throws Exception {
        try (ServerSocket mute = new ServerSocket(0); Node one = Node.start(Node.member(1), IMPATIENT)) {
            one.transport.peers(Map.of(2, "127.0.0.1:" + mute.getLocalPort()));
            Node.until("trouble", () -> one.transport.trouble(2) != null);
            assertTrue(one.transport.trouble(2).contains("no handshake"), one.transport.trouble(2));
        }
    }

    @Test
    void connectionsWithoutAHandshakeAreLimited() {
        List<Stranger> strangers = new ArrayList<>();
        try (Node one = Node.start(Node.member(1))) {
            for (int i = 0; i < Reception.HALF_OPEN_MAX; i++) {
                strangers.add(Stranger.connect(one.port()));
            }
            try (Stranger late = Stranger.connect(one.port())) {
                late.expectEnd();
            }
            assertEquals(1, one.transport.counters().connectionsRefused());     // rather than closed for saying nothing
            strangers.remove(0).close();
            Node.until("room for a peer", () -> {
                try (Stranger peer = Stranger.connect(one.port())) {
                    peer.send(FrameType.HELLO, Greeting.ofPeer(Node.member(2), 1, "x:1").toHello());
                    return peer.read() != null;
                } catch (java.io.UncheckedIOException e) {
                    return false;
                }
            });
        } finally {
            strangers.forEach(Stranger::close);
        }
    }

    @Test
    void connectionsOfPeersAreLimited() {
        List<Stranger> strangers = new ArrayList<>();
        try (Node one = Node.start(Node.member(1))) {
            for (int i = 1; i <= Reception.PEERS_MAX; i++) {
                strangers.add(Stranger.peer(new Identity(new ReplicaId(2, i), 1, Node.member(2).founding()), one));
            }
            try (Stranger late = Stranger.connect(one.port())) {
                late.send(FrameType.HELLO, Greeting.ofPeer(Node.member(3), 1, "x:1").toHello());
                assertEquals(RefusedCode.REFUSED_BUSY, late.expectRefusal().code());
            }
            Stranger.client(one).close();
        } finally {
            strangers.forEach(Stranger::close);
        }
    }

    @Test
    void connectionsOfClientsAreLimited() {
        List<Stranger> strangers = new ArrayList<>();
        try (Node one = Node.start(Node.member(1))) {
            for (int i = 0; i < Reception.CLIENTS_MAX; i++) {
                strangers.add(Stranger.client(one));
            }
            try (Stranger late = Stranger.connect(one.port())) {
                late.send(FrameType.HELLO, Greeting.ofClient(Role.ROLE_CLIENT, null, 0).toHello());
                assertEquals(RefusedCode.REFUSED_BUSY, late.expectRefusal().code());
            }
            Stranger.peer(Node.member(2), one).close();
            strangers.remove(0).close();
            Node.until("room for a client", () -> {
                try (Stranger next = Stranger.connect(one.port())) {
                    next.send(FrameType.HELLO, Greeting.ofClient(Role.ROLE_CLIENT, null, 0).toHello());
                    return next.read().type() == FrameType.WELCOME;
                }
            });
        } finally {
            strangers.forEach(Stranger::close);
        }
    }

    @Test
    void theAdvertisedAddressIsSaid() throws Exception {
        try (ServerSocket server = new ServerSocket(0);
                Node one = new Node(Node.member(1), NettyTransport.builder().advertise("one.example:0").build())) {
            one.transport.peers(Map.of(2, "127.0.0.1:" + server.getLocalPort()));
            try (Stranger stranger = new Stranger(server.accept())) {
                Hello hello = Hello.parseFrom(stranger.expect(FrameType.HELLO).head());
                assertEquals(one.address(), hello.getAdvertisedAddress());
                assertTrue(one.address().startsWith("one.example:"));
                assertFalse(one.address().endsWith(":0"));
            }
        }
    }

    private static void assertRefused(RefusedCode code, Hello hello) {
        try (Node one = Node.start(Node.member(1, 1, Node.CLUSTER, 5)); Stranger stranger = Stranger.connect(one.port())) {
            stranger.send(FrameType.HELLO, hello);
            Refusal refusal = stranger.expectRefusal();
            assertEquals(code, refusal.code());
            assertFalse(refusal.reason().isBlank());
            assertEquals(1, one.transport.counters().connectionsRefused());
            assertEquals(0, one.transport.counters().connectionsAccepted());
        }
    }

    private static void assertOpenerRefuses(Identity found, String words) {
        try (ServerSocket server = new ServerSocket(0); Node one = Node.start(Node.member(1, 1, Node.CLUSTER, 5))) {
            one.transport.peers(Map.of(2, "127.0.0.1:" + server.getLocalPort()));
            try (Stranger stranger = new Stranger(server.accept())) {
                stranger.expect(FrameType.HELLO);
                stranger.send(FrameType.WELCOME, Greeting.ofPeer(found, 0, "").toWelcome(1));
                assertTrue(stranger.expectRefusal().reason().contains(words));
            }
            Node.until("trouble", () -> one.transport.trouble(2) != null);
            assertTrue(one.transport.trouble(2).contains(words), one.transport.trouble(2));
        } catch (java.io.IOException e) {
            throw new AssertionError(e);
        }
    }

    private static void assertReaches(Stranger stranger, Identity as, Node node) {
        Message message = new Message.PreVote(as.replica(), node.identity.replica(), 1, EntryId.ZERO, 77);
        stranger.send(message);
        assertEquals(message, Node.take(node.messages));
        assertNull(node.messages.poll());
    }
}
