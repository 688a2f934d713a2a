package io.quorate.raft.core;

import io.quorate.raft.core.Refusal.Reason;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Replicates its log, commits what a quorum has durable, and confirms reads (§5.3, §5.4, thesis 6.4).
 *
 * <p>A leader that hears no quorum for an election timeout takes no new proposals, and after a second one steps down, in its own term. One
 * whose disk stays behind another voter's for an election timeout hands over, and after a second one steps down. One that cannot read
 * entries of its log for as long hands over too, if there is anybody fit, and else goes on. So does one whose disk is nearly full, if
 * another's is not; meanwhile it takes nothing new, and serves reads.
 */
final class Leader implements Role {

    private static final int IMPAIRED_PATIENCE = 10;   // election timeouts

    private final RaftNode node;
    private final Peers peers;
    private final Rounds rounds;
    private final MembershipPursuit pursuit;
    private final ReadQueue reads = new ReadQueue();
    private final DiskWatch disk = new DiskWatch();
    private final Lease lease;
    private final long term;
    private final long noOpIndex;        // the first entry of the own term: once committed, all before it is
    private long uncommittedBytes;       // of memory, for commands proposed here and not committed yet
    private long heartbeatDeadline;
    private long patienceNanos;          // silence is counted from here at the earliest
    private @Nullable Transfer transfer; // under way
    private long impairedDeadline;       // not before then does it try once more to hand over for what it cannot read or has no room for
    private boolean isRoomForNew;        // this disk and those of a quorum can take something new

    Leader(RaftNode node) {
        this.node = node;
        long nextIndex = node.log().lastIndex() + 1;
        peers = new Peers(node.quorum(), node.self(), nextIndex);
        peers.addLeft(node.memberships().committed(), node.memberships().activeIndex(), nextIndex);
        rounds = new Rounds(node.quorum(), node.self(), node.now());
        term = node.term();
        lease = new Lease(node.config(), node.now());
        patienceNanos = node.now();
        impairedDeadline = node.now();
        noOpIndex = node.appendOwn(Entry.Kind.NO_OP, new byte[0]).index();
        isRoomForNew = node.room().isPlenty();
        pursuit = new MembershipPursuit(rounds.newest() + 1, noOpIndex, node.now());
        heartbeat();
    }

    @Override
    public NodeStatus.RoleName name() {
        return NodeStatus.RoleName.LEADER;
    }

    @Override
    public ReplicaId leader() {
        return node.self();
    }

    @Override
    public long deadline() {
        long deadline = Nanos.earlier(heartbeatDeadline, stepDownDeadline());
        deadline = transfer == null ? deadline : Nanos.earlier(deadline, transfer.deadline());
        return mayTellTime() ? Nanos.earlier(deadline, node.timeDeadline()) : deadline;
    }

    @Override
    public void onDeadline() {
        if (Nanos.reached(node.now(), stepDownDeadline())) {
            node.becomeFollower(null);
        } else if (transfer != null && Nanos.reached(node.now(), transfer.deadline())) {
            onTransferOverdue(transfer);
        } else if (Nanos.reached(node.now(), heartbeatDeadline)) {
            judgeDisk();
        }
    }

    @Override
    public void onPause() {
        patienceNanos = node.now();
        heartbeatDeadline = node.now();
        pursuit.restart(rounds.newest() + 1, node.commitIndex(), node.now());
        disk.onPause(node.now());
        lease.onPause(node.now());
    }

    /** Whether a quorum has followed this leader within the last election timeout. */
    boolean hearsQuorum() {
        return !Nanos.reached(node.now(), rounds.confirmedNanos() + node.config().electionTimeoutNanos());
    }

    /** A disk has less room than before, or more: this one, or a voter's. */
    void onRoomChanged() {
        isRoomForNew = node.room().isPlenty() && peers.hasQuorumRoom(node.room());
    }

    void onPropose(Event.Propose proposal) {
        long bytes = (long) Entry.HEADER_BYTES + proposal.command().length + Entry.OBJECT_BYTES;
        if (proposal.command().length > Entry.PAYLOAD_BYTES_MAX) {
            node.refuse(proposal.requestId(), Reason.TOO_LARGE);
        } else if (!hearsQuorum()) {
            node.refuse(proposal.requestId(), Reason.NO_QUORUM);
        } else if (uncommittedBytes() > 0 && uncommittedBytes() + bytes > node.config().uncommittedBytesMax()) {
            node.refuse(proposal.requestId(), Reason.OVERLOADED);
        } else if (transfer != null && transfer.isHolding()) {
            transfer.hold(proposal, bytes);
        } else if (!isRoomForNew) {
            node.refuse(proposal.requestId(), Reason.DISK_FULL);
        } else {
            Entry entry = node.appendOwn(Entry.Kind.COMMAND, proposal.command());
            uncommittedBytes += bytes;
            node.accepted(proposal.requestId(), entry);
        }
    }

    void onRead(Event.Read read) {
        boolean isCurrent = node.commitIndex() >= noOpIndex;   // else it may lie behind what earlier leaders acknowledged (§8)
        long leased = read.mayUseLease() && isCurrent ? leaseNanos() : 0;
        if (leased > 0) {
            node.readable(read.requestId(), node.commitIndex(), leased == Long.MAX_VALUE ? Long.MAX_VALUE : node.now() + leased);
        } else if (isCurrent && node.now() - rounds.confirmedNanos() < read.staleNanosMax()) {
            node.readable(read.requestId(), node.commitIndex(), node.staleUntil(rounds.confirmedNanos(), read.staleNanosMax()));
        } else if (reads.hasRoom()) {
            reads.add(read.requestId());
        } else {
            node.refuse(read.requestId(), Reason.OVERLOADED);
        }
    }

    /** For how much longer nobody else can lead. */
    private long leaseNanos() {
        return lease.remainingNanos(rounds.confirmedNanos(), rounds.heldNanos(), node.now());
    }

    /** When that ends; {@link Long#MIN_VALUE} if it is not known, {@link Long#MAX_VALUE} if nobody else is needed. */
    long leaseEndNanos() {
        long nanos = leaseNanos();
        return nanos == 0 ? Long.MIN_VALUE : nanos == Long.MAX_VALUE ? Long.MAX_VALUE : node.now() + nanos;
    }

    boolean hasGivenUpLease() {
        return lease.isGivenUp();
    }

    /** The first entry of this term. */
    long firstIndex() {
        return noOpIndex;
    }

    /** What is not committed yet is a new index for whoever wants one, as soon as it is. */
    void onMark() {
        if (mayTellTime() && node.commitIndex() == node.log().lastIndex()) {
            node.appendOwn(Entry.Kind.TIME, new byte[0]);
        }
    }

    void onChangeMembership(Event.ChangeMembership change) {
        Reason against = reasonAgainst(change);
        if (against == null) {
            pursuit.restart(rounds.newest(), node.commitIndex(), node.now());
            node.accepted(change.requestId(), enter(node.membership().withGoal(change.goal())));
        } else {
            node.refuse(change.requestId(), against);
        }
    }

    private @Nullable Reason reasonAgainst(Event.ChangeMembership change) {
        if (!hearsQuorum()) {
            return Reason.NO_QUORUM;
        } else if (node.commitIndex() < noOpIndex) {
            return Reason.TOO_EARLY;
        } else if (change.expectedVersion() != node.membership().version()) {
            return Reason.OTHER_VERSION;
        } else if (transfer != null) {
            return Reason.TRANSFER_PENDING;
        } else if (!isRoomForNew) {
            return Reason.DISK_FULL;
        } else {
            return node.memberships().isActiveCommitted() ? null : Reason.CHANGE_PENDING;
        }
    }

    void onEntriesRead(Event.EntriesRead read) {
        int position = peers.position(read.peer());
        if (position < 0 || !peers.at(position).isReading()) {
            return;   // the peer was found elsewhere meanwhile
        }
        peers.at(position).onReadEnded();
        if (read.firstIndex() != peers.at(position).nextIndex()) {
            return;   // not what the peer needs now
        }
        if (read.entries().isEmpty()) {
            peers.at(position).onMissing();   // a snapshot covers it, and storage has dropped it
        } else {
            sendInParts(position, read.entries());
        }
    }

    private void sendInParts(int position, List<Entry> entries) {
        int from = 0;
        long bytes = 0;
        for (int i = 0; i < entries.size(); i++) {
            int size = entries.get(i).size();
            if (i > from && bytes + size > node.config().appendBytesMax()) {
                sendEntries(position, entries.subList(from, i));
                from = i;
                bytes = 0;
            }
            bytes += size;
        }
        sendEntries(position, entries.subList(from, entries.size()));
    }

    void onTransfer(Event.Transfer request) {
        int position = request.target() == null ? bestSuccessor() : peers.position(request.target());
        Reason refusal = transfer != null ? Reason.TRANSFER_PENDING : !hearsQuorum() ? Reason.NO_QUORUM
            : position < 0 || !maySucceed(position) ? Reason.NO_TARGET : null;
        if (refusal == null) {
            begin(Transfer.asked(request, peers.id(position), node.now() + node.config().electionTimeoutNanos()));
        } else {
            node.refuse(request.requestId(), refusal);
        }
    }

    /** Whether the log may grow: not while a transfer's target is about to have all of it, and even less once it was told to campaign. */
    private boolean mayAppend() {
        return transfer == null || !transfer.isHolding();
    }

    /** Whether the log may grow by what can as well be told later. */
    private boolean mayTellTime() {
        return mayAppend() && isRoomForNew;
    }

    /** Whether the lead may have passed to this replica: then its campaign is this leader's own will. */
    boolean hasHandedOverTo(ReplicaId candidate) {
        return transfer != null && transfer.isSent() && transfer.target().equals(candidate);
    }

    /**
     * Leadership ends: nothing happened to what waits here. A transfer whose target was told has come to its good end if a later term has
     * begun; if not, it still may, since the target can have heard of it, or may do so yet.
     */
    void leave() {
        reads.takeAll(id -> node.refuse(id, Reason.NOT_LEADER));
        if (transfer == null) {
            return;
        }
        Event.Transfer request = transfer.request();
        if (request != null && !transfer.isSent()) {
            node.refuse(request.requestId(), Reason.NOT_LEADER);
        } else if (request != null && node.term() > term) {
            node.done(request.requestId());
        } else if (request != null) {
            node.unknown(request.requestId());
        }
        transfer.takeHeld(proposal -> node.refuse(proposal.requestId(), Reason.NOT_LEADER));
    }

    @Override
    public void onFlush() {
        if (mayTellTime() && Nanos.reached(node.now(), node.timeDeadline())) {
            node.appendOwn(Entry.Kind.TIME, new byte[0]);
        }
        advanceCommit();
        pursueGoal();
        confirmReads();   // first, so that the reads that have gathered behind a round need nothing more to begin the next
        // Before an entry of this term is committed, the commit index may lie behind what earlier leaders acknowledged (§8).
        if (reads.wantsRound() && node.commitIndex() >= noOpIndex) {
            reads.roundBegins(rounds.begin(node.now()), node.commitIndex());
        }
        confirmReads();   // who needs no other voter has confirmed that round already
        disk.observe(node.durableIndex(), peers.mostOfOtherVoters(), node.now());
        if (transfer != null) {
            advance(transfer);
        }
        for (int i = 0; i < peers.size(); i++) {
            if (!peers.isSelf(i)) {
                replicate(i);
            }
        }
    }

    @Override
    public void onAppendAccepted(Message.AppendAccepted message) {
        int position = peers.position(message.from());
        if (position < 0 || message.verifiedIndex() > node.log().lastIndex()) {
            return;   // a stranger, or it has what was never made: not worth counting
        }
        if (message.room() != peers.at(position).room()) {
            peers.at(position).onRoom(message.room());
            onRoomChanged();
        }
        peers.at(position).onAccepted(message.matchIndex(), message.verifiedIndex(), message.round(), rounds.newest());
        rounds.onEcho(position, message.round(), message.holdsNanos());
    }

    @Override
    public void onAppendRejected(Message.AppendRejected message) {
        int position = peers.position(message.from());
        if (position < 0) {
            return;
        }
        rounds.onEcho(position, message.round());
        peers.at(position).onRejected(message.rejected().index(), node.log().lastAgreeing(message.hint()).index(), message.round());
    }

    @Override
    public void onRequestVote(Message.RequestVote message) {
        node.answerRequestVote(message);   // no: the vote of this term was for itself
    }

    @Override
    public void onPreVote(Message.PreVote message) {
        node.answerPreVote(message);
    }

    @Override
    public void onAppendEntries(Message.AppendEntries message) {
        // Nobody else leads this term; what claims to is not followed.
    }

    @Override
    public void onPreVoteAnswer(Message.PreVoteAnswer message) {
        // Already elected.
    }

    @Override
    public void onVote(Message.Vote message) {
        // Already elected.
    }

    Progress progress(int position) {
        return peers.at(position);
    }

    /** How far the member at this position is, if the joint step that is still to come will have it as a voter. */
    NodeStatus.@Nullable CatchUp catchUp(int position) {
        for (Member awaited : node.membership().awaited()) {
            if (awaited.id().equals(peers.id(position))) {
                return pursuit.catchUp(peers.at(position), rounds.echoed(position));
            }
        }
        return null;
    }

    /** Of commands that were taken and are not committed yet: appended, or held until a transfer has ended. */
    long uncommittedBytes() {
        return transfer == null ? uncommittedBytes : uncommittedBytes + transfer.heldBytes();
    }

    NodeStatus.Office office() {
        return new NodeStatus.Office(transfer == null ? null : transfer.target(), transfer != null && transfer.isSent(),
            node.commitIndex() >= noOpIndex ? leaseNanos() : 0, disk.behindNanos(node.now()));
    }

    int waitingReads() {
        return reads.size();
    }

    @Override
    public void onTimeoutNow(Message.TimeoutNow message) {
        // It leads this term itself.
    }

    @Override
    public void onSnapshotOffer(Message.SnapshotOffer message) {
        // As an append: nobody else leads this term.
    }

    @Override
    public void onReadRequest(Message.ReadRequest message) {
        if (node.quorum().position(message.from()) >= 0) {
            reads.add(new ReadQueue.Question(message.from(), message.id()));
        }
    }

    @Override
    public void onReadAnswer(Message.ReadAnswer message) {
        // Nobody else leads this term; what claims to is not believed.
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("LEADER round ").append(rounds.newest()).append(" confirmed ").append(rounds.confirmed());
        for (int i = 0; i < peers.size(); i++) {
            if (!peers.isSelf(i)) {
                text.append(" {").append(peers.id(i)).append(' ').append(peers.at(i)).append('}');
            }
        }
        return (transfer == null ? text : text.append(' ').append(transfer)).toString();
    }

    private long stepDownDeadline() {
        return Nanos.later(rounds.confirmedNanos(), patienceNanos) + 2 * node.config().electionTimeoutNanos();
    }

    private void heartbeat() {
        heartbeatDeadline = node.now() + node.config().heartbeatNanos();
        rounds.begin(node.now());
        for (int i = 0; i < peers.size(); i++) {
            peers.at(i).onHeartbeat(node.snapshot().index());
        }
        peers.onHeartbeat(node.commitIndex(), node.now(), node.config().electionTimeoutNanos());
        pursuit.onHeartbeat(rounds.newest(), node.commitIndex(), node.now(), node.config().electionTimeoutNanos());
        if (transfer != null && transfer.isSent()) {
            sendTimeoutNow(transfer);   // it may have been lost; who has campaigned by it is in a later term
        }
    }

    // ---- handing over

    /** At each heartbeat: a leader that cannot keep up with another disk is in the way. */
    private void judgeDisk() {
        long behind = disk.behindNanos(node.now());
        long patience = node.config().electionTimeoutNanos();
        if (behind >= 2 * patience) {
            node.becomeFollower(null);
            return;
        }
        if (behind >= patience && transfer == null) {
            handOver(true);
        }
        if (node.impairedNanos() >= patience && transfer == null && Nanos.reached(node.now(), impairedDeadline)) {
            impairedDeadline = node.now() + IMPAIRED_PATIENCE * patience;   // an attempt that fails has held commands up
            handOver(false);
        }
        if (!node.room().isPlenty() && transfer == null && Nanos.reached(node.now(), impairedDeadline) && isAnotherRoomy()) {
            impairedDeadline = node.now() + IMPAIRED_PATIENCE * patience;
            handOver(false);
        }
        heartbeat();
        if (isOut()) {
            resign();
        }
    }

    /**
     * This leader counts no longer, and that is committed. It has led on to the next heartbeat, so that those who leave with it could be
     * told of the commit as well; now one of the voters is to lead.
     */
    private void resign() {
        handOver(false);
        if (transfer == null) {
            node.becomeFollower(null);   // nobody was heard lately, and this leader is not to wait for anybody
        }
    }

    /** Hands over by its own will, if there is anybody fit for it and it has not begun already. */
    private void handOver(boolean isForDisk) {
        int position = bestSuccessor();
        if (transfer == null && position >= 0) {
            begin(Transfer.wanted(isForDisk, peers.id(position), node.now() + node.config().electionTimeoutNanos()));
        }
    }

    private void begin(Transfer begun) {
        transfer = begun;
        advance(begun);   // at once, so that what is proposed in the same batch waits
    }

    private void advance(Transfer current) {
        if (current.isSent()) {
            return;   // nothing but a later term, or the deadline, ends it now
        }
        int position = peers.position(current.target());
        if (position < 0 || !maySucceed(position) || current.isForDisk() && !isDiskLate()) {
            abort(current);
            return;
        }
        long lastIndex = node.log().lastIndex();
        if (peers.at(position).matchIndex() == lastIndex) {
            lease.giveUp();
            current.onSent(node.now() + node.config().electionTimeoutNanos() / 2);
            sendTimeoutNow(current);
        } else if (peers.at(position).state() == Progress.State.REPLICATE && peers.at(position).nextIndex() >= node.log().firstInMemory()) {
            current.beginHolding();   // what it lacks is at hand
        }
    }

    private void sendTimeoutNow(Transfer current) {
        node.send(new Message.TimeoutNow(node.self(), current.target(), node.term()));
    }

    /** Who was not told to campaign never will: so everything goes on. Who was may do so at any time: so this leader goes. */
    private void onTransferOverdue(Transfer overdue) {
        if (overdue.isSent()) {
            node.becomeFollower(null);
        } else {
            abort(overdue);
        }
    }

    private void abort(Transfer aborted) {
        transfer = null;
        Event.Transfer request = aborted.request();
        if (request != null) {
            node.refuse(request.requestId(), Reason.TRANSFER_FAILED);
        }
        aborted.takeHeld(this::onPropose);
    }

    private boolean isDiskLate() {
        return disk.behindNanos(node.now()) >= node.config().electionTimeoutNanos();
    }

    /** Whether this member counts, is another, and is alive as far as is known. */
    private boolean maySucceed(int position) {
        return !peers.isSelf(position) && peers.isVoter(position) && node.isHeardWithin(position, node.config().electionTimeoutNanos());
    }

    /** The fittest of those who go on counting: of those whose disks have room, if there are any, the one whose log is the longest; or -1. */
    private int bestSuccessor() {
        int best = -1;
        for (int i = 0; i < peers.size(); i++) {
            if (peers.isStaying(i) && maySucceed(i) && (best < 0 || isFitter(peers.at(i), peers.at(best)))) {
                best = i;
            }
        }
        return best;
    }

    private boolean isAnotherRoomy() {
        int successor = bestSuccessor();
        return successor >= 0 && peers.at(successor).room().isPlenty();
    }

    private static boolean isFitter(Progress one, Progress other) {
        return one.room().isPlenty() == other.room().isPlenty() ? one.matchIndex() > other.matchIndex() : one.room().isPlenty();
    }

    /** Commits what a quorum has durable, if it is of this term: an older entry counted so could still be overwritten (§5.4.2). */
    private void advanceCommit() {
        long before = node.commitIndex();
        long reached = peers.reached(node.durableIndex());
        if (reached <= before || node.log().termAt(reached) != node.term()) {
            return;
        }
        for (long index = Math.max(before + 1, noOpIndex); index <= reached; index++) {
            Entry entry = node.log().inMemory(index);   // what is uncommitted never leaves memory
            if (entry.kind() == Entry.Kind.COMMAND) {
                uncommittedBytes -= entry.size() + Entry.OBJECT_BYTES;
            }
        }
        node.commitTo(reached);
        if (isOut()) {
            lease.giveUp();   // who is left alone with this known starts without waiting for the end of any promise
        }
    }

    /** Whether this leader counts no longer, and that is committed. */
    private boolean isOut() {
        return node.memberships().isActiveCommitted() && !node.membership().isVoter(node.self());
    }

    /** One membership entry at a time, and none before it is known what is committed: what this term has not reached may be another. */
    private void pursueGoal() {
        if (mayAppend() && node.commitIndex() >= noOpIndex && node.memberships().isActiveCommitted()) {
            Membership next = pursuit.next(node.membership(), peers, rounds);
            if (next != null) {
                enter(next);
            }
        }
    }

    /** Appends a membership entry, by which everything is counted from now on. */
    private Entry enter(Membership next) {
        Entry entry = node.appendOwn(Entry.Kind.MEMBERSHIP, MembershipCodec.encode(next));
        peers.enter(node.quorum(), entry.index(), entry.index());
        rounds.enter(node.quorum());
        onRoomChanged();
        return entry;
    }

    private void confirmReads() {
        reads.takeConfirmed(rounds.confirmed(), id -> node.readable(id, reads.readIndex(), Long.MAX_VALUE),
            question -> node.send(new Message.ReadAnswer(node.self(), question.asker(), node.term(), question.id(), reads.readIndex())));
    }

    private void replicate(int position) {
        Progress peer = peers.at(position);
        boolean isMatchNamed = node.log().covers(peer.matchIndex());
        if (peer.isRoundUntold(rounds.newest())) {
            sendEmpty(position, isMatchNamed ? peer.matchIndex() : 0);   // goes out whatever else does: its answer waits for no disk
        }
        if (!node.log().covers(peer.nextIndex() - 1)) {
            peer.onMissing();   // nothing can be sent behind an entry that cannot be named
        }
        if (peer.mayOffer(node.snapshot().index())) {
            node.send(new Message.SnapshotOffer(node.self(), peers.id(position), node.term(), node.snapshot(), rounds.newest()));
            peer.onOffered(node.snapshot().index());
        }
        if (peer.mayProbe()) {
            sendEmpty(position, peer.nextIndex() - 1);
            peer.onProbeSent();
        }
        long lastIndex = node.log().lastIndex();
        while (peer.nextIndex() <= lastIndex && peer.hasRoom(node.config().inflightBytesMax())) {
            if (!node.log().isInMemory(peer.nextIndex())) {
                if (peer.hasRoomFor(node.config().readBytesMax(), node.config().inflightBytesMax())) {
                    peer.onReadStarted();
                    // Further than to where memory begins: that will have moved on by then, and the peer would follow it for ever.
                    long lastDone = Math.min(node.commitIndex(), node.durableIndex());
                    node.readEntries(peers.id(position), peer.nextIndex(), Math.max(lastDone, node.log().firstInMemory() - 1));
                }
                break;
            }
            sendEntries(position, node.log().entries(peer.nextIndex(), lastIndex, node.config().appendBytesMax()));
        }
        if (isMatchNamed && peer.isCommitUntold(node.commitIndex())) {
            sendEmpty(position, peer.matchIndex());
        }
    }

    private void sendEmpty(int position, long prevIndex) {
        send(position, prevIndex, EntryList.EMPTY);
    }

    private void sendEntries(int position, List<Entry> entries) {
        long bytes = 0;
        for (Entry entry : entries) {
            bytes += entry.size();
        }
        send(position, entries.get(0).index() - 1, entries);
        peers.at(position).onEntriesSent(entries.get(entries.size() - 1).index(), bytes, rounds.newest());
    }

    private void send(int position, long prevIndex, List<Entry> entries) {
        // A log that begins behind a snapshot cannot name what stands before; but nothing stands at 0, in any log.
        EntryId prev = prevIndex == 0 ? EntryId.ZERO : node.log().idAt(prevIndex);
        node.send(new Message.AppendEntries(node.self(), peers.id(position), node.term(), prev, entries,
            node.commitIndex(), node.appliedIndex(), rounds.newest()));
        peers.at(position).onTold(rounds.newest(), Math.min(node.commitIndex(), prevIndex + entries.size()));
    }
}
