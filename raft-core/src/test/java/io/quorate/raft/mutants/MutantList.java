package io.quorate.raft.mutants;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Reads the list of mutants: paragraphs of lines, each like this one.
 *
 * <pre>
 *   rule: a commit never goes back
 *   file: RaftNode.java
 *   test: CommitRulesTest.theCommitIndexNeverGoesBack
 *   - commitIndex = Math.max(commitIndex, index);
 *   + commitIndex = index;
 * </pre>
 * What stands behind the minus signs is replaced by what stands behind the plus signs, if anything does. Of the first line the indentation
 * may be left out, of the following ones not; one blank belongs to the sign. A paragraph that says {@code redundant: ...} in place of
 * {@code test: ...} names a rule whose absence no execution can show, and why. Lines that begin with {@code #} are for readers.
 */
final class MutantList {

    private static final Set<String> KEYS = Set.of("rule", "file", "test", "redundant");

    private final String source;
    private final List<Mutant> mutants = new ArrayList<>();
    private final Map<String, String> values = new HashMap<>();
    private final List<String> removed = new ArrayList<>();
    private final List<String> added = new ArrayList<>();
    private int lineNumber;

    private MutantList(String source) {
        this.source = source;
    }

    /**
     * The mutants of this list.
     *
     * @param source where the lines come from, for messages
     * @throws IllegalArgumentException naming the line that cannot be read
     */
    static List<Mutant> parse(String source, List<String> lines) {
        MutantList list = new MutantList(source);
        for (String line : lines) {
            list.lineNumber++;
            list.onLine(line);
        }
        list.endParagraph();
        return list.mutants;
    }

    private void onLine(String line) {
        if (line.startsWith("#")) {
            return;
        }
        if (line.isBlank()) {
            endParagraph();
        } else if (line.startsWith("-")) {
            if (!added.isEmpty()) {
                throw unreadable("one mutant takes one thing away: a minus sign behind a plus sign");
            }
            removed.add(behindSign(line));
        } else if (line.startsWith("+")) {
            added.add(behindSign(line));
        } else {
            onValue(line);
        }
    }

    private void onValue(String line) {
        int colon = line.indexOf(": ");
        String key = colon < 0 ? line : line.substring(0, colon);
        if (colon < 0 || !KEYS.contains(key)) {
            throw unreadable("neither a sign nor one of " + KEYS.stream().sorted().toList() + ": " + line);
        }
        if (values.put(key, line.substring(colon + 2).strip()) != null) {
            throw unreadable("said twice in one paragraph: " + key);
        }
    }

    private void endParagraph() {
        if (values.isEmpty() && removed.isEmpty() && added.isEmpty()) {
            return;
        }
        String rule = values.get("rule");
        String file = values.get("file");
        if (rule == null || file == null) {
            throw unreadable("this paragraph does not name its rule and its file");
        }
        try {
            mutants.add(new Mutant(rule, file, String.join("\n", removed), String.join("\n", added), values.get("test"),
                values.get("redundant")));
        } catch (IllegalArgumentException e) {
            throw unreadable("this paragraph " + e.getMessage());
        }
        values.clear();
        removed.clear();
        added.clear();
    }

    private String behindSign(String line) {
        if (line.length() > 1 && line.charAt(1) != ' ') {
            throw unreadable("a sign is followed by a blank");
        }
        return line.length() > 1 ? line.substring(2) : "";
    }

    private IllegalArgumentException unreadable(String why) {
        return new IllegalArgumentException(source + ":" + lineNumber + ": " + why);
    }
}
