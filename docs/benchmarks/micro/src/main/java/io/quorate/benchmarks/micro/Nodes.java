package io.quorate.benchmarks.micro;

import io.quorate.raft.core.Effects;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Event;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.LogView;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.NodeStatus;
import io.quorate.raft.core.RaftConfig;
import io.quorate.raft.core.RaftNode;
import io.quorate.raft.core.Refusal;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.core.SnapshotId;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Nodes that reach each other at once, on disks that need no time: what is left is the algorithm. */
final class Nodes {

    private static final long ELECTION_TICK_NANOS = 10_000_000;
    private static final long TICK_NANOS = 1_000;

    private final List<Part> parts = new ArrayList<>();
    private Part leader;
    private long now;
    private long requestId;

    /** So many, one of which leads. */
    Nodes(int count) {
        List<Member> members = new ArrayList<>();
        for (int nodeId = 1; nodeId <= count; nodeId++) {
            members.add(new Member(new ReplicaId(nodeId, nodeId), "node" + nodeId));
        }
        Membership membership = Membership.of(1, members);
        SplittableRandom random = new SplittableRandom(1);
        for (Member member : members) {
            parts.add(new Part(new RaftNode(RaftConfig.DEFAULT, member.id(), 1, new HardState(0, null, 0), LogView.empty(membership),
                random.split(), now)));
        }
        leader = parts.get(0);
        while (leader.node.role() != NodeStatus.RoleName.LEADER || leader.node.commitIndex() == 0) {
            now += ELECTION_TICK_NANOS;
            settle();
            leader = parts.stream().filter(part -> part.node.role() == NodeStatus.RoleName.LEADER).findFirst().orElse(parts.get(0));
        }
    }

    /** Commits so many commands that come in one batch, and applies them everywhere; the leader's commit index. */
    long commit(byte[] command, int count) {
        now += TICK_NANOS;
        long before = leader.node.commitIndex();
        leader.node.step(new Event.Tick(now));
        for (int i = 0; i < count; i++) {
            leader.node.step(new Event.Propose(++requestId, command));
        }
        leader.node.flush(leader, true);
        leader.finish();
        settle();
        if (leader.node.commitIndex() != before + count) {
            throw new IllegalStateException("Committed " + before + " before, " + leader.node.commitIndex() + " after " + count);
        }
        return leader.node.commitIndex();
    }

    /** Until nobody has anything to do any more. */
    private void settle() {
        boolean isBusy = true;
        while (isBusy) {
            isBusy = false;
            for (int i = 0; i < parts.size(); i++) {
                isBusy |= parts.get(i).turn();
            }
        }
    }

    private final class Part implements Effects {

        private final RaftNode node;
        private final ArrayDeque<Event> inbox = new ArrayDeque<>();
        private long seen = -1;
        private long written;
        private long applied;

        private Part(RaftNode node) {
            this.node = node;
        }

        /** A batch of events; whether there was anything. */
        private boolean turn() {
            if (inbox.isEmpty() && seen == now) {
                return false;
            }
            seen = now;
            node.step(new Event.Tick(now));
            for (Event event = inbox.poll(); event != null; event = inbox.poll()) {
                node.step(event);
            }
            node.flush(this, true);
            finish();
            return true;
        }

        /** The disk and the state machine need no time. */
        private void finish() {
            if (written != 0) {
                inbox.add(new Event.Written(written));
                written = 0;
            }
            if (applied != 0) {
                inbox.add(new Event.Applied(applied));
                applied = 0;
            }
        }

        @Override
        public void write(long writeId, HardState hardState, long firstIndex, List<Entry> entries) {
            written = writeId;
        }

        @Override
        public void send(Message message) {
            parts.get(message.to().nodeId() - 1).inbox.add(message);
        }

        @Override
        public void apply(long firstIndex, long lastIndex, List<Entry> entries) {
            applied = lastIndex;
        }

        @Override
        public void accepted(long id, EntryId at) { }

        @Override
        public void readable(long id, long index, long validUntilNanos) { }

        @Override
        public void install(long writeId, HardState hardState, SnapshotId snapshot) {
            throw new IllegalStateException("There are no snapshots");
        }

        @Override
        public void restore(SnapshotId snapshot) {
            throw new IllegalStateException("There are no snapshots");
        }

        @Override
        public void refuse(long id, Refusal why) {
            throw new IllegalStateException("Refused: " + why);
        }

        @Override
        public void done(long id) { }

        @Override
        public void unknown(long id) { }

        @Override
        public void fetchSnapshot(SnapshotId snapshot, ReplicaId source) {
            throw new IllegalStateException("There are no snapshots");
        }

        @Override
        public void readEntries(ReplicaId peer, long term, long firstIndex, long lastIndex, int bytesMax) {
            throw new IllegalStateException("Nobody lags");
        }
    }
}
