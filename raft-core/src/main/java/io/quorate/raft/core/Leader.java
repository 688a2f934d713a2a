package io.quorate.raft.core;

import io.quorate.raft.core.Refusal.Reason;
import java.util.List;

/**
 * Replicates its log, commits what a quorum has durable, and confirms reads (§5.3, §5.4, thesis 6.4).
 *
 * <p>A leader that hears no quorum for an election timeout takes no new proposals, and after a second one steps down, in its own term.
 */
final class Leader implements Role {

    private final RaftNode node;
    private final Quorum quorum;
    private final int self;              // own position, or -1: a leader outside the membership does not count itself
    private final Progress[] peers;      // by position; own place unused
    private final long[] matched;        // by position: how much is durable there
    private final Rounds rounds;
    private final ReadQueue reads = new ReadQueue();
    private final long noOpIndex;        // the first entry of the own term: once committed, all before it is
    private long uncommittedBytes;       // of commands proposed here and not committed yet
    private long heartbeatDeadline;
    private long patienceNanos;          // silence is counted from here at the earliest

    Leader(RaftNode node, Quorum quorum) {
        this.node = node;
        this.quorum = quorum;
        self = quorum.position(node.self());
        matched = new long[quorum.size()];
        peers = new Progress[quorum.size()];
        for (int i = 0; i < peers.length; i++) {
            peers[i] = new Progress(node.log().lastIndex() + 1);
        }
        rounds = new Rounds(quorum, node.self(), node.now());
        patienceNanos = node.now();
        noOpIndex = node.appendOwn(Entry.Kind.NO_OP, new byte[0]).index();
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
        return Nanos.earlier(heartbeatDeadline, stepDownDeadline());
    }

    @Override
    public void onDeadline() {
        if (Nanos.reached(node.now(), stepDownDeadline())) {
            node.becomeFollower(null);
        } else if (Nanos.reached(node.now(), heartbeatDeadline)) {
            heartbeat();
        }
    }

    @Override
    public void onPause() {
        patienceNanos = node.now();
        heartbeatDeadline = node.now();
    }

    /** Whether a quorum has followed this leader within the last election timeout. */
    boolean hearsQuorum() {
        return !Nanos.reached(node.now(), rounds.confirmedNanos() + node.config().electionTimeoutNanos());
    }

    void onPropose(Event.Propose proposal) {
        long size = (long) Entry.HEADER_BYTES + proposal.command().length;
        if (size > Entry.SIZE_MAX) {
            node.refuse(proposal.requestId(), Reason.TOO_LARGE);
        } else if (!hearsQuorum()) {
            node.refuse(proposal.requestId(), Reason.NO_QUORUM);
        } else if (uncommittedBytes > 0 && uncommittedBytes + size > node.config().uncommittedBytesMax()) {
            node.refuse(proposal.requestId(), Reason.OVERLOADED);
        } else {
            Entry entry = node.appendOwn(Entry.Kind.COMMAND, proposal.command());
            uncommittedBytes += entry.size();
            node.accepted(proposal.requestId(), entry.id());
        }
    }

    void onRead(Event.Read read) {
        if (reads.hasRoom()) {
            reads.add(read.requestId());
        } else {
            node.refuse(read.requestId(), Reason.OVERLOADED);
        }
    }

    void onEntriesRead(Event.EntriesRead read) {
        int position = quorum.position(read.peer());
        if (position < 0 || !peers[position].isReading()) {
            return;   // the peer was found elsewhere meanwhile
        }
        peers[position].onReadEnded();
        if (!read.entries().isEmpty() && read.firstIndex() == peers[position].nextIndex()) {
            sendEntries(position, read.entries());
        }
    }

    /** Leadership ends: nothing happened to the reads that wait. */
    void refuseReads() {
        reads.takeAll(id -> node.refuse(id, Reason.NOT_LEADER));
    }

    @Override
    public void onFlush() {
        advanceCommit();
        confirmReads();   // first, so that the reads that have gathered behind a round need nothing more to begin the next
        // Before an entry of this term is committed, the commit index may lie behind what earlier leaders acknowledged (§8).
        if (reads.wantsRound() && node.commitIndex() >= noOpIndex) {
            reads.roundBegins(rounds.begin(node.now()), node.commitIndex());
        }
        confirmReads();   // who needs no other voter has confirmed that round already
        for (int i = 0; i < peers.length; i++) {
            if (i != self) {
                replicate(i);
            }
        }
    }

    @Override
    public void onAppendAccepted(Message.AppendAccepted message) {
        int position = quorum.position(message.from());
        if (position < 0 || message.verifiedIndex() > node.log().lastIndex()) {
            return;   // not a member, or it has what was never made: not worth counting
        }
        peers[position].onAccepted(message.matchIndex(), message.verifiedIndex(), message.round(), rounds.newest());
        matched[position] = peers[position].matchIndex();
        rounds.onEcho(position, message.round());
    }

    @Override
    public void onAppendRejected(Message.AppendRejected message) {
        int position = quorum.position(message.from());
        if (position < 0) {
            return;
        }
        rounds.onEcho(position, message.round());
        peers[position].onRejected(message.rejected().index(), node.log().lastAgreeing(message.hint()).index(), message.round());
        matched[position] = peers[position].matchIndex();
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
        return peers[position];
    }

    long uncommittedBytes() {
        return uncommittedBytes;
    }

    int waitingReads() {
        return reads.size();
    }

    @Override
    public void onTimeoutNow(Message.TimeoutNow message) {
        // Not answered yet.
    }

    @Override
    public void onSnapshotOffer(Message.SnapshotOffer message) {
        // Not answered yet.
    }

    @Override
    public void onReadRequest(Message.ReadRequest message) {
        // Not answered yet.
    }

    @Override
    public void onReadAnswer(Message.ReadAnswer message) {
        // Not answered yet.
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("LEADER round ").append(rounds.newest()).append(" confirmed ").append(rounds.confirmed());
        for (int i = 0; i < peers.length; i++) {
            if (i != self) {
                text.append(" {").append(quorum.member(i).id()).append(' ').append(peers[i]).append('}');
            }
        }
        return text.toString();
    }

    private long stepDownDeadline() {
        return Nanos.later(rounds.confirmedNanos(), patienceNanos) + 2 * node.config().electionTimeoutNanos();
    }

    private void heartbeat() {
        heartbeatDeadline = node.now() + node.config().heartbeatNanos();
        rounds.begin(node.now());
        for (Progress peer : peers) {
            peer.onHeartbeat();
        }
    }

    /** Commits what a quorum has durable, if it is of this term: an older entry counted so could still be overwritten (§5.4.2). */
    private void advanceCommit() {
        if (self >= 0) {
            matched[self] = node.durableIndex();
        }
        long before = node.commitIndex();
        long reached = quorum.reached(matched);
        if (reached <= before || node.log().termAt(reached) != node.term()) {
            return;
        }
        for (long index = Math.max(before + 1, noOpIndex); index <= reached; index++) {
            Entry entry = node.log().inMemory(index);   // what is uncommitted never leaves memory
            if (entry.kind() == Entry.Kind.COMMAND) {
                uncommittedBytes -= entry.size();
            }
        }
        node.commitTo(reached);
    }

    private void confirmReads() {
        reads.takeConfirmed(rounds.confirmed(), id -> node.readable(id, reads.readIndex(), Long.MAX_VALUE));
    }

    private void replicate(int position) {
        Progress peer = peers[position];
        if (peer.isRoundUntold(rounds.newest())) {
            sendEmpty(position, peer.matchIndex());   // goes out whatever else does: its answer waits for no disk
        }
        if (peer.mayProbe()) {
            sendEmpty(position, peer.nextIndex() - 1);
            peer.onProbeSent();
        }
        long lastIndex = node.log().lastIndex();
        while (peer.nextIndex() <= lastIndex && peer.hasRoom(node.config().inflightBytesMax())) {
            if (!node.log().isInMemory(peer.nextIndex())) {
                peer.onReadStarted();
                node.readEntries(quorum.member(position).id(), peer.nextIndex(), node.log().firstInMemory() - 1);
                break;
            }
            sendEntries(position, node.log().entries(peer.nextIndex(), lastIndex, node.config().appendBytesMax()));
        }
        if (peer.untoldCommit(node.commitIndex()) > 0) {
            sendEmpty(position, peer.matchIndex());
        }
    }

    private void sendEmpty(int position, long prevIndex) {
        send(position, prevIndex, List.of());
    }

    private void sendEntries(int position, List<Entry> entries) {
        long bytes = 0;
        for (Entry entry : entries) {
            bytes += entry.size();
        }
        send(position, entries.get(0).index() - 1, entries);
        peers[position].onEntriesSent(entries.get(entries.size() - 1).index(), bytes, rounds.newest());
    }

    private void send(int position, long prevIndex, List<Entry> entries) {
        node.send(new Message.AppendEntries(node.self(), quorum.member(position).id(), node.term(), node.log().idAt(prevIndex), entries,
            node.commitIndex(), node.appliedIndex(), rounds.newest()));
        peers[position].onTold(rounds.newest(), Math.min(node.commitIndex(), prevIndex + entries.size()));
    }
}
