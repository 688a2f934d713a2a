package io.quorate.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.examples.launcher.FreePorts;
import io.quorate.examples.launcher.LocalGroup;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The shell, on three replicas in processes of their own. */
@Timeout(120)
final class KvShellTest {

    private record Result(int code, String out, String err) { }

    @TempDir
    private static Path directory;
    private static LocalGroup group;

    @BeforeAll
    static void start() {
        group = LocalGroup.of(directory, 3, List.of("--segment-mib", "1", "--election-timeout", "300"));
        group.startAll();
        group.awaitLeaderAfter(0, Duration.ofSeconds(30));
    }

    @AfterAll
    static void stop() {
        group.close();
    }

    private static Result shell(String commands, boolean isAtTerminal, String... arguments) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int code = KvShell.run(List.of(arguments), new ByteArrayInputStream(commands.getBytes(StandardCharsets.UTF_8)),
            new PrintStream(out, true, StandardCharsets.UTF_8), new PrintStream(err, true, StandardCharsets.UTF_8), isAtTerminal);
        return new Result(code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    private static Result piped(String commands) {
        return shell(commands, false, "--servers", String.join(",", group.addresses()));
    }

    @Test
    void aFileOfCommandsIsCarriedOut() {
        Result result = piped("""
            # greetings
            put greeting hello  world, grüß Gott
            get greeting

            get nothing
            del greeting
            del greeting
            get greeting
            quit
            this is not read
            """);
        assertEquals(new Result(KvShell.EXIT_OK, "ok\nhello  world, grüß Gott\n(none)\nok\n(none)\n(none)\n", ""), result);
    }

    @Test
    void theFirstFailureInAFileEndsItAndNamesTheLine() {
        Result result = piped("put a 1\nput a\nput a 2\n");
        assertEquals(new Result(KvShell.EXIT_FAILED, "ok\n", "error: line 2: write: put KEY VALUE\n"), result);
        assertEquals("1\n", piped("get a\n").out());
        assertEquals("error: line 1: there is no command \"pull\"; \"help\" lists them\n", piped("pull a").err());
        assertEquals("error: line 1: write: get KEY\n", piped("get").err());
        assertEquals("error: line 1: write: del KEY\n", piped("del a b").err());
        assertTrue(piped("get " + "k".repeat(2000)).err().startsWith("error: line 1: a key has at most 1024 bytes"));
    }

    @Test
    void atATerminalAFailureIsToldAndTheNextCommandAwaited() {
        Result result = shell("nonsense\nput b 2\nget b\n", true, "--servers", group.addresses().get(0));
        assertEquals(KvShell.EXIT_OK, result.code());
        assertEquals("> > ok\n> 2\n> ", result.out());
        assertEquals("error: there is no command \"nonsense\"; \"help\" lists them\n", result.err());
    }

    @Test
    void oneAddressIsEnoughToFindTheLeader() {
        for (String address : group.addresses()) {
            assertEquals(new Result(KvShell.EXIT_OK, "ok\n", ""), shell("put c 3", false, "--servers", address));
        }
    }

    /** Asked until all are heard and follow one leader: on a busy machine they may just be electing another. */
    @Test
    void theStatusTellsOfEachReplicaAndOfOneThatIsNotThere() {
        String nobody = "127.0.0.1:" + FreePorts.find(1).get(0);
        String servers = String.join(",", group.addresses()) + "," + nobody;
        String[] last = {""};
        Poll.until("one leader, and two that follow it and are heard", () -> {
            Result result = shell("status", false, "--timeout", "3", "--servers", servers);
            last[0] = result.out();
            assertEquals(KvShell.EXIT_OK, result.code(), result.err());
            boolean isSettled = lines(result, "node \\d: LEADER, term \\d+, leader node \\d, log 1\\.\\..*") == 1
                && lines(result, "node \\d: FOLLOWER, term \\d+, leader node \\d, .*") == 2
                && lines(result, "  node \\d at [0-9.:]+: heard \\d+ ms ago, replicate, has \\d+") == 2;
            return isSettled ? result : null;
        });
        assertTrue(last[0].lines().anyMatch(line -> line.startsWith("The replica at " + nobody + " did not answer Status")), last[0]);
    }

    private static long lines(Result result, String pattern) {
        return result.out().lines().filter(line -> line.matches(pattern)).count();
    }

    @Test
    void withoutAnyReplicaItSaysWhomItAsked() {
        List<String> nobody = FreePorts.find(2).stream().map(port -> "127.0.0.1:" + port).collect(Collectors.toList());
        Result result = shell("put a 1\nput b 2\n", false, "--timeout", "1", "--servers", String.join(",", nobody));
        assertEquals(KvShell.EXIT_FAILED, result.code());
        assertTrue(result.err().startsWith("error: line 1: Nothing happened: no leader answered within 1000 ms"), result.err());
        assertTrue(result.err().contains(nobody.get(0)) && result.err().contains(nobody.get(1)), result.err());
        assertEquals(1, result.err().lines().count(), result.err());
        result = shell("status", false, "--timeout", "1", "--servers", String.join(",", nobody));
        assertEquals(KvShell.EXIT_FAILED, result.code());
        assertTrue(result.err().startsWith("error: line 1: no replica told its status"), result.err());
    }

    @Test
    void aWrongCommandLineIsToldInOneLine() {
        assertEquals(new Result(KvShell.EXIT_USAGE, "", "error: unknown option --server; --help lists the options\n"),
            shell("", false, "--server", "a:1"));
        assertEquals(KvShell.EXIT_USAGE, shell("", false).code());
        assertEquals("error: --servers needs host:port, and \"a\" is none\n", shell("", false, "--servers", "a").err());
        assertEquals(KvShell.EXIT_USAGE, shell("", false, "--servers", "a:1", "--timeout", "0").code());
        assertEquals(KvShell.EXIT_OK, shell("", false, "--help").code());
        assertEquals(List.of("put", "get", "del", "status", "members", "add", "learner", "remove", "replace", "address", "transfer",
            "snapshot", "backup", "explain", "metrics", "help", "quit"),
            piped("help").out().lines().map(line -> line.split(" ")[0]).toList());
    }

    @Test
    void anOperatorSeesTheMembersMovesTheLeadAndCopiesTheState() {
        Path file = directory.resolve("copy.backup");
        Result result = piped("""
            put kept value
            members
            backup %s
            transfer
            snapshot
            explain
            metrics
            """.formatted(file));
        assertEquals("", result.err());
        assertEquals(KvShell.EXIT_OK, result.code(), result.out());
        assertEquals(3, result.out().lines().filter(line -> line.startsWith("  voter    ")).count(), result.out());
        assertEquals(3, result.out().lines().filter(line -> line.contains(" bytes, up to entry ")).count(), result.out());
        assertTrue(result.out().contains(", up to entry ") && Files.exists(file), result.out());
        assertTrue(result.out().contains("  snapshots_taken "), result.out());
    }

    @Test
    void whatNoOperatorCanMeanIsRefusedInWords() {
        for (String line : List.of("add", "add nobody", "add 9", "remove 9", "replace 9", "replace 1 9", "address 1 nowhere",
                "address 1 host:99999", "transfer 9")) {
            Result result = piped(line + "\n");
            assertEquals(KvShell.EXIT_FAILED, result.code(), line + " " + result);
            assertTrue(result.err().startsWith("error: line 1: "), line + " " + result);
        }
        Result members = piped("members\n");
        assertTrue(members.out().startsWith("version 1\n"), () -> "something was changed: " + members);
    }

    @Test
    void aBackupIsTakenOfTheFirstReplicaThatAnswers() {
        String nobody = "127.0.0.1:" + FreePorts.find(1).get(0);
        Path file = directory.resolve("second.backup");
        Result result = shell("backup " + file, false, "--timeout", "5", "--servers", nobody + "," + group.addresses().get(1));
        assertEquals(KvShell.EXIT_OK, result.code(), result.err());
        assertTrue(result.out().startsWith("ok, from " + group.addresses().get(1)) && Files.exists(file), result.out());
        assertTrue(piped("backup " + file).err().contains("there is a file " + file + " already"));
    }

    @Test
    void aServerWithoutAdministrationSaysSoAndServesUsers(@TempDir Path elsewhere) {
        try (LocalGroup closed = LocalGroup.of(elsewhere, 1, List.of("--no-administration"))) {
            closed.startAll();
            String server = closed.address(1);
            assertEquals(new Result(KvShell.EXIT_OK, "ok\n1\n", ""), shell("put a 1\nget a\n", false, "--servers", server));
            assertTrue(shell("members\n", false, "--servers", server).err().contains("serves no administrators"));
            Result explain = shell("explain\n", false, "--servers", server);
            assertEquals(KvShell.EXIT_FAILED, explain.code());
            assertTrue(explain.out().startsWith("The replica at " + server + " did not answer Explain: it refused this client: Nothing"
                + " happened: this node serves no administrators"), explain.out());
        }
    }
}
