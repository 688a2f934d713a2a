package io.quorate.raft.core;

import java.util.ArrayList;
import java.util.List;

/**
 * The messages of one term that wait to leave.
 *
 * <p>They leave together, once the node's term and vote are durable: so no message of a term goes out before the term does, and no vote,
 * and no request for one, before the vote does. What else a message promises, its author has made sure of. While the disk keeps them
 * waiting, the newest message of a kind to a peer replaces the one before, so the outbox cannot grow.
 */
final class Outbox {

    private final List<Message> waiting = new ArrayList<>();

    void add(Message message) {
        if (!(message instanceof Message.AppendEntries)) {   // a leader's own term is durable: its appends never wait
            waiting.removeIf(older -> older.getClass() == message.getClass() && older.to().equals(message.to()));
        }
        waiting.add(message);
    }

    /** The term has changed: what was to be said in the old one is not said any more. */
    void clear() {
        waiting.clear();
    }

    void sendAll(Effects effects) {
        if (waiting.isEmpty()) {
            return;
        }
        for (Message message : waiting) {
            effects.send(message);
        }
        waiting.clear();
    }
}
