package io.quorate.raft.netty;

import io.quorate.raft.ServerStatus;
import io.quorate.raft.core.NodeStatus;
import io.quorate.raft.netty.wire.CatchUpCode;
import io.quorate.raft.netty.wire.DeniedPart;
import io.quorate.raft.netty.wire.DiskPart;
import io.quorate.raft.netty.wire.ElectionsPart;
import io.quorate.raft.netty.wire.LoadPart;
import io.quorate.raft.netty.wire.MemberPart;
import io.quorate.raft.netty.wire.PeerStatus;
import io.quorate.raft.netty.wire.State;
import io.quorate.raft.netty.wire.StatusHead;
import io.quorate.raft.netty.wire.StrangerPart;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** How a replica is, to protobuf and back. Words are cut and lists are cut off, so that the whole fits its frame. */
final class StatusFrames {

    /** As many peers as a group can have. */
    static final int PEERS_MAX = 64;
    static final int STRANGERS_MAX = 24;

    private StatusFrames() { }

    static StatusHead head(long id, ServerStatus status) {
        StatusHead.Builder head = StatusHead.newBuilder().setId(id).setReplica(Parts.of(status.replica())).setBoot(status.boot())
            .setState(code(status.state())).setTerm(status.term()).setFirstIndex(status.firstIndex()).setLastIndex(status.lastIndex())
            .setDurableIndex(status.durableIndex()).setCommitIndex(status.commitIndex()).setAppliedIndex(status.appliedIndex());
        if (status.clusterId() != null) {
            head.setClusterId(Parts.of(status.clusterId()));
        }
        if (status.leader() != null) {
            head.setLeader(Parts.of(status.leader()));
        }
        if (status.leaderAddress() != null) {
            head.setLeaderAddress(Parts.words(status.leaderAddress()));
        }
        if (status.problem() != null) {
            head.setProblem(Parts.words(status.problem()));
        }
        status.peers().stream().limit(PEERS_MAX).forEach(peer -> head.addPeers(part(peer)));
        if (status.membership() != null) {
            head.setMembership(Parts.of(status.membership()));
        }
        status.strangers().stream().limit(STRANGERS_MAX).forEach(stranger -> head.addStrangers(part(stranger)));
        if (status.elections() != null) {
            head.setElections(part(status.elections()));
        }
        if (status.disk() != null) {
            head.setDisk(part(status.disk()));
        }
        if (status.load() != null) {
            head.setLoad(part(status.load()));
        }
        return head.build();
    }

    static ServerStatus status(StatusHead head) {
        List<ServerStatus.Peer> peers = new ArrayList<>(head.getPeersCount());
        head.getPeersList().forEach(part -> peers.add(peer(part)));
        List<ServerStatus.Stranger> strangers = new ArrayList<>(head.getStrangersCount());
        head.getStrangersList().forEach(part -> strangers.add(new ServerStatus.Stranger(Parts.of(part.getMember().getId()),
            part.getMember().getAddress(), part.getHeardNanosAgo())));
        return new ServerStatus(Parts.of(head.getReplica()), head.getBoot(), head.hasClusterId() ? Parts.of(head.getClusterId()) : null,
            state(head.getState()), head.getTerm(), head.hasLeader() ? Parts.of(head.getLeader()) : null,
            head.hasLeaderAddress() ? head.getLeaderAddress() : null, head.getFirstIndex(), head.getLastIndex(), head.getDurableIndex(),
            head.getCommitIndex(), head.getAppliedIndex(), peers, head.hasProblem() ? head.getProblem() : null,
            head.hasMembership() ? Parts.of(head.getMembership()) : null, strangers,
            head.hasElections() ? elections(head.getElections()) : null, head.hasDisk() ? disk(head.getDisk()) : null,
            head.hasLoad() ? load(head.getLoad()) : null);
    }

    private static PeerStatus part(ServerStatus.Peer peer) {
        PeerStatus.Builder part = PeerStatus.newBuilder().setNodeId(peer.nodeId()).setAddress(Parts.words(peer.address()))
            .setHeardNanosAgo(peer.heardNanosAgo()).setMatchIndex(peer.matchIndex()).setCatchUp(code(peer.catchUp()));
        if (peer.replica() != null) {
            part.setReplica(Parts.of(peer.replica()));
        }
        if (peer.replication() != null) {
            part.setReplication(Parts.words(peer.replication()));
        }
        if (peer.trouble() != null) {
            part.setTrouble(Parts.words(peer.trouble()));
        }
        return part.build();
    }

    private static ServerStatus.Peer peer(PeerStatus part) {
        return new ServerStatus.Peer(part.hasReplica() ? Parts.of(part.getReplica()) : null, part.getNodeId(), part.getAddress(),
            part.getHeardNanosAgo(), part.getMatchIndex(), part.hasReplication() ? part.getReplication() : null,
            part.hasTrouble() ? part.getTrouble() : null, catchUp(part.getCatchUp()));
    }

    private static StrangerPart part(ServerStatus.Stranger stranger) {
        return StrangerPart.newBuilder().setMember(MemberPart.newBuilder().setId(Parts.of(stranger.replica()))
            .setAddress(Parts.words(stranger.address()))).setHeardNanosAgo(stranger.heardNanosAgo()).build();
    }

    private static ElectionsPart part(ServerStatus.Elections elections) {
        ElectionsPart.Builder part = ElectionsPart.newBuilder().setTimeoutNanos(elections.timeoutNanos())
            .setIsMembershipCommitted(elections.isMembershipCommitted()).setRemovedVersion(elections.removedVersion())
            .setIsHandedOver(elections.isHandedOver()).setPauses(elections.pauses()).setPausedNanosAgo(elections.pausedNanosAgo());
        elections.denials().stream().limit(PEERS_MAX).forEach(denied ->
            part.addDenials(DeniedPart.newBuilder().setVoter(Parts.of(denied.voter())).setWhy(PeerFrames.code(denied.why()))));
        if (elections.successor() != null) {
            part.setSuccessor(Parts.of(elections.successor()));
        }
        return part.build();
    }

    private static ServerStatus.Elections elections(ElectionsPart part) {
        List<NodeStatus.Denied> denials = new ArrayList<>(part.getDenialsCount());
        part.getDenialsList().forEach(denied ->
            denials.add(new NodeStatus.Denied(Parts.of(denied.getVoter()), PeerFrames.denial(denied.getWhy()))));
        return new ServerStatus.Elections(part.getTimeoutNanos(), part.getIsMembershipCommitted(), part.getRemovedVersion(), denials,
            part.hasSuccessor() ? Parts.of(part.getSuccessor()) : null, part.getIsHandedOver(), part.getPauses(),
            part.getPausedNanosAgo());
    }

    private static DiskPart part(ServerStatus.Disk disk) {
        DiskPart.Builder part = DiskPart.newBuilder().setSilentNanos(disk.silentNanos()).setBehindNanos(disk.behindNanos())
            .setOldestWriteNanos(disk.oldestWriteNanos()).setSnapshotIndex(disk.snapshotIndex()).setFetchIndex(disk.fetchIndex())
            .setStoredFirstIndex(disk.storedFirstIndex()).setLogBytes(disk.logBytes()).setSnapshotLogBytes(disk.snapshotLogBytes())
            .setHasSnapshots(disk.hasSnapshots()).setRoom(PeerFrames.code(disk.room())).setUsableBytes(disk.usableBytes());
        if (disk.fetching() != null) {
            part.setFetching(Parts.words(disk.fetching()));
        }
        if (disk.damage() != null) {
            part.setDamage(Parts.words(disk.damage()));
        }
        if (disk.snapshotProblem() != null) {
            part.setSnapshotProblem(Parts.words(disk.snapshotProblem()));
        }
        return part.build();
    }

    private static ServerStatus.Disk disk(DiskPart part) {
        return new ServerStatus.Disk(part.getSilentNanos(), part.getBehindNanos(), part.getOldestWriteNanos(), part.getSnapshotIndex(),
            part.getFetchIndex(), part.hasFetching() ? part.getFetching() : null, part.getStoredFirstIndex(), part.getLogBytes(),
            part.getSnapshotLogBytes(), part.getHasSnapshots(), part.hasSnapshotProblem() ? part.getSnapshotProblem() : null,
            part.hasDamage() ? part.getDamage() : null, PeerFrames.room(part.getRoom()), part.hasUsableBytes() ? part.getUsableBytes() : -1);
    }

    private static LoadPart part(ServerStatus.Load load) {
        return LoadPart.newBuilder().setCallBytes(load.callBytes()).setCallBytesMax(load.callBytesMax())
            .setUncommittedBytes(load.uncommittedBytes()).setUncommittedBytesMax(load.uncommittedBytesMax())
            .setUnappliedBytes(load.unappliedBytes()).setUnappliedBytesMax(load.unappliedBytesMax()).setMessageBytes(load.messageBytes())
            .setMessageBytesMax(load.messageBytesMax()).setDroppedMessages(load.droppedMessages()).setRefusedCalls(load.refusedCalls())
            .build();
    }

    private static ServerStatus.Load load(LoadPart part) {
        return new ServerStatus.Load(part.getCallBytes(), part.getCallBytesMax(), part.getUncommittedBytes(), part.getUncommittedBytesMax(),
            part.getUnappliedBytes(), part.getUnappliedBytesMax(), part.getMessageBytes(), part.getMessageBytesMax(),
            part.getDroppedMessages(), part.getRefusedCalls());
    }

    private static CatchUpCode code(NodeStatus.@Nullable CatchUp catchUp) {
        if (catchUp == null) {
            return CatchUpCode.CATCH_UP_UNSPECIFIED;
        }
        return switch (catchUp) {
            case UNHEARD -> CatchUpCode.CATCH_UP_UNHEARD;
            case BEHIND -> CatchUpCode.CATCH_UP_BEHIND;
            case READY -> CatchUpCode.CATCH_UP_READY;
        };
    }

    private static NodeStatus.@Nullable CatchUp catchUp(CatchUpCode code) {
        return switch (code) {
            case CATCH_UP_UNHEARD -> NodeStatus.CatchUp.UNHEARD;
            case CATCH_UP_BEHIND -> NodeStatus.CatchUp.BEHIND;
            case CATCH_UP_READY -> NodeStatus.CatchUp.READY;
            case CATCH_UP_UNSPECIFIED, UNRECOGNIZED -> null;
        };
    }

    private static State code(ServerStatus.State state) {
        return switch (state) {
            case BLANK -> State.STATE_BLANK;
            case REPAIRING -> State.STATE_REPAIRING;
            case FOLLOWER -> State.STATE_FOLLOWER;
            case PRE_CANDIDATE -> State.STATE_PRE_CANDIDATE;
            case CANDIDATE -> State.STATE_CANDIDATE;
            case LEADER -> State.STATE_LEADER;
            case STOPPED -> State.STATE_STOPPED;
        };
    }

    private static ServerStatus.State state(State state) {
        return switch (state) {
            case STATE_BLANK -> ServerStatus.State.BLANK;
            case STATE_REPAIRING -> ServerStatus.State.REPAIRING;
            case STATE_FOLLOWER -> ServerStatus.State.FOLLOWER;
            case STATE_PRE_CANDIDATE -> ServerStatus.State.PRE_CANDIDATE;
            case STATE_CANDIDATE -> ServerStatus.State.CANDIDATE;
            case STATE_LEADER -> ServerStatus.State.LEADER;
            case STATE_STOPPED -> ServerStatus.State.STOPPED;
            case STATE_UNSPECIFIED, UNRECOGNIZED -> throw new IllegalArgumentException("state " + state);
        };
    }
}
