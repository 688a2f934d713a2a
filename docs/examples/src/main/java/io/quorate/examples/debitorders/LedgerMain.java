package io.quorate.examples.debitorders;

import io.quorate.examples.Running;
import io.quorate.examples.launcher.ReplicaMain;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** The ledger as a process of its own: what it is asked, it writes to its file, and it ends when its launcher does. */
final class LedgerMain implements Running {

    /** What the ledger is, if it is not to refuse stale fences. */
    static final String GULLIBLE = "gullible";

    private final OrderLedger ledger;
    private final LedgerServer server;
    private final PrintStream out;
    private final CompletableFuture<Integer> stopped = new CompletableFuture<>();

    private LedgerMain(List<String> arguments, PrintStream out) throws IOException {
        this.out = out;
        ledger = OrderLedger.open(Path.of(arguments.get(0)), System::currentTimeMillis, !arguments.contains(GULLIBLE));
        server = new LedgerServer(ledger);
        out.println("ledger listens at " + server.address());
        out.flush();
    }

    /**
     * Runs it.
     *
     * @param arguments as {@link ReplicaMain} says; then the file, and perhaps {@link #GULLIBLE}
     */
    public static void main(String[] arguments) {
        ReplicaMain.run(arguments, (own, out) -> {
            try {
                return Optional.of(new LedgerMain(own, out));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    @Override
    public int awaitStop() {
        return stopped.join();
    }

    @Override
    public void close() {
        server.close();
        if (!stopped.isDone()) {
            out.println("ledger has stopped: stale requests " + ledger.staleRequests());
            out.flush();
        }
        try {
            ledger.close();
        } catch (IOException e) {
            System.err.println("error: the ledger's file cannot be closed: " + e.getMessage());
        }
        stopped.complete(0);
    }
}
