package io.quorate.raft.mutants;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the program says of its mutants: by value, and once with processes of its own. */
class MutantsTest {

    private static final Mutant RULE = new Mutant("r", "F.java", "a", "b", "T.t", null);
    private static final Mutant REDUNDANT = new Mutant("r", "F.java", "a", "b", null, "why");
    private static final String ADDS = "SumChecks.aSumIsTheSumOfItsParts";

    @TempDir
    private Path scratch;

    @Test
    void onlyWhoIsNoticedByTheTestOfTheListIsKilled() {
        assertEquals(Verdict.Kind.KILLED, Verdict.of(RULE, new Outcome.Failed("T.t")).kind());
        assertEquals(Verdict.Kind.WRONG, Verdict.of(RULE, new Outcome.Failed("T.tt")).kind());
        assertEquals(Verdict.Kind.KILLED, Verdict.of(new Mutant("r", "F.java", "a", "b", "T", null), new Outcome.Failed("T.t")).kind());
        assertEquals(Verdict.Kind.SURVIVED, Verdict.of(RULE, new Outcome.Passed(7)).kind());
        assertEquals(Verdict.Kind.WRONG, Verdict.of(RULE, new Outcome.Broken("no memory")).kind());
    }

    @Test
    void whoHangsIsKilledAndThatIsSaid() {
        assertEquals(new Verdict(Verdict.Kind.KILLED, "killed by timeout"), Verdict.of(RULE, new Outcome.Hung()));
    }

    @Test
    void whoIsRedundantMustNotBeNoticed() {
        assertEquals(Verdict.Kind.REDUNDANT, Verdict.of(REDUNDANT, new Outcome.Passed(7)).kind());
        assertEquals(Verdict.Kind.WRONG, Verdict.of(REDUNDANT, new Outcome.Failed("T.t")).kind());
        assertEquals(Verdict.Kind.WRONG, Verdict.of(REDUNDANT, new Outcome.Hung()).kind());
    }

    @Test
    void theBuildGoesOnForTheKilledAndTheRedundantOnly() {
        assertTrue(Verdict.Kind.KILLED.isGood());
        assertTrue(Verdict.Kind.REDUNDANT.isGood());
        assertFalse(Verdict.Kind.SURVIVED.isGood());
        assertFalse(Verdict.Kind.WRONG.isGood());
    }

    @ParameterizedTest
    @CsvSource({
        "Sum.java, if (last < 0) {, TEXT NOT FOUND",
        "Sum.java, sum, TEXT FOUND 4 TIMES",
        "Sum.java, long sum = 0;, DOES NOT COMPILE",
        "Sums.java, long sum = 0;, FILE NOT FOUND"})
    void whatCannotBeMadeSaysWhy(String file, String text, String why) {
        Mutant mutant = new Mutant("r", file, text, "", ADDS, null);
        Laboratory.NotMadeException refusal =
            assertThrows(Laboratory.NotMadeException.class, () -> laboratory().make(mutant, "1"));
        assertTrue(refusal.getMessage().startsWith(why), refusal::getMessage);
    }

    @Test
    void eachIsJudgedAndTheyAreCounted() throws IOException {
        String said = run(2,
            new Mutant("adds", "Sum.java", "sum += number;", "sum = number;", ADDS, null),
            new Mutant("stops", "Sum.java", "if (last <= 0) {", "if (false) {", "SumChecks.nothingAddsUpToNothing", null),
            new Mutant("begins", "Sum.java", "long sum = 0;", "long sum = 1;", "SumChecks.nobody", null),
            new Mutant("gone", "Sum.java", "long sum = 7;", "", ADDS, null));
        assertTrue(said.contains("1 Sum.java: adds: killed by " + ADDS + "\n2 Sum.java: stops: SURVIVED 3 tests\n"
            + "3 Sum.java: begins: TEST NOT FOUND: SumChecks.nobody\n"
            + "4 Sum.java: gone: TEXT NOT FOUND in Sum.java:\nlong sum = 7;\n"
            + "mutants: 4 killed=1 survived=1 redundant=0 wrong=2 seconds="), said);
    }

    /** The limit is for what never ends, so it may be as short as one likes. */
    @Test
    void whatNeverEndsIsEnded() throws Exception {
        Laboratory laboratory = laboratory();
        Path mutated = laboratory.make(new Mutant("r", "Sum.java", "number <= last; number++", "number <= last; sum++", ADDS, null), "1");
        assertEquals(new Outcome.Hung(),
            laboratory.runAgainst(mutated, List.of("io.quorate.raft.mutants.subject.SumChecks"), "1", Duration.ofSeconds(1)));
    }

    /** Otherwise every mutant would be killed by whatever fails anyway. */
    @Test
    void testsThatFailOnTheCodeAsItIsProveNothing() throws IOException {
        Laboratory laboratory = laboratory();
        Tests none = Tests.find(testClasses(), "io.quorate.raft.mutants.subject", "Nothing");
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        PrintStream out = new PrintStream(said, true, StandardCharsets.UTF_8);
        assertFalse(new Mutants(laboratory, none, out).run(List.of(RULE), 1));
        assertTrue(said.toString(StandardCharsets.UTF_8).startsWith("mutants: nothing is proved"), said::toString);
    }

    /** What an earlier run has left would make a mutant of two rules. */
    @Test
    void nothingOfAnEarlierRunIsLeft() throws IOException {
        Path left = Files.createDirectories(scratch.resolve("work/1/classes")).resolve("Left.class");
        Files.writeString(left, "");
        laboratory().clear();
        assertFalse(Files.exists(left));
    }

    private String run(int parallel, Mutant... mutants) throws IOException {
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        PrintStream out = new PrintStream(said, true, StandardCharsets.UTF_8);
        Tests tests = Tests.find(testClasses(), "io.quorate.raft.mutants.subject", "Checks");
        boolean isGood = new Mutants(laboratory(), tests, out).run(List.of(mutants), parallel);
        assertFalse(isGood, said::toString);
        return said.toString(StandardCharsets.UTF_8);
    }

    private Laboratory laboratory() {
        return new Laboratory(Path.of("src/test/java/io/quorate/raft/mutants/subject").toAbsolutePath(),
            System.getProperty("java.class.path"), scratch.resolve("work"));
    }

    private static Path testClasses() {
        return Path.of("target/test-classes").toAbsolutePath();
    }
}
