package io.quorate.raft;

import org.jspecify.annotations.Nullable;

/** Nothing happened: this replica does not lead, or could not finish leading. Ask the leader. */
public final class NotLeaderException extends RaftException {

    private static final long serialVersionUID = 1;

    private final int leaderNodeId;
    private final @Nullable String leaderAddress;

    /**
     * @param leaderNodeId  who leads, or 0 if unknown
     * @param leaderAddress where, or null
     */
    public NotLeaderException(int leaderNodeId, @Nullable String leaderAddress) {
        super(leaderNodeId == 0
            ? "Nothing happened: this replica does not lead, and knows no leader; try again, or ask another replica"
            : "Nothing happened: node " + leaderNodeId + " leads; ask it at " + leaderAddress);
        this.leaderNodeId = leaderNodeId;
        this.leaderAddress = leaderAddress;
    }

    /**
     * No leader is known, and more can be said about it.
     *
     * @param message says that nothing happened, why, and what to do
     */
    public NotLeaderException(String message) {
        super(message);
        leaderNodeId = 0;
        leaderAddress = null;
    }

    /** Who leads, as far as this replica knows; 0 if it does not. */
    public int leaderNodeId() {
        return leaderNodeId;
    }

    /** The leader's advertised address, or null if unknown. */
    public @Nullable String leaderAddress() {
        return leaderAddress;
    }
}
