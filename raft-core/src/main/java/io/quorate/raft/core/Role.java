package io.quorate.raft.core;

import org.jspecify.annotations.Nullable;

/**
 * What a node is in its current term. Each role holds the data of that role and nothing else, and answers every message; the node settles
 * terms first, so a role never sees a message of another term.
 */
sealed interface Role extends Message.Handler permits Follower, PreCandidate, Candidate, Leader {

    NodeStatus.RoleName name();

    /** Who leads the current term, as far as this role knows. */
    @Nullable ReplicaId leader();

    /** When this role wants to act if nothing happens before. */
    long deadline();

    /** The deadline has passed, and everything that came before it has been digested. */
    void onDeadline();

    /** The process was paused: whatever was waited for may have happened meanwhile, so waiting starts again. */
    void onPause();

    /** The batch is complete: say what follows from it. May change the role. */
    void onFlush();
}
