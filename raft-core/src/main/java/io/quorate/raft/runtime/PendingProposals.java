package io.quorate.raft.runtime;

import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The proposals that have become entries and wait to see what is applied at their index.
 *
 * <p>A proposal is done if exactly its entry is applied. It has certainly failed as soon as another entry is applied at its index, or an
 * entry of a later term at or before it: the log that holds that later entry holds no older one behind it. Until then nothing is certain,
 * not even after this replica has lost its leadership.
 *
 * <p>Within a term the indexes rise, so the proposals stand in one queue per term, nearly always one.
 */
final class PendingProposals {

    private record Run(long term, ArrayDeque<Call> calls) { }

    private final List<Run> runs = new ArrayList<>();    // terms rise

    void add(Call call) {
        Run last = runs.isEmpty() ? null : runs.get(runs.size() - 1);
        if (last == null || last.term < call.term()) {
            last = new Run(call.term(), new ArrayDeque<>());
            runs.add(last);
        }
        if (last.term != call.term() || !last.calls.isEmpty() && last.calls.getLast().index() >= call.index()) {
            throw new IllegalStateException(call + " was accepted behind " + last.calls.peekLast() + " of term " + last.term);
        }
        last.calls.add(call);
    }

    /**
     * This entry has been applied.
     *
     * @param failed takes each proposal that is now certain never to be applied
     * @return the proposal that this entry is, if it is one
     */
    @Nullable Call onApplied(Entry entry, Consumer<Call> failed) {
        Call done = null;
        for (int i = 0; i < runs.size(); i++) {
            Run run = runs.get(i);
            if (run.term < entry.term()) {
                while (!run.calls.isEmpty()) {
                    failed.accept(run.calls.poll());
                }
            } else {
                Call head = run.calls.peek();
                if (head != null && head.index() == entry.index()) {
                    run.calls.poll();
                    if (run.term == entry.term()) {
                        done = head;
                    } else {
                        failed.accept(head);
                    }
                }
            }
        }
        while (runs.size() > 1 && runs.get(0).calls.isEmpty()) {
            runs.remove(0);
        }
        return done;
    }

    /**
     * The state was replaced by that of a snapshot which ends in this entry. The log up to there holds terms up to its own, and behind it
     * holds only later ones: so proposals of a later term at or before it, and of an earlier one behind it, are certain never to be
     * applied. What has become of the others at or before it, nobody here has seen.
     *
     * @param failed    takes each proposal that is now certain never to be applied
     * @param swallowed takes each that may be part of the snapshot
     */
    void onRestored(EntryId last, Consumer<Call> failed, Consumer<Call> swallowed) {
        removeIf(call -> {
            boolean isCovered = call.index() <= last.index();
            if (isCovered && call.term() <= last.term()) {
                swallowed.accept(call);
            } else if (isCovered || call.term() < last.term()) {
                failed.accept(call);
            } else {
                return false;
            }
            return true;
        });
    }

    /** Takes out every proposal that the test chooses; the test sees each once. */
    void removeIf(Predicate<Call> isChosen) {
        for (Iterator<Run> each = runs.iterator(); each.hasNext();) {
            Run run = each.next();
            run.calls.removeIf(isChosen);
            if (run.calls.isEmpty()) {
                each.remove();
            }
        }
    }

    boolean isEmpty() {
        for (Run run : runs) {
            if (!run.calls.isEmpty()) {
                return false;
            }
        }
        return true;
    }
}
