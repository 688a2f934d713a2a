package io.quorate.benchmarks;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import org.junit.jupiter.api.Test;

class TablesTest {

    private static final Contender.Load LOAD = new Contender.Load(256, 256, 0, 3);

    private static void add(Tables tables, String system, int rate, int p50) {
        tables.add(LOAD, Map.of("system", system, "opsPerSecond", Integer.toString(rate), "p50Micros", Integer.toString(p50), "p99Micros",
            "1000", "p999Micros", "2000", "cpuSecondsPer100k", "0.5", "bytesPerOp", "100", "writeBytesMedian", "2920"));
    }

    private static Tables tables() {
        Tables tables = new Tables();
        for (int round = 1; round <= 3; round++) {
            add(tables, "quorate", 1000 * round, 500);
            add(tables, "good", 500, 1000);
            add(tables, "bad", 250, 2000);
        }
        return tables;
    }

    @Test
    void aRowHasTheLeastTheMedianAndTheGreatestRate() {
        assertTrue(tables().markdown("here").contains("| quorate | 1,000 / **2,000** / 3,000 | 0.50 | 1.00 | 2.00 | 5.0 | 100 | 3 |  |"));
    }

    @Test
    void theMedianOfTwoRoundsIsTheirMean() {
        Tables tables = new Tables();
        add(tables, "quorate", 1000, 300);
        add(tables, "quorate", 2000, 500);
        String text = tables.markdown("here");
        assertTrue(text.contains("| quorate | 1,000 / **1,500** / 2,000 | 0.40 |"), text);
    }

    @Test
    void quorateIsComparedWithTheBestOfTheOthers() {
        assertTrue(tables().markdown("here").contains("| *quorate by the best peer* | **4.00** | 0.50 |"));
    }

    @Test
    void quorateIsSetOffAgainstWhatTheBareMachineAllows() {
        Tables tables = tables();
        for (String limit : new String[] {BareLimits.disks(3), BareLimits.DISK_1, BareLimits.STREAM, BareLimits.COPY, BareLimits.ECHO}) {
            tables.add(LOAD, Map.of("system", limit, BareLimits.ENTRIES, "4000", "p50Micros", "100"));
        }
        String text = tables.markdown("here");
        assertTrue(text.contains("forced | 4,000 entries/s | 50 % |"), text);
        assertTrue(text.contains("| 0.200 ms | p50 is 2.5 times that |"), text);
    }

    @Test
    void oneThatBrokeDownIsNotTheBestInAnything() {
        Tables tables = tables();
        tables.add(LOAD, Map.of("system", "broken", "operations", "1", "failures", "9000", "opsPerSecond", "0.1", "p50Micros", "1"));
        String text = tables.markdown("here");
        assertTrue(text.contains("| *quorate by the best peer* | **4.00** | 0.50 |"), text);
        assertTrue(text.contains("| 1 | 9,000 commands failed |"), text);
    }

    @Test
    void oneThatFailedStandsInTheTableWithTheReasonAndWithoutItsFigures() {
        Tables tables = tables();
        tables.fail(LOAD, "good", "it ended");
        String text = tables.markdown("here");
        assertTrue(text.contains("| good | failed: it ended |"), text);
        assertTrue(text.contains("| *quorate by the best peer* | **8.00** | 0.25 |"), text);
    }
}
