package io.quorate.benchmarks.microraft;

import io.microraft.RaftEndpoint;
import io.microraft.RaftNode;
import io.microraft.model.message.RaftMessage;
import io.microraft.transport.Transport;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * MicroRaft's messages over TCP, which it leaves to its user. A message is written to a blocking socket by the thread that sends it, and
 * handed on by a thread for each connection that reads: no queue and no hand-over more than must be. That cannot block for long, since
 * who reads hands over without waiting.
 */
final class Wire implements Transport, Closeable {

    private static final int BUFFER_BYTES = 1 << 16;

    private final Map<Integer, Integer> ports;
    private final Codec codec;
    private final ServerSocket server;
    private final Map<Integer, Connection> connections = new ConcurrentHashMap<>();
    private final List<Socket> accepted = new ArrayList<>();        // guarded by this
    private volatile @Nullable RaftNode node;

    /**
     * Listens.
     *
     * @param number of the replica here
     * @param ports  where replicas listen, by their numbers
     */
    Wire(int number, Map<Integer, Integer> ports, Codec codec) throws IOException {
        this.ports = ports;
        this.codec = codec;
        server = new ServerSocket(ports.get(number), ports.size(), InetAddress.getLoopbackAddress());
        start("accept-" + number, this::accept);
    }

    /** From now on messages are handed to it. */
    void deliverTo(RaftNode receiver) {
        node = receiver;
    }

    private static void start(String name, Runnable loop) {
        Thread thread = new Thread(loop, name);
        thread.setDaemon(true);
        thread.start();
    }

    private void accept() {
        try {
            for (;;) {
                Socket socket = server.accept();
                synchronized (this) {
                    accepted.add(socket);
                }
                start("read-" + socket.getPort(), () -> read(socket));
            }
        } catch (IOException e) {
            return;     // closed
        }
    }

    private void read(Socket socket) {
        try (DataInputStream in = new DataInputStream(new BufferedInputStream(socket.getInputStream(), BUFFER_BYTES))) {
            for (;;) {
                RaftMessage message = codec.read(in);
                RaftNode receiver = node;
                if (receiver != null) {
                    receiver.handle(message);
                }
            }
        } catch (EOFException | SocketException e) {
            return;     // closed
        } catch (IOException e) {
            e.printStackTrace();
        }
    }

    @Override
    public void send(RaftEndpoint target, RaftMessage message) {
        Connection connection = connections.computeIfAbsent((Integer) target.getId(), number -> new Connection(ports.get(number)));
        try {
            connection.send(message);
        } catch (IOException e) {
            connections.remove((Integer) target.getId(), connection);
            connection.close();
        }
    }

    @Override
    public boolean isReachable(RaftEndpoint target) {
        return true;
    }

    private final class Connection {

        private final int port;
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream(BUFFER_BYTES);       // this and below: guarded by this
        private final DataOutputStream out = new DataOutputStream(bytes);
        private @Nullable Socket socket;

        private Connection(int port) {
            this.port = port;
        }

        private synchronized void send(RaftMessage message) throws IOException {
            Socket open = socket;
            if (open == null) {
                open = new Socket();
                socket = open;
                open.setTcpNoDelay(true);
                open.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
            }
            bytes.reset();
            codec.write(out, message);
            bytes.writeTo(open.getOutputStream());
        }

        private synchronized void close() {
            try {
                if (socket != null) {
                    socket.close();
                }
            } catch (IOException e) {
                return;     // it is given up anyway
            }
        }
    }

    @Override
    public void close() throws IOException {
        server.close();
        connections.values().forEach(Connection::close);
        synchronized (this) {
            for (Socket socket : accepted) {
                socket.close();
            }
        }
    }
}
