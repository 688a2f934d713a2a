package io.quorate.raft.netty;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.quorate.raft.ClientRequest;
import io.quorate.raft.ClientResponse;
import io.quorate.raft.FoundingMessage;
import io.quorate.raft.RepairMessage;
import io.quorate.raft.SnapshotMessage;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.netty.wire.FoundingHead;
import io.quorate.raft.netty.wire.RequestHead;
import io.quorate.raft.netty.wire.Role;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class RolesTest {

    private static final Message VOTE = new Message.PreVote(Node.replica(2), Node.replica(1), 1, EntryId.ZERO, 1);

    @Test
    void aClientCannotSpeakAsAPeer() {
        try (Node one = Node.start(Node.member(1)); Stranger client = Stranger.client(one)) {
            client.send(VOTE);
            assertForbidden(one, client);
        }
        try (Node one = Node.start(Node.member(1)); Stranger client = Stranger.client(one)) {
            client.send(FrameType.FOUNDING, FoundingHead.newBuilder().setFromNodeId(2).setIncarnation(1).setToNodeId(1).build());
            assertForbidden(one, client);
        }
    }

    @Test
    void aClientCannotAdminister() {
        try (Node one = Node.start(Node.member(1)); Stranger client = Stranger.client(one)) {
            client.send(FrameType.MEMBERS, RequestHead.newBuilder().setId(1).build());
            assertForbidden(one, client);
        }
    }

    @Test
    void administratorsAreServedOnLoopbackUnlessTheyAreNot() {
        assertServed(true, NettyTransport.builder());
        assertServed(false, NettyTransport.builder().administration(false));
    }

    @Test
    void whereOthersCanConnectAdministratorsAreServedOnlyOnRequest() {
        assertServed(false, NettyTransport.builder().bind("0.0.0.0:0").advertise("127.0.0.1:0").insecure());
        assertServed(true, NettyTransport.builder().bind("0.0.0.0:0").advertise("127.0.0.1:0").insecure().administration(true));
    }

    private static void assertServed(boolean isServed, NettyTransport.Builder builder) {
        try (Node one = new Node(Node.member(1), builder.build()); NettyClientTransport client = new NettyClientTransport()) {
            one.service = (request, reply) -> reply.accept(new ClientResponse.Explanation(List.of("served " + request)));
            ClientResponse answer = client.call(one.address(), new ClientRequest.Explain(), Node.millis(20_000)).join();
            if (isServed) {
                assertEquals(new ClientResponse.Explanation(List.of("served Explain[]")), answer);
            } else {
                String why = assertInstanceOf(ClientResponse.Failed.class, answer).why();
                assertTrue(why.contains("Nothing happened") && why.contains("administration(true)"), why);
                assertEquals(1, one.transport.counters().connectionsRefused());
            }
            one.service = (request, reply) -> reply.accept(new ClientResponse.Overloaded("known"));
            assertEquals(new ClientResponse.Overloaded("known"),
                client.call(one.address(), new ClientRequest.Status(), Node.millis(20_000)).join());
        }
    }

    @Test
    void aPieceOfASnapshotInAnothersNameIsForbidden() {
        for (SnapshotMessage message : List.of(new SnapshotMessage.Gone(Node.replica(3), Node.replica(1), EntryId.ZERO),
                new SnapshotMessage.Gone(Node.replica(2), Node.replica(3), EntryId.ZERO))) {
            try (Node one = Node.start(Node.member(1)); Stranger peer = Stranger.peer(Node.member(2), one)) {
                ByteBuf out = Unpooled.buffer();
                SnapshotFrames.write(out, message);
                peer.send(out);
                assertForbidden(one, peer);
                assertTrue(one.snapshots.isEmpty());
            }
        }
    }

    @Test
    void aQuestionForDamagedEntriesInAnothersNameIsForbidden() {
        List<EntryId> wanted = List.of(new EntryId(1, 1));
        for (RepairMessage message : List.of(new RepairMessage.EntryRequest(Node.replica(3), Node.replica(1), 1, wanted),
                new RepairMessage.EntryRequest(Node.replica(2), Node.replica(3), 1, wanted))) {
            try (Node one = Node.start(Node.member(1)); Stranger peer = Stranger.peer(Node.member(2), one)) {
                ByteBuf out = Unpooled.buffer();
                RepairFrames.write(out, message);
                peer.send(out);
                assertForbidden(one, peer);
                assertTrue(one.repairs.isEmpty());
            }
        }
    }

    @Test
    void nothingOfASnapshotPassesWhileAnEndIsBlank() {
        try (Node one = Node.start(Node.blank(1)); Stranger peer = Stranger.peer(Node.member(2), one)) {
            ByteBuf out = Unpooled.buffer();
            SnapshotFrames.write(out, new SnapshotMessage.Gone(Node.replica(2), Node.replica(1), EntryId.ZERO));
            peer.send(out);
            assertForbidden(one, peer);
            assertTrue(one.snapshots.isEmpty());
        }
    }

    @Test
    void aPeerCannotSpeakAsAClient() {
        AtomicInteger requests = new AtomicInteger();
        try (Node one = Node.start(Node.member(1)); Stranger peer = Stranger.peer(Node.member(2), one)) {
            one.service = (request, reply) -> requests.incrementAndGet();
            peer.send(FrameType.STATUS, RequestHead.newBuilder().setId(1).build());
            assertForbidden(one, peer);
            assertEquals(0, requests.get());
        }
    }

    @Test
    void nobodyMayGreetTwice() {
        try (Node one = Node.start(Node.member(1)); Stranger peer = Stranger.peer(Node.member(2), one)) {
            peer.send(FrameType.HELLO, Greeting.ofClient(Role.ROLE_CLIENT, null, 0).toHello());
            assertForbidden(one, peer);
        }
    }

    @Test
    void aPeerSpeaksInItsOwnNameAlone() {
        for (ReplicaId other : new ReplicaId[] {Node.replica(3), new ReplicaId(2, 1)}) {
            try (Node one = Node.start(Node.member(1)); Stranger peer = Stranger.peer(Node.member(2), one)) {
                peer.send(new Message.PreVote(other, Node.replica(1), 1, EntryId.ZERO, 1));
                assertForbidden(one, peer);
            }
        }
    }

    @Test
    void aPeerSpeaksToThisNodeAlone() {
        try (Node one = Node.start(Node.member(1)); Stranger peer = Stranger.peer(Node.member(2), one)) {
            peer.send(new Message.PreVote(Node.replica(2), Node.replica(3), 1, EntryId.ZERO, 1));
            assertForbidden(one, peer);
        }
    }

    @Test
    void anOldIncarnationOfThisNodeIsLeftToTheCore() {
        try (Node one = Node.start(Node.member(1)); Stranger peer = Stranger.peer(Node.member(2), one)) {
            Message message = new Message.PreVote(Node.replica(2), new ReplicaId(1, 1), 1, EntryId.ZERO, 1);
            peer.send(message);
            assertEquals(message, Node.take(one.messages));
        }
    }

    @Test
    void aFoundingMessageInAnothersNameIsForbidden() {
        for (FoundingHead head : new FoundingHead[] {
                FoundingHead.newBuilder().setFromNodeId(3).setIncarnation(Node.replica(2).incarnation()).setToNodeId(1).build(),
                FoundingHead.newBuilder().setFromNodeId(2).setIncarnation(77).setToNodeId(1).build(),
                FoundingHead.newBuilder().setFromNodeId(2).setIncarnation(Node.replica(2).incarnation()).setToNodeId(3).build()}) {
            try (Node one = Node.start(Node.blank(1)); Stranger peer = Stranger.peer(Node.blank(2), one)) {
                peer.send(FrameType.FOUNDING, head);
                assertForbidden(one, peer);
            }
        }
    }

    @Test
    void membersMayStillExchangeFoundingMessages() {
        try (Node one = Node.start(Node.member(1)); Node two = Node.start(Node.member(2))) {
            one.peers(two);
            FoundingMessage question = one.question(two);
            one.transport.send(question);
            assertEquals(question, Node.take(two.foundings));
        }
    }

    private static void assertForbidden(Node node, Stranger stranger) {
        stranger.expectEnd();
        assertEquals(1, node.transport.counters().forbiddenFrames());
        assertTrue(node.messages.isEmpty());
        assertTrue(node.foundings.isEmpty());
    }
}
