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

/** The pages under docs, and README: what they link to is there, and has in it what they say. */
class LinksTest {

    private static final Path ROOT = Path.of("..", "..");
    private static final Pattern LINK = Pattern.compile("\\[([^\\]]*)\\]\\(([^)]*)\\)");
    private static final Pattern NAMES = Pattern.compile("`([A-Z]\\w*)(?:\\.(\\w+))?`");
    private static final Pattern TEST = Pattern.compile("`(?:\\w+\\.)?([A-Z]\\w*Test)(?:\\.([a-z]\\w+))?`");

    /** A link is broken if its file is missing; or if its text names a class, or a member of one, that is not in that file. */
    static List<String> broken(Path page, String text) throws IOException {
        List<String> broken = new ArrayList<>();
        Matcher link = LINK.matcher(text);
        while (link.find()) {
            String target = link.group(2).replaceFirst("#.*", "");
            if (target.isEmpty() || target.contains("://")) {
                continue;
            }
            Path file = page.resolveSibling(target).normalize();
            if (!Files.exists(file)) {
                broken.add(page + ": " + link.group() + ": no such file");
                continue;
            }
            Matcher names = NAMES.matcher(link.group(1));
            if (names.matches() && Files.isRegularFile(file) && !names(Files.readString(file), names.group(1), names.group(2))) {
                broken.add(page + ": " + link.group() + ": not in that file");
            }
        }
        return broken;
    }

    private static boolean names(String source, String type, String member) {
        return Pattern.compile("\\b" + type + "\\b").matcher(source).find()
            && (member == null || Pattern.compile("\\b" + member + "\\b").matcher(source).find());
    }

    private static List<Path> pages() throws IOException {
        List<Path> pages = new ArrayList<>(List.of(ROOT.resolve("README.md")));
        try (Stream<Path> files = Files.walk(ROOT.resolve("docs"))) {
            files.filter(file -> file.toString().endsWith(".md") && !file.toString().contains("target")).sorted().forEach(pages::add);
        }
        return pages;
    }

    @Test
    void whatThePagesLinkToIsThere() throws IOException {
        List<String> broken = new ArrayList<>();
        List<Path> pages = pages();
        for (Path page : pages) {
            broken.addAll(broken(page, Files.readString(page)));
        }
        assertTrue(pages.size() > 8, () -> "only " + pages);
        assertEquals(List.of(), broken);
    }

    @Test
    void aBrokenLinkIsNoticed() throws IOException {
        Path page = ROOT.resolve("README.md");
        String file = "raft-core/src/main/java/io/quorate/raft/core/Leader.java";
        assertEquals(List.of(), broken(page, "[`Leader.advanceCommit`](" + file + ") and [it](" + file + "#there)"));
        assertEquals(1, broken(page, "[it](docs/no-such-page.md)").size());
        assertEquals(1, broken(page, "[`Leader.noSuchMethod`](" + file + ")").size());
        assertEquals(1, broken(page, "[`NoSuchClass`](" + file + ")").size());
    }

    /** A page that names a test which is gone promises what nobody keeps. */
    @Test
    void theTestsThatThePagesNameAreThere() throws IOException {
        Map<String, String> tests = new TreeMap<>();
        try (Stream<Path> files = Files.walk(ROOT)) {
            for (Path file : files.filter(file -> file.toString().endsWith("Test.java")).toList()) {
                tests.put(file.getFileName().toString().replace(".java", ""), Files.readString(file));
            }
        }
        List<String> missing = new ArrayList<>();
        int named = 0;
        for (Path page : pages()) {
            Matcher name = TEST.matcher(Files.readString(page));
            while (name.find()) {
                named++;
                String source = tests.get(name.group(1));
                if (source == null || !names(source, name.group(1), name.group(2))) {
                    missing.add(page + ": " + name.group());
                }
            }
        }
        assertTrue(named > 100, "only " + named);
        assertEquals(List.of(), missing);
    }

    /** One card is a heading with its answer below, and the last line of it holds its tags: the form that mdanki makes a deck of. */
    @Test
    void theCardsAreADeck() throws IOException {
        String[] cards = Files.readString(ROOT.resolve("docs/raft-cards.md")).split("(?m)^## ");
        assertTrue(cards[0].startsWith("# ") && cards[0].strip().lines().count() == 1, "a title, and then cards");
        for (int i = 1; i < cards.length; i++) {
            String card = cards[i].strip();
            String question = card.lines().findFirst().orElseThrow();
            assertTrue(question.endsWith("?") || question.endsWith("."), question);
            assertTrue(card.contains("\nIn the code: [`") && card.contains("\nShown by [`"), question);
            assertTrue(card.lines().reduce((before, last) -> last).orElseThrow().matches("(\\[#[\\w-]+]\\(\\) ?)+"), question);
        }
    }
}
