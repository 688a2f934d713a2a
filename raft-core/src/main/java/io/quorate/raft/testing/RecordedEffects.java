package io.quorate.raft.testing;

import io.quorate.raft.core.Effects;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.RaftNode;
import io.quorate.raft.core.Refusal;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.core.SnapshotId;
import java.util.ArrayList;
import java.util.List;

/**
 * Records what a node asks for, as values in their order: step one event, flush, and compare.
 *
 * <p>Not thread-safe.
 */
public final class RecordedEffects implements Effects {

    /** One thing that a node asked for. */
    public sealed interface Effect { }

    /** See {@link Effects#write}. */
    public record Write(long writeId, HardState hardState, long firstIndex, List<Entry> entries) implements Effect { }

    /** See {@link Effects#install}. */
    public record Install(long writeId, HardState hardState, SnapshotId snapshot) implements Effect { }

    /** See {@link Effects#send}. */
    public record Send(Message message) implements Effect { }

    /** See {@link Effects#accepted}. */
    public record Accepted(long requestId, EntryId at) implements Effect { }

    /** See {@link Effects#apply}. */
    public record Apply(long firstIndex, long lastIndex, List<Entry> entries) implements Effect { }

    /** See {@link Effects#restore}. */
    public record Restore(SnapshotId snapshot) implements Effect { }

    /** See {@link Effects#readable}. */
    public record Readable(long requestId, long index, long validUntilNanos) implements Effect { }

    /** See {@link Effects#refuse}. */
    public record Refuse(long requestId, Refusal why) implements Effect { }

    /** See {@link Effects#done}. */
    public record Done(long requestId) implements Effect { }

    /** See {@link Effects#unknown}. */
    public record Unknown(long requestId) implements Effect { }

    /** See {@link Effects#fetchSnapshot}. */
    public record FetchSnapshot(SnapshotId snapshot, ReplicaId source) implements Effect { }

    /** See {@link Effects#readEntries}. */
    public record ReadEntries(ReplicaId peer, long term, long firstIndex, long lastIndex, int bytesMax) implements Effect { }

    private final List<Effect> effects = new ArrayList<>();

    /** Has recorded nothing yet. */
    public RecordedEffects() { }

    /** Flushes the node, its inbox drained, and takes what it asked for. */
    public List<Effect> flush(RaftNode node) {
        node.flush(this, true);
        return take();
    }

    /** Takes everything recorded so far. */
    public List<Effect> take() {
        List<Effect> taken = List.copyOf(effects);
        effects.clear();
        return taken;
    }

    @Override
    public void write(long writeId, HardState hardState, long firstIndex, List<Entry> entries) {
        effects.add(new Write(writeId, hardState, firstIndex, List.copyOf(entries)));
    }

    @Override
    public void install(long writeId, HardState hardState, SnapshotId snapshot) {
        effects.add(new Install(writeId, hardState, snapshot));
    }

    @Override
    public void send(Message message) {
        effects.add(new Send(message));
    }

    @Override
    public void accepted(long requestId, EntryId at) {
        effects.add(new Accepted(requestId, at));
    }

    @Override
    public void apply(long firstIndex, long lastIndex, List<Entry> entries) {
        effects.add(new Apply(firstIndex, lastIndex, List.copyOf(entries)));
    }

    @Override
    public void restore(SnapshotId snapshot) {
        effects.add(new Restore(snapshot));
    }

    @Override
    public void readable(long requestId, long index, long validUntilNanos) {
        effects.add(new Readable(requestId, index, validUntilNanos));
    }

    @Override
    public void refuse(long requestId, Refusal why) {
        effects.add(new Refuse(requestId, why));
    }

    @Override
    public void done(long requestId) {
        effects.add(new Done(requestId));
    }

    @Override
    public void unknown(long requestId) {
        effects.add(new Unknown(requestId));
    }

    @Override
    public void fetchSnapshot(SnapshotId snapshot, ReplicaId source) {
        effects.add(new FetchSnapshot(snapshot, source));
    }

    @Override
    public void readEntries(ReplicaId peer, long term, long firstIndex, long lastIndex, int bytesMax) {
        effects.add(new ReadEntries(peer, term, firstIndex, lastIndex, bytesMax));
    }
}
