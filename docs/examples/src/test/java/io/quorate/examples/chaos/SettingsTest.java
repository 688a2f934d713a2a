package io.quorate.examples.chaos;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

/** What the chaos program is told, before it starts anything. */
final class SettingsTest {

    @Test
    void whatIsNotSaidIsAsThePageSays() {
        assertEquals(new Settings("all-at-once", 120, 5, 1, 1_000_000, 1024, 200, 100_000), Settings.of(List.of()));
        assertEquals(new Settings("return", 7, 3, -8_000_000_000L, 9, 64, 20, 30),
            Settings.of(List.of("scenario=return", "seconds=7", "nodes=3", "seed=-8000000000", "commands=9", "mib=64", "rounds=20",
                "operations=30")));
    }

    @Test
    void whatMakesNoSenseIsRefusedInWords() {
        for (String word : List.of("nodes=2", "nodes=6", "seconds=0", "commands=-1", "rounds=0", "operations=0", "seconds=ten",
                "seconds=99999999999", "seconds=-4294967295", "scenario=rest", "second=1", "nonsense", "=1", "")) {
            String message = assertThrows(IllegalArgumentException.class, () -> Settings.of(List.of(word)), word).getMessage();
            assertTrue(message.contains("nodes") || message.contains("number") || message.contains("scenario"), message);
        }
    }
}
