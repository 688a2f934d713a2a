package io.quorate.examples.bank;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What docs/testing-your-state-machine.md shows is what is compiled and run here. */
class GuideTest {

    private static final Path GUIDE = Path.of("../testing-your-state-machine.md");
    private static final Path MAIN = Path.of("src/main/java/io/quorate/examples/bank");
    private static final Path TEST = Path.of("src/test/java/io/quorate/examples/bank");

    @Test
    void itsFilesAreThoseThatAreCompiled() throws Exception {
        String guide = Files.readString(GUIDE);
        for (Path file : List.of(MAIN.resolve("Transfer.java"), MAIN.resolve("ForgetfulBank.java"), TEST.resolve("Transfers.java"),
            TEST.resolve("BankModel.java"), TEST.resolve("ForgetfulBankTest.java"))) {
            assertTrue(guide.contains("```java\n" + Files.readString(file) + "```\n"), "the guide's copy differs from " + file);
        }
    }

    @Test
    void itsMendedLinesAreThoseOfTheMendedBank() throws Exception {
        Matcher mended = Pattern.compile("```java\n(String answer = .*?)```\n", Pattern.DOTALL).matcher(Files.readString(GUIDE));
        assertTrue(mended.find(), "no mended lines");
        assertTrue(Files.readString(MAIN.resolve("Bank.java")).contains(mended.group(1).indent(8)), mended.group(1));
    }

    @Test
    void itsProjectHasTheVersionsOfThisOne() throws Exception {
        String guide = Files.readString(GUIDE);
        String parent = Files.readString(Path.of("../../pom.xml"));
        assertEquals(first("<version>(.*)</version>", parent), version("raft-core", guide));
        assertEquals(first("<junit.version>(.*)</junit.version>", parent), version("junit-jupiter", guide));
        assertEquals(first("<jqwik.version>(.*)</jqwik.version>", parent), version("jqwik", guide));
        assertEquals(first("<surefire-plugin.version>(.*)</surefire-plugin.version>", parent), version("maven-surefire-plugin", guide));
        assertEquals(first("<compiler-plugin.version>(.*)</compiler-plugin.version>", parent), version("maven-compiler-plugin", guide));
    }

    private static String version(String artifact, String pom) {
        return first("<artifactId>" + artifact + "</artifactId>\\s*<version>(.*)</version>", pom);
    }

    private static String first(String pattern, String text) {
        Matcher matcher = Pattern.compile(pattern).matcher(text);
        assertTrue(matcher.find(), pattern);
        return matcher.group(1);
    }
}
