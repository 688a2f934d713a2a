package io.quorate.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.examples.launcher.FreePorts;
import io.quorate.examples.launcher.LocalGroup;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A running group whose nodes come and go by the shell alone. */
@Timeout(180)
final class KvGrowingTest {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final List<String> OPTIONS = List.of("--segment-mib", "1", "--election-timeout", "300");

    @TempDir
    private Path directory;

    private static String shell(List<String> servers, String commands) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int code = KvShell.run(List.of("--servers", String.join(",", servers), "--timeout", "60"),
            new ByteArrayInputStream(commands.getBytes(StandardCharsets.UTF_8)), new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8), false);
        assertEquals("", err.toString(StandardCharsets.UTF_8), () -> out.toString(StandardCharsets.UTF_8));
        assertEquals(KvShell.EXIT_OK, code);
        return out.toString(StandardCharsets.UTF_8);
    }

    @Test
    void aFourthNodeIsLetInAndTheFirstIsTakenOut() {
        try (LocalGroup group = LocalGroup.of(directory, 3, OPTIONS)) {
            group.startAll();
            group.awaitLeaderAfter(0, PATIENCE);
            shell(group.addresses(), "put kept value\n");
            String address = "127.0.0.1:" + FreePorts.find(1).get(0);
            try (LocalGroup newcomer = LocalGroup.joining(directory, 4, address, group, OPTIONS)) {
                newcomer.start(4);
                Poll.untilContains("asks to be let in: 4#", () -> shell(group.addresses(), "members\n"));
                String out = shell(group.addresses(), "add 4\nremove 1\nmembers\n");
                assertTrue(out.contains("  voter    4#") && !out.contains("  voter    1#"), out);
                List<String> others = List.of(group.address(2), group.address(3), address);
                group.kill(1);
                assertEquals("value\n", shell(others, "get kept\n"));
                group.kill(2);      // three voters are left: 3 and 4 are a majority of them
                assertEquals("ok\nnow\n", shell(others, "put kept now\nget kept\n"));
            }
        }
    }
}
