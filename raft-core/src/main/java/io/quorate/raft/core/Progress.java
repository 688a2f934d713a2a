package io.quorate.raft.core;

import java.util.ArrayDeque;

/**
 * What a leader knows of one peer's log, and what it has sent there.
 *
 * <p>While probing, it looks for the last entry on which the logs agree, one question at a time and without payload. Once found, it
 * replicates: a pipeline of appends, bounded by the bytes that the peer has not yet confirmed as durable. If the log no longer holds what
 * the peer needs next, it is offered a snapshot, again and again, until it says that it has got so far.
 */
final class Progress {

    enum State {
        PROBE("probe"),
        REPLICATE("replicate"),
        SNAPSHOT("snapshot");

        private final String label;

        State(String label) {
            this.label = label;
        }

        String label() {
            return label;
        }
    }

    private record Sent(long lastIndex, long bytes) { }

    private State state = State.PROBE;
    private long matchIndex;             // known to be durable there; < nextIndex
    private long matchRound;             // the newest round when that was learned
    private long lostRound;              // the round when it was found that its disk lacks what it had acknowledged; 0 if never
    private long nextIndex;              // the first entry not sent yet; while probing, one behind the entry asked about
    private boolean isQuestionOut;       // a probe or an offer is out since the last heartbeat
    private long offeredIndex;           // of the first snapshot offered in this state, which the peer may be fetching; 0 if none was
    private boolean isReading;           // old entries are being read from storage for this peer
    private long sentRound;              // the newest round when entries were last sent
    private long toldRound;              // the newest round that the peer was told of
    private long toldCommitIndex;        // the commit index that the peer can know from what was sent
    private final ArrayDeque<Sent> inflight = new ArrayDeque<>();
    private long inflightBytes;
    private DiskRoom room = DiskRoom.PLENTY;    // as it said last

    Progress(long nextIndex) {
        this.nextIndex = nextIndex;
    }

    State state() {
        return state;
    }

    long matchIndex() {
        return matchIndex;
    }

    long nextIndex() {
        return nextIndex;
    }

    /** Of entries sent to the peer and not known to be durable there. */
    long inflightBytes() {
        return inflightBytes;
    }

    /** How much room the peer's disk has, as it said last. */
    DiskRoom room() {
        return room;
    }

    void onRoom(DiskRoom said) {
        room = said;
    }

    boolean mayProbe() {
        return state == State.PROBE && !isQuestionOut;
    }

    /** Whether the peer may be offered this snapshot now: it brings what is missing. */
    boolean mayOffer(long snapshotIndex) {
        return state == State.SNAPSHOT && !isQuestionOut && snapshotIndex >= nextIndex;
    }

    /** From here on the peer will want entries of the log. */
    long wantedIndex() {
        return state == State.SNAPSHOT ? Math.max(offeredIndex, matchIndex) + 1 : matchIndex + 1;
    }

    boolean isReading() {
        return isReading;
    }

    /** Whether the peer's disk was found to lack what it had acknowledged in this term. */
    boolean hasLostEntries() {
        return lostRound > 0;
    }

    /** Whether more entries may be sent now. One entry larger than the window passes an empty one; a disk without room would not take any. */
    boolean hasRoom(long inflightBytesMax) {
        return room != DiskRoom.NONE && state == State.REPLICATE && !isReading && inflightBytes < inflightBytesMax;
    }

    /** Whether so many bytes of entries may be read from storage, to be sent: in one piece, so not for every little room in the window. */
    boolean hasRoomFor(long bytes, long inflightBytesMax) {
        return inflightBytes == 0 || inflightBytes + bytes <= inflightBytesMax;
    }

    /** Whether the peer has not been told of this round yet. */
    boolean isRoundUntold(long round) {
        return round > toldRound;
    }

    /**
     * Whether the peer should be told of this commit, at its matched entry, by a message that says nothing else. Not while entries are on
     * their way: more will be committed when they have come, and one message tells of both. Under load this saves a third of all appends,
     * and those who get them from being woken; it is docs/decisions/0008. If the entries are lost, the next heartbeat tells it.
     */
    boolean isCommitUntold(long commitIndex) {
        return inflight.isEmpty() && Math.min(commitIndex, matchIndex) > toldCommitIndex;
    }

    void onProbeSent() {
        isQuestionOut = true;
    }

    /** The log does not hold what the peer needs next, or not what stands before it. */
    void onMissing() {
        if (state != State.SNAPSHOT) {
            enter(State.SNAPSHOT);
            offeredIndex = 0;
        }
    }

    void onOffered(long snapshotIndex) {
        isQuestionOut = true;
        if (offeredIndex == 0) {
            offeredIndex = snapshotIndex;
        }
    }

    void onReadStarted() {
        isReading = true;
    }

    void onReadEnded() {
        isReading = false;
    }

    void onEntriesSent(long lastIndex, long bytes, long round) {
        nextIndex = lastIndex + 1;
        sentRound = round;
        inflight.addLast(new Sent(lastIndex, bytes));
        inflightBytes += bytes;
    }

    /** A message told the peer of this round, and that everything up to here is committed. */
    void onTold(long round, long commitIndex) {
        toldRound = Math.max(toldRound, round);
        toldCommitIndex = Math.max(toldCommitIndex, commitIndex);
    }

    /**
     * A heartbeat interval has passed: if the question was lost, it may be sent again.
     *
     * @param snapshotIndex of the newest snapshot there is to offer
     */
    void onHeartbeat(long snapshotIndex) {
        isQuestionOut = false;
        if (state == State.SNAPSHOT && snapshotIndex < nextIndex) {
            state = State.PROBE;   // no snapshot helps, so perhaps the log does after all: no state is for ever
        }
    }

    /**
     * The peer has this leader's entries up to {@code verified}, durably up to {@code match}.
     *
     * @param round       the newest round the peer had heard
     * @param newestRound the newest round of this leader
     */
    void onAccepted(long match, long verified, long round, long newestRound) {
        if (round <= lostRound) {
            return;   // perhaps from before its disk lost what this says; it answers the next round too
        }
        if (match > matchIndex) {
            matchIndex = match;
            matchRound = newestRound;
        }
        while (!inflight.isEmpty() && inflight.peekFirst().lastIndex <= matchIndex) {
            inflightBytes -= inflight.removeFirst().bytes;
        }
        boolean hasWhatWasMissing = state == State.SNAPSHOT && verified >= nextIndex;
        if (nextIndex <= matchIndex) {
            nextIndex = matchIndex + 1;
            isReading = false;   // what is being read is there already
        }
        boolean isProbeAnswered = state == State.PROBE && verified >= nextIndex - 1;
        // A round that began after everything was sent came back, and yet something is missing there: it was lost.
        boolean isTailLost = state == State.REPLICATE && round > sentRound && verified < nextIndex - 1;
        if (isProbeAnswered || isTailLost || hasWhatWasMissing) {
            replicateFrom(Math.max(verified, matchIndex) + 1);
        }
    }

    /**
     * The peer does not have the entry that stood before an append.
     *
     * @param rejectedIndex where that entry stood
     * @param agreedIndex   where the logs may agree, going by the hint
     * @param round         the newest round when that append was sent
     */
    void onRejected(long rejectedIndex, long agreedIndex, long round) {
        if (rejectedIndex <= matchIndex) {
            if (round <= matchRound) {
                return;   // stale: it has matched since
            }
            // Asked after it had acknowledged that very entry: its disk has lost it. Nothing is believed of it any more.
            lostRound = round;
            matchIndex = 0;
            nextIndex = rejectedIndex + 1;
            state = State.PROBE;
        }
        if (rejectedIndex >= nextIndex || state == State.SNAPSHOT || (state == State.PROBE && rejectedIndex != nextIndex - 1)) {
            return;   // stale: not the question that is out
        }
        nextIndex = Math.max(matchIndex, Math.min(agreedIndex, rejectedIndex - 1)) + 1;
        enter(State.PROBE);
    }

    @Override
    public String toString() {
        return state.label() + (lostRound > 0 ? " (has lost entries)" : "") + " match " + matchIndex + " next " + nextIndex
            + (inflightBytes > 0 ? " inflight " + inflightBytes : "") + (room.isPlenty() ? "" : " room " + room);
    }

    private void replicateFrom(long index) {
        nextIndex = index;
        enter(State.REPLICATE);
    }

    /** Nothing that was under way in the last state counts any more. */
    private void enter(State next) {
        state = next;
        isQuestionOut = false;
        isReading = false;
        inflight.clear();
        inflightBytes = 0;
    }
}
