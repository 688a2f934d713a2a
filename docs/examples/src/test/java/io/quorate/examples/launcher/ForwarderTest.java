package io.quorate.examples.launcher;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
final class ForwarderTest {

    private static final int PATIENCE_MILLIS = 20_000;
    private static final int MOMENT_MILLIS = 200;

    private final Forwarder forwarder = new Forwarder();
    private ServerSocket target = newTarget();
    private Socket near = new Socket();
    private Socket far = new Socket();

    private static ServerSocket newTarget() {
        try {
            return new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @BeforeEach
    void connect() throws IOException {
        forwarder.forwardTo("127.0.0.1:" + target.getLocalPort());
        near = toForwarder();
        far = target.accept();
        far.setSoTimeout(PATIENCE_MILLIS);
    }

    @AfterEach
    void close() throws IOException {
        near.close();
        far.close();
        target.close();
        forwarder.close();
    }

    private Socket toForwarder() throws IOException {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), Integer.parseInt(forwarder.address().split(":")[1]));
        socket.setSoTimeout(PATIENCE_MILLIS);
        return socket;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static void send(Socket socket, String text) throws IOException {
        socket.getOutputStream().write(bytes(text));
    }

    private static String receive(Socket socket, int length) throws IOException {
        return new String(socket.getInputStream().readNBytes(length), StandardCharsets.US_ASCII);
    }

    private static void assertSilent(Socket socket) throws IOException {
        socket.setSoTimeout(MOMENT_MILLIS);
        assertThrows(SocketTimeoutException.class, () -> socket.getInputStream().read());
        socket.setSoTimeout(PATIENCE_MILLIS);
    }

    /** An end, or a reset: either way nothing more comes. */
    private static void assertClosed(Socket socket) {
        int read;
        try {
            read = socket.getInputStream().read();
        } catch (SocketTimeoutException e) {
            throw new AssertionError("still open", e);
        } catch (IOException e) {
            read = -1;
        }
        assertEquals(-1, read);
    }

    @Test
    void itCarriesBothWays() throws IOException {
        send(near, "question");
        assertEquals("question", receive(far, 8));
        send(far, "answer");
        assertEquals("answer", receive(near, 6));
        assertEquals(8, forwarder.bytesCarried(Forwarder.Direction.TO_TARGET));
        assertEquals(6, forwarder.bytesCarried(Forwarder.Direction.FROM_TARGET));
    }

    @Test
    void anEndOnOneSideIsAnEndOnTheOther() throws IOException {
        far.close();
        assertClosed(near);
    }

    @Test
    void aCutClosesWhatIsOpenAndWhatComesUntilItIsRestored() throws IOException {
        forwarder.cut();
        assertClosed(near);
        assertClosed(far);
        try (Socket another = toForwarder()) {
            assertClosed(another);
        }
        forwarder.restore();
        far.close();
        near = toForwarder();
        send(near, "again");
        String received;
        do {        // the connection that was cut while it was made may have reached the target
            far = target.accept();
            far.setSoTimeout(PATIENCE_MILLIS);
            received = receive(far, 5);
        } while (received.isEmpty());
        assertEquals("again", received);
    }

    @Test
    void aStallHoldsBackOneDirectionOnly() throws IOException {
        forwarder.stall(Forwarder.Direction.TO_TARGET);
        send(near, "question");
        assertSilent(far);
        send(far, "answer");
        assertEquals("answer", receive(near, 6));
        forwarder.restore();
        assertEquals("question", receive(far, 8));
    }

    @Test
    void aStalledWireTakesOnlyWhatItsBuffersHold() throws Exception {
        forwarder.stall(Forwarder.Direction.TO_TARGET);
        int size = 32 << 20;
        CompletableFuture<Void> sent = CompletableFuture.runAsync(() -> {
            try {
                near.getOutputStream().write(new byte[size]);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        assertThrows(TimeoutException.class, () -> sent.get(MOMENT_MILLIS, TimeUnit.MILLISECONDS));
        forwarder.restore();
        assertEquals(size, far.getInputStream().readNBytes(size).length);
        sent.get(PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
    }

    @Test
    void aSlowWireTakesItsTime() throws IOException {
        forwarder.slow(Forwarder.Direction.TO_TARGET, 10_000);
        long begin = System.nanoTime();
        near.getOutputStream().write(new byte[5_000]);
        assertEquals(5_000, far.getInputStream().readNBytes(5_000).length);
        long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin);
        assertTrue(millis >= 400, "5000 bytes at 10000 a second took " + millis + " ms");
        assertThrows(IllegalArgumentException.class, () -> forwarder.slow(Forwarder.Direction.TO_TARGET, 0));
    }

    @Test
    void damageIsDoneOnceToOneByte() throws Exception {
        CompletableFuture<Void> done = forwarder.damage(Forwarder.Direction.TO_TARGET);
        send(far, "whole");
        assertEquals("whole", receive(near, 5));
        assertFalse(done.isDone());
        send(near, "abcd");
        byte[] received = far.getInputStream().readNBytes(4);
        done.get(PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
        assertArrayEquals(new byte[] {'a', 'b', 'c', (byte) ('d' ^ 0xFF)}, received);
        send(near, "abcd");
        assertEquals("abcd", receive(far, 4));
    }

    @Test
    void withoutATargetItCloses() throws IOException {
        try (Forwarder lost = new Forwarder(); Socket socket = new Socket(InetAddress.getLoopbackAddress(),
            Integer.parseInt(lost.address().split(":")[1]))) {
            socket.setSoTimeout(PATIENCE_MILLIS);
            assertClosed(socket);
        }
    }

    /** As replica 2 greets: a frame whose head says in its field 7 who sends it. */
    private static byte[] greetingOf(int nodeId) {
        byte[] head = {0x18, 0x01, 0x3A, 0x02, 0x08, (byte) nodeId};
        return ByteBuffer.allocate(20 + head.length).putInt(head.length).putInt(0).put((byte) 1).put(new byte[11]).put(head).array();
    }

    @Test
    void oneReplicaIsRefusedAndAnotherPasses() throws IOException {
        near.getOutputStream().write(greetingOf(2));
        assertEquals(26, far.getInputStream().readNBytes(26).length);
        forwarder.refuse(2);
        assertClosed(near);
        assertClosed(far);
        try (Socket again = toForwarder()) {
            again.getOutputStream().write(greetingOf(2));
            assertClosed(again);
        }
        try (Socket other = toForwarder(); Socket there = acceptThatSays(greetingOf(3), other)) {
            send(other, "passes");
            assertEquals("passes", receive(there, 6));
        }
    }

    @Test
    void whoIsSilencedStaysConnectedAndIsNotHeard() throws IOException {
        near.getOutputStream().write(greetingOf(2));
        assertEquals(26, far.getInputStream().readNBytes(26).length);
        forwarder.silence(2);
        send(near, "unheard");
        assertSilent(far);
        send(far, "answer");
        assertEquals("answer", receive(near, 6));
        forwarder.restore();
        assertEquals("unheard", receive(far, 7));
    }

    /** The target's end of this connection: of those that were closed before they said anything there are others. */
    private Socket acceptThatSays(byte[] greeting, Socket socket) throws IOException {
        socket.getOutputStream().write(greeting);
        while (true) {
            Socket accepted = target.accept();
            accepted.setSoTimeout(PATIENCE_MILLIS);
            if (Arrays.equals(greeting, accepted.getInputStream().readNBytes(greeting.length))) {
                return accepted;
            }
            accepted.close();
        }
    }
}
