package io.quorate.raft.runtime;

import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** The calls that the node has been told of and has not answered, by request id. Linear probing over ids that count up; no boxing. */
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

    /** Takes out every call that the test chooses; the test sees each once. */
    void removeIf(Predicate<Call> isChosen) {
        Call[] old = slots;
        slots = new @Nullable Call[old.length];
        size = 0;
        for (Call call : old) {
            if (call != null && !isChosen.test(call)) {
                insert(call);
                size++;
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
        while (slots[at] != null) {
            at = (at + 1) & mask;
        }
        slots[at] = call;
    }

    // Moves back what had been pushed on by the call that leaves, so that probing never meets a hole.
    private void close(int hole) {
        int mask = slots.length - 1;
        int at = hole;
        slots[hole] = null;
        int gap = hole;
        for (;;) {
            at = (at + 1) & mask;
            Call call = slots[at];
            if (call == null) {
                return;
            }
            int home = (int) call.requestId() & mask;
            if (((at - home) & mask) >= ((at - gap) & mask)) {
                slots[gap] = call;
                slots[at] = null;
                gap = at;
            }
        }
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
