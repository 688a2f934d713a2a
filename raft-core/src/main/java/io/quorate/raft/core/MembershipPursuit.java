package io.quorate.raft.core;

import org.jspecify.annotations.Nullable;

/**
 * Leads the group to the goal that its membership states, one entry at a time, each when the one before is committed.
 *
 * <p>A joint membership is left as soon as it is committed. One is entered when every replica that is to become a voter, and a majority of
 * those that then vote, has caught up and is alive: it has what was committed when a round began, not longer ago than an election timeout,
 * and has echoed that round. Else the group might find itself waiting for an empty disk, or for a dead one (thesis 4.2.1): for ever, if
 * the goal leaves out a voter that lives and keeps one that does not, since from a joint membership there is no way back. All that counts
 * for this was said to this very leader, which knows the goal from its log: whoever leads next goes on by itself.
 */
final class MembershipPursuit {

    /** A round, and what was committed when it began. */
    private record Mark(long round, long commitIndex, long atNanos) { }

    private Mark counting;    // what is asked of a new voter
    private Mark following;   // what will be asked, half an election timeout later

    /** Of a leader whose first round this is; who has caught up with it has at least its first entry. */
    MembershipPursuit(long round, long noOpIndex, long nowNanos) {
        counting = new Mark(round, noOpIndex, nowNanos);
        following = counting;
    }

    /** A round has begun; what is asked is never older than an election timeout and a heartbeat. */
    void onHeartbeat(long round, long commitIndex, long nowNanos, long electionTimeoutNanos) {
        if (nowNanos - following.atNanos >= electionTimeoutNanos / 2) {
            counting = following;
            following = new Mark(round, Math.max(commitIndex, counting.commitIndex), nowNanos);
        }
    }

    /** What was echoed or matched before this round says nothing any more: another goal is stated, or the leader was paused. */
    void restart(long round, long commitIndex, long nowNanos) {
        counting = new Mark(round, Math.max(commitIndex, counting.commitIndex), nowNanos);
        following = counting;
    }

    /** How far a replica is that echoed this round, on its way to become a voter. */
    NodeStatus.CatchUp catchUp(Progress progress, long echoedRound) {
        if (echoedRound < counting.round) {
            return NodeStatus.CatchUp.UNHEARD;
        }
        boolean isThere = progress.state() == Progress.State.REPLICATE && progress.matchIndex() >= counting.commitIndex;
        return isThere ? NodeStatus.CatchUp.READY : NodeStatus.CatchUp.BEHIND;
    }

    /** What the membership in force, which is committed, is to be followed by now: null if nothing, or not yet. */
    @Nullable Membership next(Membership active, Peers peers, Rounds rounds) {
        if (active.isJoint()) {
            return active.leaveJoint();
        }
        if (active.goal() == null) {
            return null;
        }
        int ready = 0;
        for (Member voter : active.awaited()) {
            if (isReady(peers.position(voter.id()), peers, rounds)) {
                ready++;
            } else if (!active.isVoter(voter.id())) {
                return null;
            }
        }
        return ready > active.awaited().size() / 2 ? active.enterJoint() : null;
    }

    private boolean isReady(int position, Peers peers, Rounds rounds) {
        return peers.isSelf(position) || catchUp(peers.at(position), rounds.echoed(position)) == NodeStatus.CatchUp.READY;
    }
}
