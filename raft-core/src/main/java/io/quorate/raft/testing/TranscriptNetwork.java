package io.quorate.raft.testing;

import io.quorate.raft.core.Message;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The messages of a transcript that are on their way, oldest first, and those that were taken aside. Nothing arrives by itself. */
final class TranscriptNetwork {

    /** One direction between two nodes. */
    record Link(int from, int to) {

        static Link of(Message message) {
            return new Link(message.from().nodeId(), message.to().nodeId());
        }
    }

    private final List<Message> waiting = new ArrayList<>();
    private final Map<Link, Message> lastTaken = new HashMap<>();
    private final Map<String, Message> kept = new HashMap<>();
    private final Set<Link> cuts = new HashSet<>();

    /** From now on, what is sent there is lost. What is on its way may still arrive. */
    void cut(Link link) {
        cuts.add(link);
    }

    void heal() {
        cuts.clear();
    }

    /** Whether the message is on its way now, and not lost. */
    boolean send(Message message) {
        return !cuts.contains(Link.of(message)) && waiting.add(message);
    }

    List<Message> waiting() {
        return List.copyOf(waiting);
    }

    int count(Link link) {
        return onLink(link).size();
    }

    /** Takes out the message at this position on its link, the oldest being 1. */
    Message take(Link link, int position) {
        List<Message> onLink = onLink(link);
        if (position > onLink.size()) {
            throw new IllegalArgumentException("only " + onLink.size() + " messages are on their way from "
                + TranscriptText.name(link.from) + " to " + TranscriptText.name(link.to));
        }
        Message message = onLink.get(position - 1);
        remove(message);
        return message;
    }

    /** Takes out the oldest message among these nodes that was sent after so many others, or null. */
    @Nullable Message takeAmong(List<Integer> nodes, int after) {
        for (Message message : waiting.subList(after, waiting.size())) {
            if (nodes.contains(message.from().nodeId()) && nodes.contains(message.to().nodeId())) {
                remove(message);
                return message;
            }
        }
        return null;
    }

    void dropAll() {
        waiting.clear();
    }

    /** Loses what was sent after so many others and has to do with an election. */
    void dropElections(int after) {
        waiting.subList(after, waiting.size()).removeIf(TranscriptNetwork::isElection);
    }

    void keep(Message message, String name) {
        if (kept.put(name, message) != null) {
            throw new IllegalArgumentException("a message is already kept as " + name);
        }
    }

    Message kept(String name) {
        Message message = kept.get(name);
        if (message == null) {
            throw new IllegalArgumentException("no message is kept as " + name);
        }
        return message;
    }

    void delivered(Message message) {
        lastTaken.put(Link.of(message), message);
    }

    Message lastDelivered(Link link) {
        Message message = lastTaken.get(link);
        if (message == null) {
            throw new IllegalArgumentException("nothing was delivered there yet");
        }
        return message;
    }

    private List<Message> onLink(Link link) {
        return waiting.stream().filter(message -> Link.of(message).equals(link)).toList();
    }

    /** Messages can be equal; this very one goes. */
    private void remove(Message message) {
        for (int i = 0; i < waiting.size(); i++) {
            if (waiting.get(i) == message) {
                waiting.remove(i);
                return;
            }
        }
    }

    private static boolean isElection(Message message) {
        return message instanceof Message.PreVote || message instanceof Message.PreVoteAnswer || message instanceof Message.RequestVote
            || message instanceof Message.Vote;
    }
}
