package io.quorate.raft.runtime;

import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The calls that the node has been told of and has not answered, by request id. Linear probing over ids that count up; no boxing.
 *
 * <p>Who is further from home goes first, so the calls stand in the order of their homes. Nearly all are at home, one beside the other, and
 * nearly all leave in the order in which they came: the gap that one leaves is closed as soon as its neighbour is found at home. (Without that
 * order each removal had to look at all who stand behind: with 4096 commands outstanding, at thousands.)
 */
final class CallTable {

    private @Nullable Call[] slots = new @Nullable Call[64];
    private int size;

    int size() {
        return size;
    }

    void put(Call call) {
        if (2 * (size + 1) > slots.length) {
            grow();
        }
        insert(call);
        size++;
    }

    /** Takes out the call with this id; null if there is none. */
    @Nullable Call remove(long requestId) {
        int mask = slots.length - 1;
        int at = (int) requestId & mask;
        Call call = slots[at];
        while (call != null && call.requestId() != requestId) {
            at = (at + 1) & mask;
            call = slots[at];
        }
        if (call != null) {
            close(at);
            size--;
        }
        return call;
    }

    /** Takes out every call that the test chooses; the test sees each once. If it throws, all that it has not chosen stay. */
    void removeIf(Predicate<Call> isChosen) {
        Call[] old = slots;
        slots = new @Nullable Call[old.length];
        size = 0;
        int at = 0;
        try {
            for (; at < old.length; at++) {
                Call call = old[at];
                if (call != null && !isChosen.test(call)) {
                    insert(call);
                    size++;
                }
            }
        } finally {
            for (; at < old.length; at++) {      // nothing, unless the test has thrown
                Call call = old[at];
                if (call != null) {
                    insert(call);
                    size++;
                }
            }
        }
    }

    /** Takes out all. */
    void drain(Consumer<Call> to) {
        removeIf(call -> {
            to.accept(call);
            return true;
        });
    }

    private void insert(Call call) {
        int mask = slots.length - 1;
        int at = (int) call.requestId() & mask;
        Call homeless = call;
        for (Call here = slots[at]; here != null; here = slots[at]) {
            if (wayFromHome(here, at) < wayFromHome(homeless, at)) {
                slots[at] = homeless;
                homeless = here;
            }
            at = (at + 1) & mask;
        }
        slots[at] = homeless;
    }

    // Moves back what had been pushed on, up to the first that is at home, so that probing never meets a hole.
    private void close(int hole) {
        int mask = slots.length - 1;
        int gap = hole;
        for (;;) {
            int at = (gap + 1) & mask;
            Call call = slots[at];
            if (call == null || wayFromHome(call, at) == 0) {
                slots[gap] = null;
                return;
            }
            slots[gap] = call;
            gap = at;
        }
    }

    private int wayFromHome(Call call, int at) {
        return (at - (int) call.requestId()) & (slots.length - 1);
    }

    private void grow() {
        Call[] old = slots;
        slots = new @Nullable Call[old.length * 2];
        for (Call call : old) {
            if (call != null) {
                insert(call);
            }
        }
    }
}
