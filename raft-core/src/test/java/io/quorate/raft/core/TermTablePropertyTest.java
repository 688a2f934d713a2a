package io.quorate.raft.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/** The table of terms against a plain list with one term for each entry. */
class TermTablePropertyTest {

    /** A base, and then steps: 0 to 4 appends an entry of a term so much higher, below 0 cuts so many entries. */
    @Provide
    Arbitrary<List<Integer>> steps() {
        return Arbitraries.frequencyOf(net.jqwik.api.Tuple.of(6, Arbitraries.just(0)),
            net.jqwik.api.Tuple.of(3, Arbitraries.integers().between(1, 4)),
            net.jqwik.api.Tuple.of(1, Arbitraries.integers().between(-12, -1))).list().ofMaxSize(80);
    }

    @Provide
    Arbitrary<EntryId> bases() {
        return Arbitraries.of(EntryId.ZERO, new EntryId(1, 1), new EntryId(3, 7), new EntryId(5, 100));
    }

    @Property(tries = 1000)
    void theTableAnswersLikeAListOfAllTerms(@ForAll("bases") EntryId base, @ForAll("steps") List<Integer> steps) {
        TermTable table = new TermTable(base);
        List<Long> terms = new ArrayList<>();   // of the entries behind the base
        for (int step : steps) {
            long lastIndex = base.index() + terms.size();
            if (step < 0) {
                int kept = Math.max(0, terms.size() + step);
                table.truncate(base.index() + kept + 1);
                terms.subList(kept, terms.size()).clear();
            } else {
                long last = terms.isEmpty() ? base.term() : terms.get(terms.size() - 1);
                long term = Math.max(1, last + step);
                table.append(term, lastIndex + 1);
                terms.add(term);
            }
            assertEquals(base.index() + terms.size(), table.lastIndex());
        }
        assertEquals(idAt(base, terms, terms.size()), table.last());
        for (int i = 0; i <= terms.size(); i++) {
            EntryId id = idAt(base, terms, i);
            assertEquals(id.term(), table.termAt(id.index()));
            assertTrue(table.covers(id.index()));
        }
        for (long outside : new long[] {base.index() - 1, base.index() + terms.size() + 1}) {
            assertFalse(table.covers(outside));
            assertThrows(IllegalArgumentException.class, () -> table.termAt(outside));
        }
        for (long term = 0; term <= table.last().term() + 1; term++) {
            for (long index = 0; index <= table.lastIndex() + 1; index++) {
                assertEquals(lastWithTermAtMost(base, terms, term, index), table.lastWithTermAtMost(term, index),
                    "last of term " + term + " or less at or before " + index + " in " + table);
            }
        }
        TermTable rebuilt = new TermTable(base);
        for (int i = 1; i <= terms.size(); i++) {
            rebuilt.append(terms.get(i - 1), base.index() + i);
        }
        assertEquals(rebuilt, table);
        assertEquals(rebuilt.hashCode(), table.hashCode());
        assertEquals(rebuilt.toString(), table.toString());
        assertEquals(rebuilt, inRuns(base, terms));
        TermTable copy = new TermTable(table);
        copy.append(copy.last().term() + 1, copy.lastIndex() + 1);
        assertEquals(rebuilt, table, "a copy changes on its own");
        TermTable again = TermTable.of(table.starts(), table.lastIndex());
        assertEquals(table, again);
        for (int i = 0; i <= terms.size(); i++) {
            TermTable shorter = new TermTable(again);
            shorter.forgetBefore(base.index() + i);
            TermTable expected = new TermTable(idAt(base, terms, i));
            for (int k = i + 1; k <= terms.size(); k++) {
                expected.append(terms.get(k - 1), base.index() + k);
            }
            assertEquals(expected, shorter);
            assertEquals(expected.starts(), shorter.starts());
        }
    }

    @Property(tries = 200)
    void whatCannotFollowIsRefused(@ForAll("bases") EntryId base) {
        TermTable table = new TermTable(base);
        table.append(6, base.index() + 1);
        assertThrows(IllegalArgumentException.class, () -> table.append(5, base.index() + 2));
        assertThrows(IllegalArgumentException.class, () -> table.append(6, base.index() + 3));
        assertThrows(IllegalArgumentException.class, () -> table.append(6, base.index() + 1));
        assertThrows(IllegalArgumentException.class, () -> table.append(6, base.index() + 2, base.index() + 1), "none at all");
        assertThrows(IllegalArgumentException.class, () -> table.truncate(base.index()));
        assertThrows(IllegalArgumentException.class, () -> table.truncate(base.index() + 3));
    }

    @Property(tries = 20)
    void whatNoLogCanBeIsNoTable(@ForAll("bases") EntryId base) {
        EntryId later = new EntryId(9, base.index() + (base.index() == 0 ? 1 : 5));
        assertEquals(List.of(base, later), TermTable.of(List.of(base, later), later.index()).starts());
        assertThrows(IllegalArgumentException.class, () -> TermTable.of(List.of(base, later), later.index() - 1));
        assertThrows(IllegalArgumentException.class, () -> TermTable.of(List.of(later, base), later.index()));
        assertThrows(IllegalArgumentException.class, () -> TermTable.of(List.of(base, later, later), later.index()));
        assertThrows(IllegalArgumentException.class, () -> TermTable.of(List.of(EntryId.ZERO), 1));
        assertThrows(IllegalArgumentException.class, () -> TermTable.of(List.of(EntryId.ZERO, new EntryId(1, 2)), 2));
        assertThrows(IllegalArgumentException.class, () -> new TermTable(base).forgetBefore(base.index() + 1));
    }

    /** The same table, of which all entries of a term are appended at once. */
    private static TermTable inRuns(EntryId base, List<Long> terms) {
        TermTable table = new TermTable(base);
        for (int from = 0; from < terms.size(); ) {
            int to = from;
            while (to + 1 < terms.size() && terms.get(to + 1).equals(terms.get(from))) {
                to++;
            }
            table.append(terms.get(from), base.index() + from + 1, base.index() + to + 1);
            from = to + 1;
        }
        return table;
    }

    private static EntryId idAt(EntryId base, List<Long> terms, int i) {
        return i == 0 ? base : new EntryId(terms.get(i - 1), base.index() + i);
    }

    private static EntryId lastWithTermAtMost(EntryId base, List<Long> terms, long term, long index) {
        for (int i = terms.size(); i > 0; i--) {
            EntryId id = idAt(base, terms, i);
            if (id.index() <= index && id.term() <= term) {
                return id;
            }
        }
        return base;
    }
}
