package io.quorate.raft.netty;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.Transport;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class CarrierTest {

    private static final long LONG_NANOS = TimeUnit.HOURS.toNanos(1);

    private final Carrier carrier = new Carrier(IoThreads.handlersOfCarrier());

    @Test
    void aWakeUpBeforeTheWaitEndsIt() {
        carrier.wake();
        carrier.poll(LONG_NANOS);
        carrier.poll(0);
        carrier.loop().execute(carrier::wake);      // by what is done before the wait
        carrier.poll(LONG_NANOS);
        carrier.close();
    }

    @Test
    void aWakeUpEndsOneWaitAndNotTheNext() {
        carrier.poll(0);
        carrier.wake();
        carrier.poll(LONG_NANOS);
        AtomicBoolean hasWaited = new AtomicBoolean();
        carrier.loop().schedule(() -> hasWaited.set(true), 20, TimeUnit.MILLISECONDS);
        carrier.poll(LONG_NANOS);
        assertTrue(hasWaited.get());
        carrier.close();
    }

    @Test
    void whatItsThreadHasToSendGoesOutWhenItPollsWhetherItWaitsOrNot() {
        List<Integer> done = new ArrayList<>();
        carrier.poll(0);
        carrier.loop().execute(() -> done.add(1));
        carrier.poll(0);
        assertEquals(List.of(1), done);
        carrier.loop().execute(() -> {
            done.add(2);
            carrier.wake();
        });
        carrier.poll(LONG_NANOS);
        assertEquals(List.of(1, 2), done);
        carrier.close();
    }

    @Test
    void aWakeUpFromAnotherThreadEndsTheWait() throws Exception {
        AtomicBoolean isOver = new AtomicBoolean();
        Thread thread = new Thread(() -> {
            while (!isOver.get()) {
                carrier.poll(LONG_NANOS);
            }
            carrier.leave();
        });
        thread.start();
        isOver.set(true);
        carrier.wake();
        carrier.loop().shutdownGracefully(0, 0, TimeUnit.SECONDS);
        thread.join();
    }

    @Test
    void whoPollsOnceItIsClosedStillWaitsAndIsWoken() throws Exception {
        carrier.poll(0);
        carrier.close();
        carrier.wake();
        carrier.poll(LONG_NANOS);
        Thread waker = new Thread(carrier::wake);
        waker.start();
        carrier.poll(LONG_NANOS);
        waker.join();
    }

    @Test
    void whoComesToCarryItWhenItIsClosedWaitsAndIsWokenAllTheSame() throws Exception {
        carrier.close();
        AtomicBoolean isOver = new AtomicBoolean();
        Thread late = new Thread(() -> {
            while (!isOver.get()) {
                carrier.poll(LONG_NANOS);
            }
            carrier.leave();
        });
        late.start();
        while (late.getState() != Thread.State.TIMED_WAITING) {
            Thread.onSpinWait();
        }
        isOver.set(true);
        carrier.wake();
        late.join();
    }

    @Test
    void aTransportIsClosedByWhoClosesItIfNobodyHasCarriedIt() throws Exception {
        NettyTransport transport = NettyTransport.builder().ioThreads(0).build();
        assertNotNull(transport.poller());
        try (Node two = Node.start(Node.member(2))) {
            transport.start(new Transport.Local(Node.member(74)), Map.of(2, two.address()), two);
            String address = transport.advertisedAddress();
            transport.close();
            new ServerSocket(HostPort.of(address).port(), 1, InetAddress.getByName("127.0.0.1")).close();
        }
        assertFalse(Thread.getAllStackTraces().keySet().stream().anyMatch(thread -> thread.getName().startsWith("quorate-net-74")));
        NettyTransport neverStarted = NettyTransport.builder().ioThreads(0).build();
        Transport.Poller poller = assertNotNullPoller(neverStarted);
        neverStarted.close();
        poller.wake();
        poller.poll(LONG_NANOS);
        poller.leave();
    }

    @Test
    void whatComesIsDeliveredOnTheThreadThatPolls() {
        CompletableFuture<Thread> told = new CompletableFuture<>();
        try (Node one = Node.start(Node.member(1)); Node two = Node.start(Node.member(2));
                Carried carried = new Carried(NettyTransport.builder().ioThreads(0).build())) {
            two.onMessage = message -> told.complete(Thread.currentThread());
            carried.start(new Transport.Local(two.identity), Map.of(), two);
            one.transport.peers(Map.of(2, carried.advertisedAddress()));
            one.transport.send(one.vote(two, 1));
            assertSame(carried.thread(), told.orTimeout(Node.PATIENCE_SECONDS, TimeUnit.SECONDS).join());
        }
    }

    @Test
    void aTransportIsAskedOnceAndBeforeTheStart() {
        NettyTransport own = NettyTransport.builder().ioThreads(1).build();
        assertNull(own.poller());
        NettyTransport carried = NettyTransport.builder().ioThreads(0).build();
        assertNotNull(carried.poller());
        assertThrows(IllegalStateException.class, carried::poller);
        carried.close();
        assertThrows(IllegalStateException.class, carried::poller);
        for (int count : List.of(-1, 65)) {
            assertThrows(IllegalArgumentException.class, () -> NettyTransport.builder().ioThreads(count));
        }
    }

    private static Transport.Poller assertNotNullPoller(NettyTransport transport) {
        Transport.Poller poller = transport.poller();
        assertNotNull(poller);
        return poller;
    }
}
