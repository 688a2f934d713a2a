package io.quorate.raft.runtime;

import io.quorate.raft.RepairMessage;
import io.quorate.raft.RepairMessage.Missing;
import io.quorate.raft.RepairMessage.Why;
import io.quorate.raft.Storage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.InvariantViolation;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.core.SnapshotId;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Gets entries back that are damaged on this disk and known by name, from whoever has them.
 *
 * <p>It asks all others, round after round, for the first of what it lacks. What comes is given to the disk; an entry of the same term at the
 * same index is the same entry, whoever sends it and in whatever role. Before the node begins, two other answers help as well. An entry
 * that what is committed elsewhere has <em>replaced</em> was never committed and never will be, and goes, with all behind it. And what a
 * snapshot <em>covers</em> and nobody has any more is replaced by that snapshot. Once the node runs, both are its own affair: the leader
 * overwrites what was replaced, and the node installs the snapshot if its state machine cannot go on without.
 *
 * <p>If everybody else says of one entry, in one and the same round, that it is damaged there too, it is lost: {@link #lost}. An answer that
 * does not come proves nothing, and is waited for.
 *
 * <p>The raft thread's.
 */
final class Repair {

    /** How long a round waits for answers at first; up to twice this. */
    static final long ASK_NANOS = 50_000_000;
    /** How many times as long after rounds that brought nothing. */
    static final int PATIENCE_FACTOR_MAX = 20;
    /** For how long it goes on asking, and answering, when it knows that nobody has what it lacks. */
    static final long LINGER_NANOS = 1_000_000_000;
    /**
     * How many bytes of entries wait in memory for others that stand beside them in the same frame, and can only be put back together: more
     * than any frame holds.
     */
    static final long POOL_BYTES_MAX = 96L << 20;

    /** What it has others do. */
    interface Hands {

        void send(RepairMessage message);

        /** Put these back, on the disk; {@link #onPut} is told which were. */
        void put(List<Entry> entries);

        /** Write this to the disk, and then recover the log again; {@link #onRecovered} is told. */
        void replace(Storage.Write write);

        /** Recover the log again. */
        void recover();

        /** Fetch this snapshot; {@link #onFetched} or {@link #onFetchFailed} is told. */
        void fetch(SnapshotId snapshot, ReplicaId source);
    }

    /** Who is asked, and what he said in the present round. */
    private static final class Peer {
        private boolean hasAnswered;
        private final Map<EntryId, Why> missing = new HashMap<>();
    }

    private record Offer(SnapshotId snapshot, ReplicaId source) { }

    private final ReplicaId self;
    private final RandomGenerator random;
    private final Hands hands;
    private final SortedMap<Long, EntryId> damaged = new TreeMap<>();    // by index
    private final SortedMap<Long, Entry> pool = new TreeMap<>();         // of these, what has come and is not on the disk yet
    private long poolBytes;
    private boolean isPutting;
    private boolean isPoolNew;                      // something has come since the last put began
    private boolean isRefused;                      // the disk did not take back what came last, though nothing was missing
    private final SortedMap<ReplicaId, Peer> peers = new TreeMap<>();
    private @Nullable Membership membership;        // the newest that is known
    private boolean isRunning;                      // the node has begun
    private HardState hardState = HardState.INITIAL;   // as recovered; meaningful before the node begins
    private long lastWriteId;
    private boolean isReplacing;                    // the disk is cutting, installing or recovering: what is damaged will be told anew
    private @Nullable Offer offered;                // a snapshot that covers something damaged
    private boolean isFetching;
    private long round;
    private boolean hasProgress;                    // in this round
    private int patience = 1;
    private @Nullable Lost verdict;                 // what nobody else has any more
    private long verdictNanos;                      // since when that is known
    private long deadline;

    Repair(ReplicaId self, RandomGenerator random, Hands hands) {
        this.self = self;
        this.random = random;
        this.hands = hands;
    }

    // -------------------------------------------------------------------------------------------------------------- what is damaged

    /** The log was recovered, and something in it is damaged: the node does not begin before it is whole. */
    void begin(Storage.Recovered recovered, Collection<Membership> known, long nowNanos) {
        damaged.clear();
        recovered.damaged().forEach(entry -> damaged.put(entry.index(), entry));
        hardState = recovered.hardState();
        isReplacing = false;
        offered = null;
        isFetching = false;
        known.forEach(this::learn);
        retain();
        askAgain(nowNanos);
    }

    /** The node begins, or has been told who belongs to the group; from now on it cares for what others replace or cover. */
    void running(Membership present) {
        isRunning = true;
        isReplacing = false;
        membership = present;
        peers.keySet().retainAll(present.members().stream().map(Member::id).toList());
        enter(present);
    }

    /** These were found damaged while the node runs; how many were news. */
    int found(List<EntryId> entries, long nowNanos) {
        int news = 0;
        for (EntryId entry : entries) {
            news += entry.equals(damaged.put(entry.index(), entry)) ? 0 : 1;
        }
        if (news > 0) {
            retain();
            askAgain(nowNanos);
        }
        return news;
    }

    /** These entries are here, though not on the disk. */
    void have(List<Entry> entries) {
        for (Entry entry : entries) {
            isPoolNew |= take(entry);
        }
        put();
    }

    /** Forgets what is of no concern any more: replaced, or covered by a snapshot of this replica. Whether there was any. */
    boolean forgetIf(Predicate<EntryId> isGone) {
        boolean isChanged = damaged.values().removeIf(isGone);
        if (isChanged) {
            retain();
        }
        return isChanged;
    }

    boolean isIdle() {
        return damaged.isEmpty();
    }

    boolean isDamaged(long index) {
        return damaged.containsKey(index);
    }

    /** What is damaged, as far as is known. */
    List<EntryId> damaged() {
        return List.copyOf(damaged.values());
    }

    /** How many writes were given to the disk before the node begins to count. */
    long lastWriteId() {
        return lastWriteId;
    }

    /** Who belongs to the group, as far as is known; null if nothing is damaged. */
    @Nullable Membership membership() {
        return membership;
    }

    // ------------------------------------------------------------------------------------------------------------------------ asking

    /** Asks, if it is time. */
    void turn(long nowNanos) {
        if (damaged.isEmpty() || isReplacing || nowNanos - deadline < 0) {
            return;
        }
        patience = hasProgress ? 1 : Math.min(2 * patience, PATIENCE_FACTOR_MAX);
        fetch();
        ask(nowNanos);
    }

    /** If nobody has given what a snapshot covers. */
    private void fetch() {
        if (!hasProgress && offered != null && !isFetching) {
            isFetching = !isRunning;       // once it runs, the node fetches one at a time, and has another one perhaps
            hands.fetch(offered.snapshot(), offered.source());
        }
    }

    /** When to turn next though nothing comes; meaningful unless it is idle. */
    long deadline(long nowNanos) {
        return isReplacing ? nowNanos + PATIENCE_FACTOR_MAX * ASK_NANOS : deadline;
    }

    private void askAgain(long nowNanos) {
        hasProgress = true;
        patience = 1;
        deadline = nowNanos;
    }

    private void ask(long nowNanos) {
        round++;
        hasProgress = false;
        deadline = nowNanos + patience * (ASK_NANOS + random.nextLong(ASK_NANOS));
        List<EntryId> wanted = wanted();
        for (Map.Entry<ReplicaId, Peer> each : peers.entrySet()) {
            each.getValue().hasAnswered = false;
            each.getValue().missing.clear();
            if (!wanted.isEmpty()) {
                hands.send(new RepairMessage.EntryRequest(self, each.getKey(), round, wanted));
            }
        }
    }

    /** The first of what is neither here nor on its way to the disk: so what stands side by side comes together. */
    private List<EntryId> wanted() {
        List<EntryId> wanted = new ArrayList<>();
        for (EntryId entry : damaged.values()) {
            if (wanted.size() == RepairMessage.WANTED_MAX) {
                break;
            }
            if (!pool.containsKey(entry.index())) {
                wanted.add(entry);
            }
        }
        return wanted;
    }

    // ---------------------------------------------------------------------------------------------------------------------- answers

    void step(RepairMessage.EntryAnswer answer, long nowNanos) {
        if (!answer.to().equals(self) || isReplacing || damaged.isEmpty()) {
            return;
        }
        if (answer.membership() != null && !isRunning) {
            learn(answer.membership());       // it may name who answers, in place of whom was asked
        }
        boolean isNew = false;
        for (Entry entry : answer.entries()) {
            isNew |= take(entry);
        }
        if (isNew) {
            hasProgress |= !isRefused;
            patience = isRefused ? patience : 1;
            isPoolNew = true;
            put();
        }
        Peer peer = peers.get(answer.from());
        if (peer == null || answer.round() != round) {
            return;       // what it says of others may be over
        }
        peer.hasAnswered = true;
        for (Missing missing : answer.missing()) {
            if (missing.entry().equals(damaged.get(missing.entry().index()))) {
                onMissing(missing, answer, peer);
            }
            if (isReplacing) {
                return;
            }
        }
        if (isNew && !isRefused && !wanted().isEmpty()) {
            deadline = nowNanos;       // there may be more where this came from
        }
        if (peers.values().stream().allMatch(each -> each.hasAnswered)) {
            fetch();       // while it is still its source's newest
        }
    }

    private void onMissing(Missing missing, RepairMessage.EntryAnswer answer, Peer peer) {
        peer.missing.put(missing.entry(), missing.why());
        if (missing.why() == Why.REPLACED && !isRunning) {
            cut(missing.entry(), answer.from());
        } else if (missing.why() == Why.COVERED && !isFetching && answer.snapshot() != null) {
            Offer before = offered;
            if (before == null || before.snapshot().index() < answer.snapshot().index()) {
                offered = new Offer(answer.snapshot(), answer.from());
            }
        }
    }

    /** Takes an entry into the pool; whether it was wanted. */
    private boolean take(Entry entry) {
        if (!entry.id().equals(damaged.get(entry.index())) || pool.containsKey(entry.index()) || !entry.isIntact()
                || !pool.isEmpty() && poolBytes + entry.size() > POOL_BYTES_MAX) {
            return false;
        }
        pool.put(entry.index(), entry);
        poolBytes += entry.size();
        return true;
    }

    private void put() {
        if (!isPutting && isPoolNew) {
            isPutting = true;
            isPoolNew = false;
            hands.put(List.copyOf(pool.values()));
        }
    }

    /** The disk has put these back. */
    void onPut(List<EntryId> back) {
        isPutting = false;
        for (EntryId entry : back) {
            damaged.remove(entry.index(), entry);
        }
        retain();
        isRefused = back.isEmpty() && !pool.isEmpty() && !isPoolNew && wanted().isEmpty();
        if (isRefused) {
            pool.clear();      // nothing more would come: all that stands beside these is here, and the disk has not taken them
            retain();
        }
        if (damaged.isEmpty() && !isRunning && !isReplacing) {
            isReplacing = true;
            hands.recover();
        } else {
            put();
        }
    }

    /** Keeps of what has come, and of what was offered, what is of use. */
    private void retain() {
        if (offered != null && damaged.headMap(offered.snapshot().index() + 1).isEmpty()) {
            offered = null;
        }
        pool.values().removeIf(entry -> !entry.id().equals(damaged.get(entry.index())));
        poolBytes = 0;
        for (Entry entry : pool.values()) {
            poolBytes += entry.size();
        }
    }

    // ------------------------------------------------------------------------------------------- before the node begins: what goes

    private void cut(EntryId entry, ReplicaId by) {
        if (entry.index() <= hardState.commitIndex()) {
            throw new InvariantViolation("Replica " + by + " says that entry " + entry + " was replaced, but everything up to "
                + hardState.commitIndex() + " is committed here: these are two histories");
        }
        replace(new Storage.Write(++lastWriteId, hardState, entry.index(), List.of()));
    }

    /** The snapshot is here: the log stands on it from now on. */
    void onFetched(SnapshotId snapshot) {
        boolean isAwaited = isFetching && offered != null && offered.snapshot().equals(snapshot);
        isFetching = false;
        if (!isAwaited || isRunning || isReplacing) {
            return;
        }
        // Nothing of a later term than the disk's may stand in its log.
        boolean isLater = snapshot.last().term() > hardState.term();
        HardState state = isLater ? new HardState(snapshot.last().term(), null, hardState.commitIndex()) : hardState;
        replace(new Storage.Write(++lastWriteId, state, snapshot.index() + 1, List.of(), snapshot));
    }

    /** Its source has a newer one by now, or is gone. */
    void onFetchFailed(SnapshotId snapshot, long nowNanos) {
        isFetching = false;
        if (offered != null && offered.snapshot().equals(snapshot)) {
            offered = null;
            patience = 1;
            deadline = nowNanos;
        }
    }

    private void replace(Storage.Write write) {
        isReplacing = true;
        hands.replace(write);
    }

    // ------------------------------------------------------------------------------------------------------------------- who is asked

    private void learn(Membership told) {
        if (membership == null || membership.version() < told.version()) {
            membership = told;
        }
        enter(told);
    }

    private void enter(Membership told) {
        for (Member member : told.members()) {
            if (!member.id().equals(self)) {
                peers.computeIfAbsent(member.id(), id -> new Peer());
            }
        }
    }

    /**
     * An entry that nobody else has any more.
     *
     * @param isCovered whether somebody has a snapshot in its place; only once the node runs, for before that the snapshot is fetched
     */
    record Lost(EntryId entry, boolean isCovered) { }

    /**
     * An entry of which every other member has said, a while ago, that it is damaged there too; once the node runs, also one that somebody
     * has only behind a snapshot, for a silent member may be so for ever; null if there is none. The while is for the others, who may be
     * about to find out the same, and need this replica's answer for that.
     */
    @Nullable Lost lost(long nowNanos) {
        Lost before = verdict;
        if (before != null && (isReplacing || !mayBeLost(before.entry()))) {
            verdict = null;
        }
        for (EntryId entry : damaged.values()) {
            if (verdict == null && !isReplacing && mayBeLost(entry)) {
                verdict = lost(entry);
                verdictNanos = nowNanos;
            }
        }
        return peers.isEmpty() || nowNanos - verdictNanos >= LINGER_NANOS ? verdict : null;
    }

    private boolean mayBeLost(EntryId entry) {
        return entry.equals(damaged.get(entry.index())) && !pool.containsKey(entry.index());
    }

    private @Nullable Lost lost(EntryId entry) {
        Membership present = membership;
        if (present == null || round == 0) {
            return null;
        }
        boolean isCovered = false;
        boolean isOpen = false;
        for (Member member : present.members()) {
            if (!member.id().equals(self)) {
                Peer peer = peers.get(member.id());
                Why why = peer == null ? null : peer.missing.get(entry);
                isCovered |= why == Why.COVERED && isRunning;
                isOpen |= why != Why.DAMAGED && (why != Why.COVERED || !isRunning);
            }
        }
        if (isOpen && !isCovered) {
            return null;
        }
        return new Lost(entry, isCovered);
    }

    /** What is damaged and what that waits for, in words; null if nothing is. */
    @Nullable String problem() {
        if (damaged.isEmpty()) {
            return null;
        }
        List<ReplicaId> silent = new ArrayList<>();
        List<ReplicaId> unable = new ArrayList<>();
        for (Map.Entry<ReplicaId, Peer> each : peers.entrySet()) {
            (each.getValue().hasAnswered ? unable : silent).add(each.getKey());
        }
        EntryId first = damaged.get(damaged.firstKey());
        String what = damaged.size() == 1 ? "entry " + first + " is damaged on this disk"
            : damaged.size() + " entries are damaged on this disk, the first of them " + first;
        if (isReplacing) {
            return what + "; the log is being recovered again without it";
        }
        if ((isFetching || isRunning) && offered != null) {
            return what + "; a snapshot that covers it, up to entry " + offered.snapshot().last() + ", is being fetched from "
                + offered.source();
        }
        return what + (isRefused ? "; the disk does not take back what the others have given" : "")
            + (silent.isEmpty() ? "" : "; no answer yet from " + silent) + (unable.isEmpty() ? "" : "; asked of " + unable);
    }
}
