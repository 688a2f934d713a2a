package io.quorate.raft.core;

import org.jspecify.annotations.Nullable;

/**
 * Asks whether it would win, before it raises the term (thesis 9.6). Touches neither term nor vote: who cannot win disturbs nobody.
 */
final class PreCandidate implements Role {

    private final RaftNode node;
    private final Quorum quorum;
    private final long attempt;
    private final boolean[] granted;
    private long deadline;

    PreCandidate(RaftNode node, Quorum quorum, long attempt, long deadline) {
        this.node = node;
        this.quorum = quorum;
        this.attempt = attempt;
        this.deadline = deadline;
        granted = new boolean[quorum.size()];
        int own = quorum.position(node.self());
        if (own >= 0) {
            granted[own] = true;
        }
    }

    /** Asks everyone; with one voter alone, goes straight on. */
    void start() {
        for (int i = 0; i < quorum.size(); i++) {
            ReplicaId peer = quorum.member(i).id();
            if (!granted[i]) {
                node.send(new Message.PreVote(node.self(), peer, node.term(), node.log().last(), attempt));
            }
        }
        campaignIfGranted();
    }

    @Override
    public NodeStatus.RoleName name() {
        return NodeStatus.RoleName.PRE_CANDIDATE;
    }

    @Override
    public @Nullable ReplicaId leader() {
        return null;
    }

    @Override
    public long deadline() {
        return deadline;
    }

    @Override
    public void onDeadline() {
        node.campaign();
    }

    @Override
    public void onPause() {
        deadline = node.drawDeadline();
    }

    @Override
    public void onFlush() {
        // Everything was said when the question was asked.
    }

    @Override
    public void onPreVoteAnswer(Message.PreVoteAnswer message) {
        int position = quorum.position(message.from());
        if (position >= 0 && message.granted() && message.round() == attempt) {
            granted[position] = true;
            campaignIfGranted();
        }
    }

    @Override
    public void onAppendEntries(Message.AppendEntries message) {
        node.follow(message);
    }

    @Override
    public void onRequestVote(Message.RequestVote message) {
        if (node.answerRequestVote(message)) {
            node.becomeFollower(null);   // somebody asked for real: let that candidate have its time
        }
    }

    @Override
    public void onPreVote(Message.PreVote message) {
        node.answerPreVote(message);
    }

    @Override
    public void onAppendAccepted(Message.AppendAccepted message) {
        // Not leading.
    }

    @Override
    public void onAppendRejected(Message.AppendRejected message) {
        // Not leading.
    }

    @Override
    public void onVote(Message.Vote message) {
        // Of a candidacy in this term that is over.
    }

    @Override
    public void onTimeoutNow(Message.TimeoutNow message) {
        node.onHandedOver();
    }

    @Override
    public void onSnapshotOffer(Message.SnapshotOffer message) {
        node.follow(message);
    }

    @Override
    public void onReadRequest(Message.ReadRequest message) {
        // Not leading.
    }

    @Override
    public void onReadAnswer(Message.ReadAnswer message) {
        node.onReadAnswer(message);
    }

    @Override
    public String toString() {
        return "PRE_CANDIDATE";
    }

    private void campaignIfGranted() {
        if (quorum.isReached(granted)) {
            node.becomeCandidate();
        }
    }
}
