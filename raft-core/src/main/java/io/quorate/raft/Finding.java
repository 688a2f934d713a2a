package io.quorate.raft;

import io.quorate.raft.core.DiskRoom;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.NodeStatus;
import io.quorate.raft.core.ReplicaId;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** One thing that holds a replica or its group up, as data and as a sentence. See {@link Explanation}. */
public sealed interface Finding {

    /** The same for people: what it is and, where there is something to be done, what. */
    String sentence();

    // ------------------------------------------------------------------------------------------------------------------- of all of it

    /** The server has stopped. */
    record Stopped(String why) implements Finding {
        @Override
        public String sentence() {
            return "This server has stopped: " + why + ".";
        }
    }

    /** The replica belongs to no group yet. */
    record Blank(ReplicaId replica, @Nullable String why) implements Finding {
        @Override
        public String sentence() {
            return "This replica, " + replica + ", is blank: it neither votes nor holds anything. " + (why == null
                ? "It waits for its turn in the founding of its group." : Words.capitalized(why) + ".");
        }
    }

    /** Entries of the replica's log are damaged, and no node runs before they are there again. */
    record Repairing(ReplicaId replica, @Nullable String why) implements Finding {
        @Override
        public String sentence() {
            return "This replica, " + replica + ", takes no part in its group until its log is whole again"
                + (why == null ? "." : ": " + why + ".") + " The others go on as long as a majority of them runs.";
        }
    }

    /** Entries of the log are damaged on the disk while the replica runs. */
    record Damaged(String what) implements Finding {
        @Override
        public String sentence() {
            return Words.capitalized(what) + ". Meanwhile this replica does not stand for election, and what needs that part of its log "
                + "waits. Have the disk checked.";
        }
    }

    /** The process stood still for longer than half an election timeout. */
    record Paused(long times, long lastNanosAgo) implements Finding {
        @Override
        public String sentence() {
            return "This process stood still for longer than half an election timeout, " + Words.times(times) + ", the last time "
                + Words.span(lastNanosAgo) + " ago: look for long garbage collections, suspended virtual machines, or too little"
                + " processor time.";
        }
    }

    // ------------------------------------------------------------------------------------------------------------------- no leader

    /** No leader is known. */
    record NoLeader(long term) implements Finding {
        @Override
        public String sentence() {
            return "No leader of term " + term + " is known here, so nothing is committed by way of this replica.";
        }
    }

    /** A voter, and for how long it was not heard, or -1 if never. */
    record Silent(ReplicaId replica, long heardNanosAgo, @Nullable String trouble) {
        @Override
        public String toString() {
            return replica + " (" + (heardNanosAgo < 0 ? "never heard" : "not heard for " + Words.span(heardNanosAgo))
                + (trouble == null ? "" : "; " + trouble) + ")";
        }
    }

    /** Too few voters are heard for anybody to be elected or to go on leading, as far as this replica sees. */
    record NoQuorum(List<ReplicaId> heard, List<Silent> silent, int voters, boolean isOutgoing) implements Finding {

        public NoQuorum {
            heard = List.copyOf(heard);
            silent = List.copyOf(silent);
        }

        @Override
        public String sentence() {
            return "Of the " + voters + (isOutgoing ? " voters that are to go" : " voters") + ", " + heard.size() + " can be counted on ("
                + Words.list(heard) + "), and " + (voters / 2 + 1) + " are needed; missing: " + Words.list(silent) + ".";
        }
    }

    /** Somebody refused this replica a vote. */
    record VoteRefused(ReplicaId from, Message.Denial why) implements Finding {
        @Override
        public String sentence() {
            return from + " refused this replica its vote: " + switch (why) {
                case HEARS_LEADER -> "it hears a leader, or leads, or has just started and waits for one election timeout";
                case LOG_IS_NEWER -> "its log is newer, and might hold what is committed and missing here; it can be elected itself";
                case VOTED_FOR_ANOTHER -> "it had voted for another in that term; the next attempt comes by itself";
                case TERM_IS_OLD -> "it was in a later term already; the next attempt begins behind that";
            } + ".";
        }
    }

    /** The replica has no vote, and so waits for the others. */
    record NoVote(ReplicaId replica) implements Finding {
        @Override
        public String sentence() {
            return "This replica, " + replica + ", is a learner: it cannot be elected, and waits for one of the voters.";
        }
    }

    /** The replica's own log does not name it as a member. */
    record NotMember(ReplicaId replica, long version) implements Finding {
        @Override
        public String sentence() {
            return "Membership " + version + ", the newest that this replica has, does not name it (" + replica + "): either it was let in"
                + " and waits for the leader to send it the log, or it was removed and may be stopped.";
        }
    }

    /** Another replica knows of a later membership that does not name this one. */
    record Removed(ReplicaId replica, long version) implements Finding {
        @Override
        public String sentence() {
            return "This replica, " + replica + ", is no member any more: membership " + version + " is committed and does not name it. It"
                + " may be stopped; to come back it needs a blank data directory and a change of the membership that names it.";
        }
    }

    // ------------------------------------------------------------------------------------------------------------------- commit and disk

    /** Entries wait for their commit. */
    record CommitWaits(long firstIndex, long lastIndex, List<Behind> behind, boolean isForOwnDisk) implements Finding {

        /** A voter that does not have them all. */
        public record Behind(ReplicaId replica, long entries, long heardNanosAgo, @Nullable String trouble) { }

        public CommitWaits {
            behind = List.copyOf(behind);
        }

        @Override
        public String sentence() {
            String others = behind.stream().map(each -> each.replica + " lacks " + Words.entries(each.entries)
                + (each.heardNanosAgo < 0 ? " and was never heard" : " and was heard " + Words.span(each.heardNanosAgo) + " ago")
                + (each.trouble == null ? "" : " (" + each.trouble + ")")).collect(Collectors.joining(", "));
            String own = isForOwnDisk ? "the leader's own disk is not done with that" : "";
            return (firstIndex == lastIndex ? "Entry " + firstIndex + " waits" : "Entries " + firstIndex + " to " + lastIndex + " wait")
                + " until a quorum has " + (firstIndex == lastIndex ? "it" : "them") + " on disk: " + own
                + (own.isEmpty() || others.isEmpty() ? "" : ", ") + others + (own.isEmpty() && others.isEmpty()
                ? "all voters have, and the commit follows" : "") + ".";
        }
    }

    /** The own disk has had something to write for an election timeout or longer, and completed nothing. */
    record DiskStalls(long silentNanos, boolean isLeading) implements Finding {
        @Override
        public String sentence() {
            return "This replica's disk has completed nothing for " + Words.span(silentNanos) + ", and has something to write: "
                + (isLeading ? "if another's is ahead meanwhile, it hands leadership over." : "until it answers, this replica promises"
                + " nothing and"
                + " does not stand for election.");
        }
    }

    /** The own disk has no room for the next file of the log. */
    record DiskNearlyFull(ReplicaId replica, DiskRoom room, long usableBytes, boolean isLeading) implements Finding {
        @Override
        public String sentence() {
            return "The disk of this replica, " + replica + ", is nearly full" + (usableBytes < 0 ? ": " : " (" + Words.bytes(usableBytes)
                + " can still be used): ") + (isLeading ? "it refuses new commands and changes of the membership, or hands the lead to a voter"
                + " that has room, and serves reads" : room == DiskRoom.NONE ? "it follows, and votes, but takes no more entries"
                + " and so counts for no commit" : "it follows, and takes what is under way")
                + ". Free some space there, or let snapshots do it; all else goes on by itself.";
        }
    }

    /** The state machine is behind what is committed. */
    record ApplyLags(long entries, long unappliedBytes) implements Finding {
        @Override
        public String sentence() {
            return "The state machine is " + Words.entries(entries) + " behind what is committed (" + Words.bytes(unappliedBytes)
                + " wait in memory): reads and results wait for it.";
        }
    }

    /** A peer cannot be reached, or does not count. */
    record PeerTrouble(@Nullable ReplicaId replica, int nodeId, String address, String trouble) implements Finding {
        @Override
        public String sentence() {
            return (replica == null ? "Node " + nodeId : replica.toString()) + " at " + address + ": " + trouble + ".";
        }
    }

    // ------------------------------------------------------------------------------------------------------------------- membership

    /** The group is on its way to another membership. */
    record GoalPending(long version, Membership.Goal goal, boolean isJoint, boolean isCommitted) implements Finding {
        @Override
        public String sentence() {
            return "The group is on its way to voters " + goal.voters() + (goal.learners().isEmpty() ? "" : " and learners "
                + goal.learners()) + (isJoint ? "; it needs a quorum of the old and of the new voters until that is committed" : "")
                + (isCommitted ? "." : "; the present step, membership " + version + ", is not committed yet.");
        }
    }

    /** The membership is not committed yet. */
    record MembershipUncommitted(long version) implements Finding {
        @Override
        public String sentence() {
            return "Membership " + version + " is in force but not known to be committed; no other change is taken until it is.";
        }
    }

    /** A replica is to become a voter and is none yet. */
    record NotPromoted(Member member, NodeStatus.CatchUp catchUp, long entriesMissing, long heardNanosAgo,
                       @Nullable String trouble) implements Finding {
        @Override
        public String sentence() {
            String lacks = "it lacks " + Words.entries(entriesMissing);
            return member.id() + " is to become a voter and is none yet: " + switch (catchUp) {
                case UNHEARD -> (heardNanosAgo < 0 ? "it was never heard" : "it was not heard for " + Words.span(heardNanosAgo))
                    + ". Is it running, with the data directory that the goal names, at " + member.address() + "?";
                case BEHIND -> lacks + ". That ends by itself, unless its disk or its network is slower than the group's writes.";
                case READY -> "it has caught up, and waits for the others, or for the commit of the previous step.";
            } + (trouble == null ? "" : " (" + trouble + ")");
        }
    }

    /** Too few of the voters that the goal names are ready: a joint membership would be stuck, and could not be taken back. */
    record GoalLacksQuorum(List<ReplicaId> ready, List<Silent> unready) implements Finding {

        public GoalLacksQuorum {
            ready = List.copyOf(ready);
            unready = List.copyOf(unready);
        }

        @Override
        public String sentence() {
            int voters = ready.size() + unready.size();
            return "The step to the new voters waits for a majority of them, " + (voters / 2 + 1) + " of " + voters
                + ", to be heard and to have caught up: " + (ready.isEmpty() ? "none has" : Words.list(ready) + " has")
                + "; not ready: " + Words.list(unready) + ". Another goal can still be stated.";
        }
    }

    /** The leader alone knows what a goal waits for. */
    record AskLeader(@Nullable ReplicaId leader, @Nullable String address) implements Finding {
        @Override
        public String sentence() {
            return "What the change of the membership waits for is known to the leader" + (leader == null ? ", and none is known here."
                : ", " + leader + (address == null ? "" : " at " + address) + "; ask it.");
        }
    }

    /** A blank replica asks for its group. */
    record StrangerAsks(ReplicaId replica, String address, long heardNanosAgo, boolean isMembersNode) implements Finding {
        @Override
        public String sentence() {
            return "A blank replica, " + replica + (address.isEmpty() ? "" : " at " + address) + ", asked for its group "
                + Words.span(heardNanosAgo)
                + " ago" + (isMembersNode ? "; the membership names another disk of its node, which seems to be lost" : "")
                + ". To let it in, name it in a change of the membership.";
        }
    }

    // ------------------------------------------------------------------------------------------------------------------- log and snapshots

    /** The log is kept whole: the state machine has no snapshots. */
    record NoSnapshots(long firstIndex, long logBytes) implements Finding {
        @Override
        public String sentence() {
            return "The log is kept from entry " + firstIndex + " on, " + Words.bytes(logBytes) + ": the state machine has no snapshots,"
                + " so nothing"
                + " may go.";
        }
    }

    /** The log is not long enough for the next snapshot, or is, and the snapshot is not durable yet. */
    record LogAwaitsSnapshot(long snapshotIndex, long logBytes, long snapshotLogBytes) implements Finding {
        @Override
        public String sentence() {
            return (snapshotIndex == 0 ? "No snapshot has been taken yet, and the log has "
                : "The newest snapshot covers entries up to " + snapshotIndex + ", and the log behind it has ")
                + Words.bytes(logBytes) + (snapshotLogBytes < 0 ? "." : "; the next one is taken at " + Words.bytes(snapshotLogBytes)
                + (logBytes <= snapshotLogBytes ? "." : ", so it is being written, or waits until a state machine that is busy can be"
                + " captured. It stays until that is durable."));
        }
    }

    /** The last snapshot was not taken, or not fetched. */
    record SnapshotProblem(String why, long logBytes) implements Finding {
        @Override
        public String sentence() {
            return "The log grows, to " + Words.bytes(logBytes) + " now: " + why + ".";
        }
    }

    /** A snapshot is being fetched or installed. */
    record Fetching(long index, @Nullable String progress) implements Finding {
        @Override
        public String sentence() {
            return "This replica replaces its state by the snapshot up to entry " + index + ", for it lacks entries that the leader no"
                + " longer"
                + " has" + (progress == null ? "." : ": it " + progress + ".");
        }
    }

    /** Entries are kept though a snapshot covers them. */
    record TailKept(long firstIndex, long snapshotIndex, List<ReplicaId> helped) implements Finding {

        public TailKept {
            helped = List.copyOf(helped);
        }

        @Override
        public String sentence() {
            return "Entries " + firstIndex + " to " + snapshotIndex + " are kept though a snapshot covers them, " + (helped.isEmpty()
                ? "for replicas that may need them; what may be kept so is bounded in bytes." : "and " + Words.list(helped) + " need some"
                + " of them.");
        }
    }

    // ------------------------------------------------------------------------------------------------------------------- load, transfer

    /** Leadership is being handed over. */
    record HandingOver(ReplicaId successor, boolean isHandedOver) implements Finding {
        @Override
        public String sentence() {
            return "This leader is handing over to " + successor + (isHandedOver ? ", who has been told to stand for election" : "")
                + ": new commands wait for that, for an election timeout at most.";
        }
    }

    /** As much waits as may, or nearly. */
    record Overloaded(Queue queue, long bytes, long bytesMax) implements Finding {

        /** What is full. */
        public enum Queue {
            CALLS("requests are open at this replica", "more are refused"),
            UNCOMMITTED("commands wait for their commit", "more are refused"),
            UNAPPLIED("committed entries wait for the state machine", "more are not handed to it"),
            MESSAGES("peers' messages wait for the raft thread", "more are dropped");

            private final String what;
            private final String effect;

            Queue(String what, String effect) {
                this.what = what;
                this.effect = effect;
            }
        }

        @Override
        public String sentence() {
            return Words.bytes(bytes) + " of " + queue.what + ", and at " + Words.bytes(bytesMax) + " " + queue.effect + ".";
        }
    }

    /** Something was refused or dropped because too much waited, at some time. */
    record WasOverloaded(long refusedCalls, long droppedMessages) implements Finding {
        @Override
        public String sentence() {
            return "Since the start, " + refusedCalls + " requests were refused and " + droppedMessages
                + " messages of peers dropped because too much was waiting.";
        }
    }
}
