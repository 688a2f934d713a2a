package io.quorate.raft.mutants;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How a list is read, and that the checked-in one can be: a text that has changed in the core is told by the ordinary build. */
class MutantListTest {

    @Test
    void aParagraphIsAMutant() {
        String list = """
            # Said to readers.

            rule: a sum: the sum of its parts
            file: Sum.java
            test: SumTest.adds
            - int sum = 0;
            -     sum += part;
            -
            - }
            + int sum = part;

            rule: checked
            file: Sum.java
            redundant: nobody adds nothing
            - if (part == 0) {
            -     return;
            - }
            """;
        assertEquals(List.of(
            new Mutant("a sum: the sum of its parts", "Sum.java", "int sum = 0;\n    sum += part;\n\n}", "int sum = part;", "SumTest.adds",
                null),
            new Mutant("checked", "Sum.java", "if (part == 0) {\n    return;\n}", "", null, "nobody adds nothing")), parse(list));
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "rule: r\nfile: F.java\n- a\n+ b",                                    // neither a test nor a reason
        "rule: r\nfile: F.java\ntest: T.t\nredundant: why\n- a\n+ b",         // both
        "rule: r\nfile: F.java\ntest: T.t\n+ b",                              // takes nothing away
        "rule: r\nfile: F.java\ntest: T.t\n- a\n+ a",                         // the same
        "rule: r\nfile: F.java\ntest: T.t\n-",                                // the same, everywhere
        "file: F.java\ntest: T.t\n- a\n+ b",
        "rule: r\ntest: T.t\n- a\n+ b",
        "rule: r\nfile: F.java\ntest: T.t\n- a\n+ b\n- c",
        "rule: r\nrule: s\nfile: F.java\ntest: T.t\n- a\n+ b",
        "rule: r\nfile: F.java\ntset: T.t\n- a\n+ b",
        "rule: r\nfile: F.java\ntest: T.t\n-a\n+ b",
        "rule: r\nfile: F.java\ntest: T.t\n  a"})
    void whatIsNotAMutantIsRefusedAndItsLineNamed(String paragraph) {
        IllegalArgumentException refusal = assertThrows(IllegalArgumentException.class, () -> parse(paragraph + "\n"));
        assertTrue(refusal.getMessage().matches("(?s)list\\.txt:\\d+: .*"), refusal::getMessage);
    }

    @Test
    void aTextIsCountedAndReplacedWhereItStands() {
        Mutant mutant = new Mutant("r", "F.java", "a + a", "b", "T.t", null);
        assertEquals(0, mutant.occurrencesIn("a+a"));
        assertEquals(2, mutant.occurrencesIn("a + a + a"));   // also where one begins in the other
        assertEquals(1, mutant.occurrencesIn("x = a + a;"));
        assertEquals("x = b;", mutant.applyTo("x = a + a;"));
    }

    /** Quick, and told by every build: which mutants the profile could not even make. */
    @ParameterizedTest
    @CsvSource({"core, ., 45", "runtime, runtime, 20", "'', sessions, 15", "client, client, 5",
        "election, election-layer, 20"})
    void eachTextOfTheCheckedInListsStandsInItsPackageOnceAndItsTestIsThere(String name, String lists, int atLeast) throws IOException {
        Path module = Path.of("").toAbsolutePath();
        String packageName = name.isEmpty() ? "io.quorate.raft" : "io.quorate.raft." + name;
        Tests tests = Tests.find(module.resolve("target/test-classes"), packageName, "Test");
        List<Mutant> mutants = Mutants.readAll(module.resolve("src/test/mutants").resolve(lists));
        assertTrue(mutants.size() >= atLeast, () -> "only " + mutants.size());
        for (Mutant mutant : mutants) {
            String source = Files.readString(module.resolve("src/main/java/io/quorate/raft").resolve(name).resolve(mutant.file()));
            assertEquals(1, mutant.occurrencesIn(source), mutant::rule);
            assertTrue(mutant.test() == null || tests.contains(mutant.test()), () -> mutant.rule() + ": " + mutant.test());
        }
    }

    /** The module of storage has lists of its own for the same program. Its tests are not compiled yet, so their sources are asked. */
    @Test
    void eachTextOfTheListsOfStorageStandsInItOnceAndItsTestIsThere() throws IOException {
        Path module = Path.of("").toAbsolutePath().resolveSibling("raft-storage");
        String directory = "java/io/quorate/raft/storage";
        List<Mutant> mutants = Mutants.readAll(module.resolve("src/test/mutants"));
        assertTrue(mutants.size() >= 50, () -> "only " + mutants.size());
        for (Mutant mutant : mutants) {
            String source = Files.readString(module.resolve("src/main").resolve(directory).resolve(mutant.file()));
            assertEquals(1, mutant.occurrencesIn(source), mutant::rule);
            String[] test = mutant.test() == null ? new String[0] : mutant.test().split("\\.");
            assertTrue(test.length == 0 || test.length == 2 && Files.readString(module.resolve("src/test").resolve(directory)
                .resolve(test[0] + ".java")).contains(" void " + test[1] + "("), () -> mutant.rule() + ": " + mutant.test());
        }
    }

    @Test
    void aTestIsThereIfItsClassAndItsMethodAre() throws IOException {
        Tests tests = Tests.find(Path.of("target/test-classes"), "io.quorate.raft.mutants", "Test");
        assertTrue(tests.contains("MutantListTest"));
        assertTrue(tests.contains("MutantListTest.aParagraphIsAMutant"));
        assertFalse(tests.contains("MutantListTest.aParagraph"));
        assertFalse(tests.contains("NobodysTest"));
        assertEquals("io.quorate.raft.mutants.MutantListTest#aParagraphIsAMutant",
            tests.startingWith("MutantListTest.aParagraphIsAMutant").get(0));
        assertTrue(tests.all().contains("io.quorate.raft.mutants.MutantListTest"), () -> tests.all().toString());
    }

    private static List<Mutant> parse(String list) {
        return MutantList.parse("list.txt", list.lines().toList());
    }
}
