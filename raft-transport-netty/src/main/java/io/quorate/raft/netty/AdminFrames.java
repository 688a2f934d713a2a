package io.quorate.raft.netty;

import io.netty.buffer.ByteBuf;
import io.quorate.raft.ClientRequest;
import io.quorate.raft.ClientResponse;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Refusal;
import io.quorate.raft.netty.wire.BackupPieceHead;
import io.quorate.raft.netty.wire.ChangeMembershipHead;
import io.quorate.raft.netty.wire.ExplanationHead;
import io.quorate.raft.netty.wire.MembersHead;
import io.quorate.raft.netty.wire.MetricPart;
import io.quorate.raft.netty.wire.MetricsHead;
import io.quorate.raft.netty.wire.RefusalCode;
import io.quorate.raft.netty.wire.RequestHead;
import io.quorate.raft.netty.wire.SnapshotAnswerHead;
import io.quorate.raft.netty.wire.TransferredHead;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** What administrators ask and what they are answered, as frames: the part of {@link ClientFrames} that a server can refuse. */
final class AdminFrames {

    /** An explanation has this many sentences at most, so that it fits its frame whatever its words are. */
    static final int SENTENCES_MAX = 80;
    /** As many numbers are told at most, each name being cut to {@link #NAME_MAX} characters. */
    static final int METRICS_MAX = 500;
    static final int NAME_MAX = 100;
    /** As many strangers are told of at most. */
    static final int STRANGERS_MAX = 24;
    private static final int MEMBER_BYTES = 32;

    private AdminFrames() { }

    /** About how many bytes the goal takes on the wire. */
    static long sizeOf(ClientRequest.ChangeMembership change) {
        long size = 0;
        for (List<Member> half : List.of(change.goal().voters(), change.goal().learners())) {
            for (Member member : half) {
                size += MEMBER_BYTES + member.address().length();
            }
        }
        return size;
    }

    static void write(ByteBuf out, long id, long millis, ClientRequest.ChangeMembership change) {
        Frame.write(out, FrameType.CHANGE_MEMBERSHIP, ChangeMembershipHead.newBuilder().setId(id).setTimeoutMillis(millis)
            .setExpectedVersion(change.expectedVersion()).setGoal(Parts.of(change.goal())).build());
    }

    static ClientFrames.Request changeMembership(Frame frame) {
        ChangeMembershipHead head = Parts.parse(ChangeMembershipHead.parser(), frame);
        return new ClientFrames.Request(head.getId(), new ClientRequest.ChangeMembership(
            Parts.natural("version", head.getExpectedVersion()), Parts.of(head.getGoal())), ClientFrames.nanos(head.getTimeoutMillis()));
    }

    /** The type of any other request, what it says being put into the head. */
    static FrameType type(ClientRequest.Admin request, RequestHead.Builder head) {
        if (request instanceof ClientRequest.Transfer transfer) {
            head.setTargetNodeId(transfer.targetNodeId());
            return FrameType.TRANSFER;
        }
        if (request instanceof ClientRequest.BackupPiece piece) {
            head.setEntry(Parts.of(piece.snapshot())).setOffset(piece.offset()).setBytesMax(piece.bytesMax());
            return FrameType.BACKUP_PIECE;
        }
        if (request instanceof ClientRequest.TakeSnapshot) {
            return FrameType.TAKE_SNAPSHOT;
        }
        if (request instanceof ClientRequest.Backup) {
            return FrameType.BACKUP;
        }
        if (request instanceof ClientRequest.Explain) {
            return FrameType.EXPLAIN;
        }
        if (request instanceof ClientRequest.Metrics) {
            return FrameType.METRICS;
        }
        if (request instanceof ClientRequest.Members members) {
            head.setOfLeader(members.isOfLeader());
            return FrameType.MEMBERS;
        }
        throw new IllegalStateException("a request without a frame: " + request);
    }

    /** The request of this type. */
    static ClientRequest request(FrameType type, RequestHead head) {
        return switch (type) {
            case TRANSFER -> new ClientRequest.Transfer(head.getTargetNodeId());
            case TAKE_SNAPSHOT -> new ClientRequest.TakeSnapshot();
            case BACKUP -> new ClientRequest.Backup();
            case BACKUP_PIECE -> new ClientRequest.BackupPiece(Parts.of(head.getEntry()), head.getOffset(), head.getBytesMax());
            case EXPLAIN -> new ClientRequest.Explain();
            case METRICS -> new ClientRequest.Metrics();
            case MEMBERS -> new ClientRequest.Members(head.getOfLeader());
            default -> throw new IllegalArgumentException("no request");
        };
    }

    /** Writes an answer as one frame. */
    static void write(ByteBuf out, long id, ClientResponse response) {
        if (response instanceof ClientResponse.Members members) {
            MembersHead.Builder head = MembersHead.newBuilder().setId(id).setMembership(Parts.of(members.membership()))
                .setIsUncommitted(!members.isCommitted());
            for (Member stranger : members.strangers().subList(0, Math.min(STRANGERS_MAX, members.strangers().size()))) {
                head.addStrangers(Parts.of(stranger));
            }
            Frame.write(out, FrameType.MEMBERS_ANSWER, head.build());
        } else if (response instanceof ClientResponse.Transferred) {
            Frame.write(out, FrameType.TRANSFERRED, TransferredHead.newBuilder().setId(id).build());
        } else if (response instanceof ClientResponse.SnapshotTaken taken) {
            Frame.write(out, FrameType.SNAPSHOT_TAKEN, SnapshotAnswerHead.newBuilder().setId(id).setSnapshot(Parts.of(taken.last()))
                .setTotalBytes(taken.bytes()).build());
        } else if (response instanceof ClientResponse.Backup backup) {
            Frame.write(out, FrameType.BACKUP_ANSWER, SnapshotAnswerHead.newBuilder().setId(id).setSnapshot(Parts.of(backup.snapshot()))
                .setTotalBytes(backup.totalBytes()).build());
        } else if (response instanceof ClientResponse.BackupPiece piece) {
            Frame.write(out, FrameType.BACKUP_PIECE_ANSWER, BackupPieceHead.newBuilder().setId(id).setSnapshot(Parts.of(piece.snapshot()))
                .setOffset(piece.offset()).build(), piece.bytes());
        } else if (response instanceof ClientResponse.Explanation explanation) {
            ExplanationHead.Builder head = ExplanationHead.newBuilder().setId(id);
            explanation.sentences().stream().limit(SENTENCES_MAX).map(Parts::words).forEach(head::addSentences);
            Frame.write(out, FrameType.EXPLANATION, head.build());
        } else if (response instanceof ClientResponse.Metrics metrics) {
            MetricsHead.Builder head = MetricsHead.newBuilder().setId(id);
            metrics.values().entrySet().stream().limit(METRICS_MAX).forEach(each -> head.addMetrics(metric(each)));
            Frame.write(out, FrameType.METRICS_ANSWER, head.build());
        } else {
            throw new IllegalStateException("an answer without a frame: " + response);
        }
    }

    /** The answer in this frame. */
    static ClientFrames.Response response(Frame frame) {
        return switch (frame.type()) {
            case MEMBERS_ANSWER -> {
                MembersHead head = Parts.parse(MembersHead.parser(), frame);
                yield new ClientFrames.Response(head.getId(),
                    new ClientResponse.Members(Parts.of(head.getMembership()), Parts.members(head.getStrangersList()),
                        !head.getIsUncommitted()));
            }
            case TRANSFERRED -> new ClientFrames.Response(Parts.parse(TransferredHead.parser(), frame).getId(),
                new ClientResponse.Transferred());
            case SNAPSHOT_TAKEN -> {
                SnapshotAnswerHead head = Parts.parse(SnapshotAnswerHead.parser(), frame);
                yield new ClientFrames.Response(head.getId(),
                    new ClientResponse.SnapshotTaken(Parts.of(head.getSnapshot()), head.getTotalBytes()));
            }
            case BACKUP_ANSWER -> {
                SnapshotAnswerHead head = Parts.parse(SnapshotAnswerHead.parser(), frame);
                yield new ClientFrames.Response(head.getId(),
                    new ClientResponse.Backup(Parts.of(head.getSnapshot()), head.getTotalBytes()));
            }
            case BACKUP_PIECE_ANSWER -> {
                BackupPieceHead head = Parts.parse(BackupPieceHead.parser(), frame);
                yield new ClientFrames.Response(head.getId(),
                    new ClientResponse.BackupPiece(Parts.of(head.getSnapshot()), head.getOffset(), frame.block()));
            }
            case EXPLANATION -> {
                ExplanationHead head = Parts.parse(ExplanationHead.parser(), frame);
                yield new ClientFrames.Response(head.getId(), new ClientResponse.Explanation(List.copyOf(head.getSentencesList())));
            }
            case METRICS_ANSWER -> {
                MetricsHead head = Parts.parse(MetricsHead.parser(), frame);
                SortedMap<String, Long> values = new TreeMap<>();
                head.getMetricsList().forEach(metric -> values.put(metric.getName(), metric.getValue()));
                yield new ClientFrames.Response(head.getId(), new ClientResponse.Metrics(values));
            }
            default -> throw new IllegalArgumentException("no answer");
        };
    }

    static RefusalCode code(Refusal.Reason reason) {
        return switch (reason) {
            case NOT_LEADER -> RefusalCode.REFUSAL_NOT_LEADER;
            case NO_QUORUM -> RefusalCode.REFUSAL_NO_QUORUM;
            case OVERLOADED -> RefusalCode.REFUSAL_OVERLOADED;
            case TOO_LARGE -> RefusalCode.REFUSAL_TOO_LARGE;
            case TOO_EARLY -> RefusalCode.REFUSAL_TOO_EARLY;
            case OTHER_VERSION -> RefusalCode.REFUSAL_OTHER_VERSION;
            case CHANGE_PENDING -> RefusalCode.REFUSAL_CHANGE_PENDING;
            case TRANSFER_PENDING -> RefusalCode.REFUSAL_TRANSFER_PENDING;
            case NO_TARGET -> RefusalCode.REFUSAL_NO_TARGET;
            case TRANSFER_FAILED -> RefusalCode.REFUSAL_TRANSFER_FAILED;
            case DISK_FULL -> RefusalCode.REFUSAL_DISK_FULL;
        };
    }

    /** A refusal; with a reason that a newer version may have, still one. */
    static ClientResponse refused(RefusalCode code, String why) {
        return switch (code) {
            case REFUSAL_NOT_LEADER -> new ClientResponse.Refused(Refusal.Reason.NOT_LEADER, why);
            case REFUSAL_NO_QUORUM -> new ClientResponse.Refused(Refusal.Reason.NO_QUORUM, why);
            case REFUSAL_OVERLOADED -> new ClientResponse.Refused(Refusal.Reason.OVERLOADED, why);
            case REFUSAL_TOO_LARGE -> new ClientResponse.Refused(Refusal.Reason.TOO_LARGE, why);
            case REFUSAL_TOO_EARLY -> new ClientResponse.Refused(Refusal.Reason.TOO_EARLY, why);
            case REFUSAL_OTHER_VERSION -> new ClientResponse.Refused(Refusal.Reason.OTHER_VERSION, why);
            case REFUSAL_CHANGE_PENDING -> new ClientResponse.Refused(Refusal.Reason.CHANGE_PENDING, why);
            case REFUSAL_TRANSFER_PENDING -> new ClientResponse.Refused(Refusal.Reason.TRANSFER_PENDING, why);
            case REFUSAL_NO_TARGET -> new ClientResponse.Refused(Refusal.Reason.NO_TARGET, why);
            case REFUSAL_TRANSFER_FAILED -> new ClientResponse.Refused(Refusal.Reason.TRANSFER_FAILED, why);
            case REFUSAL_DISK_FULL -> new ClientResponse.Refused(Refusal.Reason.DISK_FULL, why);
            case REFUSAL_UNSPECIFIED, UNRECOGNIZED -> new ClientResponse.Failed(why);
        };
    }

    private static MetricPart metric(Map.Entry<String, Long> entry) {
        String name = entry.getKey();
        return MetricPart.newBuilder().setName(name.length() <= NAME_MAX ? name : name.substring(0, NAME_MAX)).setValue(entry.getValue())
            .build();
    }
}
