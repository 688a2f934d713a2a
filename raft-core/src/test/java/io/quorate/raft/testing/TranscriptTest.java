package io.quorate.raft.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Runs every transcript and compares what the nodes did with what the file says; {@code -Dtranscripts.rewrite=true} writes the files anew
 * instead. Then look at the difference: it is what a change of the code has changed.
 */
class TranscriptTest {

    private static final boolean REWRITE = Boolean.getBoolean("transcripts.rewrite");
    private static final Path FILES = Path.of("src/test/resources/transcripts");
    private static final Path INDEX = Path.of("../docs/transcripts.md");
    private static final Path INVARIANTS = Path.of("../docs/invariants.md");

    private static final Pattern SHOWS = Pattern.compile("# Shows:((?: [A-Z]+-?[0-9]+)+)");
    private static final Pattern ROW = Pattern.compile("\\| ([A-Z]+-?[0-9]+) \\|.*\\| (.+) \\|");
    private static final Pattern LINK = Pattern.compile("\\]\\(\\.\\./raft-core/src/test/resources/transcripts/([^)]+)\\)");

    @ParameterizedTest(name = "{0}")
    @MethodSource("names")
    void theNodesDoWhatTheTranscriptSays(String name) throws IOException {
        check(FILES.resolve(name), REWRITE);
    }

    private static void check(Path file, boolean rewrite) throws IOException {
        String expected = Files.readString(file);
        String actual = Transcript.parse(expected).run();
        assertEquals(actual, Transcript.parse(actual).run(), "the same commands, another run");
        if (rewrite) {
            if (!actual.equals(expected)) {
                Files.writeString(file, actual);
            }
            return;
        }
        String difference = Transcript.difference(expected, actual);
        if (!difference.isEmpty()) {
            fail(file + ", " + difference + "If it should be so, run again with -Dtranscripts.rewrite=true.");
        }
        assertEquals(expected, actual);
    }

    // ---- the index

    @Test
    void everyTranscriptSaysInItsHeadWhatItShows() throws IOException {
        for (Path file : files()) {
            List<String> lines = Files.readAllLines(file);
            assertTrue(lines.get(0).matches("# [A-Z].*[^.]"), () -> file + " begins with a title");
            assertTrue(SHOWS.matcher(lines.get(1)).matches(), () -> file + " says in its second line what it shows");
            assertEquals("#", lines.get(2), file + " has an essay behind its head");
        }
    }

    /** Every entry of the index leads to the files that say that they show it, and to no others; or it says why there is none. */
    @Test
    void theIndexAndTheFilesSayTheSame() throws IOException {
        Map<String, Set<String>> byEntry = new TreeMap<>();
        for (Path file : files()) {
            for (String entry : shown(file)) {
                byEntry.computeIfAbsent(entry, e -> new TreeSet<>()).add(name(file));
            }
        }
        Map<String, String> index = index();
        assertEquals(Set.of(), minus(byEntry.keySet(), index.keySet()), "shown, but not in the index");
        for (Map.Entry<String, String> row : index.entrySet()) {
            Set<String> linked = new TreeSet<>(LINK.matcher(row.getValue()).results().map(link -> link.group(1)).toList());
            assertEquals(byEntry.getOrDefault(row.getKey(), Set.of()), linked, "the files of " + row.getKey());
            assertTrue(!linked.isEmpty() || row.getValue().matches("none: .{10,}"), () -> row.getKey() + " says why there is no file");
        }
    }

    @Test
    void theIndexHasEveryInvariantAndEveryTrap() throws IOException {
        Set<String> expected = new TreeSet<>();
        for (String line : Files.readAllLines(INVARIANTS)) {
            Matcher row = Pattern.compile("\\| (I[0-9]+) \\|.*").matcher(line);
            if (row.matches()) {
                expected.add(row.group(1));
            }
        }
        assertTrue(expected.size() >= 32, "as many as docs/invariants.md has");
        expected.addAll(ids("EL", 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 19, 20, 21, 22, 23, 24, 25, 26, 28, 29, 30, 31, 33,
            35));
        expected.addAll(ids("RP", 1, 2, 4, 5, 6, 7, 9, 10, 11, 13, 14, 15, 18, 19));
        expected.addAll(ids("CM", 1, 2, 3, 4, 5, 7, 9, 10, 12, 13, 14, 15));
        expected.addAll(ids("AS", 1, 2, 3, 5, 7, 8, 9, 10, 11));
        expected.addAll(ids("MB", 1, 2, 3, 4, 5, 6, 7, 9, 10, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 24, 25));
        expected.addAll(ids("TR", 1, 2, 3, 4, 5, 6, 7));
        expected.addAll(ids("RD", 1, 2, 4, 5, 6, 7, 9));
        expected.addAll(ids("LV", 1, 2, 3, 4, 5, 6, 7));
        expected.addAll(ids("SN", 1, 2, 3, 4, 5, 8, 9, 10, 12, 13, 14, 16, 17, 18, 19, 20, 21, 22));
        expected.addAll(ids("CL", 1, 2, 3, 4, 5, 6, 7, 9, 10));
        assertEquals(expected, new TreeSet<>(index().keySet()));
    }

    private static Map<String, String> index() throws IOException {
        Map<String, String> rows = new TreeMap<>();
        for (String line : Files.readAllLines(INDEX)) {
            Matcher row = ROW.matcher(line);
            if (row.matches()) {
                assertEquals(null, rows.put(row.group(1), row.group(2)), row.group(1) + " has one row");
            }
        }
        return rows;
    }

    private static List<String> shown(Path file) throws IOException {
        Matcher shows = SHOWS.matcher(Files.readAllLines(file).get(1));
        return shows.matches() ? List.of(shows.group(1).strip().split(" ")) : List.of();
    }

    private static List<String> ids(String section, int... numbers) {
        return IntStream.of(numbers).mapToObj(n -> String.format("%s-%02d", section, n)).toList();
    }

    private static Set<String> minus(Set<String> some, Set<String> others) {
        Set<String> rest = new TreeSet<>(some);
        rest.removeAll(others);
        return rest;
    }

    // ---- a transcript can fail

    private static final String GROUP = "group 3\n  voters A B C\n";

    @Test
    void whatTheNodesDoNoLongerIsShownWithItsCommand() {
        String expected = "# text\n" + GROUP + "propose B x\n  B: makes x entry 1@1\npropose C y\n  C: refuses y: not leader\n";
        String actual = Transcript.parse(expected).run();
        assertNotEquals(expected, actual);
        String difference = Transcript.difference(expected, actual);
        assertEquals("line 5 is not as it was:\n    propose B x\n  -   B: makes x entry 1@1\n  +   B: refuses x: not leader\n", difference);
        assertEquals("", Transcript.difference(actual, Transcript.parse(actual).run()));
    }

    @Test
    void anEffectThatIsMissingOrNewIsADifference() {
        String whole = Transcript.parse("group 3\nstatus A\n").run();
        String cut = whole.substring(0, whole.indexOf("  A:"));
        assertTrue(Transcript.difference(cut, Transcript.parse(cut).run()).contains("  +   A: follower in term 0"));
        assertTrue(Transcript.difference(whole + "  more\n", whole).contains("  -   more"));
    }

    @Test
    void commentsAndEmptyLinesStayWhereTheyAre() {
        String text = "# one\n\n" + GROUP + "\n# two\npropose A x\n  A: refuses x: not leader\n\n# three\n";
        assertEquals(text, Transcript.parse(text).run());
        assertEquals(text, Transcript.parse(text).toString());
    }

    @Test
    void aTextWithoutCommandsIsNoTranscript() {
        assertThrows(IllegalArgumentException.class, () -> Transcript.parse("# only words\n\n  and effects\n"));
        assertThrows(IllegalArgumentException.class, () -> Transcript.parse(""));
    }

    @Test
    void aTranscriptWithoutAGroupIsNone() {
        assertTrue(message("disk A 1\n").contains("there is no group yet"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "shout A                 | there is no command \"shout\"",
        "timeout D               | there is no node D",
        "timeout Z               | \"Z\" is no node",
        "timeout                 | there should be a node",
        "status A b              | \"b\" is one word too many",
        "deliver A->B            | only 0 messages are on their way from A to B",
        "deliver A->A            | \"A->A\" is no link",
        "deliver A-B             | \"A-B\" is no link",
        "deliver late            | no message is kept as late",
        "drop A->B 0             | not which message",
        "repeat A->B             | nothing was delivered there yet",
        "keep A->B late          | there should be \"as\" and a name",
        "write A                 | A has no write pending",
        "fail A                  | A has no write pending that could fail",
        "heartbeat A             | A does not lead",
        "flush A                 | A is not held",
        "expect-stop A           | A has not stopped",
        "disk A 1                | A is up",
        "pass 3                  | \"3\" is no time",
        "propose A               | there should be a command",
        "elect A B               | there should be \"with\"",
        "group 3                 | there is a group already"})
    void whatCannotBeDoneNamesItsLine(String command, String problem) {
        String message = message("# text\n" + GROUP + command + "\n");
        assertTrue(message.startsWith("line 4, " + command + ": "), message);
        assertTrue(message.contains(problem), message);
    }

    @Test
    void aGroupHasNoNodesBeyondItsSize() {
        assertTrue(message("disk D 1\ngroup 3\n").startsWith("line 2, group 3: there is a disk for D"));
        assertTrue(message("group 8\n").contains("7 nodes at most"));
        assertTrue(message("group 0\n").contains("line 1, group 0"));
        assertTrue(message("disk A 2 1\ngroup 3\n").startsWith("line 1, disk A 2 1: no entry of term 1 follows one of term 2"));
    }

    /** Who stops must be spoken of: else a transcript that is written anew could hide that something is broken. */
    @Test
    void aStopThatNobodyExpectsIsAnError() {
        String stops = "disk A 5 term 4\ngroup 3\n";
        assertTrue(message(stops).contains("A has stopped, and no expect-stop follows"));
        assertTrue(message(stops + "status A\n").startsWith("line 3, status A: A has stopped"));
        String text = Transcript.parse(stops + "expect-stop A\n").run();
        assertTrue(text.contains("A: stops: The log ends in term 5, but the recovered term is 4"), text);
    }

    /** Logs that no leaders could have made, and a commit that stands on one disk: what scripts do is held against the invariants. */
    @Test
    void aBrokenInvariantNamesItsLine() {
        AssertionError error = assertThrows(AssertionError.class, () -> Transcript.parse("disk A 1 2\ndisk B 2 2\ngroup 3\n").run());
        assertTrue(error.getMessage().startsWith("line 3, group 3: LogMatching"), error.getMessage());
        error = assertThrows(AssertionError.class, () -> Transcript.parse("# text\ndisk A 1 commit 1\ngroup 3\n").run());
        assertTrue(error.getMessage().startsWith("line 3, group 3: CommittedIsDurableOnAQuorum"), error.getMessage());
        assertTrue(error.getMessage().contains("# text\n"), "everything up to there is shown");
    }

    /** An acknowledged entry is taken from a disk: then the same run proves nothing, and says so. */
    @Test
    void nothingIsCheckedOnceADiskHasLostWhatItHeld() {
        String elected = "group 3\nelect A with B C\nsettle\npropose A x\nsettle\ncrash B C\ndisk B 1 term 1\n";
        String text = Transcript.parse(elected + "disk C 1 term 1\nrestart B C\nelect B with C\nsettle B C\n").run();
        assertEquals(1, Pattern.compile("nothing is checked from here on").matcher(text).results().count());
        assertTrue(text.contains("B: leads term 2"), text);
    }

    @Test
    void rewritingPutsTheEffectsAsTheyAreNow(@TempDir Path directory) throws IOException {
        Path file = directory.resolve("a.txt");
        String right = "# text\n" + GROUP + "propose A x\n  A: refuses x: not leader\n";
        Files.writeString(file, "# text\ngroup 3\npropose A x\n  stale\n");
        assertThrows(AssertionError.class, () -> check(file, false));
        check(file, true);
        assertEquals(right, Files.readString(file));
        check(file, false);
    }

    private static String message(String text) {
        return assertThrows(IllegalArgumentException.class, () -> Transcript.parse(text).run()).getMessage();
    }

    private static List<String> names() {
        return files().stream().map(TranscriptTest::name).toList();
    }

    private static List<Path> files() {
        try (Stream<Path> all = Files.walk(FILES)) {
            return all.filter(Files::isRegularFile).sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String name(Path file) {
        return FILES.relativize(file).toString().replace('\\', '/');
    }
}
