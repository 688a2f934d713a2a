package io.quorate.raft.core;

import org.jspecify.annotations.Nullable;

/**
 * Asks for votes in a term of its own (§5.2).
 *
 * <p>Nothing counts and nothing is asked before its own term and vote are durable: a vote that a crash could undo would let this replica
 * vote for another in the same term.
 */
final class Candidate implements Role {

    private final RaftNode node;
    private final Quorum quorum;
    private final long transferOf;   // the term whose leader wants this campaign; 0 if it is an ordinary one
    private final boolean[] granted;
    private boolean isStarted;   // own vote durable and counted, the requests sent
    private long deadline;       // from the start on

    Candidate(RaftNode node, Quorum quorum, long transferOf) {
        this.node = node;
        this.quorum = quorum;
        this.transferOf = transferOf;
        granted = new boolean[quorum.size()];
    }

    @Override
    public NodeStatus.RoleName name() {
        return NodeStatus.RoleName.CANDIDATE;
    }

    @Override
    public @Nullable ReplicaId leader() {
        return null;
    }

    @Override
    public long deadline() {
        return isStarted ? deadline : node.noDeadline();   // the disk decides when the time begins to run
    }

    @Override
    public void onDeadline() {
        if (isStarted) {
            node.onCandidacyLost();
            node.campaign();
        }
    }

    @Override
    public void onPause() {
        if (isStarted) {
            deadline = node.drawDeadline();
        }
    }

    @Override
    public void onFlush() {
        if (isStarted || !node.isVoteDurable()) {
            return;
        }
        isStarted = true;
        deadline = node.drawDeadline();
        int own = quorum.position(node.self());
        if (own >= 0) {   // who has to lead its own removal to its end has no vote in it
            granted[own] = true;
        }
        for (int i = 0; i < quorum.size(); i++) {
            if (!granted[i]) {
                // All entries were given to the disk before this vote, so what is advertised here is durable too.
                node.send(new Message.RequestVote(node.self(), quorum.member(i).id(), node.term(), node.log().last(), transferOf));
            }
        }
        leadIfGranted();
    }

    @Override
    public void onVote(Message.Vote message) {
        int position = quorum.position(message.from());
        if (position >= 0 && message.granted()) {
            granted[position] = true;
            leadIfGranted();
        }
    }

    @Override
    public void onAppendEntries(Message.AppendEntries message) {
        node.follow(message);   // another has won this term
    }

    @Override
    public void onRequestVote(Message.RequestVote message) {
        node.answerRequestVote(message);   // no: the vote of this term is its own
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
    public void onPreVoteAnswer(Message.PreVoteAnswer message) {
        // A pre-vote is no vote.
    }

    @Override
    public void onTimeoutNow(Message.TimeoutNow message) {
        // It asks already; and who has won this term will say so in an append.
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
        return "CANDIDATE" + (isStarted ? "" : " waiting for its own vote's disk");
    }

    private void leadIfGranted() {
        if (quorum.isReached(granted)) {
            node.becomeLeader();
        }
    }
}
