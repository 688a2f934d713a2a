package io.quorate.raft.election;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The bounds of keys and elections stand in the documentation's table with the values that the code has, and options keep to theirs. */
class ElectionLimitsTest {

    @Test
    void theDocumentationSaysWhatTheCodeDoes() throws IOException {
        LeasedKeys.Options keys = LeasedKeys.Options.DEFAULT;
        Elections.Options elections = Elections.Options.DEFAULT;
        List<String> page = Files.readAllLines(Path.of("..", "docs", "limits.md"));
        List<String> missing = Stream.of(
            "LeasedKeys.Options.ttlMax` | " + keys.ttlMax().toSeconds() + " s | yes |",
            "LeasedKeys.Options.valueBytesMax` | " + (keys.valueBytesMax() >> 10) + " KiB | yes |",
            "LeasedKeys.Options.bytesMax` | " + (keys.bytesMax() >> 20) + " MiB | yes |",
            "LeasedKeys.Options.changeBytesMax` | " + (keys.changeBytesMax() >> 20) + " MiB | yes |",
            "LeasedKeys.KEY_CHARS_MAX` | " + LeasedKeys.KEY_CHARS_MAX + " characters | no |",
            "LeasedKeys.ANSWER_BYTES_MAX` | " + (LeasedKeys.ANSWER_BYTES_MAX >> 20) + " MiB | no |",
            "Elections.NAME_CHARS_MAX` | " + Elections.NAME_CHARS_MAX + " characters | no |",
            "Elections.Options.ttl` | " + elections.ttl().toSeconds() + " s | yes |",
            "Elections.Options.startTimeout` | " + elections.startTimeout().toSeconds() + " s | yes |",
            "Elections.Options.stopTimeout` | " + elections.stopTimeout().toSeconds() + " s | yes |",
            "Observation.WAITING_MAX` | " + Observation.WAITING_MAX + " changes | no |",
            "ChangePoll.PAUSE_NANOS` | " + ChangePoll.PAUSE_NANOS / 1_000_000 + " ms | no |",
            "ChangePoll.WAIT` | " + ChangePoll.WAIT.toSeconds() + " s | no |",
            "a lease counts " + KeyTable.LEASE_BYTES + " bytes, a key " + KeyTable.KEY_BYTES + " bytes")
            .filter(row -> page.stream().noneMatch(line -> line.contains(row))).toList();
        assertEquals(List.of(), missing);
    }

    @Test
    void optionsOutOfTheirRangeAreRefusedWhenTheyAreGiven() {
        Elections.Options good = Elections.Options.DEFAULT;
        for (Duration ttl : List.of(Duration.ofMillis(99), Duration.ofDays(2), Duration.ZERO)) {
            assertThrows(IllegalArgumentException.class, () -> good.withTtl(ttl));
        }
        Duration second = Duration.ofSeconds(1);
        assertThrows(IllegalArgumentException.class, () -> new Elections.Options(second, 101, second, second, second));
        assertThrows(IllegalArgumentException.class, () -> new Elections.Options(second, -1, second, second, second));
        assertThrows(IllegalArgumentException.class, () -> new Elections.Options(second, 1, Duration.ZERO, second, second));
        assertThrows(IllegalArgumentException.class, () -> new LeasedKeys.Options(Duration.ZERO, 1, 1, 1));
        assertThrows(IllegalArgumentException.class, () -> new LeasedKeys.Options(second, -1, 1, 1));
        assertThrows(IllegalArgumentException.class, () -> new LeasedKeys.Options(second, 1, 0, 1));
    }
}
