package io.quorate.benchmarks;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ResultsTest {

    @Test
    void eachResultIsOneJsonObjectOnALine(@TempDir Path directory) throws IOException {
        Path file = directory.resolve("results.jsonl");
        try (Results results = Results.begin(file)) {
            results.add(new TreeMap<>(Map.of("opsPerSecond", "12.5", "system", "quorate")));
            results.add(new TreeMap<>(Map.of("lastFailure", "a \"b\"\n", "version", "1.1.4.Final")));
        }
        assertEquals(List.of("{\"opsPerSecond\": 12.5, \"system\": \"quorate\"}",
            "{\"lastFailure\": \"a \\\"b\\\"\\u000a\", \"version\": \"1.1.4.Final\"}"), Files.readAllLines(file));
    }
}
