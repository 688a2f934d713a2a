package io.quorate.raft.core;

import io.quorate.raft.core.Refusal.Reason;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * One replica's part in the algorithm: told events by {@link #step}, it says by {@link #flush} what to do about them.
 *
 * <p>A driver steps {@link Event.Tick} first in every batch, then everything in its inbox, then flushes; it sleeps until {@link
 * #deadline} at most. The node is deterministic: the same events and random numbers give the same effects. It is not thread-safe; one
 * thread owns it.
 *
 * <p>The node settles terms and keeps what outlives a role: term and vote, the log, what is durable and what is committed. The role of the
 * moment does the rest. An {@link InvariantViolation} means that the replica must stop.
 *
 * @see <a href="https://raft.github.io/raft.pdf">In Search of an Understandable Consensus Algorithm (extended version)</a>; section
 *     numbers in comments are of that paper, or of Ongaro's thesis where it says so
 */
public final class RaftNode {

    private static final int LOST_ROUNDS_MAX = 4;   // 2^4: an election timeout grows up to sixteenfold
    private static final long FAR_NANOS = 1L << 60;

    private record Readable(long requestId, long index, long validUntilNanos) { }

    private record Refused(long requestId, Reason reason) { }

    private record Reading(ReplicaId peer, long firstIndex, long lastIndex) { }

    private record Fetch(SnapshotId snapshot, ReplicaId source) { }

    private record HandedOut(long lastIndex, long bytes) { }

    private final RaftConfig config;
    private final ReplicaId self;
    private final RandomGenerator random;
    private final RaftLog log;
    private final EntryPages pages = new EntryPages();
    private final WriteLedger ledger;
    private final Outbox outbox = new Outbox();
    private final SnapshotInstall install = new SnapshotInstall();
    private final Memberships memberships;

    private long now;
    private long term;                        // never goes back
    private @Nullable ReplicaId votedFor;     // in this term; set at most once in it
    private boolean isVoteUnwritten;          // term or votedFor has changed since the last write
    private long voteWriteId;                 // the write that makes them durable
    private long commitIndex;                 // never goes back
    private long appliedIndex;
    private SnapshotId snapshot;              // the newest here; never goes back
    private Role role;
    private long promiseNanos;                // until then, every other candidate is told no
    private int lostRounds;                   // candidacies lost since a leader was last known
    private long preVoteAttempt;
    private Quorum quorum;                    // of the membership in force
    private final Heard heard;
    private final Denials denials = new Denials();
    private final ForwardedReads forwarded;   // while this node does not lead
    private long removedVersion;              // the newest committed membership that was said not to name this replica; 0 if none
    private ReplicatedTime time;              // what entries made here are stamped by; means something at a leader only
    private long timeWantedNanos = Long.MAX_VALUE;   // replicated time that the state machine waits for

    // What the next flush will report.
    private final Acceptances accepted = new Acceptances();
    private final List<Readable> readable = new ArrayList<>();
    private final List<Refused> refused = new ArrayList<>();
    private final List<Long> done = new ArrayList<>();
    private final List<Long> unknown = new ArrayList<>();
    private final List<Reading> readings = new ArrayList<>();
    private final List<Fetch> fetches = new ArrayList<>();
    private final ArrayDeque<HandedOut> unapplied = new ArrayDeque<>();   // entries handed out from memory, not applied yet
    private long unappliedBytes;
    private long handedOutIndex;              // apply has been asked for up to here
    private boolean isImpaired;               // entries of the log cannot be read on the disk
    private boolean isHandedBack;             // the next one to be applied is among them, and nothing is being applied
    private long impairedNanos;               // since when; meaningful then
    private DiskRoom room = DiskRoom.PLENTY;  // for entries, on the disk

    /**
     * A node as it is after a start.
     *
     * @param config    the same for as long as the node lives
     * @param self      which replica this is
     * @param boot      how often it has started: what another start asked is not answered to this one
     * @param hardState as recovered
     * @param log       as recovered
     * @param random    for election timeouts
     * @param nowNanos  the time at which it starts, on the clock of the ticks
     */
    public RaftNode(RaftConfig config, ReplicaId self, long boot, HardState hardState, LogView log, RandomGenerator random,
                    long nowNanos) {
        this(config, self, boot, hardState, log, random, nowNanos, 0);
    }

    /**
     * The same, of a log that had to be repaired first.
     *
     * @param lastWriteId the last write that storage was given for that: this node's numbers go on from there
     */
    public RaftNode(RaftConfig config, ReplicaId self, long boot, HardState hardState, LogView log, RandomGenerator random,
                    long nowNanos, long lastWriteId) {
        this.config = config;
        this.self = self;
        this.random = random;
        forwarded = new ForwardedReads(config, boot);
        this.log = new RaftLog(log);
        ledger = new WriteLedger(this.log.lastIndex(), lastWriteId);
        memberships = new Memberships(log.snapshot(), log.memberships());
        quorum = new Quorum(memberships.active());
        heard = new Heard(quorum.size());
        now = nowNanos;
        term = hardState.term();
        votedFor = hardState.votedFor();
        if (term < this.log.last().term()) {
            throw new InvariantViolation("The log ends in term " + this.log.last().term() + ", but the recovered term is " + term);
        }
        if (hardState.commitIndex() > this.log.lastIndex()) {
            throw new InvariantViolation("The log ends at " + this.log.lastIndex() + ", but " + hardState.commitIndex()
                + " was known to be committed: the disk has lost entries");
        }
        snapshot = log.snapshot();
        commitIndex = Math.max(snapshot.index(), hardState.commitIndex());
        memberships.commit(commitIndex);
        appliedIndex = snapshot.index();
        handedOutIndex = appliedIndex;
        time = new ReplicatedTime(this.log.newestNanos(), now);
        preVoteAttempt = random.nextInt() >>> 1;     // rounds are never negative
        // A promise made before the restart is forgotten; one to everybody, for as long, covers it. Who is alone has promised nobody.
        boolean isAlone = memberships.isAlone(self);
        promiseNanos = isAlone ? now : now + config.electionTimeoutNanos();
        role = new Follower(this, null, isAlone ? now : drawDeadline());
    }

    /** Digests one event. What follows from it is reported by the next {@link #flush}. */
    public void step(Event event) {
        if (event instanceof Message message) {
            receive(message);
        } else if (event instanceof Event.Propose proposal) {
            if (role instanceof Leader leader) {
                leader.onPropose(proposal);
            } else {
                refuse(proposal.requestId(), Reason.NOT_LEADER);
            }
        } else if (event instanceof Event.Read read) {
            onRead(read);
        } else if (event instanceof Event.Abandoned abandoned) {
            forwarded.remove(abandoned.requestId());
        } else if (event instanceof Event.ChangeMembership change) {
            if (role instanceof Leader leader) {
                leader.onChangeMembership(change);
            } else {
                refuse(change.requestId(), Reason.NOT_LEADER);
            }
        } else if (event instanceof Event.Transfer transfer) {
            if (role instanceof Leader leader) {
                leader.onTransfer(transfer);
            } else {
                refuse(transfer.requestId(), Reason.NOT_LEADER);
            }
        } else if (event instanceof Event.PeerLost lost) {
            if (role instanceof Follower follower) {
                follower.onPeerLost(lost.peer());
            }
        } else if (event instanceof Event.Written written) {
            ledger.written(written.writeId(), now);
        } else if (event instanceof Event.Applied applied) {
            onApplied(applied.index());
        } else if (event instanceof Event.EntriesRead read) {
            if (role instanceof Leader leader && read.term() == term) {
                leader.onEntriesRead(read);
            }
        } else if (event instanceof Event.TimeWanted wanted) {
            timeWantedNanos = wanted.timeNanos();
        } else if (event instanceof Event.Mark) {
            if (role instanceof Leader leader) {
                leader.onMark();
            }
        } else if (event instanceof Event.SnapshotTaken taken) {
            onSnapshotTaken(taken.snapshot());
        } else if (event instanceof Event.SnapshotFetched fetched) {
            install.onFetched(fetched.snapshot());
        } else if (event instanceof Event.FetchFailed failed) {
            install.onFailed(failed.snapshot());
        } else if (event instanceof Event.Impaired impaired) {
            impairedNanos = isImpaired ? impairedNanos : now;
            isImpaired = impaired.isImpaired();
        } else if (event instanceof Event.Mended) {
            isHandedBack = false;
        } else if (event instanceof Event.HandedBack back) {
            onHandedBack(back.appliedIndex());
        } else if (event instanceof Event.SnapshotNeeded needed) {
            if (isHandedBack && needed.snapshot().index() > appliedIndex) {
                if (needed.snapshot().last().term() > term) {
                    raiseTerm(needed.snapshot().last().term());      // nothing of a later term than the node's may come to stand in its log
                }
                fetch(needed.snapshot(), needed.source());
            }
        } else if (event instanceof Event.RoomChanged changed) {
            room = changed.room();
            if (role instanceof Leader leader) {
                leader.onRoomChanged();
            }
        } else if (event instanceof Event.Tick tick) {
            onTick(tick.nowNanos());
        } else {
            throw new IllegalArgumentException("An event that no node answers: " + event);
        }
    }

    /**
     * Reports everything that follows from the events since the last flush.
     *
     * @param effects      told what to do, in the order of its methods
     * @param inboxDrained whether nothing was left in the inbox: only then does silence mean anything, and deadlines are judged
     */
    public void flush(Effects effects, boolean inboxDrained) {
        if (inboxDrained && Nanos.reached(now, role.deadline())) {
            role.onDeadline();
        }
        Role settled;
        do {
            settled = role;
            role.onFlush();
        } while (role != settled);
        forwardReads();

        writeTo(effects);
        installTo(effects);
        if (isVoteDurable()) {
            outbox.sendAll(effects);
        }
        accepted.tellAll(effects);
        restoreTo(effects);
        applyTo(effects);
        for (Readable read : readable) {
            effects.readable(read.requestId, read.index, read.validUntilNanos);
        }
        readable.clear();
        for (Refused request : refused) {
            effects.refuse(request.requestId, new Refusal(request.reason, request.reason == Reason.NOT_LEADER ? role.leader() : null));
        }
        refused.clear();
        for (Long requestId : done) {
            effects.done(requestId);
        }
        done.clear();
        for (Long requestId : unknown) {
            effects.unknown(requestId);
        }
        unknown.clear();
        for (Fetch fetch : fetches) {
            effects.fetchSnapshot(fetch.snapshot, fetch.source);
        }
        fetches.clear();
        for (Reading reading : readings) {
            effects.readEntries(reading.peer, term, reading.firstIndex, reading.lastIndex, config.readBytesMax());
        }
        readings.clear();
        log.evict(Math.min(commitIndex, ledger.durableIndex()), config.cachedBytesMax());
    }

    /** When the node wants to be flushed again if nothing happens before: after a tick with this time or a later one. */
    public long deadline() {
        return forwarded.isAwaiting() ? Nanos.earlier(role.deadline(), forwarded.deadline()) : role.deadline();
    }

    public ReplicaId self() {
        return self;
    }

    public long term() {
        return term;
    }

    /** Who leads the current term, as far as this node knows. */
    public @Nullable ReplicaId leader() {
        return role.leader();
    }

    public NodeStatus.RoleName role() {
        return role.name();
    }

    /** The first entry of the term that this node leads; 0 unless it leads. */
    public long leadIndex() {
        return role instanceof Leader leader ? leader.firstIndex() : 0;
    }

    /**
     * Until when nobody else can be elected, as far as this leader knows; {@link Long#MIN_VALUE} if it does not know or does not lead, {@link
     * Long#MAX_VALUE} if no other voter is needed.
     */
    public long leaseEndNanos() {
        return role instanceof Leader leader ? leader.leaseEndNanos() : Long.MIN_VALUE;
    }

    /** Whether there will be no lease for the rest of the term that this node leads: its successor may campaign, or it leads no member. */
    public boolean hasGivenUpLease() {
        return role instanceof Leader leader && leader.hasGivenUpLease();
    }

    public long commitIndex() {
        return commitIndex;
    }

    /**
     * Whether {@link Event.Applied} lets this node go on with something: it holds back what is committed, or a snapshot waits for what was
     * handed out before. Otherwise that event may come as late as the next one.
     */
    public boolean awaitsApplying() {
        return install.fetched() != null || handedOutIndex < Math.min(commitIndex, ledger.durableIndex());
    }

    /** The last entry that the newest snapshot here covers; 0 if there is none. */
    public long snapshotIndex() {
        return snapshot.index();
    }

    /** Who belongs to the group: by the last membership entry in the log, committed or not, else by what the log stands on. */
    public Membership membership() {
        return memberships.active();
    }

    /**
     * From here on entries are wanted for peers that this leader helps along, and that were heard of late; {@link Long#MAX_VALUE} if there
     * are none. Storage should keep them as long as it can afford to: else a peer that has fetched a snapshot finds that it needs the next.
     */
    public long wantedIndex() {
        long wanted = Long.MAX_VALUE;
        for (int i = 0; role instanceof Leader leader && i < quorum.size(); i++) {
            long silence = heard.nanosAgo(i, now);
            if (silence >= 0 && silence < config.electionTimeoutNanos() && !quorum.member(i).id().equals(self)) {
                wanted = Math.min(wanted, leader.progress(i).wantedIndex());
            }
        }
        return wanted;
    }

    /** Of these entries those that are still in memory, as all are that are not committed: nobody else may have them. */
    public List<Entry> inMemory(List<EntryId> wanted) {
        List<Entry> found = new ArrayList<>();
        for (EntryId id : wanted) {
            if (log.contains(id) && log.isInMemory(id.index())) {
                found.addAll(log.entries(id.index(), id.index(), 0));
            }
        }
        return found;
    }

    /** The identity of the entry at this index of the log, or null if the log does not cover it. For checks. */
    public @Nullable EntryId entryAt(long index) {
        return log.covers(index) ? log.idAt(index) : null;
    }

    /** How the node is now. */
    public NodeStatus status() {
        List<NodeStatus.Peer> peers = new ArrayList<>();
        for (int i = 0; i < quorum.size(); i++) {
            Member member = quorum.member(i);
            if (!member.id().equals(self)) {
                Progress progress = role instanceof Leader leader ? leader.progress(i) : null;
                peers.add(new NodeStatus.Peer(member, heard.nanosAgo(i, now), progress == null ? -1 : progress.matchIndex(),
                    progress == null ? -1 : progress.nextIndex(), progress == null ? 0 : progress.inflightBytes(),
                    progress == null ? null : progress.state().label(), progress != null && progress.hasLostEntries(),
                    role instanceof Leader leader ? leader.catchUp(i) : null, progress == null ? DiskRoom.PLENTY : progress.room()));
            }
        }
        NodeStatus.Backlog backlog = role instanceof Leader leader
            ? new NodeStatus.Backlog(unappliedBytes, leader.uncommittedBytes(), leader.waitingReads())
            : new NodeStatus.Backlog(unappliedBytes, 0, forwarded.size());
        return new NodeStatus(self, role.name(), term, role.leader(), log.firstIndex(), log.lastIndex(), ledger.durableIndex(), commitIndex,
            snapshot.index(), install.index(), membership(),
            new NodeStatus.Change(memberships.isActiveCommitted(), isRemoved() ? removedVersion : 0),
            new NodeStatus.Campaign(denials.list(), ledger.silentNanos(now)), role instanceof Leader leader ? leader.office() : null,
            backlog, peers, room);
    }

    @Override
    public String toString() {
        return self + " t" + term + (isVoteDurable() ? "" : "?") + " voted " + votedFor + " " + role + " commit " + commitIndex
            + " applied " + appliedIndex + " " + ledger + " log " + log + " snapshot " + snapshot.index() + " membership " + memberships
            + (install.isIdle() ? "" : " " + install);
    }

    // ---- reads

    private void onRead(Event.Read read) {
        long stale = read.staleNanosMax();
        if (forwarded.isFresh(stale, now)) {
            readable(read.requestId(), forwarded.confirmedIndex(), staleUntil(forwarded.confirmedNanos(), stale));
        } else if (role instanceof Leader leader) {
            leader.onRead(read);
        } else if (forwarded.hasRoom()) {
            forwarded.add(read.requestId());
        } else {
            refuse(read.requestId(), Reason.OVERLOADED);
        }
    }

    /** When an answer of which the truth is as old as {@code sinceNanos} is too old for who wants none older than this. */
    long staleUntil(long sinceNanos, long staleNanosMax) {
        return sinceNanos + Math.min(staleNanosMax, FAR_NANOS);
    }

    private void forwardReads() {
        ReplicaId leader = role.leader();
        if (forwarded.ask(self.equals(leader) ? null : leader, term, now) && leader != null) {
            send(new Message.ReadRequest(self, leader, term, forwarded.lastId()));
        }
    }

    void onReadAnswer(Message.ReadAnswer message) {
        forwarded.takeAnswered(message.id(), message.readIndex(), id -> readable(id, message.readIndex(), Long.MAX_VALUE));
    }

    // ---- messages: terms are settled here, so that a role never sees a message of another term (§5.1)

    private void receive(Message message) {
        if (!message.to().equals(self)) {
            return;   // meant for a previous life of this node
        }
        int position = quorum.position(message.from());
        if (position >= 0) {
            heard.from(position, now);
        }
        if (message instanceof Message.PreVoteAnswer answer) {
            removedVersion = Math.max(removedVersion, answer.removedVersion());
        }
        noteDenial(message);
        if (isDisturbance(message)) {
            answerNo(message, Message.Denial.HEARS_LEADER);
            return;
        }
        if (message.term() > term) {
            raiseTerm(message.term());
        }
        if (message.term() == term) {
            message.dispatch(role);
        } else {
            answerNo(message, Message.Denial.TERM_IS_OLD);
        }
    }

    /** Also one in another term, which ends the candidacy it belongs to. */
    private void noteDenial(Message message) {
        if (message instanceof Message.Vote vote && vote.denial() != null) {
            denials.onDenied(vote.from(), vote.denial());
        } else if (message instanceof Message.PreVoteAnswer answer && answer.denial() != null && answer.round() == preVoteAttempt) {
            denials.onDenied(answer.from(), answer.denial());
        }
    }

    /**
     * Whether somebody asks for votes while there is no need: a leader was heard less than an election timeout ago, or this is one and
     * hears its quorum (thesis 4.2.3). Asked before terms are settled, so that a disturbance cannot raise them.
     */
    private boolean isDisturbance(Message message) {
        if (message instanceof Message.RequestVote request && isHandedOver(request)) {
            return false;
        }
        boolean isAsking = message instanceof Message.RequestVote || message instanceof Message.PreVote;
        return isAsking && (!Nanos.reached(now, promiseNanos) || role instanceof Leader leader && leader.hearsQuorum());
    }

    /**
     * Whether this candidate campaigns because the leader to whom this node keeps its promise wants it to (thesis 3.10): then there is
     * nothing to wait for. Who has heard no leader made its promise at its start, perhaps to an earlier one, whose time was over when the
     * one who hands over was elected.
     */
    private boolean isHandedOver(Message.RequestVote request) {
        if (request.transferOf() == 0) {
            return false;
        }
        if (role instanceof Leader leader) {
            return request.transferOf() == term && leader.hasHandedOverTo(request.from());
        }
        return role.leader() == null ? request.transferOf() >= term : request.transferOf() == term;
    }

    /** Tells the sender of an old or unwelcome message this node's term: a stale leader steps down by it, a stale candidate learns it. */
    private void answerNo(Message message, Message.Denial why) {
        if (message instanceof Message.RequestVote) {
            send(new Message.Vote(self, message.from(), term, why));
        } else if (message instanceof Message.PreVote question) {
            send(new Message.PreVoteAnswer(self, question.from(), term, why, question.round(), removedVersionFor(question.from())));
        } else if (message instanceof Message.AppendEntries append) {
            // No round: the append's counted the rounds of its own term, and its sender may by now lead this one.
            send(new Message.AppendRejected(self, append.from(), term, append.prev(), log.lastAgreeing(append.prev()), 0));
        } else if (message instanceof Message.SnapshotOffer offer) {
            EntryId last = offer.snapshot().last();
            send(new Message.AppendRejected(self, offer.from(), term, last, log.lastAgreeing(last), 0));
        }
    }

    private void raiseTerm(long newTerm) {
        // A follower's patience does not start again because somebody has raised the term, or a hopeless candidate could silence all
        // others.
        boolean isWaiting = role instanceof Follower || role instanceof PreCandidate;
        long deadline = isWaiting ? role.deadline() : drawDeadline();
        if (role instanceof Candidate) {
            onCandidacyLost();
        }
        enterTerm(newTerm, null);
        changeRole(new Follower(this, null, deadline));
    }

    private void enterTerm(long newTerm, @Nullable ReplicaId vote) {
        if (newTerm <= term) {
            throw new InvariantViolation("Term " + newTerm + " cannot follow " + term);
        }
        term = newTerm;
        votedFor = vote;
        isVoteUnwritten = true;
        outbox.clear();
    }

    // ---- roles

    /**
     * Whether this node could be elected, and do its work. Its disk answers: else it would win by heartbeats and never acknowledge
     * anything. It can read its log there, for others may need what is in it. And it counts in its own membership, or did in one before,
     * back to the last that it knows to be committed: then the newer one may stand in its log alone, and nobody else could be elected to
     * commit it.
     */
    boolean mayCampaign() {
        return memberships.mayCount(self) && !isRemoved() && !isImpaired && ledger.silentNanos(now) <= config.electionTimeoutNanos();
    }

    /** How much room the disk has for entries. */
    DiskRoom room() {
        return room;
    }

    /** For how long entries of the log have not been readable; 0 if all are. */
    long impairedNanos() {
        return isImpaired ? now - impairedNanos : 0;
    }

    /** Whether a later membership than this node's own is known to be committed, and not to name it: then it cannot win any more. */
    private boolean isRemoved() {
        return removedVersion > membership().version();
    }

    private long removedVersionFor(ReplicaId asker) {
        Membership committed = memberships.committed();
        return committed.member(asker) == null ? committed.version() : 0;
    }

    void becomeFollower(@Nullable ReplicaId leader) {
        changeRole(new Follower(this, leader, drawDeadline()));
    }

    /** Begins to campaign, if this node may; else it waits. */
    void campaign() {
        if (mayCampaign()) {
            becomePreCandidate();
        } else {
            becomeFollower(null);
        }
    }

    void becomePreCandidate() {
        preVoteAttempt++;
        denials.onAttempt();
        PreCandidate candidate = new PreCandidate(this, quorum, preVoteAttempt, drawDeadline());
        changeRole(candidate);
        candidate.start();
    }

    void becomeCandidate() {
        becomeCandidate(0);
    }

    private void becomeCandidate(long transferOf) {
        enterTerm(term + 1, self);
        denials.onAttempt();
        changeRole(new Candidate(this, quorum, transferOf));
    }

    /** The leader of this term hands over to this node, which campaigns at once, unasked (thesis 3.10), if it may at all. */
    void onHandedOver() {
        if (mayCampaign()) {
            becomeCandidate(term);
        }
    }

    void becomeLeader() {
        time = new ReplicatedTime(log.newestNanos(), now);
        lostRounds = 0;
        denials.clear();
        changeRole(new Leader(this));
        forwarded.takeAll(id -> onRead(new Event.Read(id)));
    }

    /** Another leads this term: follows it, beginning with this message. */
    void follow(Message message) {
        becomeFollower(message.from());
        message.dispatch(role);
    }

    void onCandidacyLost() {
        lostRounds = Math.min(lostRounds + 1, LOST_ROUNDS_MAX);
    }

    private void changeRole(Role next) {
        if (role instanceof Leader leader) {
            leader.leave();
        }
        role = next;
    }

    // ---- time

    private void onTick(long nowNanos) {
        long late = nowNanos - role.deadline();
        now = Nanos.later(now, nowNanos);
        if (late > config.electionTimeoutNanos() / 2) {
            ledger.onPause(now);
            role.onPause();
        }
    }

    long now() {
        return now;
    }

    /** A time that is too far to matter. */
    long noDeadline() {
        return now + FAR_NANOS;
    }

    /** When a leader owes the state machine an entry, because replicated time reaches what it waits for and the log has not yet. */
    long timeDeadline() {
        return timeWantedNanos <= log.newestNanos() || timeWantedNanos == Long.MAX_VALUE ? noDeadline() : time.reaches(timeWantedNanos);
    }

    /** When patience ends that begins now: drawn anew each time, longer after lost candidacies, so that one of several is alone. */
    long drawDeadline() {
        long base = config.electionTimeoutNanos() << lostRounds;
        return now + base + random.nextLong(base);
    }

    void onLeaderHeard() {
        promiseNanos = now + config.electionTimeoutNanos();
        lostRounds = 0;
        denials.clear();
    }

    /**
     * The leader is probably dead. When patience ends that need not wait for it any more: soon, but at another moment for each replica, so
     * that of all who have learned the same thing one is first.
     */
    long onLeaderLost() {
        if (!config.hasLeases()) {
            promiseNanos = Nanos.earlier(promiseNanos, now);   // else the leader may still read by it, if it lives
        }
        return Nanos.later(now, promiseNanos) + random.nextLong(config.heartbeatNanos());
    }

    /** For how long from now this node will say no to candidates, come what may; 0 if no lease is to rest on that. */
    long holdsNanos() {
        return config.hasLeases() ? Math.max(0, promiseNanos - now) : 0;
    }

    /** Whether the member at this position was heard within this time. */
    boolean isHeardWithin(int position, long nanos) {
        long ago = heard.nanosAgo(position, now);
        return ago >= 0 && ago < nanos;
    }

    // ---- votes

    /** Answers a request of this term; whether it was granted. */
    boolean answerRequestVote(Message.RequestVote message) {
        boolean isFree = votedFor == null || votedFor.equals(message.from());
        Message.Denial denial = isFree ? denialFor(message.last()) : Message.Denial.VOTED_FOR_ANOTHER;
        if (denial == null && votedFor == null) {
            votedFor = message.from();
            isVoteUnwritten = true;
        }
        send(new Message.Vote(self, message.from(), term, denial));
        return denial == null;
    }

    /** Answers a pre-vote of this term. Changes nothing. */
    void answerPreVote(Message.PreVote message) {
        send(new Message.PreVoteAnswer(self, message.from(), term, denialFor(message.last()), message.round(),
            removedVersionFor(message.from())));
    }

    /** Whose log ends before this one cannot be voted for: it may lack what is committed (§5.4.1). */
    private Message.@Nullable Denial denialFor(EntryId last) {
        return last.isAtLeast(log.last()) ? null : Message.Denial.LOG_IS_NEWER;
    }

    /** Whether term and vote are durable: before, nothing is said in this term. */
    boolean isVoteDurable() {
        return !isVoteUnwritten && ledger.isDurable(voteWriteId);
    }

    // ---- the log

    RaftLog log() {
        return log;
    }

    RaftConfig config() {
        return config;
    }

    long durableIndex() {
        return ledger.durableIndex();
    }

    long appliedIndex() {
        return appliedIndex;
    }

    /** Whether this entry stands in the log, or is known to: what is committed here stands in every leader's log. */
    boolean agreesAt(EntryId prev) {
        if (prev.index() > commitIndex) {
            return log.contains(prev);
        }
        if (log.covers(prev.index()) && !log.contains(prev)) {
            throw new InvariantViolation("A leader of term " + term + " has entry " + prev + ", but " + log.idAt(prev.index())
                + " is committed here: " + this);
        }
        return true;
    }

    /** Takes over a leader's entries: skips those that are here, cuts only where one differs (§5.3). */
    void append(List<Entry> entries) {
        for (int i = 0; i < entries.size(); i++) {
            Entry entry = entries.get(i);
            if (entry.index() < log.firstIndex() - 1) {
                continue;   // before what the log stands on
            }
            if (entry.index() <= log.lastIndex()) {
                if (log.termAt(entry.index()) == entry.term()) {
                    continue;
                }
                truncate(entry.index());
            }
            append(entry);
        }
    }

    Entry appendOwn(Entry.Kind kind, byte[] payload) {
        Entry entry = pages.add(log.lastIndex() + 1, term, kind, time.at(now), payload);
        append(entry);
        return entry;
    }

    private void append(Entry entry) {
        log.append(entry);
        if (entry.kind() == Entry.Kind.MEMBERSHIP) {
            memberships.append(entry);
            enterMembership();
        }
    }

    /** Another membership is in force: from now on it decides whose votes, disks and answers count. */
    private void enterMembership() {
        Quorum next = new Quorum(membership());
        heard.enter(next.positionsIn(quorum));
        quorum = next;
    }

    private void truncate(long firstIndex) {
        if (firstIndex <= commitIndex) {
            throw new InvariantViolation("A leader of term " + term + " replaces entry " + log.idAt(firstIndex)
                + ", but everything up to " + commitIndex + " is committed here: " + this);
        }
        log.truncate(firstIndex);
        ledger.truncate(firstIndex);
        if (memberships.truncate(firstIndex)) {
            enterMembership();
        }
    }

    void commitTo(long index) {
        commitIndex = Math.max(commitIndex, index);
        memberships.commit(commitIndex);
    }

    Memberships memberships() {
        return memberships;
    }

    Quorum quorum() {
        return quorum;
    }

    /** The newest snapshot here: what a leader can offer. */
    SnapshotId snapshot() {
        return snapshot;
    }

    /** Gets this snapshot from there, unless one is on its way already: that is worth as much. */
    void fetch(SnapshotId wanted, ReplicaId source) {
        if (install.isIdle()) {
            install.onAsked(wanted);
            fetches.add(new Fetch(wanted, source));
        }
    }

    private void onSnapshotTaken(SnapshotId taken) {
        if (taken.index() <= snapshot.index() || taken.index() < log.firstIndex()) {
            return;   // a newer one was installed while it was being taken, or is about to be, and the log stands on that already
        }
        if (!log.contains(taken.last())) {
            throw new InvariantViolation("A snapshot was taken at " + taken.last() + ", which the log does not have: " + this);
        }
        snapshot = taken;
    }

    private void onApplied(long index) {
        if (index > handedOutIndex) {
            throw new InvariantViolation("Entry " + index + " was applied, but only " + handedOutIndex + " are handed out");
        }
        appliedIndex = Math.max(appliedIndex, index);
        while (!unapplied.isEmpty() && unapplied.peekFirst().lastIndex <= appliedIndex) {
            unappliedBytes -= unapplied.removeFirst().bytes;
        }
    }

    private void onHandedBack(long index) {
        onApplied(index);
        handedOutIndex = appliedIndex;
        unapplied.clear();
        unappliedBytes = 0;
        isHandedBack = true;
    }

    // ---- what a flush reports

    void send(Message message) {
        outbox.add(message);
    }

    void accepted(long requestId, Entry entry) {
        accepted.add(requestId, entry);
    }

    void readable(long requestId, long index, long validUntilNanos) {
        readable.add(new Readable(requestId, index, validUntilNanos));
    }

    void refuse(long requestId, Reason reason) {
        refused.add(new Refused(requestId, reason));
    }

    void done(long requestId) {
        done.add(requestId);
    }

    void unknown(long requestId) {
        unknown.add(requestId);
    }

    void readEntries(ReplicaId peer, long firstIndex, long lastIndex) {
        readings.add(new Reading(peer, firstIndex, lastIndex));
    }

    private void writeTo(Effects effects) {
        if (!isVoteUnwritten && !log.hasUnwritten()) {
            return;
        }
        long firstIndex = log.unwrittenFirst();
        List<Entry> entries = log.takeUnwritten();
        long writeId = ledger.issue(log.lastIndex(), now);
        if (isVoteUnwritten) {
            isVoteUnwritten = false;
            voteWriteId = writeId;
        }
        effects.write(writeId, new HardState(term, votedFor, commitIndex), firstIndex, entries);
    }

    /**
     * Puts the log on a snapshot that was fetched, if it does not reach that far by itself, or cannot be read before. Term and vote have
     * been written.
     */
    private void installTo(Effects effects) {
        SnapshotId fetched = install.fetched();
        if (fetched == null || role instanceof Candidate) {
            return;   // a candidate asks for votes for the log with which its candidacy began
        }
        if (role instanceof Leader && fetched.index() > commitIndex) {
            install.forget();   // elected for having all that is committed, and it finds out by itself what is
            return;
        }
        if (agreesAt(fetched.last())) {
            commitTo(fetched.index());
            if (isHandedBack && fetched.index() > appliedIndex) {
                installUnder(effects, fetched);
            } else {
                install.forget();   // all that it covers has come as entries meanwhile
            }
            return;
        }
        if (appliedIndex < handedOutIndex) {
            return;   // what is being applied may still have to be read from the log, which goes
        }
        if (role instanceof PreCandidate) {
            becomeFollower(null);   // it has asked with another log, and perhaps others than those who count
        }
        // The disk's log reaches as far as before until the snapshot is there: no commit behind it may be known any earlier.
        HardState hardState = new HardState(term, votedFor, commitIndex);
        ledger.truncate(commitIndex + 1);   // of the old log only what is committed is part of the new one
        log.install(fetched);
        commitIndex = fetched.index();
        memberships.install(fetched);
        enterMembership();
        long writeId = ledger.issue(log.lastIndex(), now);
        install.onInstalling(writeId);
        effects.install(writeId, hardState, fetched);
    }

    /** The log has all that the snapshot covers, and what follows stays; but the state machine cannot get by what is damaged in it. */
    private void installUnder(Effects effects, SnapshotId fetched) {
        long writeId = ledger.issue(log.lastIndex(), now);
        install.onInstalling(writeId);
        effects.install(writeId, new HardState(term, votedFor, commitIndex), fetched);
    }

    private void restoreTo(Effects effects) {
        SnapshotId installed = install.takeInstalled(ledger);
        if (installed != null) {
            snapshot = installed;
            handedOutIndex = installed.index();
            isHandedBack = false;
            effects.restore(installed);
        }
    }

    private void applyTo(Effects effects) {
        if (install.holdsApply() || isHandedBack) {
            return;   // what comes next is the snapshot
        }
        long lastIndex = Math.min(commitIndex, ledger.durableIndex());
        while (handedOutIndex < lastIndex && unappliedBytes < config.unappliedBytesMax()) {
            long first = handedOutIndex + 1;
            EntryList entries = log.isInMemory(first) ? log.entries(first, lastIndex, config.appendBytesMax()) : EntryList.EMPTY;
            handedOutIndex = entries.isEmpty() ? Math.min(lastIndex, log.firstInMemory() - 1) : entries.get(entries.size() - 1).index();
            long bytes = entries.isEmpty() ? 0 : log.memoryBytes(first, handedOutIndex);
            unapplied.addLast(new HandedOut(handedOutIndex, bytes));
            unappliedBytes += bytes;
            effects.apply(first, handedOutIndex, entries);
        }
    }
}
