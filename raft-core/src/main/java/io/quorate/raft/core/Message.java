package io.quorate.raft.core;

import java.util.List;
import org.jspecify.annotations.Nullable;

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

        void onTimeoutNow(TimeoutNow message);

        void onSnapshotOffer(SnapshotOffer message);

        void onReadRequest(ReadRequest message);

        void onReadAnswer(ReadAnswer message);
    }

    /** Why a vote, or the promise of one, was denied. */
    enum Denial {
        /** Its sender hears a leader, or leads and hears its quorum, or has just started and may have promised to wait. */
        HEARS_LEADER,
        /** The log of its sender ends behind the asker's. */
        LOG_IS_NEWER,
        /** Its sender's vote of that term is another's. */
        VOTED_FOR_ANOTHER,
        /** Its sender is in a later term. */
        TERM_IS_OLD
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
            entries = EntryList.copyOf(entries);
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
     * @param room          how much room the sender's disk has for entries
     */
    record AppendAccepted(ReplicaId from, ReplicaId to, long term, long matchIndex, long verifiedIndex, long round,
                          long holdsNanos, long appliedIndex, DiskRoom room) implements Message {

        /** From one that has room. */
        public AppendAccepted(ReplicaId from, ReplicaId to, long term, long matchIndex, long verifiedIndex, long round, long holdsNanos,
                              long appliedIndex) {
            this(from, to, term, matchIndex, verifiedIndex, round, holdsNanos, appliedIndex, DiskRoom.PLENTY);
        }

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
     * @param denial         why the sender would not vote for the asker; null if it would
     * @param round          of the question
     * @param removedVersion the version of the sender's committed membership if that does not name the asker, else 0: the asker was
     *                       removed, or has not been admitted
     */
    record PreVoteAnswer(ReplicaId from, ReplicaId to, long term, @Nullable Denial denial, long round, long removedVersion)
        implements Message {

        public PreVoteAnswer {
            if (term < 0 || round < 0 || removedVersion < 0) {
                throw new IllegalArgumentException("Impossible answer to a pre-vote: term " + term + ", round " + round
                    + ", removed in version " + removedVersion);
            }
        }

        /** Whether the sender would vote for the asker. */
        public boolean granted() {
            return denial == null;
        }

        @Override
        public void dispatch(Handler handler) {
            handler.onPreVoteAnswer(this);
        }
    }

    /**
     * Vote for me in this term (§5.2).
     *
     * @param last       the sender's last entry, durable there
     * @param transferOf the term of the leader who hands over to the sender, and so frees the voters from waiting for it; 0 in an
     *                   ordinary election
     */
    record RequestVote(ReplicaId from, ReplicaId to, long term, EntryId last, long transferOf) implements Message {

        public RequestVote {
            if (term < 1 || transferOf < 0 || transferOf >= term) {
                throw new IllegalArgumentException("Impossible request for a vote: term " + term + ", last entry " + last
                    + ", transfer of term " + transferOf);
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
     * @param denial why not; null if the sender's vote of {@code term} is the asker's, durable before this is sent
     */
    record Vote(ReplicaId from, ReplicaId to, long term, @Nullable Denial denial) implements Message {

        public Vote {
            if (term < 0 || (term == 0 && denial == null)) {
                throw new IllegalArgumentException("Impossible vote: term " + term + ", denial " + denial);
            }
        }

        /** Whether the sender's vote of {@code term} is the asker's. */
        public boolean granted() {
            return denial == null;
        }

        @Override
        public void dispatch(Handler handler) {
            handler.onVote(this);
        }
    }

    /** From a leader who hands over: campaign at once, and say that you may (thesis 3.10). */
    record TimeoutNow(ReplicaId from, ReplicaId to, long term) implements Message {

        public TimeoutNow {
            if (term < 1) {
                throw new IllegalArgumentException("Impossible hand-over in term " + term);
            }
        }

        @Override
        public void dispatch(Handler handler) {
            handler.onTimeoutNow(this);
        }
    }

    /**
     * From a leader whose log no longer holds what the peer needs next: fetch this snapshot from me (§7).
     *
     * @param snapshot the sender's newest
     * @param round    the newest round the leader had begun when it sent this
     */
    record SnapshotOffer(ReplicaId from, ReplicaId to, long term, SnapshotId snapshot, long round) implements Message {

        public SnapshotOffer {
            if (term < 1 || round < 0 || snapshot.index() < 1 || snapshot.last().term() > term) {
                throw new IllegalArgumentException("Impossible offer in term " + term + ", round " + round + ": " + snapshot);
            }
        }

        @Override
        public void dispatch(Handler handler) {
            handler.onSnapshotOffer(this);
        }
    }

    /**
     * To the leader: reads wait here for an index that holds all that was acknowledged before now.
     *
     * @param id chosen by the sender, who uses it once; not negative; echoed
     */
    record ReadRequest(ReplicaId from, ReplicaId to, long term, long id) implements Message {

        public ReadRequest {
            if (term < 1 || id < 0) {
                throw new IllegalArgumentException("Impossible request for a read: term " + term + ", id " + id);
            }
        }

        @Override
        public void dispatch(Handler handler) {
            handler.onReadRequest(this);
        }
    }

    /**
     * The answer to {@link ReadRequest}, given once a quorum has confirmed the leader.
     *
     * @param id        of the request
     * @param readIndex what the reads must see
     */
    record ReadAnswer(ReplicaId from, ReplicaId to, long term, long id, long readIndex) implements Message {

        public ReadAnswer {
            if (term < 1 || id < 0 || readIndex < 0) {
                throw new IllegalArgumentException("Impossible answer to a read: term " + term + ", id " + id + ", index " + readIndex);
            }
        }

        @Override
        public void dispatch(Handler handler) {
            handler.onReadAnswer(this);
        }
    }
}
