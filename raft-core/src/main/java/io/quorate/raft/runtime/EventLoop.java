package io.quorate.raft.runtime;

import io.quorate.raft.CommandTooLargeException;
import io.quorate.raft.FoundingMessage;
import io.quorate.raft.FoundingRecord;
import io.quorate.raft.Freshness;
import io.quorate.raft.Identity;
import io.quorate.raft.Metrics;
import io.quorate.raft.NotLeaderException;
import io.quorate.raft.OutcomeUnknownException;
import io.quorate.raft.OverloadedException;
import io.quorate.raft.RaftObserver;
import io.quorate.raft.RepairMessage;
import io.quorate.raft.RequestRefusedException;
import io.quorate.raft.ServerStatus;
import io.quorate.raft.ServerStoppedException;
import io.quorate.raft.Storage;
import io.quorate.raft.StorageException;
import io.quorate.raft.Transport;
import io.quorate.raft.core.DiskRoom;
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
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The raft thread's work: tells the node the time and what has come, and carries out what it says.
 *
 * <p>Until the replica is founded there is no node; then {@link Founding} takes its place, and peers' messages are dropped. What a turn
 * has to say to callers goes to the applier in one piece at the turn's end, so no caller's code runs here.
 *
 * <p>One thread at a time. An exception from {@code turn} is final: the server stops.
 */
public final class EventLoop {

    /** How many bytes of mail one turn takes before it flushes, so that replication does not wait for a long queue. */
    static final long TURN_BYTES = 1 << 20;

    /** How often a blank replica of a founded group says so. */
    static final long LEFT_OUT_LOG_NANOS = 30_000_000_000L;
    /** How often dropped or refused load is reported. */
    static final long OVERLOAD_LOG_NANOS = 10_000_000_000L;

    private static final Logger LOG = LoggerFactory.getLogger(EventLoop.class);

    private final ReplicaId self;
    private final Map<Integer, String> initialMembers;
    private final RaftConfig config;
    private final Storage storage;
    private final Transport transport;
    private final RaftObserver observer;
    private final RandomGenerator random;
    private final Mailbox mailbox;
    private final Bridge bridge;
    private final LogWriter writer;
    private final LogReader reader;
    private final LogCompactor compactor;
    private final SnapshotTransfer transfer;
    private final Meters meters;
    private final Budget callBytes;
    private final PendingWrites pendingWrites = new PendingWrites();
    private final Founding founding;
    private final Repair repair;
    private final Mender mender;
    private final CallTable calls = new CallTable();
    private final Sweep sweep = new Sweep();
    private final Effects effects = new Carrier();
    private final Throttle leftOutLog = new Throttle(LEFT_OUT_LOG_NANOS);
    private final Throttle overloadLog = new Throttle(OVERLOAD_LOG_NANOS);
    private final Throttle refusedLog = new Throttle(OVERLOAD_LOG_NANOS);
    private final Throttle lostLog = new Throttle(LEFT_OUT_LOG_NANOS);
    private final Throttle repairLog = new Throttle(LEFT_OUT_LOG_NANOS);

    private @Nullable Applier applier;              // set once, before the first turn
    private @Nullable RaftNode node;                // null while blank, and while the log is being repaired
    private Storage.@Nullable Recovered whole;      // the repaired log with which the node is about to begin
    private List<Work> forApplier = new ArrayList<>();
    private long nextRequestId = 1;
    private long now;
    private long droppedTold;                       // of the mailbox's count, how many have been logged
    private long refusedTold;                       // likewise
    private long pausedNanos;                       // when this process last stood still for long; meaningful if it ever did
    private @Nullable String diskProblem;           // that no other replica can put right
    private long handedBackIndex;                   // what the applier has last handed back begins behind this
    private long candidateTerm;                     // of the last candidacy that was counted
    private boolean hasSent;                        // something, in the present flush

    private @Nullable Membership membership;        // as last reported to the transport
    private SortedMap<Integer, String> addresses;   // likewise
    private ServerStatus.State state = ServerStatus.State.BLANK;   // as last reported
    private long term;
    private @Nullable ReplicaId leader;
    private volatile LeaderHint hint = LeaderHint.NONE;
    private volatile boolean isBlank = true;        // no node runs
    private volatile boolean isRepairing;           // for what is damaged in the log

    EventLoop(Map<Integer, String> initialMembers, RaftConfig config, Storage storage, Transport transport, RaftObserver observer,
              RandomGenerator random, Mailbox mailbox, LogWriter writer, LogReader reader, LogCompactor compactor,
              Mender mender, SnapshotTransfer transfer, Meters meters, Budget callBytes, long nowNanos) {
        Identity identity = storage.identity();
        self = identity.replica();
        this.initialMembers = Map.copyOf(initialMembers);
        this.config = config;
        this.storage = storage;
        this.transport = transport;
        this.observer = observer;
        this.random = random;
        this.mailbox = mailbox;
        bridge = new Bridge(config, mailbox);
        this.writer = writer;
        this.reader = reader;
        this.compactor = compactor;
        this.mender = mender;
        this.transfer = transfer;
        this.meters = meters;
        this.callBytes = callBytes;
        now = nowNanos;
        founding = new Founding(self, initialMembers, identity.founding(), random, transport::send,
            transport::advertisedAddress, nowNanos);
        repair = new Repair(self, random, new Surgeon());
        if (!founding.isBlank()) {
            recovered(storage.recover());
        }
        addresses = addresses();
    }

    void handTo(Applier theApplier) {
        applier = theApplier;
        handOver();      // what a log was recovered with, before anybody can ask for what follows from it
    }

    /**
     * One batch: the time, about {@link #TURN_BYTES} of what has come, then what to do about it.
     *
     * @param nowNanos a monotonic clock's reading, no earlier than what has come
     */
    public void turn(long nowNanos) {
        turn(() -> nowNanos);
    }

    /**
     * The same while time passes. The clock is read when everything that belongs to the batch has come: a promise to a leader that counted
     * from before its message was sent would end too early for the lease that rests on it.
     *
     * @param nanoClock a monotonic clock; read once
     */
    public void turn(LongSupplier nanoClock) {
        mailbox.fill();
        long nowNanos = nanoClock.getAsLong();
        now = nowNanos;
        if (node != null) {
            notePause(node, nowNanos);
            node.step(new Event.Tick(nowNanos));
        }
        long bytes = 0;
        while (bytes < TURN_BYTES) {
            Mail mail = mailbox.poll();
            if (mail == null) {
                break;
            }
            bytes += mail.bytes();
            mail.deliver(this);
        }
        FoundingRecord record = founding.turn(nowNanos);
        if (record != null) {
            found(record);
        }
        repair(nowNanos);
        if (node != null) {
            hasSent = false;
            node.flush(effects, mailbox.isDrained());
            reportMembership(node);
            reportChange(node);
            tellBridge(node);
        }
        if (whole != null) {
            begin(whole);
            whole = null;
        }
        if (sweep.isDue(nowNanos)) {
            expire();
        }
        handOver();
        mailbox.awaitApplying(bridge.isWatched() || node != null && node.awaitsApplying());
        logTrouble();
    }

    private void tellBridge(RaftNode running) {
        if (!bridge.isWatched()) {
            bridge.end();
            return;
        }
        FoundingRecord record = storage.identity().founding();
        if (record != null && applier != null) {
            bridge.observe(running, record.epoch(), applier.appliedIndex(), hint);
        }
    }

    /** The node judges by itself what a pause means for it; here it is counted, and told to people. */
    private void notePause(RaftNode running, long nowNanos) {
        long lateNanos = nowNanos - running.deadline();
        if (lateNanos > config.electionTimeoutNanos() / 2) {
            meters.pauses.add(1);
            pausedNanos = nowNanos;
            LOG.warn("Replica {} stood still for {} ms: the process was paused, or starved of processor time", self,
                lateNanos / 1_000_000);
            observe(() -> observer.onPause(lateNanos));
        }
    }

    /** For how many nanoseconds there is nothing to do unless mail comes. */
    public long nanosUntilDeadline(long nowNanos) {
        if (!mailbox.isDrained()) {
            return 0;
        }
        long nanos = Long.MAX_VALUE;
        if (node != null) {
            nanos = node.deadline() - nowNanos;
        } else if (!isRepairing) {
            nanos = founding.deadline() - nowNanos;
        }
        if (!repair.isIdle()) {
            nanos = Math.min(nanos, repair.deadline(nowNanos) - nowNanos);
        }
        return Math.max(0, Math.min(nanos, sweep.nanosUntil(nowNanos)));
    }

    /** Whether no node runs here: the replica belongs to no group yet, or {@link #isRepairing}. Any thread. */
    public boolean isBlank() {
        return isBlank;
    }

    /** Whether something in the log is damaged without which no node can begin. Any thread. */
    public boolean isRepairing() {
        return isRepairing;
    }

    /** Why a caller is turned away who asked for the leader. Any thread. */
    NotLeaderException notLeader() {
        if (isRepairing) {
            return new NotLeaderException("Nothing happened: entries are damaged on this replica's disk, and it takes no part in the group "
                + "before it has them back from the others; ask another replica");
        }
        return isBlank
            ? new NotLeaderException("Nothing happened: this replica is blank and belongs to no group yet; ask another replica")
            : hint.notLeader();
    }

    /** Who leads, for any thread. */
    Bridge bridge() {
        return bridge;
    }

    /** The node, for tests and the simulation to look at; null while blank. */
    public @Nullable RaftNode node() {
        return node;
    }

    /** How the replica is. On the raft thread only, like {@code turn}. */
    public ServerStatus status() {
        long boot = storage.identity().boot();
        long applied = applier == null ? 0 : applier.appliedIndex();
        RaftNode running = node;
        FoundingRecord record = storage.identity().founding();
        if (isRepairing && record != null) {
            return repairingStatus(record, boot, applied);
        }
        if (running == null || record == null) {
            List<ServerStatus.Peer> peers = new ArrayList<>();
            for (Map.Entry<Integer, String> each : new TreeMap<>(initialMembers).entrySet()) {
                if (each.getKey() != self.nodeId()) {
                    peers.add(new ServerStatus.Peer(null, each.getKey(), each.getValue(), -1, -1, null, transport.trouble(each.getKey())));
                }
            }
            return new ServerStatus(self, boot, null, ServerStatus.State.BLANK, 0, null, null, 1, 0, 0, 0, applied, peers,
                founding.problem(now));
        }
        NodeStatus status = running.status();
        List<ServerStatus.Peer> peers = new ArrayList<>();
        for (NodeStatus.Peer peer : status.peers()) {
            int nodeId = peer.member().id().nodeId();
            String doubt = peer.hasLostEntries()
                ? "its disk has lost entries that it had acknowledged; have the disk checked" : peer.room().isPlenty()
                ? founding.stranger(nodeId, now)
                : "its disk is nearly full" + (peer.room() == DiskRoom.NONE ? ", and it takes no entries" : "");
            peers.add(new ServerStatus.Peer(peer.member().id(), nodeId, peer.member().address(), peer.heardNanosAgo(), peer.matchIndex(),
                peer.replication(), doubt == null ? transport.trouble(nodeId) : doubt, peer.catchUp()));
        }
        return new ServerStatus(self, boot, record.clusterId(), stateOf(status.role()), status.term(), status.leader(),
            addressOf(status.leader(), status), status.firstIndex(), status.lastIndex(), status.durableIndex(), status.commitIndex(),
            applied, peers, problem(status), status.membership(), founding.strangers(now), elections(status), disk(status), load(status));
    }

    private ServerStatus repairingStatus(FoundingRecord record, long boot, long applied) {
        Membership known = repair.membership();
        Membership members = known == null ? record.membership() : known;
        List<ServerStatus.Peer> peers = new ArrayList<>();
        for (Member member : members.members()) {
            if (!member.id().equals(self)) {
                int nodeId = member.id().nodeId();
                peers.add(new ServerStatus.Peer(member.id(), nodeId, member.address(), -1, -1, null, transport.trouble(nodeId)));
            }
        }
        String problem = repair.problem();
        return new ServerStatus(self, boot, record.clusterId(), ServerStatus.State.REPAIRING, 0, null, null, storage.firstIndex(), 0, 0, 0,
            applied, peers, problem == null ? "the log is being recovered again" : problem, members, List.of(), null, null, null);
    }

    private @Nullable String problem(NodeStatus status) {
        if (status.leader() == null) {
            return "no leader of term " + status.term() + " is known here";
        }
        String fetching = transfer.problem();
        if (fetching == null && diskProblem != null) {
            return diskProblem;
        }
        return fetching != null || applier == null ? fetching : applier.snapshotProblem();
    }

    private ServerStatus.Elections elections(NodeStatus status) {
        long pauses = meters.pauses.read();
        NodeStatus.Office office = status.office();
        return new ServerStatus.Elections(config.electionTimeoutNanos(), status.change().isCommitted(), status.change().removedVersion(),
            status.campaign().denials(), office == null ? null : office.successor(), office != null && office.isHandedOver(), pauses,
            pauses == 0 ? -1 : now - pausedNanos);
    }

    private ServerStatus.Disk disk(NodeStatus status) {
        Applier theApplier = applier;
        SnapshotDesk snapshots = theApplier == null ? null : theApplier.snapshots();
        NodeStatus.Office office = status.office();
        return new ServerStatus.Disk(status.campaign().diskSilentNanos(), office == null ? 0 : office.diskBehindNanos(),
            pendingWrites.oldestNanos(now), status.snapshotIndex(), status.fetchIndex(), transfer.problem(), storage.firstIndex(),
            storage.logBytes(), snapshots == null ? -1 : snapshots.logBytesMax(), snapshots == null || snapshots.isAble(),
            snapshots == null ? null : snapshots.problem(), repair.problem(), status.room(), usableBytes());
    }

    private ServerStatus.Load load(NodeStatus status) {
        return new ServerStatus.Load(callBytes.taken(), callBytes.bytesMax(), status.backlog().uncommittedBytes(),
            config.uncommittedBytesMax(), status.backlog().unappliedBytes(), config.unappliedBytesMax(), mailbox.peerBytes(),
            Mailbox.PEER_BYTES_MAX, mailbox.dropped(), mailbox.refusedCalls());
    }

    /** What has been counted and measured. On the raft thread only. */
    Metrics metrics() {
        RaftNode running = node;
        return running == null ? metrics(null, 0) : metrics(running.status(), storage.logBytes());
    }

    /** The same, of what has stopped; nothing waits there any more. When nobody turns any more. */
    Metrics stoppedMetrics() {
        return metrics(null, 0);
    }

    private Metrics metrics(@Nullable NodeStatus status, long logBytes) {
        NodeStatus.Backlog backlog = status == null ? new NodeStatus.Backlog(0, 0, 0) : status.backlog();
        List<Metrics.Lag> lags = new ArrayList<>();
        if (status != null) {
            for (NodeStatus.Peer peer : status.peers()) {
                if (peer.matchIndex() >= 0) {
                    lags.add(new Metrics.Lag(peer.member().id(), status.lastIndex() - peer.matchIndex(), peer.heardNanosAgo()));
                }
            }
        }
        return new Metrics(meters.commit.read(), meters.read.read(), meters.diskWait.read(), meters.diskWrite.read(),
            meters.entriesWritten.read(), meters.bytesWritten.read(), meters.electionsStarted.read(), meters.electionsWon.read(),
            meters.leaderChanges.read(), meters.pauses.read(), mailbox.dropped(), transport.messagesUnsent(), transfer.dropped(),
            mailbox.refusedCalls(), meters.snapshotsTaken.read(), meters.snapshotsInstalled.read(), meters.damageFound.read(),
            meters.entriesRepaired.read(), meters.snapshotsDamaged.read(), meters.bytesScrubbed.read(),
            applier == null ? 0 : applier.snapshots().newestBytes(), logBytes, status != null && !status.room().isPlenty(),
            usableBytes(),
            new Metrics.Queues(mailbox.peerBytes(), callBytes.taken(), backlog.uncommittedBytes(), backlog.unappliedBytes(),
                backlog.waitingReads(), pendingWrites.size()), lags);
    }

    /** Nothing else depends on it, and who asks how a server is must not be the one who stops it. */
    private long usableBytes() {
        try {
            return storage.usableBytes();
        } catch (StorageException e) {
            return -1;
        }
    }

    /** How the replica was when it stopped. When nobody turns any more. */
    public ServerStatus stoppedStatus(@Nullable Throwable cause) {
        String problem = cause == null ? "closed" : "stopped: " + cause;
        long applied = applier == null ? 0 : applier.appliedIndex();
        FoundingRecord record = storage.identity().founding();
        try {
            ServerStatus last = status();
            return new ServerStatus(self, last.boot(), last.clusterId(), ServerStatus.State.STOPPED, last.term(), null, null,
                last.firstIndex(), last.lastIndex(), last.durableIndex(), last.commitIndex(), applied, List.of(), problem,
                last.membership(), List.of(), null, null, null);
        } catch (RuntimeException | Error e) {       // a node that broke may not be able to tell
            return new ServerStatus(self, storage.identity().boot(), record == null ? null : record.clusterId(),
                ServerStatus.State.STOPPED, term, null, null, 0, 0, 0, 0, applied, List.of(), problem);
        }
    }

    // ------------------------------------------------------------------------------------------------------------ called by the mail

    void step(Event event) {
        if (event instanceof Event.SnapshotFetched fetched) {
            repair.onFetched(fetched.snapshot());
        } else if (event instanceof Event.FetchFailed failed) {
            repair.onFetchFailed(failed.snapshot(), now);
        }
        if (node != null) {
            node.step(event);
            if (event instanceof Event.Written written) {
                pendingWrites.written(written.writeId(), now, meters.diskWait);
            } else if (event instanceof Event.SnapshotTaken) {
                meters.snapshotsTaken.add(1);
                compact();
            }
        }
    }

    /** Only the leader's loss means anything, and the node knows best who that is. */
    void lost(int nodeId) {
        RaftNode running = node;
        ReplicaId lost = running == null ? null : running.leader();
        if (lost != null && lost.nodeId() == nodeId && !lost.equals(self)) {
            running.step(new Event.PeerLost(lost));
        }
    }

    void found(FoundingMessage message) {
        founding.step(message, now);
    }

    /** Whoever asks may mean a previous life of this node, for he may know nothing of later members: he gets his answer all the same. */
    void repair(RepairMessage message) {
        if (isBlank && !isRepairing) {
            return;       // too early
        }
        if (message instanceof RepairMessage.EntryAnswer answer) {
            repair.step(answer, now);
        } else if (message instanceof RepairMessage.EntryRequest request) {
            mender.answer(request, replaced(request.wanted()), node == null ? null : node.membership());
        }
    }

    /** These entries cannot be read here any more. */
    void damaged(List<EntryId> entries) {
        RaftNode running = node;
        if (running == null) {
            return;       // what is damaged at the start is told by the recovery
        }
        List<EntryId> present = entries.stream().filter(entry -> !isGone(running, entry)).toList();
        int news = repair.found(present, now);
        if (news > 0) {
            meters.damageFound.add(news);
            LOG.error("Replica {}: entries are damaged on its disk, and will be asked of the others: {}", self, present);
            running.step(new Event.Impaired(true));
            repair.have(running.inMemory(present));
        }
    }

    /** What is the matter with this disk that no other replica can put right; null if nothing is. */
    void diskProblem(@Nullable String problem) {
        diskProblem = problem;
    }

    /** The state machine has come to a damaged entry, and waits for a snapshot in its place. */
    void handedBack(long appliedIndex) {
        if (node != null) {
            node.step(new Event.HandedBack(appliedIndex));
            forApplier.add(new Work.HandedBack());
            handedBackIndex = appliedIndex;
            goOn(node);      // it may have come back meanwhile
        }
    }

    private void goOn(RaftNode running) {
        if (!repair.isDamaged(handedBackIndex + 1)) {
            running.step(new Event.Mended());
        }
    }

    /** These are there again. */
    void mended(List<EntryId> entries) {
        meters.entriesRepaired.add(entries.size());
        LOG.info("Replica {}: damaged entries have been put back: {}", self, entries);
        repair.onPut(entries);
        afterRepair();
    }

    /** What the disk has in it, at the start or once more. */
    void recovered(Storage.Recovered log) {
        if (log.damaged().isEmpty()) {
            if (isRepairing) {
                LOG.info("Replica {}: its log is whole again", self);
                whole = log;       // nothing of this turn is for a node that has not begun
            } else {
                begin(log);
            }
            return;
        }
        if (!isRepairing) {
            meters.damageFound.add(log.damaged().size());
            LOG.error("Replica {}: {} entries are damaged on its disk, the first of them {}. It takes no part in the group before it has "
                + "them back from the others", self, log.damaged().size(), log.damaged().get(0));
        }
        isRepairing = true;
        List<Membership> known = new ArrayList<>();
        FoundingRecord record = storage.identity().founding();
        if (record != null) {
            known.add(record.membership());
        }
        known.add(log.log().snapshot().membership());
        log.log().memberships().forEach(entry -> known.add(Membership.of(entry)));
        repair.begin(log, known, now);
    }

    void call(Call call) {
        if (call.isExpired(now)) {
            refuse(call, new OverloadedException("Nothing happened: the request waited for the raft thread until its time was up; try "
                + "again, with more time or less load"));
        } else if (node == null) {
            refuse(call, notLeader());
        } else if (call.transferTo() != 0 && node.role() == NodeStatus.RoleName.LEADER
                && voterAt(call.transferTo(), node.membership()) == null) {
            refuse(call, new RequestRefusedException(Refusal.Reason.NO_TARGET, "Nothing happened: node " + call.transferTo()
                + " has no vote in this group, so it cannot lead; the voters are " + node.membership().voters()));
        } else {
            call.stepped(nextRequestId++);
            calls.put(call);
            sweep.include(call.deadlineNanos());
            node.step(switch (call.kind()) {
                case PROPOSE -> new Event.Propose(call.requestId(), call.takePayload());
                case READ -> new Event.Read(call.requestId(), call.freshness().mode() == Freshness.Mode.LEASE,
                    call.freshness().staleNanosMax());
                case CHANGE -> new Event.ChangeMembership(call.requestId(), call.change().expectedVersion(), call.change().goal());
                case TRANSFER -> new Event.Transfer(call.requestId(), voterAt(call.transferTo(), node.membership()));
                case LOCAL_READ, AWAIT -> throw new IllegalStateException(call + " is the applier's");
            });
        }
    }

    /** The replica by which a node could lead: of two disks of one node, the one that stays. Null for node 0, which is nobody. */
    private static @Nullable ReplicaId voterAt(int nodeId, Membership membership) {
        for (List<Member> half : List.of(membership.voters(), membership.outgoing())) {
            for (Member voter : half) {
                if (voter.id().nodeId() == nodeId) {
                    return voter.id();
                }
            }
        }
        return null;
    }

    // ---------------------------------------------------------------------------------------------------------------- founding

    private void found(FoundingRecord record) {
        storage.found(record);
        begin(storage.recover());
        // The node starts before anything leaves: a message that answers ours then finds it.
        transport.founded(new Transport.Local(storage.identity()));
        founding.founded(record);
        LOG.info("Replica {} is now a member of group {}: {}", self, record.clusterId(), record.membership().voters());
        observe(() -> observer.onFounded(record));
    }

    private void begin(Storage.Recovered recovered) {
        HardState hardState = recovered.hardState();
        LogView log = recovered.log();
        RaftNode started = new RaftNode(config, self, storage.identity().boot(), hardState, log, random, now, repair.lastWriteId());
        started.step(new Event.Tick(now));
        started.step(new Event.RoomChanged(storage.room()));
        node = started;
        forApplier.add(new Work.Begin(log.snapshot(), log.terms()));
        handOver();
        repair.running(started.membership());
        isBlank = false;
        isRepairing = false;
    }

    // ---------------------------------------------------------------------------------------------------------------- repair

    private void repair(long nowNanos) {
        if (repair.isIdle()) {
            return;
        }
        RaftNode running = node;
        if (running != null && repair.forgetIf(entry -> isGone(running, entry))) {
            afterRepair();
        }
        if (running == null) {
            reportRepair();
        }
        Repair.Lost lost = repair.lost(nowNanos);
        if (lost != null) {
            onLost(lost.entry(), lost.isCovered());
        }
        repair.turn(nowNanos);
    }

    private void reportRepair() {
        if (state != ServerStatus.State.REPAIRING) {
            state = ServerStatus.State.REPAIRING;
            observe(() -> observer.onChange(ServerStatus.State.REPAIRING, 0, null));
        }
        SortedMap<Integer, String> newAddresses = addresses();      // others may have told of members that are not known here
        if (!newAddresses.equals(addresses)) {
            addresses = newAddresses;
            transport.peers(newAddresses);
        }
    }

    private void afterRepair() {
        RaftNode running = node;
        if (running != null) {
            reader.retry();
            forApplier.add(new Work.Retry());
            running.step(new Event.Impaired(!repair.isIdle()));
            goOn(running);
        }
    }

    /** Whether an entry is none of this log's any more: replaced by another, or covered by a snapshot. */
    private static boolean isGone(RaftNode running, EntryId entry) {
        return entry.index() <= running.snapshotIndex() || !entry.equals(running.entryAt(entry.index()));
    }

    /**
     * Nobody has this entry any more. What has been applied here lives on in the state, and the next snapshot covers it. What has not been
     * applied, or was before this start, cannot be gone on from without a snapshot of somebody else.
     *
     * @param isCovered whether somebody has a snapshot in its place
     */
    private void onLost(EntryId entry, boolean isCovered) {
        RaftNode running = node;
        Applier theApplier = applier;
        if (running != null && theApplier != null && entry.index() <= theApplier.appliedIndex()) {
            if (lostLog.isOpen(now)) {
                LOG.error("Replica {}: entry {} is damaged on its disk, and no other replica has it any more; a snapshot of the own state "
                    + "takes its place, if the state machine has snapshots", self, entry);
                forApplier.add(new Work.RenewSnapshot(false));
            }
            return;
        }
        if (isCovered) {
            return;      // what covers it is being fetched
        }
        String where = "";
        try {
            storage.read(entry.index(), entry.index(), 1);
        } catch (StorageException e) {
            where = " (" + e.getMessage() + ")";
        }
        throw new StorageException("Entry " + entry + " is damaged on this replica's disk" + where + ", and every other member has said "
            + "that it is damaged there too: " + repair.membership() + ". Nothing was changed. If a copy of one of the data directories "
            + "from before the damage is there, look whether its disk can be read; else found a new group from the newest backup, or let "
            + "plan-recovery say what each replica's directory has, and what goes with the damaged entry (see docs/recovery.md)");
    }

    /** Of these, what can be told not to be committed, and never to be: what is committed at that index, or before it in a later term. */
    private Set<EntryId> replaced(List<EntryId> entries) {
        Set<EntryId> replaced = new HashSet<>();
        RaftNode running = node;
        if (running != null) {
            for (EntryId entry : entries) {
                EntryId committed = running.entryAt(Math.min(entry.index(), running.commitIndex()));
                if (committed != null && (committed.term() > entry.term()
                        || committed.index() == entry.index() && committed.term() != entry.term())) {
                    replaced.add(entry);
                }
            }
        }
        return replaced;
    }

    /** Old entries may go, but for those that somebody can still make use of. */
    private void compact() {
        RaftNode running = node;
        compactor.add(Math.min(transfer.wantedIndex(), running == null ? Long.MAX_VALUE : running.wantedIndex()));
    }

    // ---------------------------------------------------------------------------------------------------------------- telling others

    /** The transport follows the membership, committed or not, for the next entry may depend on whom it names. */
    private void reportMembership(RaftNode running) {
        Membership newMembership = running.membership();
        boolean isChanged = newMembership != membership;
        if (isChanged) {
            membership = newMembership;
            founding.present(newMembership);
            repair.running(newMembership);
            LOG.info("Replica {}: membership {} is in force: {}", self, newMembership.version(), newMembership);
            observe(() -> observer.onMembership(newMembership));
        }
        if (isChanged | founding.takeNews()) {
            SortedMap<Integer, String> newAddresses = addresses();
            if (!newAddresses.equals(addresses)) {
                addresses = newAddresses;
                transport.peers(newAddresses);
            }
            if (leader != null) {       // a leader may be heard before the entry that says where it is
                hint = new LeaderHint(leader.nodeId(), addressOf(leader, running.status()));
            }
        }
    }

    /** Where the other nodes are to be found, as far as is known. On the raft thread only, or before it runs. */
    public SortedMap<Integer, String> addresses() {
        RaftNode running = node;
        return PeerAddresses.of(self.nodeId(), running == null ? repair.membership() : running.membership(), founding.told(),
            founding.strangers(now), initialMembers);
    }

    private void reportChange(RaftNode running) {
        ServerStatus.State newState = stateOf(running.role());
        long newTerm = running.term();
        ReplicaId newLeader = running.leader();
        if (newState == state && newTerm == term && Objects.equals(newLeader, leader)) {
            return;
        }
        boolean isNewLeader = newLeader != null && (newTerm != term || !newLeader.equals(leader));
        count(newState, newTerm, isNewLeader);
        boolean hasLostLeader = newLeader == null && leader != null;
        if (isNewLeader || hasLostLeader) {
            NodeStatus status = running.status();
            hint = newLeader == null ? LeaderHint.NONE : new LeaderHint(newLeader.nodeId(), addressOf(newLeader, status));
        }
        if (isNewLeader) {
            LOG.info("Replica {}: {} leads term {}", self, newLeader.equals(self) ? "this replica" : newLeader, newTerm);
        } else if (state == ServerStatus.State.LEADER) {
            LOG.info("Replica {} no longer leads; it is a {} of term {}", self, newState, newTerm);
        } else {
            LOG.debug("Replica {} is a {} of term {}, leader {}", self, newState, newTerm, newLeader);
        }
        state = newState;
        term = newTerm;
        leader = newLeader;
        observe(() -> observer.onChange(newState, newTerm, newLeader));
    }

    private void count(ServerStatus.State newState, long newTerm, boolean isNewLeader) {
        boolean isElected = newState == ServerStatus.State.LEADER && isNewLeader;
        if ((newState == ServerStatus.State.CANDIDATE || isElected) && newTerm != candidateTerm) {     // who is alone is elected at once
            candidateTerm = newTerm;
            meters.electionsStarted.add(1);
        }
        if (isElected) {
            meters.electionsWon.add(1);
        }
        if (isNewLeader) {
            meters.leaderChanges.add(1);
        }
    }

    private void observe(Runnable call) {
        try {
            call.run();
        } catch (Exception e) {       // also one that its method does not declare
            LOG.warn("Replica {}: its observer failed; nothing else is affected", self, e);
        }
    }

    private void logTrouble() {
        if (founding.isLeftOut() && leftOutLog.isOpen(now)) {
            LOG.warn("Replica {}: {}", self, founding.problem(now));
        }
        if (!repair.isIdle() && repairLog.isOpen(now)) {
            LOG.warn("Replica {}: {}", self, repair.problem());
        }
        long dropped = mailbox.dropped();
        if (dropped != droppedTold && overloadLog.isOpen(now)) {
            LOG.warn("Replica {} dropped {} messages of its peers: more than {} bytes were waiting for the raft thread", self,
                dropped - droppedTold, Mailbox.PEER_BYTES_MAX);
            droppedTold = dropped;
        }
        long refused = mailbox.refusedCalls();
        if (refused != refusedTold && refusedLog.isOpen(now)) {
            LOG.warn("Replica {} refused {} requests as overloaded: as many bytes of requests as are allowed were open", self,
                refused - refusedTold);
            refusedTold = refused;
        }
    }

    private void handOver() {
        if (forApplier.isEmpty() || applier == null) {
            return;
        }
        if (!applier.add(forApplier)) {
            throw new IllegalStateException("The applier is closed while the raft thread runs");
        }
        forApplier = new ArrayList<>();
    }

    // ----------------------------------------------------------------------------------------------------------------- calls

    private void refuse(Call call, RuntimeException why) {
        call.refused(why);
        forApplier.add(call);
    }

    private void expire() {
        sweep.begin();
        calls.removeIf(call -> {
            if (!call.isExpired(now)) {
                sweep.include(call.deadlineNanos());
                return false;
            }
            if (call.kind() == Call.Kind.READ) {
                step(new Event.Abandoned(call.requestId()));
            }
            refuse(call, switch (call.kind()) {
                case PROPOSE, CHANGE -> new OutcomeUnknownException("Perhaps it happens: the leader still held the request when its time "
                    + "was up; read the state before you repeat it");
                case TRANSFER -> new OutcomeUnknownException("Perhaps it happens: leadership was being handed over when the call's time "
                    + "was up; see who leads");
                case READ, LOCAL_READ, AWAIT -> new NotLeaderException("Nothing happened: no quorum confirmed in time who leads, and so "
                    + "what the answer must hold; try again, or ask another replica");
            });
            return true;
        });
        sweep.end(now);
    }

    /** Completes the calls that have come this far, each as exactly as is known. Not beside any other method. */
    void close(@Nullable Throwable cause) {
        Custody told = new Custody();      // nobody is told before all are complete
        bridge.end();
        for (Mail mail : mailbox.close()) {
            if (mail instanceof Call call) {
                call.heldIn(told);
                call.fail(new ServerStoppedException("Nothing happened: this server has stopped", cause));
            } else if (mail instanceof Mail.OfQuestion question) {
                question.answer().accept(stoppedStatus(cause));
            } else if (mail instanceof Mail.OfMetrics question) {
                question.answer().accept(stoppedMetrics());
            }
        }
        // Every flush answers every proposal it was told of; one that is still here met a failure in the middle of a turn.
        calls.drain(call -> {
            call.heldIn(told);
            call.fail(call.kind() == Call.Kind.READ ? new ServerStoppedException("Nothing happened: this server has stopped", cause)
                : unknown(cause));
        });
        for (Work work : forApplier) {
            if (work instanceof Call call) {
                call.heldIn(told);
                Applier.stop(call, cause);
            }
        }
        forApplier = new ArrayList<>();
        Told.tellAll(told.takeWaiting());
    }

    private static OutcomeUnknownException unknown(@Nullable Throwable cause) {
        OutcomeUnknownException unknown = new OutcomeUnknownException("Perhaps it happened: this server stopped while it took the request "
            + "in; read the state at another replica before you repeat it");
        if (cause != null) {
            unknown.initCause(cause);
        }
        return unknown;
    }

    private static ServerStatus.State stateOf(NodeStatus.RoleName role) {
        return switch (role) {
            case FOLLOWER -> ServerStatus.State.FOLLOWER;
            case PRE_CANDIDATE -> ServerStatus.State.PRE_CANDIDATE;
            case CANDIDATE -> ServerStatus.State.CANDIDATE;
            case LEADER -> ServerStatus.State.LEADER;
        };
    }

    /** Of a leader that the own membership does not name yet, the node's address may be known all the same. */
    private @Nullable String addressOf(@Nullable ReplicaId id, NodeStatus status) {
        if (id == null) {
            return null;
        }
        Member member = status.membership().member(id);
        return member == null ? addresses.get(id.nodeId()) : member.address();
    }

    /** Has done what a repair needs. */
    private final class Surgeon implements Repair.Hands {

        @Override
        public void send(RepairMessage message) {
            transport.send(message);
        }

        @Override
        public void put(List<Entry> entries) {
            mender.put(entries);
        }

        @Override
        public void replace(Storage.Write write) {
            mender.replace(write);
        }

        @Override
        public void recover() {
            mender.recover();
        }

        @Override
        public void fetch(SnapshotId snapshot, ReplicaId source) {
            RaftNode running = node;
            if (running == null) {
                transfer.fetch(snapshot, source);
            } else {
                forApplier.add(new Work.GiveUp());
                running.step(new Event.SnapshotNeeded(snapshot, source));
            }
        }
    }

    /** Carries out what the node wants done, each thing as soon as it is said, except what is for the applier. */
    private final class Carrier implements Effects {

        @Override
        public void write(long writeId, HardState hardState, long firstIndex, List<Entry> entries) {
            pendingWrites.add(writeId, now);
            writer.add(new Storage.Write(writeId, hardState, firstIndex, entries));
        }

        @Override
        public void send(Message message) {
            RaftNode running = node;
            if (!hasSent && running != null) {
                hasSent = true;
                bridge.beforeSending(running);
            }
            transport.send(message);
        }

        @Override
        public void accepted(long requestId, EntryId at) {
            Call call = calls.remove(requestId);
            if (call != null) {
                call.accepted(at);
                forApplier.add(call);
            }
        }

        @Override
        public void apply(long firstIndex, long lastIndex, List<Entry> entries) {
            forApplier.add(new Work.Apply(firstIndex, lastIndex, entries));
        }

        @Override
        public void readable(long requestId, long index, long validUntilNanos) {
            Call call = calls.remove(requestId);
            if (call != null) {
                call.readable(index, validUntilNanos);
                forApplier.add(call);
            }
        }

        @Override
        public void refuse(long requestId, Refusal why) {
            Call call = calls.remove(requestId);
            if (call != null) {
                EventLoop.this.refuse(call, exceptionFor(call, why));
            }
        }

        @Override
        public void install(long writeId, HardState hardState, SnapshotId snapshot) {
            pendingWrites.add(writeId, now);
            meters.snapshotsInstalled.add(1);
            writer.add(new Storage.Write(writeId, hardState, snapshot.index() + 1, List.of(), snapshot));
        }

        @Override
        public void restore(SnapshotId snapshot) {
            forApplier.add(new Work.Restore(snapshot));
            compact();
        }

        @Override
        public void done(long requestId) {
            Call call = calls.remove(requestId);
            if (call != null) {
                call.concluded();
                forApplier.add(call);
            }
        }

        @Override
        public void unknown(long requestId) {
            Call call = calls.remove(requestId);
            if (call != null) {
                EventLoop.this.refuse(call, new OutcomeUnknownException("Perhaps it happens: another replica was told to lead, and has not "
                    + "been heard of since, and this one leads no more; see who leads"));
            }
        }

        @Override
        public void fetchSnapshot(SnapshotId snapshot, ReplicaId source) {
            transfer.fetch(snapshot, source);
        }

        @Override
        public void readEntries(ReplicaId peer, long atTerm, long firstIndex, long lastIndex, int bytesMax) {
            reader.add(peer, atTerm, firstIndex, lastIndex, bytesMax);
        }

        private RuntimeException exceptionFor(Call call, Refusal why) {
            return switch (why.reason()) {
                case NOT_LEADER -> new NotLeaderException(why.leader() == null ? 0 : why.leader().nodeId(), addressNow(why.leader()));
                case NO_QUORUM -> new NotLeaderException("Nothing happened: this replica leads, but does not hear a quorum; try again, or "
                    + "ask another replica");
                case OVERLOADED -> new OverloadedException("Nothing happened: as much waits for its commit, or for a read, as the "
                    + "configuration allows; try again after a pause");
                case TOO_EARLY, OTHER_VERSION, CHANGE_PENDING, TRANSFER_PENDING, NO_TARGET, TRANSFER_FAILED, DISK_FULL ->
                    new RequestRefusedException(why.reason(), "Nothing happened: " + sentenceFor(call, why.reason()));
                case TOO_LARGE -> new CommandTooLargeException("Nothing happened: a command has at most " + Entry.PAYLOAD_BYTES_MAX
                    + " bytes");
            };
        }

        private String sentenceFor(Call call, Refusal.Reason reason) {
            return switch (reason) {
                case TOO_EARLY -> "this leader is new, and has committed nothing of its own term yet; try again in a moment";
                case CHANGE_PENDING -> "the previous step of a change of the membership is not committed yet; try again in a moment, "
                    + "and if that lasts, see what holds the commit back";
                case TRANSFER_PENDING -> "leadership is being handed over; try again in a moment, at whoever leads then";
                case OTHER_VERSION -> "the membership has version " + versionNow() + ", not " + call.change().expectedVersion()
                    + "; look at it, decide anew, and state the goal against that version";
                case NO_TARGET -> call.transferTo() == 0
                    ? "no other voter has been heard lately that could lead; see what is wrong with them"
                    : "node " + call.transferTo() + " leads already, or has no vote, or has not been heard lately; choose another";
                case TRANSFER_FAILED -> "the one that was to lead did not catch up within an election timeout, and this replica goes on "
                    + "leading; choose another, or try again with less load";
                case DISK_FULL -> fullNow() + ", so nothing new is taken; free some space there, or let snapshots do it. It goes on by "
                    + "itself, and reads go on meanwhile";
                case NOT_LEADER, NO_QUORUM, OVERLOADED, TOO_LARGE -> throw new IllegalArgumentException("Said elsewhere: " + reason);
            };
        }

        private String fullNow() {
            NodeStatus status = Objects.requireNonNull(node, "who refuses runs").status();
            if (!status.room().isPlenty()) {
                return "the disk of this leader, " + self + ", is nearly full, and no other voter could be handed the lead that has room";
            }
            return "the disks of " + status.peers().stream().filter(peer -> !peer.room().isPlenty())
                .map(peer -> peer.member().id().toString()).collect(Collectors.joining(", "))
                + " are nearly full, and without them there is no quorum";
        }

        private long versionNow() {
            return Objects.requireNonNull(node, "who refuses runs").membership().version();
        }

        private @Nullable String addressNow(@Nullable ReplicaId id) {
            if (id == null) {
                return null;
            }
            LeaderHint known = hint;
            if (known.nodeId() == id.nodeId()) {
                return known.address();
            }
            // The node has learned of this leader in the present turn, and the hint follows at its end.
            RaftNode running = node;
            return running == null ? null : addressOf(id, running.status());
        }
    }
}
