package io.quorate.raft.core;

import java.util.List;

/**
 * What replicas say to each other: one way, and perhaps lost, repeated, late, out of order, or from a previous life of the
 * sender or the receiver.
 *
 * <p>{@code term} is always the sender's current term, durable at the sender before the message leaves it.
 */
public sealed interface Message extends Event {

    ReplicaId from();

    ReplicaId to();

    /** The sender's current term: 1 or more, but 0 in what a replica that has seen no term yet can say (pre-votes, and answers of no). */
    long term();

    /** Hands this message to the method made for it. */
    void dispatch(Handler handler);

    /** One method for each message: a new message does not compile until every role answers it. */
    interface Handler {
        void onAppendEntries(AppendEntries message);

        void onAppendAccepted(AppendAccepted message);

        void onAppendRejected(AppendRejected message);

        void onPreVote(PreVote message);

        void onPreVoteAnswer(PreVoteAnswer message);

        void onRequestVote(RequestVote message);

        void onVote(Vote message);
    }

    /**
     * From the leader: append these entries behind {@code prev}; without entries, a heartbeat or a probe (§5.3).
     *
     * @param prev         the entry that stands before the first of {@code entries}
     * @param entries      consecutive, the first at {@code prev.index() + 1}; may be empty
     * @param commitIndex  the leader's
     * @param appliedIndex the leader's
     * @param round        the newest round the leader had begun when it sent this
     */
    record AppendEntries(ReplicaId from, ReplicaId to, long term, EntryId prev, List<Entry> entries,
                         long commitIndex, long appliedIndex, long round) implements Message {

        public AppendEntries {
            entries = List.copyOf(entries);
            long index = prev.index();
            long entryTerm = prev.term();
            for (Entry entry : entries) {
                if (entry.index() != index + 1 || entry.term() < entryTerm) {
                    throw new IllegalArgumentException("Entry " + entry.id() + " cannot follow " + index + "@" + entryTerm);
                }
                index = entry.index();
                entryTerm = entry.term();
            }
            if (entryTerm > term || commitIndex < 0 || appliedIndex < 0 || round < 0 || term < 1) {
                throw new IllegalArgumentException("Impossible append: term " + term + ", last entry of term " + entryTerm
                    + ", commit " + commitIndex + ", applied " + appliedIndex + ", round " + round);
            }
        }

        /** The index up to which an accepting follower's log is the leader's. */
        public long lastIndex() {
            return prev.index() + entries.size();
        }

        @Override
        public void dispatch(Handler handler) {
            handler.onAppendEntries(this);
        }
    }

    /**
     * From a follower: this much of the leader's log is durable here.
     *
     * @param matchIndex    every entry up to here is the leader's, and durable
     * @param verifiedIndex every entry up to here is the leader's, but those behind {@code matchIndex} still wait for the disk
     * @param round         the newest round heard from this leader
     * @param holdsNanos    for how long the sender will answer no to other candidates, from when it sent this
     * @param appliedIndex  how far the sender has applied
     */
    record AppendAccepted(ReplicaId from, ReplicaId to, long term, long matchIndex, long verifiedIndex, long round,
                          long holdsNanos, long appliedIndex) implements Message {

        public AppendAccepted {
            if (term < 1 || matchIndex < 0 || verifiedIndex < matchIndex || round < 0 || holdsNanos < 0 || appliedIndex < 0) {
                throw new IllegalArgumentException("Impossible acceptance: term " + term + ", match " + matchIndex + ", verified "
                    + verifiedIndex + ", round " + round + ", holds " + holdsNanos + ", applied " + appliedIndex);
            }
        }

        @Override
        public void dispatch(Handler handler) {
            handler.onAppendAccepted(this);
        }
    }

    /**
     * From a follower: the entry before yours is not mine. Or, with a higher term: you no longer lead.
     *
     * @param rejected the {@code prev} that was rejected
     * @param hint     the sender's last entry that can still agree: at or before {@code rejected}, of its term or a lower one
     * @param round    of the message that was rejected; 0 if that was of an earlier term, whose rounds say nothing of this one's
     */
    record AppendRejected(ReplicaId from, ReplicaId to, long term, EntryId rejected, EntryId hint, long round) implements Message {

        public AppendRejected {
            if (term < 1 || round < 0) {
                throw new IllegalArgumentException("Impossible rejection: term " + term + ", round " + round);
            }
        }

        @Override
        public void dispatch(Handler handler) {
            handler.onAppendRejected(this);
        }
    }

    /**
     * Would you vote for me in the next term? Asked before a term is raised, so that who cannot win disturbs nobody (thesis 9.6).
     *
     * @param last  the sender's last entry
     * @param round tells the sender's attempts apart; not negative; echoed
     */
    record PreVote(ReplicaId from, ReplicaId to, long term, EntryId last, long round) implements Message {

        public PreVote {
            if (term < 0 || round < 0) {
                throw new IllegalArgumentException("Impossible pre-vote: term " + term + ", last entry " + last + ", round " + round);
            }
        }

        @Override
        public void dispatch(Handler handler) {
            handler.onPreVote(this);
        }
    }

    /**
     * The answer to {@link PreVote}.
     *
     * @param granted whether the sender would vote for the asker
     * @param round   of the question
     */
    record PreVoteAnswer(ReplicaId from, ReplicaId to, long term, boolean granted, long round) implements Message {

        public PreVoteAnswer {
            if (term < 0 || round < 0) {
                throw new IllegalArgumentException("Impossible answer to a pre-vote: term " + term + ", round " + round);
            }
        }

        @Override
        public void dispatch(Handler handler) {
            handler.onPreVoteAnswer(this);
        }
    }

    /**
     * Vote for me in this term (§5.2).
     *
     * @param last the sender's last entry, durable there
     */
    record RequestVote(ReplicaId from, ReplicaId to, long term, EntryId last) implements Message {

        public RequestVote {
            if (term < 1) {
                throw new IllegalArgumentException("Impossible request for a vote: term " + term + ", last entry " + last);
            }
        }

        @Override
        public void dispatch(Handler handler) {
            handler.onRequestVote(this);
        }
    }

    /**
     * The answer to {@link RequestVote}.
     *
     * @param granted whether the sender's vote of {@code term} is the asker's; durable before this is sent
     */
    record Vote(ReplicaId from, ReplicaId to, long term, boolean granted) implements Message {

        public Vote {
            if (term < 0 || (term == 0 && granted)) {
                throw new IllegalArgumentException("Impossible vote: term " + term + ", granted " + granted);
            }
        }

        @Override
        public void dispatch(Handler handler) {
            handler.onVote(this);
        }
    }
}
