package io.quorate.raft;

import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.NodeStatus;
import io.quorate.raft.core.RaftConfig;
import io.quorate.raft.core.ReplicaId;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What holds a replica and its group up, as this replica sees it: a pure function of its {@link ServerStatus}.
 *
 * <p>Why there is no leader, who refused a vote and why, what holds the commit back, why somebody is not a voter yet, why a log that is
 * longer than it should be is not truncated, what is overloaded. Nothing is asked of anybody, so another replica may see other things:
 * of an unhealthy group, read them all.
 *
 * @param findings what was found, the gravest first; empty if nothing holds it up
 */
public record Explanation(List<Finding> findings) {

    /** What waits this close to its bound, in percent, is worth a word. */
    private static final long NEARLY_PERCENT = 80;

    public Explanation {
        findings = List.copyOf(findings);
    }

    /** What this status tells. One that came from a client's request lacks what is known on the spot alone, and so tells less. */
    public static Explanation of(ServerStatus status) {
        return new Explanation(new Search(status).all());
    }

    /** Why the log is as long as it is, which {@link #of} tells only if it is too long; empty if there is no log to speak of. */
    public static Explanation ofLog(ServerStatus status) {
        return new Explanation(new Search(status).log(true));
    }

    /** The same for people, a sentence or two for each. */
    public List<String> sentences() {
        return findings.stream().map(Finding::sentence).toList();
    }

    @Override
    public String toString() {
        return findings.isEmpty() ? "nothing holds this replica up" : String.join("\n", sentences());
    }

    /** Looks at one status from all sides. */
    private static final class Search {

        private final ServerStatus status;
        private final List<Finding> found = new ArrayList<>();

        Search(ServerStatus status) {
            this.status = status;
        }

        List<Finding> all() {
            if (status.state() == ServerStatus.State.STOPPED) {
                found.add(new Finding.Stopped(status.problem() == null ? "closed" : status.problem()));
                return found;
            }
            if (status.state() == ServerStatus.State.BLANK) {
                found.add(new Finding.Blank(status.replica(), status.problem()));
                troubles();
                return found;
            }
            if (status.state() == ServerStatus.State.REPAIRING) {
                found.add(new Finding.Repairing(status.replica(), status.problem()));
                troubles();
                return found;
            }
            disk();
            damage();
            leader();
            commit();
            membership();
            load();
            log(false);
            troubles();
            return found;
        }

        private void disk() {
            ServerStatus.Disk disk = status.disk();
            if (disk != null && disk.silentNanos() >= timeoutNanos()) {
                found.add(new Finding.DiskStalls(disk.silentNanos(), status.state() == ServerStatus.State.LEADER));
            }
            if (disk != null && !disk.room().isPlenty()) {
                found.add(new Finding.DiskNearlyFull(status.replica(), disk.room(), disk.usableBytes(),
                    status.state() == ServerStatus.State.LEADER));
            }
        }

        private void damage() {
            ServerStatus.Disk disk = status.disk();
            if (disk != null && disk.damage() != null) {
                found.add(new Finding.Damaged(disk.damage()));
            }
        }

        private void leader() {
            ServerStatus.Elections elections = status.elections();
            Membership membership = status.membership();
            if (elections != null && elections.removedVersion() > 0) {
                found.add(new Finding.Removed(status.replica(), elections.removedVersion()));
            } else if (membership != null && membership.member(status.replica()) == null) {
                found.add(new Finding.NotMember(status.replica(), membership.version()));
            }
            boolean leads = status.state() == ServerStatus.State.LEADER;
            if (status.leader() == null) {
                found.add(new Finding.NoLeader(status.term()));
                if (membership != null && !membership.isVoter(status.replica()) && membership.member(status.replica()) != null) {
                    found.add(new Finding.NoVote(status.replica()));
                }
            }
            if (membership != null && (leads || status.leader() == null)) {
                quorum(membership.voters(), false);
                quorum(membership.outgoing(), true);
            }
            if (elections != null && status.leader() == null) {
                for (NodeStatus.Denied denied : elections.denials()) {
                    found.add(new Finding.VoteRefused(denied.voter(), denied.why()));
                }
            }
            if (elections != null && elections.successor() != null) {
                found.add(new Finding.HandingOver(elections.successor(), elections.isHandedOver()));
            }
            if (elections != null && elections.pauses() > 0) {
                found.add(new Finding.Paused(elections.pauses(), elections.pausedNanosAgo()));
            }
        }

        private void quorum(List<Member> voters, boolean isOutgoing) {
            List<ReplicaId> heard = new ArrayList<>();
            List<Finding.Silent> silent = new ArrayList<>();
            for (Member voter : voters) {
                ServerStatus.Peer peer = peer(voter.id());
                // Silence is judged as a leader judges it before it steps down: it may be about to hear, and patience has two timeouts.
                boolean isHeard = voter.id().equals(status.replica())
                    || peer != null && peer.heardNanosAgo() >= 0 && peer.heardNanosAgo() < 2 * timeoutNanos();
                if (isHeard) {
                    heard.add(voter.id());
                } else {
                    silent.add(new Finding.Silent(voter.id(), peer == null ? -1 : peer.heardNanosAgo(),
                        peer == null ? null : peer.trouble()));
                }
            }
            if (!voters.isEmpty() && heard.size() < voters.size() / 2 + 1) {
                found.add(new Finding.NoQuorum(heard, silent, voters.size(), isOutgoing));
            }
        }

        private void commit() {
            Membership membership = status.membership();
            if (status.state() == ServerStatus.State.LEADER && status.lastIndex() > status.commitIndex() && membership != null) {
                List<Finding.CommitWaits.Behind> behind = new ArrayList<>();
                for (ServerStatus.Peer peer : status.peers()) {
                    if (peer.replica() != null && membership.isVoter(peer.replica()) && peer.matchIndex() < status.lastIndex()) {
                        behind.add(new Finding.CommitWaits.Behind(peer.replica(), status.lastIndex() - Math.max(0, peer.matchIndex()),
                            peer.heardNanosAgo(), peer.trouble()));
                    }
                }
                boolean isForOwnDisk = membership.isVoter(status.replica()) && status.durableIndex() < status.lastIndex();
                found.add(new Finding.CommitWaits(status.commitIndex() + 1, status.lastIndex(), behind, isForOwnDisk));
            }
            ServerStatus.Load load = status.load();
            if (load != null && status.commitIndex() > status.appliedIndex() && load.unappliedBytes() > 0) {
                found.add(new Finding.ApplyLags(status.commitIndex() - status.appliedIndex(), load.unappliedBytes()));
            }
        }

        private void membership() {
            Membership membership = status.membership();
            ServerStatus.Elections elections = status.elections();
            if (membership == null) {
                return;
            }
            boolean isCommitted = elections == null || elections.isMembershipCommitted();
            Membership.Goal goal = membership.goal();
            if (goal != null || membership.isJoint()) {
                found.add(new Finding.GoalPending(membership.version(), goal == null
                    ? new Membership.Goal(membership.voters(), membership.learners()) : goal, membership.isJoint(), isCommitted));
                if (status.state() == ServerStatus.State.LEADER) {
                    promotions(membership);
                } else {
                    found.add(new Finding.AskLeader(status.leader(), status.leaderAddress()));
                }
            } else if (!isCommitted) {
                found.add(new Finding.MembershipUncommitted(membership.version()));
            }
            for (ServerStatus.Stranger stranger : status.strangers()) {
                boolean isMembersNode = membership.members().stream()
                    .anyMatch(member -> member.id().nodeId() == stranger.replica().nodeId());
                found.add(new Finding.StrangerAsks(stranger.replica(), stranger.address(), stranger.heardNanosAgo(), isMembersNode));
            }
        }

        private void promotions(Membership membership) {
            List<ReplicaId> ready = new ArrayList<>();
            List<Finding.Silent> unready = new ArrayList<>();
            boolean isVoterUnready = false;
            for (Member awaited : membership.awaited()) {
                ServerStatus.Peer peer = peer(awaited.id());
                NodeStatus.CatchUp catchUp = peer == null ? null : peer.catchUp();
                if (catchUp != null && !membership.isVoter(awaited.id())) {
                    found.add(new Finding.NotPromoted(awaited, catchUp, status.lastIndex() - Math.max(0, peer.matchIndex()),
                        peer.heardNanosAgo(), peer.trouble()));
                }
                if (catchUp == null || catchUp == NodeStatus.CatchUp.READY) {
                    ready.add(awaited.id());
                } else {
                    unready.add(new Finding.Silent(awaited.id(), peer.heardNanosAgo(), peer.trouble()));
                    isVoterUnready |= membership.isVoter(awaited.id());
                }
            }
            if (isVoterUnready && ready.size() <= membership.awaited().size() / 2) {   // else it has been said, of each
                found.add(new Finding.GoalLacksQuorum(ready, unready));
            }
        }

        private void load() {
            ServerStatus.Load load = status.load();
            if (load == null) {
                return;
            }
            nearly(Finding.Overloaded.Queue.CALLS, load.callBytes(), load.callBytesMax());
            nearly(Finding.Overloaded.Queue.UNCOMMITTED, load.uncommittedBytes(), load.uncommittedBytesMax());
            nearly(Finding.Overloaded.Queue.UNAPPLIED, load.unappliedBytes(), load.unappliedBytesMax());
            nearly(Finding.Overloaded.Queue.MESSAGES, load.messageBytes(), load.messageBytesMax());
            if (load.refusedCalls() > 0 || load.droppedMessages() > 0) {
                found.add(new Finding.WasOverloaded(load.refusedCalls(), load.droppedMessages()));
            }
        }

        private void nearly(Finding.Overloaded.Queue queue, long bytes, long bytesMax) {
            if (bytes >= bytesMax / 100 * NEARLY_PERCENT) {
                found.add(new Finding.Overloaded(queue, bytes, bytesMax));
            }
        }

        /** That a log waits for its next snapshot, and that some of it stays behind one, is as it should be. */
        private List<Finding> log(boolean isAskedFor) {
            ServerStatus.Disk disk = status.disk();
            if (disk == null) {
                return found;
            }
            boolean isTooLong = disk.snapshotLogBytes() >= 0 && disk.logBytes() > disk.snapshotLogBytes();
            if (disk.fetchIndex() > 0) {
                found.add(new Finding.Fetching(disk.fetchIndex(), disk.fetching()));
            }
            if (disk.snapshotProblem() != null) {
                found.add(new Finding.SnapshotProblem(disk.snapshotProblem(), disk.logBytes()));
            } else if (!disk.hasSnapshots()) {
                found.add(new Finding.NoSnapshots(disk.storedFirstIndex(), disk.logBytes()));
            } else if (isTooLong || isAskedFor && disk.logBytes() > 0) {
                found.add(new Finding.LogAwaitsSnapshot(disk.snapshotIndex(), disk.logBytes(), disk.snapshotLogBytes()));
            }
            if (disk.storedFirstIndex() <= disk.snapshotIndex()) {
                List<ReplicaId> helped = status.peers().stream()
                    .filter(peer -> peer.replica() != null && peer.matchIndex() >= 0 && peer.matchIndex() < disk.snapshotIndex())
                    .map(ServerStatus.Peer::replica).toList();
                if (isAskedFor || !helped.isEmpty()) {
                    found.add(new Finding.TailKept(disk.storedFirstIndex(), disk.snapshotIndex(), helped));
                }
            }
            return found;
        }

        private void troubles() {
            for (ServerStatus.Peer peer : status.peers()) {
                String trouble = peer.trouble();
                if (trouble != null) {
                    found.add(new Finding.PeerTrouble(peer.replica(), peer.nodeId(), peer.address(), trouble));
                }
            }
        }

        private ServerStatus.@Nullable Peer peer(ReplicaId replica) {
            for (ServerStatus.Peer peer : status.peers()) {
                if (replica.equals(peer.replica())) {
                    return peer;
                }
            }
            return null;
        }

        /** For how long silence means nothing; without better knowledge, what is usual. */
        private long timeoutNanos() {
            ServerStatus.Elections elections = status.elections();
            return elections == null ? RaftConfig.DEFAULT.electionTimeoutNanos() : elections.timeoutNanos();
        }
    }
}
