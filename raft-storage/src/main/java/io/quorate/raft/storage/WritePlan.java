package io.quorate.raft.storage;

import io.quorate.raft.Storage;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.InvariantViolation;
import io.quorate.raft.core.SnapshotId;
import io.quorate.raft.core.TermTable;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The steps in which a batch becomes durable: a frame for all writes up to an installation, then one for that, and so on. All of it is
 * checked before the first step is done.
 */
final class WritePlan {

    private final Snapshots snapshots;
    private final List<Step> steps = new ArrayList<>();
    private HardState hardState;
    private TermTable terms;
    private long covered;      // by the newest snapshot

    /**
     * One frame, and what it makes of a snapshot that was received.
     *
     * @param install that snapshot, or null if there is none
     */
    record Step(Content content, @Nullable SnapshotManifest install) { }

    private WritePlan(LogState state, TermTable terms, Snapshots snapshots) {
        this.snapshots = snapshots;
        this.terms = terms;
        hardState = state.hardState();
        covered = snapshots.newestIndex();
    }

    /**
     * The steps for this batch.
     *
     * @throws InvariantViolation if it cannot follow this state
     */
    static List<Step> of(List<Storage.Write> batch, LogState state, Snapshots snapshots) {
        boolean installs = installs(batch);
        WritePlan plan = new WritePlan(state, installs ? new TermTable(state.terms()) : state.terms(), snapshots);
        int from = 0;
        for (int i = 0; installs && i < batch.size(); i++) {
            SnapshotId install = batch.get(i).install();
            if (install != null) {
                plan.entries(batch.subList(from, i), true);
                plan.install(batch.get(i), install);
                from = i + 1;
            }
        }
        plan.entries(batch.subList(from, batch.size()), false);
        return plan.steps;
    }

    private static boolean installs(List<Storage.Write> batch) {
        for (int i = 0; i < batch.size(); i++) {
            if (batch.get(i).install() != null) {
                return true;
            }
        }
        return false;
    }

    private void entries(List<Storage.Write> writes, boolean goesOn) {
        if (writes.isEmpty() && !steps.isEmpty() || writes.isEmpty() && goesOn) {
            return;
        }
        Content content = Content.merge(writes, terms.lastIndex() + 1);
        content.check(hardState, terms, covered);
        steps.add(new Step(content, null));
        if (goesOn) {
            hardState = content.hardState();
            terms.truncate(content.firstIndex());
            content.entries().forEach(entry -> terms.append(entry.term(), entry.index()));
        }
    }

    private void install(Storage.Write write, SnapshotId id) {
        SnapshotManifest manifest = snapshots.installable(id, covered);
        String objection = LogState.objection(hardState, write.hardState());
        if (!objection.isEmpty() || write.hardState().term() < id.last().term()) {
            throw new InvariantViolation("write " + write.id() + " installs " + id.last() + " in " + write.hardState() + ": " + objection);
        }
        // Where the log has another entry, or none, all it has may be of a history that never was (thesis 5, figure 5.3).
        boolean keeps = terms.covers(id.index()) && terms.termAt(id.index()) == id.last().term();
        Content content = keeps ? new Content(write.id(), write.hardState(), terms.lastIndex() + 1, List.of())
            : Content.reset(write.id(), write.hardState(), id.last());
        steps.add(new Step(content, manifest));
        hardState = write.hardState();
        terms = keeps ? terms : new TermTable(manifest.terms());
        covered = id.index();
    }
}
