package io.quorate.raft.netty;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.quorate.raft.ClientRequest;
import io.quorate.raft.ClientResponse;
import io.quorate.raft.ClusterId;
import io.quorate.raft.Freshness;
import io.quorate.raft.OutcomeUnknownException;
import io.quorate.raft.Transport;
import io.quorate.raft.client.ClientTransport.NotSentException;
import io.quorate.raft.core.Entry;
import io.quorate.raft.netty.wire.RequestHead;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class ClientTest {

    private static final long LONG = Node.millis(20_000);

    @Test
    void manyCallsShareAConnectionAndAnswersFindTheirCallsInAnyOrder() {
        try (Node one = Node.start(Node.member(1)); NettyClientTransport client = new NettyClientTransport()) {
            List<Runnable> answers = new ArrayList<>();
            one.service = (request, reply) -> {
                byte[] command = ((ClientRequest.Propose) request).command();
                answers.add(() -> reply.accept(new ClientResponse.Done(command, 1)));
                if (answers.size() == 500) {
                    for (int i = answers.size() - 1; i >= 0; i--) {
                        answers.get(i).run();
                    }
                }
            };
            List<CompletableFuture<ClientResponse>> calls = new ArrayList<>();
            for (int i = 0; i < 500; i++) {
                calls.add(client.call(one.address(), new ClientRequest.Propose(number(i)), LONG));
            }
            for (int i = 0; i < 500; i++) {
                assertArrayEquals(number(i), ((ClientResponse.Done) calls.get(i).join()).result());
            }
            assertEquals(1, one.transport.counters().connectionsAccepted());
        }
    }

    @Test
    void anAnswerIsGivenOnce() {
        try (Node one = Node.start(Node.member(1)); Stranger client = Stranger.client(one)) {
            one.service = (request, reply) -> {
                reply.accept(new ClientResponse.Overloaded("first"));
                reply.accept(new ClientResponse.Overloaded("second"));
            };
            for (int id = 1; id <= 3; id++) {
                client.send(FrameType.STATUS, RequestHead.newBuilder().setId(id).build());
                assertEquals(new ClientFrames.Response(id, new ClientResponse.Overloaded("first")),
                    ClientFrames.response(client.expect(FrameType.OVERLOADED)));
            }
        }
    }

    @Test
    void aServiceThatFailsIsAnsweredUnknown() {
        try (Node one = Node.start(Node.member(1)); NettyClientTransport client = new NettyClientTransport()) {
            one.service = (request, reply) -> {
                throw new IllegalStateException("a test's fault");
            };
            assertInstanceOf(ClientResponse.Unknown.class, status(client, one.address()).join());
        }
    }

    @Test
    void whereNobodyListensNothingWasSent() throws Exception {
        int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        try (NettyClientTransport client = new NettyClientTransport()) {
            assertNotSent(status(client, "127.0.0.1:" + port), "connection refused; nothing listens there");
            assertNotSent(status(client, "nonsense"), "host:port");
            assertNotSent(status(client, "no-such-host.invalid:1"), "no-such-host.invalid");
            assertNotSent(client.call("127.0.0.1:" + port, new ClientRequest.Status(), 0), "time");
        }
    }

    @Test
    void beforeTheHandshakeIsDoneNothingWasSent() throws Exception {
        try (ServerSocket mute = new ServerSocket(0, 5, InetAddress.getLoopbackAddress());
                NettyClientTransport client = new NettyClientTransport()) {
            assertNotSent(client.call("127.0.0.1:" + mute.getLocalPort(), new ClientRequest.Status(), Node.millis(100)), "in time");
        }
    }

    @Test
    void withoutAnAnswerInTimePerhapsItWasDone() {
        try (Node one = Node.start(Node.member(1)); NettyClientTransport client = new NettyClientTransport()) {
            BlockingQueue<Consumer<ClientResponse>> replies = new LinkedBlockingQueue<>();
            one.service = (request, reply) -> replies.add(reply);
            CompletableFuture<ClientResponse> call = client.call(one.address(), new ClientRequest.Status(), Node.millis(500));
            Consumer<ClientResponse> reply = Node.take(replies);
            assertUnknown(call);
            reply.accept(new ClientResponse.Failed("too late"));
            one.service = (request, next) -> next.accept(new ClientResponse.Failed("in time"));
            assertEquals(new ClientResponse.Failed("in time"), status(client, one.address()).join());
        }
    }

    @Test
    void whenTheConnectionBreaksPerhapsItWasDone() {
        try (NettyClientTransport client = new NettyClientTransport()) {
            CompletableFuture<ClientResponse> call;
            try (Node one = Node.start(Node.member(1))) {
                CompletableFuture<Boolean> isAsked = new CompletableFuture<>();
                one.service = (request, reply) -> isAsked.complete(true);
                call = status(client, one.address());
                isAsked.orTimeout(Node.PATIENCE_SECONDS, TimeUnit.SECONDS).join();
            }
            assertUnknown(call);
        }
    }

    @Test
    void aRequestBringsWhatIsLeftOfItsTime() throws Exception {
        try (ServerSocket server = new ServerSocket(0, 5, InetAddress.getLoopbackAddress());
                NettyClientTransport client = new NettyClientTransport()) {
            long begun = System.nanoTime();
            status(client, "127.0.0.1:" + server.getLocalPort());
            try (Stranger slow = new Stranger(server.accept())) {
                slow.expect(FrameType.HELLO);
                long waited = System.nanoTime();
                Node.until("time to pass", () -> System.nanoTime() - waited > Node.millis(50));
                slow.send(FrameType.WELCOME, Greeting.ofPeer(Node.member(1), 0, "").toWelcome(1));
                long left = ClientFrames.request(slow.expect(FrameType.STATUS)).timeoutNanos();
                assertTrue(left <= LONG - Node.millis(99) && left >= LONG - Node.millis(50) - (System.nanoTime() - begun), "left: " + left);
            }
        }
    }

    @Test
    void closeCompletesEveryCall() throws Exception {
        NettyClientTransport client = new NettyClientTransport();
        try (Node one = Node.start(Node.member(1)); ServerSocket mute = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
            CompletableFuture<Boolean> isAsked = new CompletableFuture<>();
            one.service = (request, reply) -> isAsked.complete(true);
            CompletableFuture<ClientResponse> asked = status(client, one.address());
            CompletableFuture<ClientResponse> waiting = status(client, "127.0.0.1:" + mute.getLocalPort());
            isAsked.orTimeout(Node.PATIENCE_SECONDS, TimeUnit.SECONDS).join();
            client.close();
            assertTrue(asked.isDone() && waiting.isDone());
            assertUnknown(asked);
            assertNotSent(waiting, "closed");
            assertNotSent(status(client, one.address()), "closed");
        }
    }

    @Test
    void aClientOfAnotherGroupIsNotServed() {
        try (Node one = Node.start(Node.member(1)); NettyClientTransport stray = new NettyClientTransport(new ClusterId(1, 1));
                NettyClientTransport right = new NettyClientTransport(Node.CLUSTER)) {
            assertNotSent(status(stray, one.address()), "cluster");
            assertInstanceOf(ClientResponse.Unavailable.class, status(right, one.address()).join());
        }
    }

    /** A group that is restored from a backup is another, in which what the client knows of indexes and entries means something else. */
    @Test
    void aClientStaysWithTheFirstGroupThatItMeets() {
        ClusterId restored = new ClusterId(3, 4);
        try (Node one = Node.start(Node.member(1)); Node other = Node.start(Node.member(2, 1, restored, 7));
                NettyClientTransport client = new NettyClientTransport(); NettyClientTransport fresh = new NettyClientTransport()) {
            assertInstanceOf(ClientResponse.Unavailable.class, status(client, one.address()).join());
            CompletableFuture<ClientResponse> stray = status(client, other.address());
            assertNotSent(stray, "cluster " + Node.CLUSTER + ", the first that it met");
            assertNotSent(stray, restored.toString());
            assertNotSent(stray, "make a new client");
            assertNotSent(client.call(other.address(), new ClientRequest.Members(false), LONG), "the first that it met");
            assertInstanceOf(ClientResponse.Unavailable.class, status(client, one.address()).join());
            assertInstanceOf(ClientResponse.Unavailable.class, status(fresh, other.address()).join());
            assertNotSent(status(fresh, one.address()), "cluster " + restored + ", the first that it met");
        }
    }

    /** It is where the other machines of a restored group begin: a client must not come into that group with them. */
    @Test
    void aConnectionToABlankReplicaIsNoWayIntoTheGroupThatItJoins() {
        try (Node one = Node.start(Node.member(1)); Node blank = Node.start(Node.blank(2)); Stranger stubborn = Stranger.client(blank);
                NettyClientTransport client = new NettyClientTransport()) {
            assertInstanceOf(ClientResponse.Unavailable.class, status(client, one.address()).join());
            assertEquals(new ClientResponse.Unavailable("nobody serves"), status(client, blank.address()).join());
            blank.transport.founded(new Transport.Local(Node.member(2, 1, new ClusterId(3, 4), 0)));
            assertNotSent(status(client, blank.address()), "the first that it met");
            ByteBuf request = Unpooled.buffer();
            ClientFrames.write(request, new ClientFrames.Request(9, new ClientRequest.Status(), LONG));
            stubborn.send(request);
            ClientFrames.Response answer = ClientFrames.response(stubborn.expect(FrameType.UNAVAILABLE));
            assertEquals(new ClientResponse.Unavailable("this replica belongs to a group now; connect again"), answer.response());
        }
    }

    @Test
    void aReplicaLeftBehindByARecoveryIsNotAsked() {
        try (Node old = Node.start(Node.member(1, 1, Node.CLUSTER, 0)); Node recovered = Node.start(Node.member(2, 1, Node.CLUSTER, 1));
                NettyClientTransport client = new NettyClientTransport()) {
            assertInstanceOf(ClientResponse.Unavailable.class, status(client, recovered.address()).join());
            assertNotSent(status(client, old.address()), "epoch");
            assertEquals(1, client.epoch());
        }
    }

    @Test
    void anAnswerOfAReplicaLeftBehindByARecoveryIsNotDelivered() {
        try (Node old = Node.start(Node.member(1, 1, Node.CLUSTER, 3)); Node recovered = Node.start(Node.member(2, 1, Node.CLUSTER, 4));
                NettyClientTransport client = new NettyClientTransport()) {
            BlockingQueue<Consumer<ClientResponse>> replies = new LinkedBlockingQueue<>();
            old.service = (request, reply) -> replies.add(reply);
            CompletableFuture<ClientResponse> asked = status(client, old.address());
            CompletableFuture<ClientResponse> askedAsAdmin = client.call(old.address(), new ClientRequest.Explain(), LONG);
            Consumer<ClientResponse> reply = Node.take(replies);
            Node.take(replies);      // the administrator is never answered
            assertEquals(3, client.epoch());
            assertInstanceOf(ClientResponse.Unavailable.class, status(client, recovered.address()).join());
            assertEquals(4, client.epoch());
            reply.accept(new ClientResponse.Failed("of the epoch before"));
            assertUnknown(asked);
            assertUnknown(askedAsAdmin);
            assertNotSent(status(client, old.address()), "was recovered into epoch 4");
        }
    }

    /** So that a process that is started anew goes on from the epoch that the one before it has met. */
    @Test
    void aClientMayBeMadeForAnEpochOrHigher() {
        try (Node old = Node.start(Node.member(1, 1, Node.CLUSTER, 3)); Node recovered = Node.start(Node.member(2, 1, Node.CLUSTER, 5));
                NettyClientTransport client = new NettyClientTransport(Node.CLUSTER, 4)) {
            assertEquals(4, client.epoch());
            assertNotSent(status(client, old.address()), "was recovered into epoch 4");
            assertInstanceOf(ClientResponse.Unavailable.class, status(client, recovered.address()).join());
            assertEquals(5, client.epoch());
            assertThrows(IllegalArgumentException.class, () -> new NettyClientTransport(Node.CLUSTER, -1));
            assertThrows(IllegalArgumentException.class, () -> new NettyClientTransport(Node.CLUSTER, 1 << 16));
        }
    }

    @Test
    void aBlankReplicaAnswersForItself() {
        try (Node blank = Node.start(Node.blank(1)); NettyClientTransport client = new NettyClientTransport(Node.CLUSTER)) {
            assertEquals(new ClientResponse.Unavailable("nobody serves"), status(client, blank.address()).join());
        }
    }

    @Test
    void aCommandThatFitsNoEntryFailsAtOnce() {
        try (Node one = Node.start(Node.member(1)); NettyClientTransport client = new NettyClientTransport()) {
            byte[] huge = new byte[Entry.PAYLOAD_BYTES_MAX + 1];
            assertInstanceOf(ClientResponse.Failed.class, client.call(one.address(), new ClientRequest.Propose(huge), LONG).join());
        }
    }

    @Test
    void aResultThatFitsNoFrameSaysWhetherItWasDone() {
        try (Node one = Node.start(Node.member(1)); NettyClientTransport client = new NettyClientTransport()) {
            one.service = (request, reply) -> reply.accept(new ClientResponse.Done(new byte[FrameType.Limit.RESULT + 1], 1));
            assertInstanceOf(ClientResponse.Unknown.class, client.call(one.address(), new ClientRequest.Propose(new byte[0]), LONG).join());
            ClientRequest read = new ClientRequest.Read(new byte[0], Freshness.linearizable());
            assertInstanceOf(ClientResponse.Failed.class, client.call(one.address(), read, LONG).join());
        }
    }

    @Test
    void whoAsksFasterThanItIsAnsweredIsNoLongerReadFrom() {
        try (Node one = Node.start(Node.member(1)); NettyClientTransport client = new NettyClientTransport()) {
            BlockingQueue<Consumer<ClientResponse>> replies = new LinkedBlockingQueue<>();
            AtomicInteger asked = new AtomicInteger();
            one.service = (request, reply) -> {
                asked.incrementAndGet();
                replies.add(reply);
            };
            int count = 3 * ClientDesk.REQUESTS_MAX;
            List<CompletableFuture<ClientResponse>> calls = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                calls.add(client.call(one.address(), new ClientRequest.Propose(number(i)), LONG));
            }
            Node.until("the limit", () -> asked.get() == ClientDesk.REQUESTS_MAX);
            assertEquals(ClientDesk.REQUESTS_MAX, replies.size());
            for (int i = 0; i < count; i++) {
                Node.take(replies).accept(new ClientResponse.Done(number(i), i));
                assertTrue(asked.get() - i <= ClientDesk.REQUESTS_MAX + 1, "asked " + asked + " times, answered " + i);
            }
            for (int i = 0; i < count; i++) {
                assertArrayEquals(number(i), ((ClientResponse.Done) calls.get(i).join()).result());
            }
        }
    }

    @Test
    void whoDoesNotReadItsAnswersIsClosed() {
        try (Node one = Node.start(Node.member(1), Node.QUICK); Stranger client = Stranger.client(one)) {
            byte[] result = new byte[1 << 20];
            one.service = (request, reply) -> reply.accept(new ClientResponse.Done(result, 1));
            // It may be given up in the middle of asking.
            Node.until("the client to be given up", () -> {
                try {
                    for (int i = 0; i < 200; i++) {
                        client.send(FrameType.STATUS, RequestHead.newBuilder().setId(i).build());
                    }
                    return false;
                } catch (java.io.UncheckedIOException e) {
                    return true;
                }
            });
            assertEquals(0, one.transport.counters().damagedFrames());
        }
    }

    @Test
    void beyondTheBytesThatAllClientsMayHaveOpenTheAnswerIsOverloaded() {
        List<NettyClientTransport> clients = new ArrayList<>();
        try (Node one = Node.start(Node.member(1))) {
            BlockingQueue<Consumer<ClientResponse>> replies = new LinkedBlockingQueue<>();
            one.service = (request, reply) -> replies.add(reply);
            ClientRequest large = new ClientRequest.Propose(new byte[Entry.PAYLOAD_BYTES_MAX]);
            int admitted = (int) (ClientDesk.ALL_BYTES_MAX / Entry.PAYLOAD_BYTES_MAX) - 1;
            for (int i = 0; i <= admitted; i++) {
                clients.add(new NettyClientTransport());
            }
            for (int i = 0; i < admitted; i++) {
                CompletableFuture<ClientResponse> call = clients.get(i).call(one.address(), large, LONG);
                Node.take(replies).accept(new ClientResponse.Failed("answered"));
                assertEquals(new ClientResponse.Failed("answered"), call.join());   // so its bytes are no longer counted
            }
            List<CompletableFuture<ClientResponse>> calls = new ArrayList<>();
            for (int i = 0; i < admitted; i++) {
                calls.add(clients.get(i).call(one.address(), large, LONG));
            }
            Node.until("the requests", () -> replies.size() == admitted);
            assertInstanceOf(ClientResponse.Overloaded.class, clients.get(admitted).call(one.address(), large, LONG).join());
            replies.forEach(reply -> reply.accept(new ClientResponse.Failed("done")));
            calls.forEach(call -> assertInstanceOf(ClientResponse.Failed.class, call.join()));
        } finally {
            clients.forEach(NettyClientTransport::close);
        }
    }

    @Test
    void whatAClientQueuesIsLimited() throws Exception {
        try (ServerSocket mute = new ServerSocket(0, 5, InetAddress.getLoopbackAddress());
                NettyClientTransport client = new NettyClientTransport()) {
            ClientRequest large = new ClientRequest.Propose(new byte[Entry.PAYLOAD_BYTES_MAX]);
            CompletableFuture<ClientResponse> first = client.call("127.0.0.1:" + mute.getLocalPort(), large, LONG);
            assertNotSent(client.call("127.0.0.1:" + mute.getLocalPort(), large, LONG), "wait to be sent");
            assertTrue(!first.isDone());
        }
    }

    private static CompletableFuture<ClientResponse> status(NettyClientTransport client, String address) {
        return client.call(address, new ClientRequest.Status(), LONG);
    }

    private static byte[] number(int number) {
        return ByteBuffer.allocate(4).putInt(number).array();
    }

    private static void assertNotSent(CompletableFuture<ClientResponse> call, String words) {
        CompletionException error = assertThrows(CompletionException.class, call::join);
        assertInstanceOf(NotSentException.class, error.getCause());
        assertTrue(error.getCause().getMessage().contains(words), error.getCause().getMessage());
    }

    private static void assertUnknown(CompletableFuture<ClientResponse> call) {
        CompletionException error = assertThrows(CompletionException.class, call::join);
        assertInstanceOf(OutcomeUnknownException.class, error.getCause());
    }
}
