package io.quorate.examples.launcher;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A wire with two ends on this machine that can be cut, stalled, slowed and damaged: it listens on a free port, and carries what comes to
 * a target and back. Give it as the address of the target to whoever is to be troubled. Orders hold for connections of now and of later.
 *
 * <p>Stalling and slowing hold back bytes as a network does: what the sockets' buffers cannot take, the sender keeps.
 *
 * <p>It also reads who connects, from the first frame of a connection, so that it can part one replica from the target and let others
 * through. Thread-safe.
 */
public final class Forwarder implements AutoCloseable {

    /** Which way bytes go. */
    public enum Direction {
        /** From whoever connected to the target. */
        TO_TARGET,
        /** From the target back. */
        FROM_TARGET
    }

    private static final int CHUNK_BYTES = 16 << 10;
    private static final int SOCKET_BUFFER_BYTES = 64 << 10;      // small, so that a stall is soon felt
    private static final int CONNECT_MILLIS = 2000;
    private static final int UNLIMITED = 0;

    /** What is ordered for one direction. */
    private static final class Orders {
        private boolean isStalled;
        private int bytesPerSecond = UNLIMITED;
        private @Nullable CompletableFuture<Void> damage;      // to be done to what comes next, or null
        private long bytesCarried;
    }

    private final ServerSocket listener;
    private final Map<Direction, Orders> orders = new EnumMap<>(Direction.class);     // this and all below: guarded by this
    private final Set<Socket> sockets = new HashSet<>();
    private @Nullable InetSocketAddress target;
    private final Map<Socket, Integer> callers = new HashMap<>();          // who is at the near end, once it has said so
    private final Set<Integer> refused = new HashSet<>();                   // replicas whose connections are closed
    private final Set<Integer> silenced = new HashSet<>();                  // replicas of whom nothing is carried
    private boolean isCut;
    private boolean isClosed;

    /** Listens on a free port of the loopback address; until it is told where to, it closes what connects. */
    public Forwarder() {
        try {
            listener = new ServerSocket();
            listener.setReceiveBufferSize(SOCKET_BUFFER_BYTES);
            listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        } catch (IOException e) {
            throw new UncheckedIOException("A forwarder cannot listen: " + e.getMessage(), e);
        }
        for (Direction direction : Direction.values()) {
            orders.put(direction, new Orders());
        }
        daemon("forwarder-" + listener.getLocalPort(), this::accept);
    }

    /** Where it listens. */
    public String address() {
        return "127.0.0.1:" + listener.getLocalPort();
    }

    /** Carries what comes to this address from now on. */
    public synchronized void forwardTo(String address) {
        int colon = address.lastIndexOf(':');
        target = new InetSocketAddress(address.substring(0, colon), Integer.parseInt(address.substring(colon + 1)));
    }

    /** Closes all connections, and every new one at once, until {@link #restore}. */
    public synchronized void cut() {
        isCut = true;
        closeAll();
    }

    /** Closes the connections of this replica, and every new one once it has said who it is, until {@link #restore}. */
    public synchronized void refuse(int nodeId) {
        refused.add(nodeId);
        for (Map.Entry<Socket, Integer> caller : callers.entrySet()) {
            if (caller.getValue() == nodeId) {
                closeQuietly(caller.getKey());       // the far end follows
            }
        }
        notifyAll();
    }

    /** Carries nothing that this replica says, and closes nothing, until {@link #restore}. */
    public synchronized void silence(int nodeId) {
        silenced.add(nodeId);
    }

    /** Carries nothing in this direction, and closes nothing, until {@link #restore}. */
    public synchronized void stall(Direction direction) {
        orders(direction).isStalled = true;
    }

    /** Carries at most so many bytes a second in this direction, on each connection, until {@link #restore}. */
    public synchronized void slow(Direction direction, int bytesPerSecond) {
        if (bytesPerSecond < 1) {
            throw new IllegalArgumentException("A slow wire carries 1 byte a second or more, not " + bytesPerSecond + "; stall it instead");
        }
        orders(direction).bytesPerSecond = bytesPerSecond;
        notifyAll();
    }

    /** Inverts one byte of what goes this way next; completes when that is done. */
    public synchronized CompletableFuture<Void> damage(Direction direction) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        orders(direction).damage = done;
        return done;
    }

    /** Ends every cut, stall and slowness. */
    public synchronized void restore() {
        isCut = false;
        refused.clear();
        silenced.clear();
        for (Orders each : orders.values()) {
            each.isStalled = false;
            each.bytesPerSecond = UNLIMITED;
        }
        notifyAll();
    }

    /** How many bytes it carried this way so far. */
    public synchronized long bytesCarried(Direction direction) {
        return orders(direction).bytesCarried;
    }

    /** Closes everything. */
    @Override
    public synchronized void close() {
        isClosed = true;
        closeQuietly(listener);
        closeAll();
        notifyAll();
    }

    private Orders orders(Direction direction) {
        Orders found = orders.get(direction);
        if (found == null) {
            throw new IllegalStateException("There are orders for each direction");
        }
        return found;
    }

    private void closeAll() {
        sockets.forEach(Forwarder::closeQuietly);
        sockets.clear();
        notifyAll();
    }

    private void accept() {
        while (true) {
            Socket near;
            try {
                near = listener.accept();
            } catch (IOException e) {
                return;     // it was closed
            }
            daemon("forwarder-" + listener.getLocalPort() + "-connect", () -> connect(near));
        }
    }

    private void connect(Socket near) {
        InetSocketAddress there;
        synchronized (this) {
            there = target;
        }
        Socket far = new Socket();
        try {
            if (there == null) {
                throw new SocketException("no target");
            }
            far.setSendBufferSize(SOCKET_BUFFER_BYTES);
            far.setTcpNoDelay(true);
            near.setTcpNoDelay(true);
            far.connect(there, CONNECT_MILLIS);
            synchronized (this) {
                if (isCut || isClosed) {
                    throw new SocketException("cut");
                }
                sockets.add(near);
                sockets.add(far);
            }
        } catch (IOException e) {
            closeQuietly(near);
            closeQuietly(far);
            return;
        }
        String name = "forwarder-" + listener.getLocalPort();
        daemon(name + "-to", () -> carry(near, far, Direction.TO_TARGET));
        daemon(name + "-from", () -> carry(far, near, Direction.FROM_TARGET));
    }

    private void carry(Socket from, Socket to, Direction direction) {
        byte[] chunk = new byte[CHUNK_BYTES];
        FirstFrame first = direction == Direction.TO_TARGET ? new FirstFrame() : null;
        try {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            while (true) {
                awaitFlow(direction, from);
                int length = in.read(chunk);
                if (length < 0) {
                    break;
                }
                if (first != null && first.isOpen()) {
                    first.read(chunk, length);
                    if (!first.isOpen()) {
                        called(from, first.nodeId());
                    }
                }
                pass(direction, chunk, length);
                for (int done = 0; done < length;) {
                    int slice = Math.min(length - done, sliceMax(direction));
                    pace(direction, slice);
                    awaitFlow(direction, from);        // what a stall finds on its way here waits too
                    out.write(chunk, done, slice);
                    done += slice;
                }
            }
        } catch (IOException e) {
            // Either end closed, or the wire was cut: both ends are closed below.
        } finally {
            synchronized (this) {
                sockets.remove(from);
                sockets.remove(to);
                callers.remove(from);
                callers.remove(to);
                notifyAll();
            }
            closeQuietly(from);
            closeQuietly(to);
        }
    }

    private synchronized void called(Socket near, int nodeId) throws IOException {
        if (refused.contains(nodeId)) {
            throw new SocketException("refused");
        }
        callers.put(near, nodeId);
    }

    private synchronized int sliceMax(Direction direction) {
        int bytesPerSecond = orders(direction).bytesPerSecond;
        return bytesPerSecond == UNLIMITED ? CHUNK_BYTES : Math.max(1, Math.min(CHUNK_BYTES, bytesPerSecond / 20));
    }

    private synchronized void pass(Direction direction, byte[] chunk, int length) {
        Orders here = orders(direction);
        here.bytesCarried += length;
        CompletableFuture<Void> damage = here.damage;
        if (damage != null) {
            here.damage = null;
            chunk[length - 1] ^= (byte) 0xFF;      // the last: more likely within a message than in its first field
            damage.completeAsync(() -> null);
        }
    }

    private synchronized void awaitFlow(Direction direction, Socket socket) throws IOException {
        while ((orders(direction).isStalled || silenced.contains(callers.getOrDefault(socket, FirstFrame.NOBODY))) && !socket.isClosed()) {
            await(0);
        }
    }

    /** Lets as much time pass as these bytes take on a slow wire. */
    private synchronized void pace(Direction direction, int length) throws IOException {
        int bytesPerSecond = orders(direction).bytesPerSecond;
        if (bytesPerSecond == UNLIMITED) {
            return;
        }
        long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(length) / bytesPerSecond;
        for (long left = until - System.nanoTime(); left > 0 && orders(direction).bytesPerSecond == bytesPerSecond && !isClosed;
             left = until - System.nanoTime()) {
            await(Math.max(1, TimeUnit.NANOSECONDS.toMillis(left)));
        }
    }

    private void await(long millis) throws IOException {
        try {
            wait(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    private static void daemon(String name, Runnable work) {
        Thread thread = new Thread(work, name);
        thread.setDaemon(true);
        thread.start();
    }

    private static void closeQuietly(AutoCloseable open) {
        try {
            open.close();
        } catch (Exception e) {
            // It is of no more use either way.
        }
    }
}
