package io.quorate.raft.core;

import org.jspecify.annotations.Nullable;

/** Follows the leader of its term, or waits for one; campaigns when it has waited long enough (§5.2). */
final class Follower implements Role {

    private static final int YIELDS = 2;

    private final RaftNode node;
    private @Nullable ReplicaId leader;   // set at most once in a term
    private long deadline;                // when it stops waiting
    private long verifiedIndex;           // up to here the log is this leader's
    private long round;                   // the newest heard from this leader
    private long answeredIndex;           // the match index of the last answer
    private boolean isAnswerDue;
    private boolean hasRejected;          // since the last acceptance: the leader is looking for where the logs agree
    private int yields;                   // how often it has left it to others to campaign, for want of room

    Follower(RaftNode node, @Nullable ReplicaId leader, long deadline) {
        this.node = node;
        this.leader = leader;
        this.deadline = deadline;
    }

    @Override
    public NodeStatus.RoleName name() {
        return NodeStatus.RoleName.FOLLOWER;
    }

    @Override
    public @Nullable ReplicaId leader() {
        return leader;
    }

    @Override
    public long deadline() {
        return deadline;
    }

    /** Whose disk is nearly full lets others try first. If none of them is elected it had better lead than nobody: reads need a leader too. */
    @Override
    public void onDeadline() {
        if (node.mayCampaign() && !node.room().isPlenty() && yields < YIELDS) {
            yields++;
            deadline = node.drawDeadline();
        } else if (node.mayCampaign()) {
            node.becomePreCandidate();
        } else {
            deadline = node.drawDeadline();
        }
    }

    /**
     * The connection to this peer broke. If that was the leader, it has most likely died, and there is no reason to wait much longer: for
     * others who have lost it too, and for the end of the promise that they keep.
     */
    void onPeerLost(ReplicaId peer) {
        if (peer.equals(leader)) {
            deadline = Nanos.earlier(deadline, node.onLeaderLost());
        }
    }

    @Override
    public void onPause() {
        deadline = node.drawDeadline();
    }

    /** Acknowledges what the disk holds by now, and no more: an answer cannot be earlier than its write. */
    @Override
    public void onFlush() {
        if (leader == null) {
            return;
        }
        long matchIndex = Math.min(verifiedIndex, node.durableIndex());
        if (isAnswerDue || matchIndex > answeredIndex) {
            isAnswerDue = false;
            answeredIndex = Math.max(answeredIndex, matchIndex);
            node.send(new Message.AppendAccepted(node.self(), leader, node.term(), matchIndex, verifiedIndex, round,
                node.holdsNanos(), node.appliedIndex(), node.room()));
        }
    }

    @Override
    public void onAppendEntries(Message.AppendEntries message) {
        if (!hears(message.from())) {
            return;
        }
        if (!node.agreesAt(message.prev())) {
            hasRejected = true;
            node.send(new Message.AppendRejected(node.self(), leader, node.term(), message.prev(),
                node.log().lastAgreeing(message.prev()), message.round()));
            return;
        }
        // Entries for which the disk has no room are lost on their way, as it were: the leader sends them again when there is some.
        long lastIndex = node.room() == DiskRoom.NONE ? message.prev().index() : message.lastIndex();
        if (node.room() != DiskRoom.NONE) {
            node.append(message.entries());
        }
        verifiedIndex = Math.max(verifiedIndex, lastIndex);
        // Only up to what this very message has shown to be the leader's (§5.3); what stands behind may be another's.
        node.commitTo(Math.min(message.commitIndex(), lastIndex));

        boolean isRepeated = !message.entries().isEmpty() && message.lastIndex() <= answeredIndex;   // the answer may have been lost
        // Found: the leader waits for this answer, even if it says nothing that was not said before.
        if (message.round() > round || isRepeated || hasRejected) {
            round = Math.max(round, message.round());
            hasRejected = false;
            isAnswerDue = true;
        }
    }

    @Override
    public void onRequestVote(Message.RequestVote message) {
        if (node.answerRequestVote(message)) {
            deadline = node.drawDeadline();   // its candidate needs time; who is refused earns none
        }
    }

    @Override
    public void onPreVote(Message.PreVote message) {
        node.answerPreVote(message);
    }

    @Override
    public void onAppendAccepted(Message.AppendAccepted message) {
        // Not leading: meant for a leader that this term does not have here.
    }

    @Override
    public void onAppendRejected(Message.AppendRejected message) {
        // As above.
    }

    @Override
    public void onPreVoteAnswer(Message.PreVoteAnswer message) {
        // The question is no longer asked.
    }

    @Override
    public void onVote(Message.Vote message) {
        // The candidacy is over.
    }

    @Override
    public void onTimeoutNow(Message.TimeoutNow message) {
        if (leader == null || leader.equals(message.from())) {
            node.onHandedOver();
        }
    }

    /**
     * What this leader can no longer send as entries is fetched as a snapshot, unless it is here. But the leader may be offering it for
     * not knowing how far the log is here, by another snapshot perhaps: then it is told so first, for it may have all that follows.
     */
    @Override
    public void onSnapshotOffer(Message.SnapshotOffer message) {
        if (!hears(message.from())) {
            return;
        }
        boolean isHere = node.agreesAt(message.snapshot().last());
        if (isHere) {
            node.commitTo(message.snapshot().index());
        }
        boolean isNews = node.commitIndex() > verifiedIndex;
        verifiedIndex = Math.max(verifiedIndex, node.commitIndex());   // what is committed stands in every later leader's log
        if (!isHere && !isNews) {
            node.fetch(message.snapshot(), message.from());
        }
        isAnswerDue |= isHere || isNews || message.round() > round;
        round = Math.max(round, message.round());
    }

    @Override
    public void onReadRequest(Message.ReadRequest message) {
        // Not leading: its sender will ask again when it knows who does.
    }

    @Override
    public void onReadAnswer(Message.ReadAnswer message) {
        node.onReadAnswer(message);
    }

    /** Whether this is the leader of the term, and so to be listened to: it is known from now on, and was heard. */
    private boolean hears(ReplicaId from) {
        if (leader != null && !leader.equals(from)) {
            return false;   // two leaders of one term: not ours to settle, and nobody must hear that both are followed
        }
        leader = from;
        yields = 0;
        node.onLeaderHeard();
        deadline = node.drawDeadline();
        return true;
    }

    @Override
    public String toString() {
        return "FOLLOWER of " + leader + " verified " + verifiedIndex + " round " + round;
    }
}
