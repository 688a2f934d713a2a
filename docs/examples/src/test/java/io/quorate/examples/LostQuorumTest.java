package io.quorate.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.examples.launcher.Directories;
import io.quorate.examples.launcher.LocalGroup;
import io.quorate.raft.storage.StorageTool;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** One survivor of three, and two commands: real processes, real disks, real sockets. */
@Timeout(120)
final class LostQuorumTest {

    private static final int WRITES = 60;

    @TempDir
    private Path directory;

    private static String shell(LocalGroup group, int node, String commands) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        PrintStream both = new PrintStream(out, true, StandardCharsets.UTF_8);
        KvShell.run(List.of("--servers", group.address(node)), new ByteArrayInputStream(commands.getBytes(StandardCharsets.UTF_8)), both, both,
            false);
        return out.toString(StandardCharsets.UTF_8);
    }

    private static String tool(Object... words) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        PrintStream both = new PrintStream(out, true, StandardCharsets.UTF_8);
        int exitCode = StorageTool.run(Stream.of(words).map(String::valueOf).toList(), both, both);
        String said = out.toString(StandardCharsets.UTF_8);
        assertEquals(StorageTool.WHOLE, exitCode, said);
        return said;
    }

    private static String puts(int from, int to) {
        return IntStream.range(from, to).mapToObj(i -> "put key" + i + " value" + i + "\n").collect(Collectors.joining());
    }

    private static void expectAllAt(LocalGroup group, int node) {
        String gets = IntStream.range(0, WRITES).mapToObj(i -> "get key" + i + "\n").collect(Collectors.joining());
        String values = IntStream.range(0, WRITES).mapToObj(i -> "value" + i + "\n").collect(Collectors.joining());
        assertEquals(values, shell(group, node, gets), "at node " + node);
    }

    /** Lets a blank node in. */
    private static void admit(LocalGroup group, int node) {
        Poll.untilContains("ok, version ", () -> shell(group, 1, "add " + node + "\n"));
    }

    @Test
    void twoDisksAreLostAndTheThirdBecomesTheGroupWhichNoOldReplicaComesBackTo() {
        try (LocalGroup group = LocalGroup.of(directory, 3, List.of("--segment-mib", "1", "--election-timeout", "300"))) {
            group.startAll();
            group.awaitLeaderAfter(0, Duration.ofSeconds(30));
            assertEquals("ok\n".repeat(WRITES / 2), shell(group, 1, puts(0, WRITES / 2)));
            group.kill(3);      // what is acknowledged from here on is at nodes 1 and 2
            assertEquals("ok\n".repeat(WRITES - WRITES / 2), shell(group, 1, puts(WRITES / 2, WRITES)));
            group.kill(2);
            group.kill(1);
            Directories.deleteQuietly(group.dataOf(2));

            // As far as anybody knows now, node 3 has lost its disk too: it comes back later.
            String plan = tool("plan-recovery", group.dataOf(1));
            assertTrue(plan.contains("recovery needed: true"), plan);
            Matcher fingerprint = Pattern.compile("--fingerprint ([0-9a-f]+)").matcher(plan);
            assertTrue(fingerprint.find(), plan);
            String done = tool("recover", group.dataOf(1), "--fingerprint", fingerprint.group(1));
            assertTrue(done.contains("epoch: 1\n"), done);

            group.start(1);
            expectAllAt(group, 1);
            assertEquals("ok\n", shell(group, 1, "put after recovery\n"));

            group.start(3);
            Poll.untilContains("was recovered into epoch 1; epoch 0 is over", () -> group.process(3).log());
            assertEquals("ok\nrecovery\n", shell(group, 1, "put later too\nget after\n"));
            group.kill(3);
            Directories.deleteQuietly(group.dataOf(3));

            group.start(2);
            admit(group, 2);
            group.start(3);
            admit(group, 3);
            group.kill(1);      // the two that came in have all of it, and are a majority
            expectAllAt(group, 2);
            assertEquals("recovery\nok\n", shell(group, 3, "get after\nput still works\n"));
        }
    }
}
