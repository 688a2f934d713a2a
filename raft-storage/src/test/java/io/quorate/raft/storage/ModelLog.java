package io.quorate.raft.storage;

import io.quorate.raft.Storage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.TermTable;
import java.util.ArrayList;
import java.util.List;

/** What a log should be, kept in the simplest way. Values: a write gives a new one. */
record ModelLog(HardState hardState, List<Entry> entries) {

    static final ModelLog EMPTY = new ModelLog(HardState.INITIAL, List.of());

    ModelLog {
        entries = List.copyOf(entries);
    }

    ModelLog after(List<Storage.Write> batch) {
        List<Entry> changed = new ArrayList<>(entries);
        HardState state = hardState;
        for (Storage.Write write : batch) {
            changed.subList((int) write.firstIndex() - 1, changed.size()).clear();
            changed.addAll(write.entries());
            HardState next = write.hardState();
            state = new HardState(next.term(), next.votedFor(), Math.max(next.commitIndex(), state.commitIndex()));
        }
        return new ModelLog(state, changed);
    }

    long nextIndex() {
        return entries.size() + 1;
    }

    /** As after a restart: the commit index never points behind the log. */
    HardState recovered() {
        return new HardState(hardState.term(), hardState.votedFor(), Math.min(hardState.commitIndex(), entries.size()));
    }

    TermTable terms() {
        TermTable terms = new TermTable(EntryId.ZERO);
        entries.forEach(entry -> terms.append(entry.term(), entry.index()));
        return terms;
    }

    /** Everything that can be asked of a freshly opened storage, as a model. */
    static ModelLog of(FileStorage storage) {
        Storage.Recovered recovered = storage.recover();
        long last = recovered.log().terms().lastIndex();
        List<Entry> entries = last == 0 ? List.of() : storage.read(1, last, Integer.MAX_VALUE);
        ModelLog model = new ModelLog(recovered.hardState(), entries);
        List<Entry> tail = recovered.log().tail();
        if (!model.terms().equals(recovered.log().terms()) || !entries.subList(entries.size() - tail.size(), entries.size()).equals(tail)) {
            throw new AssertionError("recovered " + recovered + " but read " + entries);
        }
        return model;
    }

    ModelLog restarted() {
        return new ModelLog(recovered(), entries);
    }
}
