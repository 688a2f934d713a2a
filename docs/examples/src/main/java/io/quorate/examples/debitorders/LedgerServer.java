package io.quorate.examples.debitorders;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * A ledger at a port of the loopback address. It is asked in lines, {@code claim SCHEDULER FENCE} or {@code create SCHEDULER FENCE ORDER},
 * and answers each with one: {@code accepted ORDERS}, {@code stale NEWEST_FENCE}, or {@code error WHY}. Lines that came are carried out
 * even if whoever sent them is gone; that is so with most systems, and with all networks.
 */
final class LedgerServer implements AutoCloseable {

    private final OrderLedger ledger;
    private final ServerSocket listener;
    private final Set<Socket> open = new HashSet<>();      // guarded by itself
    private boolean isClosed;                              // guarded by open

    /** Serves this ledger from now on, at a free port. */
    LedgerServer(OrderLedger ledger) throws IOException {
        this.ledger = ledger;
        listener = new ServerSocket();
        listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        daemon("ledger-listener", this::accept);
    }

    /** Where it listens. */
    String address() {
        return "127.0.0.1:" + listener.getLocalPort();
    }

    private void accept() {
        while (true) {
            Socket socket;
            try {
                socket = listener.accept();
            } catch (IOException e) {
                return;     // it was closed
            }
            synchronized (open) {
                if (isClosed) {
                    closeQuietly(socket);
                    return;
                }
                open.add(socket);
            }
            daemon("ledger-connection", () -> serve(socket));
        }
    }

    private void serve(Socket socket) {
        try (socket) {
            socket.setTcpNoDelay(true);
            BufferedReader in = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
            Writer out = new OutputStreamWriter(socket.getOutputStream(), StandardCharsets.US_ASCII);
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                out.write(answer(line) + "\n");
                out.flush();
            }
        } catch (IOException e) {
            // Who asked is gone; the next one asks on a connection of his own.
        } finally {
            synchronized (open) {
                open.remove(socket);
            }
        }
    }

    private String answer(String line) {
        List<String> words = List.of(line.split(" ", -1));
        try {
            if (words.size() == 3 && words.get(0).equals("claim")) {
                return toLine(ledger.claim(words.get(1), Long.parseLong(words.get(2))));
            }
            if (words.size() == 4 && words.get(0).equals("create")) {
                return toLine(ledger.create(words.get(1), Long.parseLong(words.get(2)), words.get(3)));
            }
            return "error ask \"claim SCHEDULER FENCE\" or \"create SCHEDULER FENCE ORDER\"";
        } catch (IOException | IllegalArgumentException e) {
            return "error " + e.getMessage();
        }
    }

    private static String toLine(Verdict verdict) {
        return verdict instanceof Verdict.Accepted accepted ? "accepted " + accepted.orders()
            : "stale " + ((Verdict.Stale) verdict).newestFence();
    }

    /** Closes the port and all connections; the ledger stays open. */
    @Override
    public void close() {
        closeQuietly(listener);
        synchronized (open) {
            isClosed = true;
            open.forEach(LedgerServer::closeQuietly);
        }
    }

    private static void closeQuietly(AutoCloseable what) {
        try {
            what.close();
        } catch (Exception e) {
            // It is of no more use either way.
        }
    }

    private static void daemon(String name, Runnable work) {
        Thread thread = new Thread(work, name);
        thread.setDaemon(true);
        thread.start();
    }
}
