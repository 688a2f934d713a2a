package io.quorate.raft.netty;

import io.netty.buffer.ByteBuf;
import io.quorate.raft.SnapshotMessage;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.netty.wire.Route;
import io.quorate.raft.netty.wire.SnapshotHead;

/** What moves snapshots between peers, as frames. The bytes of a piece are covered by the frame's checksum. */
final class SnapshotFrames {

    /** No head is larger, as written by this version. */
    private static final int OVERHEAD_BYTES = Frame.HEADER_BYTES + 110;

    private SnapshotFrames() { }

    /** About how many bytes the message takes on the wire. */
    static long sizeOf(SnapshotMessage message) {
        return OVERHEAD_BYTES + (message instanceof SnapshotMessage.Piece piece ? piece.bytes().length : 0L);
    }

    /** Writes the message as one frame. */
    static void write(ByteBuf out, SnapshotMessage message) {
        SnapshotHead.Builder head = SnapshotHead.newBuilder().setRoute(route(message)).setSnapshot(Parts.of(message.snapshot()));
        if (message instanceof SnapshotMessage.Ask ask) {
            Frame.write(out, FrameType.SNAPSHOT_ASK, head.setOffset(ask.offset()).setBytesMax(ask.bytesMax()).build());
        } else if (message instanceof SnapshotMessage.Piece piece) {
            Frame.write(out, FrameType.SNAPSHOT_PIECE, head.setOffset(piece.offset()).setTotalBytes(piece.totalBytes()).build(),
                piece.bytes());
        } else {
            Frame.write(out, FrameType.SNAPSHOT_GONE, head.build());
        }
    }

    /**
     * What a peer said.
     *
     * @throws MalformedFrameException if the frame is no such message, or says something impossible
     */
    static SnapshotMessage message(Frame frame) {
        try {
            SnapshotHead head = Parts.parse(SnapshotHead.parser(), frame);
            Route route = head.getRoute();
            ReplicaId from = new ReplicaId(route.getFromNodeId(), route.getFromIncarnation());
            ReplicaId to = new ReplicaId(route.getToNodeId(), route.getToIncarnation());
            return switch (frame.type()) {
                case SNAPSHOT_ASK ->
                    new SnapshotMessage.Ask(from, to, Parts.of(head.getSnapshot()), head.getOffset(), head.getBytesMax());
                case SNAPSHOT_PIECE -> new SnapshotMessage.Piece(from, to, Parts.of(head.getSnapshot()), head.getOffset(),
                    head.getTotalBytes(), frame.block());
                case SNAPSHOT_GONE -> new SnapshotMessage.Gone(from, to, Parts.of(head.getSnapshot()));
                default -> throw new IllegalArgumentException("no message about a snapshot");
            };
        } catch (IllegalArgumentException e) {
            throw Parts.impossible(frame, e);
        }
    }

    private static Route route(SnapshotMessage message) {
        return Route.newBuilder().setFromNodeId(message.from().nodeId()).setFromIncarnation(message.from().incarnation())
            .setToNodeId(message.to().nodeId()).setToIncarnation(message.to().incarnation()).build();
    }
}
