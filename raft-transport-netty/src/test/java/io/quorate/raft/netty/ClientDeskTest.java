package io.quorate.raft.netty;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.embedded.EmbeddedChannel;
import io.quorate.raft.ClientRequest;
import io.quorate.raft.ClientResponse;
import io.quorate.raft.FoundingMessage;
import io.quorate.raft.Identity;
import io.quorate.raft.RepairMessage;
import io.quorate.raft.SnapshotMessage;
import io.quorate.raft.Transport;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.netty.wire.RequestHead;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** A desk alone, with no replica behind it and a client whose socket takes bytes when the test says so. */
class ClientDeskTest {

    private static final int ALL_ANSWER_BYTES = 5 * (int) ClientDesk.OWN_ANSWER_BYTES / 2;

    private final Quota requests = new Quota(1 << 20);
    private final Quota answers = new Quota(ALL_ANSWER_BYTES);
    private final List<ClientRequest> served = new ArrayList<>();
    private final IoThreads io = new IoThreads("desk-test", 1);
    private final Endpoint endpoint = new Endpoint(new Identity(new ReplicaId(1, 11), 1, null), "a", new Service(), io, new Tally(),
        Timing.DEFAULT, false, new Nobody());
    private int answerBytes = 4000;
    private @Nullable Error failure;

    @AfterEach
    void end() {
        io.close(true);
    }

    @Test
    void whatAllClientsLeaveUnreadIsBoundedTogether() {
        Client reader = new Client();
        Client other = new Client();
        reader.takesBytes(false);
        other.takesBytes(false);
        answerBytes = (int) ClientDesk.OWN_ANSWER_BYTES;
        for (Client each : List.of(reader, other)) {
            each.ask(1);
            each.ask(2);
        }
        assertTrue(reader.channel.isOpen() && other.channel.isOpen());
        other.ask(3);
        assertFalse(other.channel.isOpen(), "beyond the first of each, it would have been the third");
        assertTrue(reader.channel.isOpen());

        reader.takesBytes(true);
        assertInstanceOf(ClientResponse.Done.class, reader.answer());
        assertInstanceOf(ClientResponse.Done.class, reader.answer());
        other.channel.runPendingTasks();
        assertEquals(0, answers.taken());
        reader.channel.finishAndReleaseAll();
        other.channel.finishAndReleaseAll();
    }

    @Test
    void anAnswerCountsUntilTheKernelHasIt() {
        Client client = new Client();
        Slow slow = new Slow();
        client.channel.pipeline().addFirst(slow);
        answerBytes = 2 * (int) ClientDesk.OWN_ANSWER_BYTES;
        client.ask(1);
        assertEquals(1, slow.held.size(), "it is encoded");
        assertTrue(answers.taken() >= ClientDesk.OWN_ANSWER_BYTES);
        slow.letGo();
        assertEquals(0, answers.taken());
        assertInstanceOf(ClientResponse.Done.class, client.answer());
        client.channel.finishAndReleaseAll();
    }

    @Test
    void whoeverLeavesLittleIsAnsweredThoughOthersHaveTakenAllThereIs() {
        Client client = new Client();
        assertTrue(answers.take(ALL_ANSWER_BYTES));
        answerBytes = (int) ClientDesk.OWN_ANSWER_BYTES / 2;
        client.takesBytes(false);
        client.ask(1);
        assertTrue(client.channel.isOpen());
        client.ask(2);
        assertFalse(client.channel.isOpen(), "that is more than its own part");
        client.channel.runPendingTasks();
        assertEquals(ALL_ANSWER_BYTES, answers.taken());
        client.channel.finishAndReleaseAll();
    }

    @Test
    void aRequestThatEndsInAnErrorTakesNoRoomAfterwards() {
        Client client = new Client();
        failure = new OutOfMemoryError("a test's");
        assertThrows(OutOfMemoryError.class, () -> client.ask(1));
        assertEquals(0, requests.taken());
        client.channel.runPendingTasks();
        assertInstanceOf(ClientResponse.Unknown.class, client.answer());
        client.channel.finishAndReleaseAll();
    }

    @Test
    void aRefusedWishDoesNotKeepAnotherFromWhatIsThere() throws InterruptedException {
        Quota quota = new Quota(100);
        AtomicBoolean isOver = new AtomicBoolean();
        Thread greedy = new Thread(() -> {
            while (!isOver.get()) {
                assertFalse(quota.take(1000));
            }
        });
        greedy.start();
        int refused = 0;
        for (int i = 0; i < 200_000; i++) {
            if (quota.take(100)) {
                quota.give(100);
            } else {
                refused++;
            }
        }
        isOver.set(true);
        greedy.join();
        assertEquals(0, refused);
        assertEquals(0, quota.taken());
    }

    @Test
    void aRequestForWhichThereWasNoRoomIsAnsweredThatTheReplicaIsOverloaded() {
        Client client = new Client();
        client.desk.onRequest(new Frame(FrameType.PROPOSE, RequestHead.newBuilder().setId(7).build().toByteArray(), Frame.DROPPED));
        client.channel.runPendingTasks();
        assertInstanceOf(ClientResponse.Overloaded.class, client.answer());
        assertEquals(List.of(), served);
        assertEquals(0, requests.taken());
        client.channel.finishAndReleaseAll();
    }

    @Test
    void theAnswerToOneWhoIsGoneTakesNoRoom() {
        Client client = new Client();
        client.desk.close();
        client.ask(1);
        assertEquals(1, served.size());
        assertEquals(0, answers.taken());
        client.channel.finishAndReleaseAll();
    }

    private final class Client implements Connection.Conversation {

        private final EmbeddedChannel channel = new EmbeddedChannel();
        private final ClientDesk desk;

        Client() {
            Connection connection = new Connection(channel, this, endpoint.tally, new PatientLog(LoggerFactory.getLogger("test")),
                Timing.DEFAULT, false, FrameType.FIRST);
            channel.pipeline().addLast(connection);
            connection.establish(FrameType.FROM_CLIENT, null);
            desk = new ClientDesk(connection, endpoint, false, requests, answers);
            desk.open();
        }

        void ask(int id) {
            desk.onRequest(new Frame(FrameType.READ, RequestHead.newBuilder().setId(id).build().toByteArray(), Frame.NO_BLOCK));
            channel.runPendingTasks();
        }

        void takesBytes(boolean isWritable) {
            channel.unsafe().outboundBuffer().setUserDefinedWritability(1, isWritable);
            channel.runPendingTasks();
        }

        ClientResponse answer() {
            ByteBuf out = channel.readOutbound();
            assertNotNull(out);
            Frame frame = new FrameReader(FrameType.TO_CLIENT).read(out);
            out.release();
            assertNotNull(frame);
            return ClientFrames.response(frame).response();
        }

        @Override
        public void onOpen(Connection connection) {
            throw new AssertionError("it was open before");
        }

        @Override
        public void onFrame(Connection connection, Frame frame) {
            throw new AssertionError("nobody says " + frame.type());
        }

        @Override
        public void onWritable() {
            desk.onWritable();
        }

        @Override
        public void onClosed(String why, boolean isByOther) {
            desk.close();
        }
    }

    /** A socket that takes what is written when it is told to. */
    private static final class Slow extends ChannelOutboundHandlerAdapter {

        private final List<Runnable> held = new ArrayList<>();

        @Override
        public void write(ChannelHandlerContext context, Object bytes, ChannelPromise promise) {
            held.add(() -> context.writeAndFlush(bytes, promise));
        }

        void letGo() {
            held.forEach(Runnable::run);
            held.clear();
        }
    }

    /** Answers each request with as many bytes, and hears nothing else. */
    private final class Service implements Transport.Receiver {

        @Override
        public void onClientRequest(ClientRequest request, long timeoutNanos, Consumer<ClientResponse> reply) {
            served.add(request);
            if (failure != null) {
                throw failure;
            }
            reply.accept(new ClientResponse.Done(new byte[answerBytes], 1));
        }

        @Override
        public void onMessage(Message message) {
            throw new AssertionError(message);
        }

        @Override
        public void onFounding(FoundingMessage message) {
            throw new AssertionError(message);
        }

        @Override
        public void onSnapshot(SnapshotMessage message) {
            throw new AssertionError(message);
        }

        @Override
        public void onRepair(RepairMessage message) {
            throw new AssertionError(message);
        }

        @Override
        public void onYoungerBoot(int reporter, long boot) {
            throw new AssertionError("node " + reporter);
        }
    }

    private static final class Nobody implements Endpoint.Callers {

        @Override
        public void onCall(int nodeId) {
            throw new AssertionError("node " + nodeId);
        }

        @Override
        public void onCallEnded(int nodeId, boolean isByOther) {
            throw new AssertionError("node " + nodeId);
        }
    }
}
