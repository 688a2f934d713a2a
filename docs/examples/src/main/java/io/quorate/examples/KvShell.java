package io.quorate.examples;

import io.quorate.raft.RaftException;
import io.quorate.raft.RequestFailedException;
import io.quorate.raft.ServerStatus;
import java.io.BufferedReader;
import java.io.Console;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;

/**
 * Talks to the key-value store, one line at a time. Typed at a terminal, a command that fails is told and the next one is awaited. Read
 * from a file or a pipe, the first that fails ends it, since what follows was written in the belief that it went well.
 */
public final class KvShell {

    /** What this program ends with if everything was done. */
    public static final int EXIT_OK = 0;
    /** Something that was asked for could not be done. */
    public static final int EXIT_FAILED = 1;
    /** The command line is wrong. */
    public static final int EXIT_USAGE = 2;

    private static final String OPTIONS = """
        Talks to a replicated key-value store. Reads commands from the terminal, a file or a pipe; "help" lists them.

          --servers host:port,...  addresses of the replicas, or of some (required)
          --timeout SECONDS        how long one command may take; 10 unless given
          --help                   prints this

        It ends with 0 if everything was done, 1 if not, 2 for a wrong command line.
        """;
    private static final String COMMANDS = """
        put KEY VALUE   let the key have this value; the value is the rest of the line
        get KEY         print the key's value, as of now
        del KEY         take the key's value away
        status          print how each replica is
        """ + AdminShell.COMMANDS + """
        help            print this
        quit            leave
        """;
    private static final int TIMEOUT_SECONDS = 10;

    private final KvClient client;
    private final AdminShell admin;
    private final List<String> servers;
    private final PrintStream out;

    private KvShell(KvClient client, AdminShell admin, List<String> servers, PrintStream out) {
        this.client = client;
        this.admin = admin;
        this.servers = servers;
        this.out = out;
    }

    /** Runs the shell and ends the process. */
    public static void main(String[] arguments) {
        System.exit(run(List.of(arguments), System.in, System.out, System.err, isAtTerminal()));
    }

    /** Runs the shell; returns what the program ends with. */
    static int run(List<String> arguments, InputStream in, PrintStream out, PrintStream err, boolean isAtTerminal) {
        List<String> servers;
        Duration timeout;
        try {
            Options options = Options.parse(arguments, Set.of("--servers", "--timeout"), Set.of("--help"));
            if (options.has("--help")) {
                out.print(OPTIONS);
                return EXIT_OK;
            }
            servers = options.addresses("--servers");
            timeout = Duration.ofSeconds(options.number("--timeout", 1, 3600, TIMEOUT_SECONDS));
        } catch (UsageException e) {
            err.println("error: " + e.getMessage());
            return EXIT_USAGE;
        }
        try (KvClient client = new KvClient(servers, timeout); AdminShell admin = new AdminShell(servers, timeout, out)) {
            return new KvShell(client, admin, servers, out).run(in, err, isAtTerminal);
        } catch (IOException e) {
            err.println("error: the commands cannot be read: " + e.getMessage());
            return EXIT_FAILED;
        }
    }

    private int run(InputStream in, PrintStream err, boolean isAtTerminal) throws IOException {
        BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
        for (int number = 1; ; number++) {
            if (isAtTerminal) {
                out.print("> ");
                out.flush();
            }
            String line = lines.readLine();
            if (line == null || line.strip().equals("quit") || line.strip().equals("exit")) {
                return EXIT_OK;
            }
            try {
                execute(line.strip());
            } catch (UsageException | RaftException | IllegalArgumentException e) {
                if (!isAtTerminal) {
                    err.println("error: line " + number + ": " + e.getMessage());
                    return EXIT_FAILED;
                }
                err.println("error: " + e.getMessage());
            }
        }
    }

    private void execute(String line) throws UsageException {
        if (line.isEmpty() || line.startsWith("#")) {
            return;
        }
        String[] words = line.split("\\s+", 3);
        switch (words[0]) {
            case "put" -> {
                require(words.length == 3, "put KEY VALUE");
                await(client.put(bytes(words[1]), bytes(words[2])));
                out.println("ok");
            }
            case "get" -> {
                require(words.length == 2, "get KEY");
                Optional<byte[]> value = await(client.get(bytes(words[1])));
                out.println(value.map(bytes -> new String(bytes, StandardCharsets.UTF_8)).orElse("(none)"));
            }
            case "del" -> {
                require(words.length == 2, "del KEY");
                out.println(await(client.delete(bytes(words[1]))) ? "ok" : "(none)");
            }
            case "status" -> {
                require(words.length == 1, "status");
                status();
            }
            case "help" -> out.print(COMMANDS);
            default -> {
                if (!admin.execute(words)) {
                    throw new UsageException("there is no command \"" + words[0] + "\"; \"help\" lists them");
                }
            }
        }
    }

    private void status() {
        List<CompletableFuture<ServerStatus>> answers = servers.stream().map(client::status).toList();   // all at once: one may be slow
        RequestFailedException failure = null;
        int answered = 0;
        for (CompletableFuture<ServerStatus> answer : answers) {
            try {
                print(await(answer));
                answered++;
            } catch (RequestFailedException e) {
                failure = e;
                out.println(e.getMessage());
            }
        }
        if (answered == 0 && failure != null) {
            throw new IllegalArgumentException("no replica told its status; see whether the servers run and the addresses are right");
        }
    }

    private void print(ServerStatus status) {
        out.println("node " + status.replica().nodeId() + ": " + status.state() + ", term " + status.term()
            + ", leader " + (status.leader() == null ? "unknown" : "node " + status.leader().nodeId())
            + ", log " + status.firstIndex() + ".." + status.lastIndex() + ", durable " + status.durableIndex() + ", committed "
            + status.commitIndex() + ", applied " + status.appliedIndex() + ", boot " + status.boot() + ", group "
            + (status.clusterId() == null ? "none" : status.clusterId()));
        for (ServerStatus.Peer peer : status.peers()) {
            out.println("  node " + peer.nodeId() + " at " + peer.address() + ": "
                + (peer.heardNanosAgo() < 0 ? "never heard" : "heard " + TimeUnit.NANOSECONDS.toMillis(peer.heardNanosAgo()) + " ms ago")
                + (peer.replication() == null ? "" : ", " + peer.replication() + ", has " + peer.matchIndex())
                + (peer.trouble() == null ? "" : ", trouble: " + peer.trouble()));
        }
        if (status.problem() != null) {
            out.println("  problem: " + status.problem());
        }
    }

    private static void require(boolean isRight, String usage) throws UsageException {
        if (!isRight) {
            throw new UsageException("write: " + usage);
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static <T> T await(CompletableFuture<T> future) {
        try {
            return future.join();       // every future of a client completes within the timeout
        } catch (CompletionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw e;
        }
    }

    /** Whether somebody sits there and types. From JDK 22 on there may be a console without a terminal, and a method that tells. */
    private static boolean isAtTerminal() {
        Console console = System.console();
        if (console == null) {
            return false;
        }
        try {
            return (boolean) Console.class.getMethod("isTerminal").invoke(console);
        } catch (ReflectiveOperationException e) {
            return true;
        }
    }
}
