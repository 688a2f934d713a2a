package io.quorate.raft.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.quorate.raft.ClientRequest;
import io.quorate.raft.ClientResponse;
import io.quorate.raft.ClusterId;
import io.quorate.raft.FoundingMessage;
import io.quorate.raft.FoundingRecord;
import io.quorate.raft.Identity;
import io.quorate.raft.RepairMessage;
import io.quorate.raft.SnapshotMessage;
import io.quorate.raft.Transport;
import io.quorate.raft.TransportException;
import io.quorate.raft.client.ClientTransport;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.ReplicaId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class InMemoryNetworkTest {

    private static final ReplicaId ONE = new ReplicaId(1, 11);
    private static final ReplicaId TWO = new ReplicaId(2, 22);
    private static final Message VOTE = new Message.Vote(ONE, TWO, 1, null);

    private static final class Inbox implements Transport.Receiver {
        final List<Object> received = new ArrayList<>();
        final List<Consumer<ClientResponse>> replies = new ArrayList<>();

        @Override
        public void onMessage(Message message) {
            received.add(message);
        }

        @Override
        public void onFounding(FoundingMessage message) {
            received.add(message);
        }

        @Override
        public void onSnapshot(SnapshotMessage message) {
            received.add(message);
        }

        @Override
        public void onRepair(RepairMessage message) {
            received.add(message);
        }

        @Override
        public void onClientRequest(ClientRequest request, long timeoutNanos, Consumer<ClientResponse> reply) {
            received.add(request);
            replies.add(reply);
        }

        @Override
        public void onYoungerBoot(int reporter, long boot) {
            received.add("boot " + boot + " by " + reporter);
        }
    }

    private final InMemoryNetwork network = new InMemoryNetwork();
    private final Inbox inbox = new Inbox();

    @Test
    void aMessageIsDeliveredWithinItsGroup() {
        Transport one = start(ONE, 1, 5, new Inbox());
        start(TWO, 1, 5, inbox);
        one.send(VOTE);
        assertEquals(List.of(VOTE), inbox.received);
        assertEquals("memory:1", one.advertisedAddress());
        assertNull(one.trouble(2));
    }

    @Test
    void groupsDoNotHearEachOther() {
        Transport one = start(ONE, 1, 5, new Inbox());
        start(TWO, 1, 6, inbox);
        one.send(VOTE);
        assertEquals(List.of(), inbox.received);
    }

    @Test
    void foundingMessagesReachEverybodyAndOtherMessagesOnlyTheFounded() {
        Transport one = start(ONE, 1, 0, new Inbox());
        Transport two = start(TWO, 1, 0, inbox);
        FoundingMessage question = new FoundingMessage(1, 11, 2, 0, 0, null, true);
        one.send(question);
        one.send(VOTE);
        assertEquals(List.of(question), inbox.received);
        one.founded(local(ONE, 1, 5));
        one.send(VOTE);
        assertEquals(1, inbox.received.size());
        two.founded(local(TWO, 1, 5));
        one.send(VOTE);
        assertEquals(2, inbox.received.size());
    }

    @Test
    void aCutLinkDropsOneWayUntilItIsHealed() {
        Inbox back = new Inbox();
        Transport one = start(ONE, 1, 5, back);
        Transport two = start(TWO, 1, 5, inbox);
        network.cutOneWay(1, 2);
        one.send(VOTE);
        two.send(new Message.Vote(TWO, ONE, 1, null));
        assertEquals(List.of(), inbox.received);
        assertEquals(1, back.received.size());
        assertNotNull(one.trouble(2));
        network.cut(1, 2);
        two.send(new Message.Vote(TWO, ONE, 1, null));
        assertEquals(1, back.received.size());
        network.heal();
        one.send(VOTE);
        assertEquals(1, inbox.received.size());
    }

    @Test
    void theOlderOfTwoBootsIsTold() {
        start(ONE, 1, 5, inbox);
        start(ONE, 2, 5, new Inbox());
        assertEquals(List.of("boot 2 by 1"), inbox.received);
    }

    @Test
    void anotherIncarnationOfANodeIsAnotherReplica() {
        start(ONE, 1, 5, inbox);
        start(new ReplicaId(1, 12), 1, 5, new Inbox());
        assertEquals(List.of(), inbox.received);
    }

    @Test
    void aClosedEndNeitherSendsNorReceives() {
        Transport one = start(ONE, 1, 5, new Inbox());
        Transport two = start(TWO, 1, 5, inbox);
        two.close();
        two.close();
        one.send(VOTE);
        two.send(new Message.Vote(TWO, ONE, 1, null));
        assertEquals(List.of(), inbox.received);
        assertNotNull(one.trouble(2));
        assertThrows(TransportException.class, () -> two.start(local(TWO, 1, 5), Map.of(), inbox));
    }

    @Test
    void clientsAreAnsweredOrToldThatNothingWasSent() {
        start(ONE, 1, 5, inbox);
        ClientTransport client = network.clientTransport();
        CompletableFuture<ClientResponse> call = client.call("memory:1", new ClientRequest.Status(), TimeUnit.SECONDS.toNanos(20));
        ClientResponse answer = new ClientResponse.Unavailable("x");
        inbox.replies.get(0).accept(answer);
        assertEquals(answer, call.join());

        assertNotSent(client.call("memory:2", new ClientRequest.Status(), 1));
        network.isolate(1);
        assertNotSent(client.call("memory:1", new ClientRequest.Status(), 1));
        network.heal();
        client.close();
        assertNotSent(client.call("memory:1", new ClientRequest.Status(), 1));
    }

    @Test
    void aClientsCallEndsWithItsTimeAndWithItsTransport() {
        start(ONE, 1, 5, inbox);
        ClientTransport client = network.clientTransport();
        CompletableFuture<ClientResponse> late = client.call("memory:1", new ClientRequest.Status(), TimeUnit.MILLISECONDS.toNanos(10));
        CompletionException thrown = assertThrows(CompletionException.class, late::join);
        assertInstanceOf(TimeoutException.class, thrown.getCause());
        CompletableFuture<ClientResponse> open = client.call("memory:1", new ClientRequest.Status(), TimeUnit.SECONDS.toNanos(50));
        client.close();
        thrown = assertThrows(CompletionException.class, open::join);
        assertInstanceOf(TransportException.class, thrown.getCause());
    }

    private static void assertNotSent(CompletableFuture<ClientResponse> call) {
        assertInstanceOf(ClientTransport.NotSentException.class, assertThrows(CompletionException.class, call::join).getCause());
    }

    private Transport start(ReplicaId self, long boot, long group, Transport.Receiver receiver) {
        Transport transport = network.transport();
        transport.start(local(self, boot, group), Map.of(), receiver);
        return transport;
    }

    private static Transport.Local local(ReplicaId self, long boot, long group) {
        FoundingRecord record = group == 0 ? null
            : new FoundingRecord(new ClusterId(group, 1), 0, Membership.of(1, List.of(new Member(ONE, "a"), new Member(TWO, "b"))));
        return new Transport.Local(new Identity(self, boot, record));
    }
}
