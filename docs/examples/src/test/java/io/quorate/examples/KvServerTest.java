package io.quorate.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the server makes of its command line. */
final class KvServerTest {

    @TempDir
    private Path directory;

    private String usageErrorOf(String... arguments) {
        KvServer.StartFailedException failure = assertThrows(KvServer.StartFailedException.class,
            () -> KvServer.start(List.of(arguments), new PrintStream(PrintStream.nullOutputStream())));
        assertEquals(KvServer.EXIT_USAGE, failure.exitCode());
        assertFalse(failure.getMessage().contains("\n"), failure.getMessage());
        return failure.getMessage();
    }

    @Test
    void helpIsPrintedAndNothingRuns() throws KvServer.StartFailedException {
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        assertTrue(KvServer.start(List.of("--help"), new PrintStream(printed)).isEmpty());
        for (String option : List.of("--id", "--members", "--data", "--listen", "--advertise", "--election-timeout", "--insecure")) {
            assertTrue(printed.toString().contains(option + " "), printed.toString());
        }
    }

    @Test
    void aWrongCommandLineIsToldInOneLine() {
        String data = directory.resolve("data").toString();
        assertTrue(usageErrorOf("--prot", "1").startsWith("unknown option --prot"));
        assertTrue(usageErrorOf().startsWith("--id is missing"));
        assertTrue(usageErrorOf("--id", "1").startsWith("--members is missing"));
        assertTrue(usageErrorOf("--id", "1", "--members", "1=127.0.0.1:1").startsWith("--data is missing"));
        assertTrue(usageErrorOf("--id", "one", "--members", "1=127.0.0.1:1", "--data", data).startsWith("--id is a number"));
        assertEquals("--id 2 is not among --members, which has [1]; correct one of the two",
            usageErrorOf("--id", "2", "--members", "1=127.0.0.1:1", "--data", data));
        assertTrue(usageErrorOf("--id", "1", "--members", "1=127.0.0.1:1", "--data", data, "--election-timeout", "5")
            .startsWith("--election-timeout is a number from 150"));
        assertTrue(usageErrorOf("--id", "1", "--members", "1=127.0.0.1:1", "--data", data, "--listen", "nowhere")
            .startsWith("--listen needs host:port"));
        assertFalse(Files.exists(directory.resolve("data")), "a directory was made for nothing");
    }

    @Test
    void anAddressThatIsOpenToOthersNeedsAnExplicitWord() {
        String error = usageErrorOf("--id", "1", "--members", "1=127.0.0.1:1", "--data", directory.resolve("data").toString(),
            "--segment-mib", "1", "--listen", "0.0.0.0:1");
        assertTrue(error.contains("--insecure"), error);
    }
}
