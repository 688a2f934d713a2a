package io.quorate.examples.pages;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The limits that the page names, of all modules, are those of the code: fixed ones are read from where they stand. */
class LimitsPageTest {

    private static final Path ROOT = Path.of("..", "..");
    private static final Pattern ROW = Pattern.compile("\\| `(\\w+)\\.(?:\\w+\\.)*(\\w+)` \\| ([^|]*) \\| (yes|no) \\| [^|]+ \\|");
    private static final Pattern VALUE = Pattern.compile("(\\d+)(?: (KiB|MiB|s|ms))?\\b.*");
    private static final Pattern NUMBER = Pattern.compile("(\\d[\\d_]*)L?(?: << (\\d+))?");

    /** What a row says of a limit that is not so. */
    private static List<String> wrong(String row, Map<String, String> sources) {
        Matcher parts = ROW.matcher(row);
        if (!parts.matches()) {
            return List.of("no row: " + row);
        }
        String source = sources.getOrDefault(parts.group(1), "");
        String name = parts.group(2);
        if (!Pattern.compile("\\b" + name + "\\b").matcher(source).find()) {
            return List.of("not in the code: " + row);
        }
        Matcher constant = Pattern.compile("\\b(?:int|long) " + name + " = ([^;]+);").matcher(source);
        Matcher value = VALUE.matcher(parts.group(3));
        if (!constant.find() || !NUMBER.matcher(constant.group(1)).matches() || !value.matches()) {
            return List.of();       // an option, or a limit that stands elsewhere: the core's own test knows those
        }
        return number(constant.group(1)) == inUnits(value) ? List.of() : List.of(name + " is " + constant.group(1) + ": " + row);
    }

    private static long number(String expression) {
        Matcher parts = NUMBER.matcher(expression);
        if (!parts.matches()) {
            throw new IllegalArgumentException(expression);
        }
        return Long.parseLong(parts.group(1).replace("_", "")) << (parts.group(2) == null ? 0 : Integer.parseInt(parts.group(2)));
    }

    /** In bytes, in nanoseconds, or as it stands. */
    private static long inUnits(Matcher value) {
        long number = Long.parseLong(value.group(1));
        return switch (value.group(2) == null ? "" : value.group(2)) {
            case "KiB" -> number << 10;
            case "MiB" -> number << 20;
            case "ms" -> number * 1_000_000;
            case "s" -> number * 1_000_000_000;
            default -> number;
        };
    }

    private static Map<String, String> sources() throws IOException {
        Map<String, String> sources = new TreeMap<>();
        for (String module : List.of("raft-core", "raft-storage", "raft-transport-netty")) {
            try (Stream<Path> files = Files.walk(ROOT.resolve(module).resolve("src/main/java"))) {
                for (Path file : files.filter(each -> each.toString().endsWith(".java")).toList()) {
                    sources.merge(file.getFileName().toString().replace(".java", ""), Files.readString(file), String::concat);
                }
            }
        }
        return sources;
    }

    @Test
    void everyRowIsTrue() throws IOException {
        List<String> rows = Files.readAllLines(ROOT.resolve("docs/limits.md")).stream().filter(line -> line.startsWith("| `")).toList();
        Map<String, String> sources = sources();
        List<String> wrong = new ArrayList<>();
        rows.forEach(row -> wrong.addAll(wrong(row, sources)));
        assertTrue(rows.size() > 45, () -> rows.size() + " rows");
        assertEquals(List.of(), wrong);
    }

    @Test
    void aRowThatIsNotTrueIsNoticed() throws IOException {
        Map<String, String> sources = sources();
        assertEquals(List.of(), wrong("| `PeerOutbox.BYTES_MAX` | 16 MiB | no | everything is dropped |", sources));
        assertEquals(1, wrong("| `PeerOutbox.BYTES_MAX` | 15 MiB | no | everything is dropped |", sources).size());
        assertEquals(1, wrong("| `PeerOutbox.NO_SUCH_MAX` | 16 MiB | no | everything is dropped |", sources).size());
        assertEquals(1, wrong("| `PeerOutbox.BYTES_MAX` | 16 MiB | no |", sources).size());
    }
}
