package io.quorate.raft.netty;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** Stands between two nodes, and damages what passes when it is told to. */
final class Forwarder implements AutoCloseable {

    private final ServerSocket server;
    private final int target;
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private final AtomicInteger toDamage = new AtomicInteger();
    private volatile boolean isClosed;

    Forwarder(int target) throws IOException {
        this.target = target;
        this.server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        run(this::accept);
    }

    String address() {
        return "127.0.0.1:" + server.getLocalPort();
    }

    /** The last byte of the next piece towards the target is damaged. */
    void damageNext() {
        toDamage.set(1);
    }

    private void accept() throws IOException {
        while (!isClosed) {
            Socket from = server.accept();
            Socket to = new Socket(InetAddress.getLoopbackAddress(), target);
            sockets.add(from);
            sockets.add(to);
            run(() -> copy(from, to, true));
            run(() -> copy(to, from, false));
        }
    }

    private void copy(Socket from, Socket to, boolean isForward) throws IOException {
        try (from; to) {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            byte[] bytes = new byte[64 << 10];
            for (int count = in.read(bytes); count > 0; count = in.read(bytes)) {
                if (isForward && toDamage.compareAndSet(1, 0)) {
                    bytes[count - 1] ^= 0x10;
                }
                out.write(bytes, 0, count);
            }
        }
    }

    private interface Work {
        void run() throws IOException;
    }

    private static void run(Work work) {
        Thread thread = new Thread(() -> {
            try {
                work.run();
            } catch (IOException e) {
                // One of the two ends is gone, and so is the other now.
            }
        }, "forwarder");
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public void close() throws IOException {
        isClosed = true;
        server.close();
        for (Socket socket : sockets) {
            socket.close();
        }
    }
}
