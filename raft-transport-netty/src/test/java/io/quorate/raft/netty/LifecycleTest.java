package io.quorate.raft.netty;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.Transport;
import io.quorate.raft.TransportException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class LifecycleTest {

    @Test
    void aPortInUseIsAnErrorThatNamesTheAddress() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            String address = "127.0.0.1:" + taken.getLocalPort();
            TransportException error = assertThrows(TransportException.class,
                () -> new Node(Node.member(77), NettyTransport.builder().bind(address).build()));
            assertTrue(error.getMessage().contains(address), error.getMessage());
            assertTrue(error.getMessage().contains("another process"), error.getMessage());
        }
        assertEquals(List.of(), threads("quorate-net-77"));
    }

    @Test
    void anAddressOpenToOthersNeedsInsecure() {
        for (String address : List.of("0.0.0.0:0", "[::]:0", "192.0.2.1:0")) {
            TransportException error = assertThrows(TransportException.class,
                () -> NettyTransport.builder().bind(address).advertise("one.example:1").build());
            assertTrue(error.getMessage().contains("insecure()"), error.getMessage());
        }
        try (Node open = new Node(Node.member(1), NettyTransport.builder().bind("0.0.0.0:0").advertise("127.0.0.1:0").insecure().build());
                Node two = Node.start(Node.member(2))) {
            two.peers(open);
            two.reach(open);
        }
    }

    @Test
    void everyAddressOfTheHostMustBeAdvertisedAsOne() {
        TransportException error = assertThrows(TransportException.class,
            () -> NettyTransport.builder().bind("0.0.0.0:0").insecure().build());
        assertTrue(error.getMessage().contains("advertise("), error.getMessage());
    }

    @Test
    void anAddressThatIsNoneIsAnError() {
        for (String address : List.of("", "host", "host:", "host:x", ":1", "host:65536", "host:-1", "::1:80", "[]:1",
                "x".repeat(256) + ":1")) {
            assertThrows(IllegalArgumentException.class, () -> NettyTransport.builder().bind(address), address);
        }
        assertThrows(TransportException.class, () -> NettyTransport.builder().bind("no-such-host.invalid:0").build());
        assertEquals("[::1]:80", HostPort.of("[::1]:80").toString());
    }

    @Test
    void closeFreesThePortAndEndsAllThreads() throws Exception {
        Node one = Node.start(Node.member(71));
        Node two = Node.start(Node.member(72));
        NettyClientTransport client = new NettyClientTransport();
        one.transport.peers(Map.of(72, two.address(), 73, "localhost:1"));
        one.reach(two);
        client.call(one.address(), new io.quorate.raft.ClientRequest.Status(), Node.millis(5000)).get();
        int port = one.port();
        assertTrue(!threads("quorate-net-71").isEmpty() && !threads("quorate-client").isEmpty());
        client.close();
        one.close();
        two.close();
        one.close();
        client.close();
        new ServerSocket(port, 1, InetAddress.getByName("127.0.0.1")).close();
        assertEquals(List.of(), threads("quorate-net-7"));
        assertEquals(List.of(), threads("quorate-client"));
        one.transport.send(one.vote(two, 1));
        one.transport.send(one.question(two));
        one.peers(two);
        one.transport.founded(new Transport.Local(one.identity));
        assertNull(one.transport.trouble(72));
        assertEquals(List.of(), threads("quorate-net-7"));
    }

    @Test
    void closeFromWithinADeliveryDoesNotWaitForItself() {
        Node one = Node.start(Node.member(1));
        try (Node two = Node.start(Node.member(2))) {
            CompletableFuture<Boolean> isClosed = new CompletableFuture<>();
            two.onMessage = message -> {
                two.transport.close();
                isClosed.complete(true);
            };
            one.peers(two);
            one.transport.send(one.vote(two, 1));
            assertTrue(isClosed.orTimeout(Node.PATIENCE_SECONDS, TimeUnit.SECONDS).join());
        } finally {
            one.close();
        }
    }

    @Test
    void aTransportStartsOnce() {
        try (Node one = Node.start(Node.member(1))) {
            assertThrows(IllegalStateException.class, () -> one.transport.start(new Transport.Local(one.identity), Map.of(), one));
        }
        NettyTransport closed = NettyTransport.builder().build();
        assertThrows(IllegalStateException.class, closed::advertisedAddress);
        closed.close();
        closed.close();
        assertThrows(IllegalStateException.class, () -> new Node(Node.member(1), closed));
    }

    private static List<String> threads(String prefix) {
        return Thread.getAllStackTraces().keySet().stream().filter(Thread::isAlive).map(Thread::getName)
            .filter(name -> name.startsWith(prefix)).sorted().toList();
    }
}
