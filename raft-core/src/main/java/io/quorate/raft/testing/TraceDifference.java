package io.quorate.raft.testing;

import java.util.Iterator;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** I31: two runs of one seed are the same, event by event; where they are not, says where. */
final class TraceDifference {

    private TraceDifference() { }

    /** The first event at which two runs differ, in words; null if they are the same. */
    static @Nullable String first(Iterable<?> one, Iterable<?> other) {
        Iterator<?> left = one.iterator();
        Iterator<?> right = other.iterator();
        Object before = null;
        for (long number = 1; left.hasNext() || right.hasNext(); number++) {
            if (!left.hasNext() || !right.hasNext()) {
                return "one run ends before event " + number + ", in the other it is " + (left.hasNext() ? left.next() : right.next())
                    + "; the last event of both is " + before;
            }
            Object here = left.next();
            Object there = right.next();
            if (!Objects.equals(here, there)) {
                return "event " + number + " is " + here + " in one run and " + there + " in the other; the last event of both is "
                    + before;
            }
            before = here;
        }
        return null;
    }
}
