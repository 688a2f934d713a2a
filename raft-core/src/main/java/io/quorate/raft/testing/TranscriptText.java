package io.quorate.raft.testing;

import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.NodeStatus;
import io.quorate.raft.core.Refusal;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.testing.RecordedEffects.Write;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * How a transcript writes what nodes do: one line each, replicas as letters, entries as {@code index@term:command}.
 *
 * <p>Left out are the fields that no scenario depends on: by how long a promise lasts, and how far somebody has applied.
 */
final class TranscriptText {

    private static final int ENTRIES_SHOWN_MAX = 12;

    private TranscriptText() { }

    /** The letter of a node, with an apostrophe for each disk that it has lost. */
    static String name(ReplicaId id) {
        return name(id.nodeId()) + "'".repeat((int) id.incarnation() - 1);
    }

    static String name(int nodeId) {
        return String.valueOf((char) ('A' + nodeId - 1));
    }

    static String millis(long nanos) {
        return TimeUnit.NANOSECONDS.toMillis(nanos) + "ms";
    }

    static String role(NodeStatus status) {
        String name = name(status.self());
        return switch (status.role()) {
            case LEADER -> name + ": leads term " + status.term();
            case CANDIDATE -> name + ": candidate in term " + status.term();
            case PRE_CANDIDATE -> name + ": pre-candidate in term " + status.term();
            case FOLLOWER -> status.leader() == null ? name + ": follower in term " + status.term()
                : name + ": follows " + name(status.leader()) + " in term " + status.term();
        };
    }

    static String kind(Message message) {
        return message.getClass().getSimpleName();
    }

    static String sent(Message message) {
        return name(message.from()) + " -> " + name(message.to()) + ": " + message(message);
    }

    static String received(Message message, boolean isWhole) {
        return name(message.to()) + " <- " + name(message.from()) + ": " + (isWhole ? message(message) : kind(message));
    }

    private static String message(Message message) {
        String fields;
        if (message instanceof Message.AppendEntries append) {
            fields = "prev " + append.prev() + ", " + (append.entries().isEmpty() ? "no entries" : entries(append.entries()))
                + ", commit " + append.commitIndex() + ", round " + append.round();
        } else if (message instanceof Message.AppendAccepted accepted) {
            fields = "match " + accepted.matchIndex() + ", verified " + accepted.verifiedIndex() + ", round " + accepted.round();
        } else if (message instanceof Message.AppendRejected rejected) {
            fields = "rejected " + rejected.rejected() + ", hint " + rejected.hint() + ", round " + rejected.round();
        } else if (message instanceof Message.PreVote question) {
            fields = "last " + question.last() + ", attempt " + question.round();
        } else if (message instanceof Message.PreVoteAnswer answer) {
            fields = (answer.granted() ? "granted" : "refused") + ", attempt " + answer.round()
                + (answer.removedVersion() > 0 ? ", removed in version " + answer.removedVersion() : "");
        } else if (message instanceof Message.RequestVote request) {
            fields = "last " + request.last() + (request.transferOf() > 0 ? ", transfer of term " + request.transferOf() : "");
        } else if (message instanceof Message.Vote vote) {
            fields = vote.granted() ? "granted" : "refused";
        } else if (message instanceof Message.TimeoutNow) {
            return kind(message) + "(term " + message.term() + ")";
        } else if (message instanceof Message.ReadRequest || message instanceof Message.ReadAnswer) {
            return kind(message) + "(term " + message.term()
                + (message instanceof Message.ReadAnswer answer ? ", index " + answer.readIndex() : "") + ")";
        } else {
            throw new IllegalArgumentException("No transcript can write " + message);
        }
        return kind(message) + "(term " + message.term() + ", " + fields + ")";
    }

    /** What a write does to the disk, and which entries it takes from there. */
    static String write(Write write, List<Entry> replaced) {
        HardState state = write.hardState();
        String text = "write " + write.writeId() + ": term " + state.term() + ", vote " + vote(state) + ", commit " + state.commitIndex();
        if (write.entries().isEmpty()) {
            return text;
        }
        String instead = replaced.isEmpty() ? "" : " in place of " + entries(replaced);
        return text + ", entries " + entries(write.entries()) + instead;
    }

    static String vote(HardState state) {
        return state.votedFor() == null ? "none" : name(state.votedFor());
    }

    static String entries(List<Entry> entries) {
        if (entries.isEmpty()) {
            return "empty";
        }
        if (entries.size() > ENTRIES_SHOWN_MAX) {
            return entry(entries.get(0)) + " .. " + entry(entries.get(entries.size() - 1));
        }
        return entries.stream().map(TranscriptText::entry).collect(Collectors.joining(" "));
    }

    private static String entry(Entry entry) {
        String content = switch (entry.kind()) {
            case COMMAND -> new String(entry.payload(), StandardCharsets.UTF_8);
            case MEMBERSHIP -> "{" + membership(Membership.of(entry)) + "}";
            default -> entry.kind().name().toLowerCase(Locale.ROOT).replace('_', '-');
        };
        return content.isEmpty() ? entry.id().toString() : entry.id() + ":" + content;
    }

    /** The terms of a log's entries, as in {@code 1 1 4}. */
    static String terms(List<EntryId> log) {
        return log.isEmpty() ? "empty" : log.stream().map(id -> Long.toString(id.term())).collect(Collectors.joining(" "));
    }

    static String refusal(Refusal why) {
        String reason = why.reason().name().toLowerCase(Locale.ROOT).replace('_', ' ');
        return why.leader() == null ? reason : reason + ", ask " + name(why.leader());
    }

    static String peer(NodeStatus.Peer peer) {
        return name(peer.member().id()) + " " + peer.replication() + " match " + peer.matchIndex()
            + (peer.hasLostEntries() ? " (has lost entries)" : "");
    }

    static String membership(Membership membership) {
        String text = "voters " + names(membership.voters().stream().map(member -> member.id()).toList());
        if (!membership.outgoing().isEmpty()) {
            text += ", outgoing " + names(membership.outgoing().stream().map(member -> member.id()).toList());
        }
        if (!membership.learners().isEmpty()) {
            text += ", learners " + names(membership.learners().stream().map(member -> member.id()).toList());
        }
        Membership.Goal goal = membership.goal();
        if (goal != null) {
            text += ", goal " + names(goal.voters().stream().map(member -> member.id()).toList());
        }
        return text;
    }

    /** Why a node stopped, without its description of itself, which would say more than a reader of the scenario asks for. */
    static String stop(@Nullable String message, String self) {
        String text = message == null ? "" : message;
        return text.endsWith(": " + self) ? text.substring(0, text.length() - self.length() - 2) : text;
    }

    private static String names(List<ReplicaId> ids) {
        return ids.stream().map(TranscriptText::name).collect(Collectors.joining(" "));
    }
}
