package io.quorate.raft.mutants;

import org.jspecify.annotations.Nullable;

/**
 * One rule taken away from the code, and the test that must notice.
 *
 * @param rule        what holds as long as it is there, as a sentence
 * @param file        the source file that it is taken from, by name
 * @param text        how it stands there: exactly so, and once
 * @param replacement what stands there instead; empty if nothing does
 * @param test        the test directed at the rule, as {@code Class} or {@code Class.method}; null only if there is a reason for it
 * @param redundant   why no execution can show that the rule is missing; null if one can
 */
record Mutant(String rule, String file, String text, String replacement, @Nullable String test, @Nullable String redundant) {

    Mutant {
        if (text.isBlank() || text.equals(replacement)) {
            throw new IllegalArgumentException("takes nothing away: " + rule);
        }
        if ((test == null) == (redundant == null)) {
            throw new IllegalArgumentException("names either the test that notices or why none can: " + rule);
        }
    }

    /** How often the text stands in this source: only if once is it clear what is taken away. */
    int occurrencesIn(String source) {
        int count = 0;
        for (int at = source.indexOf(text); at >= 0; at = source.indexOf(text, at + 1)) {
            count++;
        }
        return count;
    }

    /** The source without the rule. */
    String applyTo(String source) {
        int at = source.indexOf(text);
        return source.substring(0, at) + replacement + source.substring(at + text.length());
    }
}
