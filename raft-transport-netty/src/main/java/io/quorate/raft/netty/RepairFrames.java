package io.quorate.raft.netty;

import io.netty.buffer.ByteBuf;
import io.quorate.raft.RepairMessage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.core.SnapshotId;
import io.quorate.raft.netty.wire.EntryAnswerHead;
import io.quorate.raft.netty.wire.EntryIdPart;
import io.quorate.raft.netty.wire.EntryRequestHead;
import io.quorate.raft.netty.wire.MissingCode;
import io.quorate.raft.netty.wire.MissingPart;
import io.quorate.raft.netty.wire.Route;
import io.quorate.raft.netty.wire.SnapshotPart;
import java.util.ArrayList;
import java.util.List;

/** What brings damaged entries back, as frames. The entries of an answer are a block like an append's, and bear their own checksums. */
final class RepairFrames {

    /** No head without lists is larger, as written by this version. */
    private static final int OVERHEAD_BYTES = Frame.HEADER_BYTES + 160;
    /** An entry's name, and why it is missing. */
    private static final int ID_BYTES = 32;

    private RepairFrames() { }

    /** About how many bytes the message takes on the wire. */
    static long sizeOf(RepairMessage message) {
        long size = OVERHEAD_BYTES;
        if (message instanceof RepairMessage.EntryRequest request) {
            size += (long) ID_BYTES * request.wanted().size();
        } else if (message instanceof RepairMessage.EntryAnswer answer) {
            size += (long) ID_BYTES * answer.missing().size() + EntryBlock.sizeOf(answer.entries());
            size += answer.membership() == null ? 0 : PeerFrames.sizeOf(answer.membership());
            size += answer.snapshot() == null ? 0 : PeerFrames.sizeOf(answer.snapshot().membership());
        }
        return size;
    }

    /** Whether it carries entries. */
    static boolean isBulk(RepairMessage message) {
        return message instanceof RepairMessage.EntryAnswer answer && !answer.entries().isEmpty();
    }

    /** Writes the message as one frame. */
    static void write(ByteBuf out, RepairMessage message) {
        if (message instanceof RepairMessage.EntryRequest request) {
            EntryRequestHead.Builder head = EntryRequestHead.newBuilder().setRoute(route(message)).setRound(request.round());
            request.wanted().forEach(entry -> head.addWanted(Parts.of(entry)));
            Frame.write(out, FrameType.ENTRY_REQUEST, head.build());
        } else if (message instanceof RepairMessage.EntryAnswer answer) {
            EntryAnswerHead.Builder head = EntryAnswerHead.newBuilder().setRoute(route(message)).setRound(answer.round())
                .setEntries(answer.entries().size());
            answer.missing().forEach(each -> head.addMissing(
                MissingPart.newBuilder().setEntry(Parts.of(each.entry())).setWhy(code(each.why()))));
            if (answer.snapshot() != null) {
                SnapshotId snapshot = answer.snapshot();
                head.setSnapshot(SnapshotPart.newBuilder().setLast(Parts.of(snapshot.last()))
                    .setMembership(Parts.of(snapshot.membership())).setTimeNanos(snapshot.timeNanos()));
            }
            if (answer.membership() != null) {
                head.setMembership(Parts.of(answer.membership()));
            }
            Frame.writeTop(out, FrameType.ENTRY_ANSWER, head.build(), EntryBlock.sizeOf(answer.entries()), 0);
            EntryBlock.write(out, answer.entries());
        }
    }

    /**
     * What a peer said.
     *
     * @throws MalformedFrameException if the frame is no such message, or says something impossible
     */
    static RepairMessage message(Frame frame) {
        try {
            return switch (frame.type()) {
                case ENTRY_REQUEST -> request(Parts.parse(EntryRequestHead.parser(), frame));
                case ENTRY_ANSWER -> answer(Parts.parse(EntryAnswerHead.parser(), frame), frame.block());
                default -> throw new IllegalArgumentException("no message about damaged entries");
            };
        } catch (IllegalArgumentException e) {
            throw Parts.impossible(frame, e);
        }
    }

    private static RepairMessage request(EntryRequestHead head) {
        List<EntryId> wanted = new ArrayList<>(head.getWantedCount());
        for (EntryIdPart part : head.getWantedList()) {
            wanted.add(Parts.of(part));
        }
        return new RepairMessage.EntryRequest(from(head.getRoute()), to(head.getRoute()), head.getRound(), wanted);
    }

    private static RepairMessage answer(EntryAnswerHead head, byte[] block) {
        List<RepairMessage.Missing> missing = new ArrayList<>(head.getMissingCount());
        for (MissingPart part : head.getMissingList()) {
            missing.add(new RepairMessage.Missing(Parts.of(part.getEntry()), why(part.getWhy())));
        }
        SnapshotId snapshot = !head.hasSnapshot() ? null : new SnapshotId(Parts.of(head.getSnapshot().getLast()),
            Parts.of(head.getSnapshot().getMembership()), head.getSnapshot().getTimeNanos());
        return new RepairMessage.EntryAnswer(from(head.getRoute()), to(head.getRoute()), head.getRound(),
            EntryBlock.read(block, head.getEntries()), missing, snapshot, head.hasMembership() ? Parts.of(head.getMembership()) : null);
    }

    private static MissingCode code(RepairMessage.Why why) {
        return switch (why) {
            case DAMAGED -> MissingCode.MISSING_DAMAGED;
            case REPLACED -> MissingCode.MISSING_REPLACED;
            case COVERED -> MissingCode.MISSING_COVERED;
            case UNKNOWN -> MissingCode.MISSING_UNKNOWN;
        };
    }

    private static RepairMessage.Why why(MissingCode code) {
        return switch (code) {
            case MISSING_DAMAGED -> RepairMessage.Why.DAMAGED;
            case MISSING_REPLACED -> RepairMessage.Why.REPLACED;
            case MISSING_COVERED -> RepairMessage.Why.COVERED;
            // What a newer version may add gives nothing either.
            case MISSING_UNKNOWN, UNRECOGNIZED -> RepairMessage.Why.UNKNOWN;
        };
    }

    private static Route route(RepairMessage message) {
        return Route.newBuilder().setFromNodeId(message.from().nodeId()).setFromIncarnation(message.from().incarnation())
            .setToNodeId(message.to().nodeId()).setToIncarnation(message.to().incarnation()).build();
    }

    private static ReplicaId from(Route route) {
        return new ReplicaId(route.getFromNodeId(), route.getFromIncarnation());
    }

    private static ReplicaId to(Route route) {
        return new ReplicaId(route.getToNodeId(), route.getToIncarnation());
    }
}
