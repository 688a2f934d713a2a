package io.quorate.examples.debitorders;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What the run makes of its command line, and what the copies make of theirs. */
final class SettingsTest {

    @Test
    void whatIsNotSaidIsAsInTheProfile() {
        assertEquals(new Settings(120, 10, 10, true), Settings.of(List.of()));
        assertEquals(new Settings(40, 5, 0, false), Settings.of(List.of("seconds=40", "pause=5", "rounds=0", "fencing=off")));
    }

    @Test
    void nonsenseIsRefused() {
        for (String word : List.of("second=40", "seconds", "seconds=", "seconds=many", "seconds=0", "pause=1", "rounds=-1",
                "fencing=maybe")) {
            assertThrows(IllegalArgumentException.class, () -> Settings.of(List.of(word)), word);
        }
    }

    @Test
    void eachCopyFindsItsOwnWires() {
        Map<Integer, String> addresses = Map.of(1, "one:1", 2, "two:2", 3, "three:3");
        String links = "1>2=near:12,1>3=near:13,2>1=near:21,2>3=near:23,3>1=near:31,3>2=near:32";
        assertEquals(Map.of("one:1", "near:21", "three:3", "near:23"), Wires.linksOf(2, links, addresses));
    }
}
