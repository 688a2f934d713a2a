package io.quorate.benchmarks.harness;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Map;
import org.junit.jupiter.api.Test;

class ReportTest {

    @Test
    void aReportIsReadAsItWasPrinted() {
        assertEquals(Map.of("rate", "1.5", "why", "a=b_c"), Report.parse(Report.line(Map.of("rate", 1.5, "why", "a=b c"))));
    }
}
