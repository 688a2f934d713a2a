package io.quorate.examples.debitorders;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/**
 * The {@link LedgerServer ledger's} other end: one connection, one question at a time. When a question fails, its outcome is unknown, and
 * the connection is of no more use. Not thread-safe.
 */
final class LedgerClient implements Ledger, AutoCloseable {

    private final Socket socket = new Socket();
    private final BufferedReader in;
    private final Writer out;

    /**
     * Connects.
     *
     * @param timeout for how long one answer is waited for
     */
    LedgerClient(String address, Duration timeout) throws IOException {
        int millis = Math.toIntExact(timeout.toMillis());
        int colon = address.lastIndexOf(':');
        try {
            socket.connect(new InetSocketAddress(address.substring(0, colon), Integer.parseInt(address.substring(colon + 1))), millis);
            socket.setSoTimeout(millis);
            socket.setTcpNoDelay(true);
            in = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
            out = new OutputStreamWriter(socket.getOutputStream(), StandardCharsets.US_ASCII);
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }

    @Override
    public Verdict claim(String scheduler, long fence) throws IOException {
        return ask("claim " + scheduler + " " + fence);
    }

    @Override
    public Verdict create(String scheduler, long fence, String orderId) throws IOException {
        return ask("create " + scheduler + " " + fence + " " + orderId);
    }

    private Verdict ask(String line) throws IOException {
        out.write(line + "\n");
        out.flush();
        String answer = in.readLine();
        if (answer == null) {
            throw new IOException("the ledger closed the connection");
        }
        String[] words = answer.split(" ", 2);
        return switch (words[0]) {
            case "accepted" -> new Verdict.Accepted(Long.parseLong(words[1]));
            case "stale" -> new Verdict.Stale(Long.parseLong(words[1]));
            default -> throw new IOException("the ledger answers \"" + answer + "\"");
        };
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            // It is of no more use either way.
        }
    }
}
