package io.quorate.raft.testing;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Remembers the configurations that were searched, or will be, so that none is searched in vain.
 *
 * <p>A configuration is also in vain when a known one differs from it only in having taken fewer operations of unknown outcome: those may
 * stay out of an order for ever, so whatever can follow the one can follow the other. Without this, n unknown operations make 2^n
 * configurations of which nearly all are of no use.
 */
final class KnownConfigurations<S> {

    private @Nullable Configuration<S>[] table = newTable(1 << 8);     // open addressing; each place heads a chain of those alike
    private int chains;
    private long comparisons;

    /** Adds it, unless it is in vain. */
    boolean add(Configuration<S> configuration) {
        if (2 * chains >= table.length) {
            grow();
        }
        int place = place(configuration);
        Configuration<S> head = table[place];
        if (head == null) {
            chains++;
        }
        Configuration<S> previous = null;
        for (Configuration<S> known = head; known != null; known = known.nextAlike) {
            comparisons++;
            if (Bits.isSubset(known.taken(), configuration.taken())) {
                return false;
            }
            if (!Bits.isSubset(configuration.taken(), known.taken())) {
                previous = known;
            } else if (previous == null) {                // the known one is in vain now; no need to compare with it again
                head = known.nextAlike;
            } else {
                previous.nextAlike = known.nextAlike;
            }
        }
        configuration.nextAlike = head;
        table[place] = configuration;
        return true;
    }

    /** How many configurations were compared so far. */
    long comparisons() {
        return comparisons;
    }

    private int place(Configuration<S> configuration) {
        int mask = table.length - 1;
        int hash = 31 * (31 * configuration.turn() + configuration.state().number()) + Arrays.hashCode(configuration.placed());
        hash *= 0x9E3779B9;
        int place = (hash ^ hash >>> 15) & mask;
        while (true) {
            Configuration<S> there = table[place];
            if (there == null || isAlike(there, configuration)) {
                return place;
            }
            place = place + 1 & mask;
        }
    }

    private static <S> boolean isAlike(Configuration<S> one, Configuration<S> other) {
        return one.turn() == other.turn() && one.state() == other.state() && Arrays.equals(one.placed(), other.placed());
    }

    private void grow() {
        @Nullable Configuration<S>[] old = table;
        table = newTable(2 * old.length);
        for (Configuration<S> head : old) {
            if (head != null) {
                table[place(head)] = head;
            }
        }
    }

    @SuppressWarnings("unchecked")
    private static <S> @Nullable Configuration<S>[] newTable(int length) {
        return (Configuration<S>[]) new Configuration<?>[length];
    }
}
