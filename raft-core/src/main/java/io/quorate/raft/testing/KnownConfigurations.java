package io.quorate.raft.testing;

import org.jspecify.annotations.Nullable;

/**
 * Remembers the configurations that were searched, or will be, so that none is searched in vain: neither one that was there before, nor one
 * whose every future is also that of a known one.
 */
final class KnownConfigurations<S> {

    private @Nullable Configuration<S>[] table = newTable(1 << 8);     // open addressing; each place heads a chain of those alike
    private int chains;
    private long comparisons;

    /** Adds it, unless a known one covers it. */
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
            if (known.covers(configuration)) {
                return false;
            }
            if (!configuration.covers(known)) {
                previous = known;
            } else if (previous == null) {                // covered now; no need to compare with it again
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
        int hash = (31 * configuration.turn() + configuration.state().number()) * 0x9E3779B9;
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
        return one.turn() == other.turn() && one.state() == other.state();
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
