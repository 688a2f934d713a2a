package io.quorate.raft.netty;

import io.quorate.raft.SnapshotMessage;
import io.quorate.raft.core.Entry;
import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What a frame can be, how large its parts may be, and who may say it. The codes are part of the format. */
enum FrameType {
    HELLO(1, Limit.SMALL, 0),
    WELCOME(2, Limit.SMALL, 0),
    REFUSED(3, Limit.SMALL, 0),
    PING(4, Limit.SMALL, 0),
    PONG(5, Limit.SMALL, 0),

    APPEND_ENTRIES(16, Limit.SMALL, Limit.ENTRIES),
    APPEND_ACCEPTED(17, Limit.SMALL, 0),
    APPEND_REJECTED(18, Limit.SMALL, 0),
    PRE_VOTE(19, Limit.SMALL, 0),
    PRE_VOTE_ANSWER(20, Limit.SMALL, 0),
    REQUEST_VOTE(21, Limit.SMALL, 0),
    VOTE(22, Limit.SMALL, 0),
    TIMEOUT_NOW(23, Limit.SMALL, 0),
    SNAPSHOT_OFFER(24, Limit.LISTS, 0),
    SNAPSHOT_ASK(25, Limit.SMALL, 0),
    SNAPSHOT_PIECE(26, Limit.SMALL, SnapshotMessage.PIECE_BYTES_MAX),
    SNAPSHOT_GONE(27, Limit.SMALL, 0),
    ENTRY_REQUEST(32, Limit.SMALL, 0),
    ENTRY_ANSWER(33, Limit.LISTS, Limit.ENTRIES),
    READ_REQUEST(36, Limit.SMALL, 0),
    READ_ANSWER(37, Limit.SMALL, 0),
    // 28 to 31 snapshots, 34 and 35 repair: promised, and refused until they exist.

    FOUNDING(48, Limit.LISTS, 0),

    PROPOSE(64, Limit.SMALL, Entry.PAYLOAD_BYTES_MAX),
    READ(65, Limit.SMALL, Entry.PAYLOAD_BYTES_MAX),
    AWAIT_OUTCOME(66, Limit.SMALL, 0),
    STATUS(67, Limit.SMALL, 0),
    CHANGE_MEMBERSHIP(68, Limit.LISTS, 0),
    TRANSFER(69, Limit.SMALL, 0),
    TAKE_SNAPSHOT(70, Limit.SMALL, 0),
    BACKUP(71, Limit.SMALL, 0),
    BACKUP_PIECE(72, Limit.SMALL, 0),
    EXPLAIN(73, Limit.SMALL, 0),
    METRICS(74, Limit.SMALL, 0),
    MEMBERS(75, Limit.SMALL, 0),

    DONE(80, Limit.SMALL, Limit.RESULT),
    STATUS_ANSWER(81, Limit.REPORT, 0),
    NOT_LEADER(82, Limit.SMALL, 0),
    OVERLOADED(83, Limit.SMALL, 0),
    FAILED(84, Limit.SMALL, 0),
    UNAVAILABLE(85, Limit.SMALL, 0),
    UNKNOWN(86, Limit.SMALL, 0),
    TURNED_AWAY(87, Limit.SMALL, 0),
    SETTLED(88, Limit.SMALL, 0),
    MEMBERS_ANSWER(89, Limit.LISTS, 0),
    TRANSFERRED(90, Limit.SMALL, 0),
    SNAPSHOT_TAKEN(91, Limit.SMALL, 0),
    BACKUP_ANSWER(92, Limit.SMALL, 0),
    BACKUP_PIECE_ANSWER(93, Limit.SMALL, SnapshotMessage.PIECE_BYTES_MAX),
    EXPLANATION(94, Limit.LISTS, 0),
    METRICS_ANSWER(95, Limit.LISTS, 0);

    /** Sizes, in bytes. */
    static final class Limit {
        /** A head of plain fields, with room for fields to come. */
        static final int SMALL = 4 << 10;
        /** A head with lists of members or peers. */
        static final int LISTS = 256 << 10;
        /** A head that tells everything of a replica. */
        static final int REPORT = 1 << 20;
        /** The entries of one message: the largest entry fits, whatever else it is sent with. */
        static final int ENTRIES = 64 << 20;
        /** The result of a command or a query. */
        static final int RESULT = 64 << 20;

        private Limit() { }
    }

    /** Types from here on are optional: who does not know one skips it. Unknown types below are refused. */
    static final int OPTIONAL_FROM = 128;

    /** Who opened the connection and waits for the answer to its hello. */
    static final Set<FrameType> ANSWERS_TO_HELLO = EnumSet.of(WELCOME, REFUSED);
    /** Who accepted the connection and knows nothing of the other end yet. */
    static final Set<FrameType> FIRST = EnumSet.of(HELLO);
    /** From a peer of the same group. */
    static final Set<FrameType> FROM_PEER = EnumSet.of(PING, REFUSED, FOUNDING, APPEND_ENTRIES, APPEND_ACCEPTED, APPEND_REJECTED,
        PRE_VOTE, PRE_VOTE_ANSWER, REQUEST_VOTE, VOTE, TIMEOUT_NOW, SNAPSHOT_OFFER, SNAPSHOT_ASK, SNAPSHOT_PIECE, SNAPSHOT_GONE,
        ENTRY_REQUEST, ENTRY_ANSWER, READ_REQUEST, READ_ANSWER);
    /** From a peer, while either end is blank. */
    static final Set<FrameType> FROM_BLANK = EnumSet.of(PING, REFUSED, FOUNDING);
    /** To the peer that opened the connection: all that it may say itself, for it may be reachable in no other way. */
    static final Set<FrameType> TO_PEER = answering(FROM_PEER);
    /** The same, while either end is blank. */
    static final Set<FrameType> TO_BLANK = answering(FROM_BLANK);
    /** From a client. */
    static final Set<FrameType> FROM_CLIENT = EnumSet.of(PING, PROPOSE, READ, AWAIT_OUTCOME, STATUS);
    /** From an administrator. */
    static final Set<FrameType> FROM_ADMIN = EnumSet.of(PING, PROPOSE, READ, AWAIT_OUTCOME, STATUS, CHANGE_MEMBERSHIP, TRANSFER,
        TAKE_SNAPSHOT, BACKUP, BACKUP_PIECE, EXPLAIN, METRICS, MEMBERS);
    /** To a client. */
    static final Set<FrameType> TO_CLIENT =
        EnumSet.of(PONG, REFUSED, DONE, STATUS_ANSWER, NOT_LEADER, OVERLOADED, FAILED, UNAVAILABLE, UNKNOWN, TURNED_AWAY, SETTLED);
    /** To an administrator. */
    static final Set<FrameType> TO_ADMIN = EnumSet.of(PONG, REFUSED, DONE, STATUS_ANSWER, NOT_LEADER, OVERLOADED, FAILED, UNAVAILABLE,
        UNKNOWN, TURNED_AWAY, SETTLED, MEMBERS_ANSWER, TRANSFERRED, SNAPSHOT_TAKEN, BACKUP_ANSWER, BACKUP_PIECE_ANSWER, EXPLANATION,
        METRICS_ANSWER);
    /** What moves snapshots. */
    static final Set<FrameType> SNAPSHOTS = EnumSet.of(SNAPSHOT_ASK, SNAPSHOT_PIECE, SNAPSHOT_GONE);
    /** What brings damaged entries back. */
    static final Set<FrameType> REPAIRS = EnumSet.of(ENTRY_REQUEST, ENTRY_ANSWER);
    /** What the core says. */
    static final Set<FrameType> MESSAGES = EnumSet.of(APPEND_ENTRIES, APPEND_ACCEPTED, APPEND_REJECTED, PRE_VOTE, PRE_VOTE_ANSWER,
        REQUEST_VOTE, VOTE, TIMEOUT_NOW, SNAPSHOT_OFFER, READ_REQUEST, READ_ANSWER);

    private static final @Nullable FrameType[] BY_CODE = new FrameType[OPTIONAL_FROM];

    static {
        for (FrameType type : values()) {
            BY_CODE[type.code] = type;
        }
    }

    private final int code;
    private final int headBytesMax;
    private final int blockBytesMax;

    FrameType(int code, int headBytesMax, int blockBytesMax) {
        this.code = code;
        this.headBytesMax = headBytesMax;
        this.blockBytesMax = blockBytesMax;
    }

    private static Set<FrameType> answering(Set<FrameType> types) {
        EnumSet<FrameType> answers = EnumSet.copyOf(types);
        answers.remove(PING);
        answers.add(PONG);
        return answers;
    }

    /** The type with this code below {@link #OPTIONAL_FROM}, or null. */
    static @Nullable FrameType of(int code) {
        return BY_CODE[code];
    }

    int code() {
        return code;
    }

    int headBytesMax() {
        return headBytesMax;
    }

    int blockBytesMax() {
        return blockBytesMax;
    }

    /** Whether the block's bytes bear their own checksums, so that the frame's would only be work. */
    boolean isSealed() {
        return this == APPEND_ENTRIES || this == ENTRY_ANSWER;
    }
}
