package io.quorate.raft.runtime;

import io.quorate.raft.core.Entry;
import java.util.List;

/** Something for the applier. */
sealed interface Work permits Call, Work.Apply {

    void run(Applier applier);

    /**
     * These entries are committed.
     *
     * @param firstIndex the first
     * @param lastIndex  the last, inclusive
     * @param entries    all of them, or empty if they must be read from storage
     */
    record Apply(long firstIndex, long lastIndex, List<Entry> entries) implements Work {
        @Override
        public void run(Applier applier) {
            applier.begin(this);
        }
    }
}
