package io.quorate.raft.runtime;

import io.quorate.raft.Helm;
import io.quorate.raft.core.Event;
import io.quorate.raft.core.RaftConfig;
import io.quorate.raft.core.RaftNode;
import io.quorate.raft.core.ReplicaId;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells other threads who is at the helm.
 *
 * <p>A lease is written down after it is known and taken back before anything leaves that could end it: in each turn that is done first when
 * the node has said all and nothing has been sent. So whoever reads here an end that has not come knows that nobody else was elected.
 */
final class Bridge implements Helm {

    private static final Logger LOG = LoggerFactory.getLogger(Bridge.class);
    private static final View NOTHING = new View(0, null, null, null);

    private final RaftConfig config;
    private final Mailbox mailbox;
    private final List<Runnable> watchers = new CopyOnWriteArrayList<>();
    private volatile View view = NOTHING;
    private @Nullable OwnReign reign;       // of the raft thread, as the next
    private @Nullable OwnReign unwatched;   // the last one that nobody looked at any more: its indexes are not given out again

    Bridge(RaftConfig config, Mailbox mailbox) {
        this.config = config;
        this.mailbox = mailbox;
    }

    @Override
    public View view() {
        return view;
    }

    @Override
    public boolean hasLeases() {
        return config.hasLeases();
    }

    @Override
    public long electionTimeoutNanos() {
        return config.electionTimeoutNanos();
    }

    @Override
    public void watch(Runnable onChange) {
        watchers.add(onChange);
        mailbox.ask(status -> { });         // so that there is a turn
    }

    @Override
    public void unwatch(Runnable onChange) {
        watchers.remove(onChange);
    }

    @Override
    public void mark() {
        mailbox.complete(new Event.Mark());
    }

    /** Whether anybody looks. */
    boolean isWatched() {
        return !watchers.isEmpty();
    }

    /** The node has settled what to do, and nothing of it has left yet. */
    void beforeSending(RaftNode node) {
        OwnReign own = reign;
        if (own != null && !own.isOf(node)) {
            own.end();
        } else if (own != null) {
            own.lease(node.leaseEndNanos(), node.hasGivenUpLease());
        }
    }

    /** A turn has come to its end. */
    void observe(RaftNode node, int epoch, long appliedIndex, LeaderHint hint) {
        if (reign != null && !reign.isOf(node)) {
            reign.end();
            reign = null;
        }
        if (reign == null && node.leadIndex() > 0) {
            OwnReign earlier = unwatched;
            reign = new OwnReign(node.term(), epoch, node.leadIndex(), earlier != null && earlier.isOf(node) ? earlier.takenIndex() : 0);
        }
        boolean isNews = reign != null && reign.observe(node, appliedIndex);
        ReplicaId leader = node.leader();
        String address = leader != null && leader.nodeId() == hint.nodeId() ? hint.address() : null;
        View before = view;
        if (before.term() != node.term() || !Objects.equals(before.leader(), leader) || before.reign() != reign
                || !Objects.equals(before.leaderAddress(), address)) {
            view = new View(node.term(), leader, address, reign);
            isNews = true;
        }
        if (isNews) {
            tell();
        }
    }

    private void tell() {
        for (Runnable watcher : watchers) {
            try {
                watcher.run();
            } catch (Exception e) {       // also one that run() does not declare
                LOG.warn("Who watches the helm has failed; nothing else is affected", e);
            }
        }
    }

    /** The node is no more, or nobody looks. */
    void end() {
        OwnReign last = reign;
        if (last != null) {
            last.end();
            reign = null;
            unwatched = last;
        }
        if (view != NOTHING) {
            view = NOTHING;
            tell();
        }
    }

    private static final class OwnReign implements Reign {

        private final long term;
        private final int epoch;
        private final long firstIndex;
        private volatile long leaseEndNanos = NONE;
        private volatile long lastLeaseEndNanos = NONE;
        private volatile boolean isOn = true;
        private long appliedIndex;           // guarded by this, as the next
        private long takenIndex;             // the last one given out; 0 if none was
        private boolean isLeased;            // of the raft thread, as the next: when it was last looked at
        private boolean isTakeable;

        private OwnReign(long term, int epoch, long firstIndex, long takenIndex) {
            this.term = term;
            this.epoch = epoch;
            this.firstIndex = firstIndex;
            this.takenIndex = takenIndex;
        }

        @Override
        public long term() {
            return term;
        }

        @Override
        public int epoch() {
            return epoch;
        }

        @Override
        public long leaseEndNanos() {
            return leaseEndNanos;
        }

        @Override
        public long lastLeaseEndNanos() {
            return lastLeaseEndNanos;
        }

        @Override
        public boolean isOn() {
            return isOn;
        }

        @Override
        public synchronized long takeIndex() {
            long index = indexToTake();
            takenIndex = index == 0 ? takenIndex : index;
            return index;
        }

        @Override
        public synchronized boolean isUsedUp() {
            return takenIndex > 0 && takenIndex == appliedIndex;
        }

        private synchronized long takenIndex() {
            return takenIndex;
        }

        private long indexToTake() {
            if (appliedIndex < firstIndex) {
                return 0;                    // something of an earlier term may still be missing here
            }
            return takenIndex == 0 ? firstIndex : appliedIndex > takenIndex ? appliedIndex : 0;
        }

        private boolean isOf(RaftNode node) {
            return node.term() == term && node.leadIndex() == firstIndex;
        }

        private void lease(long endNanos, boolean isGivenUp) {
            leaseEndNanos = endNanos;
            if (endNanos != NONE || isGivenUp) {
                lastLeaseEndNanos = endNanos;
            }
            if (isGivenUp) {
                isOn = false;
            }
        }

        private boolean observe(RaftNode node, long nowAppliedIndex) {
            boolean wasOn = isOn;
            lease(node.leaseEndNanos(), node.hasGivenUpLease());
            boolean wasLeased = isLeased;
            boolean wasTakeable = isTakeable;
            synchronized (this) {
                appliedIndex = nowAppliedIndex;
                isTakeable = indexToTake() > 0;
            }
            isLeased = leaseEndNanos != NONE;
            return wasOn != isOn || wasLeased != isLeased || wasTakeable != isTakeable;
        }

        private void end() {
            isOn = false;
            leaseEndNanos = NONE;
            lastLeaseEndNanos = NONE;
        }

        @Override
        public String toString() {
            return "Reign[term " + term + " from " + firstIndex + (isOn ? "]" : ", over]");
        }
    }
}
