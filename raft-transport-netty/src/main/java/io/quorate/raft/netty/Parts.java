package io.quorate.raft.netty;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import io.quorate.raft.ClusterId;
import io.quorate.raft.FoundingRecord;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.netty.wire.ClusterIdPart;
import io.quorate.raft.netty.wire.EntryIdPart;
import io.quorate.raft.netty.wire.FoundingRecordPart;
import io.quorate.raft.netty.wire.GoalPart;
import io.quorate.raft.netty.wire.MemberPart;
import io.quorate.raft.netty.wire.MembershipPart;
import io.quorate.raft.netty.wire.ReplicaIdPart;
import java.util.ArrayList;
import java.util.List;

/** The values that several messages share, to protobuf and back. What comes back has passed the values' own checks. */
final class Parts {

    /** Words for people are cut to this many characters, so that they fit every head. */
    static final int WORDS_MAX = 1000;

    private Parts() { }

    /** Reads a head; unknown fields are skipped. */
    static <M extends MessageLite> M parse(Parser<M> parser, Frame frame) {
        try {
            return parser.parseFrom(frame.head());
        } catch (InvalidProtocolBufferException e) {
            throw new MalformedFrameException("a frame " + frame.type() + " with a malformed head", e);
        }
    }

    static MalformedFrameException impossible(Frame frame, IllegalArgumentException e) {
        return new MalformedFrameException("a frame " + frame.type() + " that says something impossible: " + e.getMessage(), e);
    }

    static ReplicaIdPart of(ReplicaId id) {
        return ReplicaIdPart.newBuilder().setNodeId(id.nodeId()).setIncarnation(id.incarnation()).build();
    }

    static ReplicaId of(ReplicaIdPart part) {
        return new ReplicaId(part.getNodeId(), part.getIncarnation());
    }

    static ClusterIdPart of(ClusterId id) {
        return ClusterIdPart.newBuilder().setHigh(id.high()).setLow(id.low()).build();
    }

    static ClusterId of(ClusterIdPart part) {
        return new ClusterId(part.getHigh(), part.getLow());
    }

    static EntryIdPart of(EntryId id) {
        return EntryIdPart.newBuilder().setTerm(id.term()).setIndex(id.index()).build();
    }

    static EntryId of(EntryIdPart part) {
        return part.getIndex() == 0 && part.getTerm() == 0 ? EntryId.ZERO : new EntryId(part.getTerm(), part.getIndex());
    }

    static FoundingRecordPart of(FoundingRecord record) {
        return FoundingRecordPart.newBuilder().setClusterId(of(record.clusterId())).setEpoch(record.epoch())
            .setMembership(of(record.membership())).build();
    }

    static FoundingRecord of(FoundingRecordPart part) {
        return new FoundingRecord(of(part.getClusterId()), part.getEpoch(), of(part.getMembership()));
    }

    static MembershipPart of(Membership membership) {
        MembershipPart.Builder part = MembershipPart.newBuilder().setVersion(membership.version());
        membership.voters().forEach(member -> part.addVoters(of(member)));
        membership.outgoing().forEach(member -> part.addOutgoing(of(member)));
        membership.learners().forEach(member -> part.addLearners(of(member)));
        Membership.Goal goal = membership.goal();
        if (goal != null) {
            part.setGoal(of(goal));
        }
        return part.build();
    }

    static Membership of(MembershipPart part) {
        return new Membership(part.getVersion(), members(part.getVotersList()), members(part.getOutgoingList()),
            members(part.getLearnersList()), part.hasGoal() ? of(part.getGoal()) : null);
    }

    static GoalPart of(Membership.Goal goal) {
        GoalPart.Builder part = GoalPart.newBuilder();
        goal.voters().forEach(member -> part.addVoters(of(member)));
        goal.learners().forEach(member -> part.addLearners(of(member)));
        return part.build();
    }

    static Membership.Goal of(GoalPart part) {
        return new Membership.Goal(members(part.getVotersList()), members(part.getLearnersList()));
    }

    /** A number that is never negative. */
    static long natural(String name, long value) {
        if (value < 0) {
            throw new IllegalArgumentException(name + " " + value);
        }
        return value;
    }

    /** Words for people, short enough for any head. */
    static String words(String text) {
        return text.length() <= WORDS_MAX ? text : text.substring(0, WORDS_MAX) + "...";
    }

    static MemberPart of(Member member) {
        return MemberPart.newBuilder().setId(of(member.id())).setAddress(member.address()).build();
    }

    static List<Member> members(List<MemberPart> parts) {
        List<Member> members = new ArrayList<>(parts.size());
        for (MemberPart part : parts) {
            members.add(new Member(of(part.getId()), part.getAddress()));
        }
        return members;
    }
}
