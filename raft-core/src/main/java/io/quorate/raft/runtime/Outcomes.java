package io.quorate.raft.runtime;

import io.quorate.raft.OutcomeUnknownException;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.TermTable;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * Knows what has become of entries, by the terms of all that was applied here, and tells those who wait for that.
 *
 * <p>An entry was applied if the one that was applied at its index is of its term. It never will be if that one is of another term, or if
 * an entry of a later term has been applied at or before its index: no log that holds that entry holds an older one behind it. Until one of
 * these is seen nothing is certain, whoever leads.
 *
 * <p>A snapshot of another replica covers entries whose terms are not told here, unless all of them must be the same. Nothing is said of
 * these; a replica that has applied them one by one knows.
 */
final class Outcomes {

    enum Verdict { APPLIED, NEVER, OPEN, FORGOTTEN }

    private static final byte[] YES = {1};
    private static final byte[] NO = {0};

    private TermTable terms = new TermTable(EntryId.ZERO);     // of what was applied
    private final List<Call> waiting = new ArrayList<>();      // few, and for a short time

    /** What a call's answer says: whether the entry was applied. */
    static boolean isApplied(byte[] answer) {
        return answer[0] != 0;
    }

    /** Of this log everything up to {@code appliedIndex} counts as applied. */
    void reset(TermTable log, long appliedIndex) {
        terms = new TermTable(log);
        if (terms.lastIndex() > appliedIndex) {
            terms.truncate(appliedIndex + 1);
        }
    }

    void onApplied(Entry entry) {
        terms.append(entry.term(), entry.index());
    }

    /** Everything up to this entry counts as applied now, for a snapshot covers it. */
    void onRestored(EntryId last) {
        // Terms do not fall along the log, so between two entries of one term there is no other.
        terms = last.term() == terms.last().term() ? TermTable.of(terms.starts(), last.index()) : new TermTable(last);
    }

    Verdict of(EntryId id) {
        EntryId last = terms.last();
        if (id.index() > last.index()) {
            return id.term() < last.term() ? Verdict.NEVER : Verdict.OPEN;
        }
        if (terms.covers(id.index())) {
            return terms.termAt(id.index()) == id.term() ? Verdict.APPLIED : Verdict.NEVER;
        }
        return id.term() > terms.base().term() ? Verdict.NEVER : Verdict.FORGOTTEN;
    }

    /** Somebody wants to know; told at once if it is certain, else this is asked again when more has been applied. */
    void ask(Call call) {
        if (!settle(call)) {
            waiting.add(call);
        }
    }

    /** More has been applied. */
    void tell() {
        waiting.removeIf(this::settle);
    }

    void removeIf(Predicate<Call> isChosen) {
        waiting.removeIf(isChosen);
    }

    private boolean settle(Call call) {
        EntryId id = call.entry();
        switch (of(id)) {
            case APPLIED -> call.done(YES, terms.lastIndex());
            case NEVER -> call.done(NO, terms.lastIndex());
            case FORGOTTEN -> call.fail(new OutcomeUnknownException("Perhaps it happened: this replica has entry " + id.index()
                + " from a snapshot, and does not know of which term it was; ask another replica, or read the state", id));
            case OPEN -> {
                return false;
            }
        }
        return true;
    }
}
