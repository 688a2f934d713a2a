package io.quorate.raft.netty;

import io.netty.buffer.ByteBuf;
import io.quorate.raft.FoundingMessage;
import io.quorate.raft.core.DiskRoom;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.core.SnapshotId;
import io.quorate.raft.netty.wire.AppendAcceptedHead;
import io.quorate.raft.netty.wire.AppendEntriesHead;
import io.quorate.raft.netty.wire.AppendRejectedHead;
import io.quorate.raft.netty.wire.DenialCode;
import io.quorate.raft.netty.wire.FoundingHead;
import io.quorate.raft.netty.wire.PreVoteAnswerHead;
import io.quorate.raft.netty.wire.PreVoteHead;
import io.quorate.raft.netty.wire.ReadAnswerHead;
import io.quorate.raft.netty.wire.ReadRequestHead;
import io.quorate.raft.netty.wire.RequestVoteHead;
import io.quorate.raft.netty.wire.RoomCode;
import io.quorate.raft.netty.wire.Route;
import io.quorate.raft.netty.wire.SnapshotOfferHead;
import io.quorate.raft.netty.wire.TimeoutNowHead;
import io.quorate.raft.netty.wire.VoteHead;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What peers say, as frames. */
final class PeerFrames {

    /** No head without lists is larger, as written by this version: what a message is counted as before it is encoded. */
    private static final int OVERHEAD_BYTES = Frame.HEADER_BYTES + 140;
    private static final int MEMBER_BYTES = 32;

    private PeerFrames() { }

    /** About how many bytes the message takes on the wire. */
    static long sizeOf(Message message) {
        long size = OVERHEAD_BYTES;
        if (message instanceof Message.SnapshotOffer offer) {
            return size + sizeOf(offer.snapshot().membership());
        }
        if (message instanceof Message.AppendEntries append) {
            return size + EntryBlock.sizeOf(append.entries());
        }
        return size;
    }

    /** About how many bytes the message takes on the wire. */
    static long sizeOf(FoundingMessage message) {
        long size = OVERHEAD_BYTES + 3L * message.address().length();
        if (message.founding() != null) {
            size += sizeOf(message.founding().membership());
        }
        return message.membership() == null ? size : size + sizeOf(message.membership());
    }

    static long sizeOf(Membership membership) {
        long size = 0;
        for (Member member : membership.members()) {
            size += 4L * (MEMBER_BYTES + member.address().length());   // it may stand in both halves, and in the goal
        }
        return size;
    }

    /** Writes the message as one frame. */
    static void write(ByteBuf out, Message message) {
        message.dispatch(new Writer(out, message));
    }

    /** Writes the message as one frame. */
    static void write(ByteBuf out, FoundingMessage message) {
        FoundingHead.Builder head = FoundingHead.newBuilder().setFromNodeId(message.from()).setIncarnation(message.incarnation())
            .setToNodeId(message.to()).setToIncarnation(message.toIncarnation()).setMembersDigest(message.membersDigest())
            .setIsQuestion(message.isQuestion()).setAddress(message.address());
        if (message.membership() != null) {
            head.setMembership(Parts.of(message.membership()));
        }
        if (message.founding() != null) {
            head.setFounding(Parts.of(message.founding()));
        }
        Frame.write(out, FrameType.FOUNDING, head.build());
    }

    /**
     * What the core of a peer said.
     *
     * @throws MalformedFrameException if the frame is no such message, or says something impossible
     */
    static Message message(Frame frame) {
        try {
            return switch (frame.type()) {
                case APPEND_ENTRIES -> appendEntries(frame);
                case APPEND_ACCEPTED -> appendAccepted(Parts.parse(AppendAcceptedHead.parser(), frame));
                case APPEND_REJECTED -> appendRejected(Parts.parse(AppendRejectedHead.parser(), frame));
                case PRE_VOTE -> preVote(Parts.parse(PreVoteHead.parser(), frame));
                case PRE_VOTE_ANSWER -> preVoteAnswer(Parts.parse(PreVoteAnswerHead.parser(), frame));
                case REQUEST_VOTE -> requestVote(Parts.parse(RequestVoteHead.parser(), frame));
                case VOTE -> vote(Parts.parse(VoteHead.parser(), frame));
                case TIMEOUT_NOW -> timeoutNow(Parts.parse(TimeoutNowHead.parser(), frame));
                case SNAPSHOT_OFFER -> snapshotOffer(Parts.parse(SnapshotOfferHead.parser(), frame));
                case READ_REQUEST -> readRequest(Parts.parse(ReadRequestHead.parser(), frame));
                case READ_ANSWER -> readAnswer(Parts.parse(ReadAnswerHead.parser(), frame));
                default -> throw new IllegalArgumentException("no message between replicas");
            };
        } catch (IllegalArgumentException e) {
            throw Parts.impossible(frame, e);
        }
    }

    /**
     * What a node says while one of the two is blank.
     *
     * @throws MalformedFrameException if the frame is no such message, or says something impossible
     */
    static FoundingMessage founding(Frame frame) {
        try {
            FoundingHead head = Parts.parse(FoundingHead.parser(), frame);
            ReplicaId from = new ReplicaId(head.getFromNodeId(), head.getIncarnation());
            return new FoundingMessage(from.nodeId(), from.incarnation(), head.getToNodeId(), head.getToIncarnation(),
                head.getMembersDigest(), head.hasFounding() ? Parts.of(head.getFounding()) : null, head.getIsQuestion(),
                head.hasMembership() ? Parts.of(head.getMembership()) : null, head.getAddress());
        } catch (IllegalArgumentException e) {
            throw Parts.impossible(frame, e);
        }
    }

    private static Message.AppendEntries appendEntries(Frame frame) {
        AppendEntriesHead head = Parts.parse(AppendEntriesHead.parser(), frame);
        List<Entry> entries = EntryBlock.read(frame.block(), head.getEntries());
        Route route = head.getRoute();
        return new Message.AppendEntries(from(route), to(route), route.getTerm(), Parts.of(head.getPrev()), entries, head.getCommitIndex(),
            head.getAppliedIndex(), head.getRound());
    }

    private static Message.AppendAccepted appendAccepted(AppendAcceptedHead head) {
        Route route = head.getRoute();
        return new Message.AppendAccepted(from(route), to(route), route.getTerm(), head.getMatchIndex(), head.getVerifiedIndex(),
            head.getRound(), head.getHoldsNanos(), head.getAppliedIndex(), room(head.getRoom()));
    }

    static RoomCode code(DiskRoom room) {
        return switch (room) {
            case PLENTY -> RoomCode.ROOM_PLENTY;
            case LOW -> RoomCode.ROOM_LOW;
            case NONE -> RoomCode.ROOM_NONE;
        };
    }

    /** How much room a disk has; by a word that a newer version may have, less than plenty. */
    static DiskRoom room(RoomCode code) {
        return switch (code) {
            case ROOM_PLENTY -> DiskRoom.PLENTY;
            case ROOM_LOW, UNRECOGNIZED -> DiskRoom.LOW;
            case ROOM_NONE -> DiskRoom.NONE;
        };
    }

    private static Message.AppendRejected appendRejected(AppendRejectedHead head) {
        Route route = head.getRoute();
        return new Message.AppendRejected(from(route), to(route), route.getTerm(), Parts.of(head.getRejected()), Parts.of(head.getHint()),
            head.getRound());
    }

    private static Message.PreVote preVote(PreVoteHead head) {
        Route route = head.getRoute();
        return new Message.PreVote(from(route), to(route), route.getTerm(), Parts.of(head.getLast()),
            head.getRound());
    }

    private static Message.PreVoteAnswer preVoteAnswer(PreVoteAnswerHead head) {
        Route route = head.getRoute();
        return new Message.PreVoteAnswer(from(route), to(route), route.getTerm(), denial(head.getGranted(), head.getDenial()),
            head.getRound(), head.getRemovedVersion());
    }

    private static Message.RequestVote requestVote(RequestVoteHead head) {
        Route route = head.getRoute();
        return new Message.RequestVote(from(route), to(route), route.getTerm(), Parts.of(head.getLast()), head.getTransferOf());
    }

    private static Message.Vote vote(VoteHead head) {
        Route route = head.getRoute();
        return new Message.Vote(from(route), to(route), route.getTerm(), denial(head.getGranted(), head.getDenial()));
    }

    private static Message.@Nullable Denial denial(boolean isGranted, DenialCode code) {
        return isGranted ? null : denial(code);
    }

    static Message.Denial denial(DenialCode code) {
        return switch (code) {
            case DENIAL_LOG_IS_NEWER -> Message.Denial.LOG_IS_NEWER;
            case DENIAL_VOTED_FOR_ANOTHER -> Message.Denial.VOTED_FOR_ANOTHER;
            case DENIAL_TERM_IS_OLD -> Message.Denial.TERM_IS_OLD;
            // What a newer version may add is a no as well.
            case DENIAL_HEARS_LEADER, DENIAL_UNSPECIFIED, UNRECOGNIZED -> Message.Denial.HEARS_LEADER;
        };
    }

    static DenialCode code(Message.@Nullable Denial denial) {
        if (denial == null) {
            return DenialCode.DENIAL_UNSPECIFIED;
        }
        return switch (denial) {
            case HEARS_LEADER -> DenialCode.DENIAL_HEARS_LEADER;
            case LOG_IS_NEWER -> DenialCode.DENIAL_LOG_IS_NEWER;
            case VOTED_FOR_ANOTHER -> DenialCode.DENIAL_VOTED_FOR_ANOTHER;
            case TERM_IS_OLD -> DenialCode.DENIAL_TERM_IS_OLD;
        };
    }

    private static Message timeoutNow(TimeoutNowHead head) {
        Route route = head.getRoute();
        return new Message.TimeoutNow(from(route), to(route), route.getTerm());
    }

    private static Message snapshotOffer(SnapshotOfferHead head) {
        Route route = head.getRoute();
        SnapshotId snapshot = new SnapshotId(Parts.of(head.getLast()), Parts.of(head.getMembership()), head.getTimeNanos());
        return new Message.SnapshotOffer(from(route), to(route), route.getTerm(), snapshot, head.getRound());
    }

    private static Message readRequest(ReadRequestHead head) {
        Route route = head.getRoute();
        return new Message.ReadRequest(from(route), to(route), route.getTerm(), head.getId());
    }

    private static Message readAnswer(ReadAnswerHead head) {
        Route route = head.getRoute();
        return new Message.ReadAnswer(from(route), to(route), route.getTerm(), head.getId(), head.getReadIndex());
    }

    private static ReplicaId from(Route route) {
        return new ReplicaId(route.getFromNodeId(), route.getFromIncarnation());
    }

    private static ReplicaId to(Route route) {
        return new ReplicaId(route.getToNodeId(), route.getToIncarnation());
    }

    /** Writes each message in its own form. */
    private record Writer(ByteBuf out, Message message) implements Message.Handler {

        private Route route() {
            return Route.newBuilder().setFromNodeId(message.from().nodeId()).setFromIncarnation(message.from().incarnation())
                .setToNodeId(message.to().nodeId()).setToIncarnation(message.to().incarnation()).setTerm(message.term()).build();
        }

        @Override
        public void onAppendEntries(Message.AppendEntries append) {
            List<Entry> entries = append.entries();
            Frame.writeTop(out, FrameType.APPEND_ENTRIES, AppendEntriesHead.newBuilder().setRoute(route())
                .setPrev(Parts.of(append.prev())).setEntries(entries.size()).setCommitIndex(append.commitIndex())
                .setAppliedIndex(append.appliedIndex()).setRound(append.round()).build(), EntryBlock.sizeOf(entries), 0);
            EntryBlock.write(out, entries);
        }

        @Override
        public void onAppendAccepted(Message.AppendAccepted accepted) {
            Frame.write(out, FrameType.APPEND_ACCEPTED, AppendAcceptedHead.newBuilder().setRoute(route())
                .setMatchIndex(accepted.matchIndex()).setVerifiedIndex(accepted.verifiedIndex()).setRound(accepted.round())
                .setHoldsNanos(accepted.holdsNanos()).setAppliedIndex(accepted.appliedIndex())
                .setRoom(code(accepted.room())).build());
        }

        @Override
        public void onAppendRejected(Message.AppendRejected rejected) {
            Frame.write(out, FrameType.APPEND_REJECTED, AppendRejectedHead.newBuilder().setRoute(route())
                .setRejected(Parts.of(rejected.rejected())).setHint(Parts.of(rejected.hint())).setRound(rejected.round())
                .build());
        }

        @Override
        public void onPreVote(Message.PreVote question) {
            Frame.write(out, FrameType.PRE_VOTE, PreVoteHead.newBuilder().setRoute(route()).setLast(Parts.of(question.last()))
                .setRound(question.round()).build());
        }

        @Override
        public void onPreVoteAnswer(Message.PreVoteAnswer answer) {
            Frame.write(out, FrameType.PRE_VOTE_ANSWER, PreVoteAnswerHead.newBuilder().setRoute(route()).setGranted(answer.granted())
                .setRound(answer.round()).setDenial(code(answer.denial())).setRemovedVersion(answer.removedVersion()).build());
        }

        @Override
        public void onRequestVote(Message.RequestVote question) {
            Frame.write(out, FrameType.REQUEST_VOTE, RequestVoteHead.newBuilder().setRoute(route()).setLast(Parts.of(question.last()))
                .setTransferOf(question.transferOf()).build());
        }

        @Override
        public void onVote(Message.Vote vote) {
            Frame.write(out, FrameType.VOTE, VoteHead.newBuilder().setRoute(route()).setGranted(vote.granted())
                .setDenial(code(vote.denial())).build());
        }

        @Override
        public void onTimeoutNow(Message.TimeoutNow handOver) {
            Frame.write(out, FrameType.TIMEOUT_NOW, TimeoutNowHead.newBuilder().setRoute(route()).build());
        }

        @Override
        public void onSnapshotOffer(Message.SnapshotOffer offer) {
            SnapshotId snapshot = offer.snapshot();
            Frame.write(out, FrameType.SNAPSHOT_OFFER, SnapshotOfferHead.newBuilder().setRoute(route()).setLast(Parts.of(snapshot.last()))
                .setMembership(Parts.of(snapshot.membership())).setTimeNanos(snapshot.timeNanos()).setRound(offer.round()).build());
        }

        @Override
        public void onReadRequest(Message.ReadRequest request) {
            Frame.write(out, FrameType.READ_REQUEST, ReadRequestHead.newBuilder().setRoute(route()).setId(request.id()).build());
        }

        @Override
        public void onReadAnswer(Message.ReadAnswer answer) {
            Frame.write(out, FrameType.READ_ANSWER, ReadAnswerHead.newBuilder().setRoute(route()).setId(answer.id())
                .setReadIndex(answer.readIndex()).build());
        }
    }
}
