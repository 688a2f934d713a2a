package io.quorate.raft.netty;

import io.quorate.raft.FoundingMessage;
import io.quorate.raft.Identity;
import io.quorate.raft.RepairMessage;
import io.quorate.raft.SnapshotMessage;
import io.quorate.raft.Transport;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.netty.wire.RefusedCode;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Who this end is, and what all its connections share. */
final class Endpoint {

    /** Is told of peers that connected to this end, on their event loops. */
    interface Callers {

        /** This node is connected. */
        void onCall(int nodeId);

        /**
         * That connection is over.
         *
         * @param isByOther whether the other end's host closed or reset it
         */
        void onCallEnded(int nodeId, boolean isByOther);
    }

    private static final Logger LOG = LoggerFactory.getLogger(NettyTransport.class);

    final HandshakeRules rules = new HandshakeRules();
    final Tally tally;
    final Timing timing;
    final IoThreads io;
    final boolean hasAdministration;
    final Callers callers;
    final Transport.Receiver receiver;
    final PatientLog patientLog = new PatientLog(LOG);
    private final String advertisedAddress;
    private volatile Identity identity;

    Endpoint(Identity identity, String advertisedAddress, Transport.Receiver receiver, IoThreads io, Tally tally, Timing timing,
             boolean hasAdministration, Callers callers) {
        this.identity = identity;
        this.advertisedAddress = advertisedAddress;
        this.receiver = receiver;
        this.io = io;
        this.tally = tally;
        this.timing = timing;
        this.hasAdministration = hasAdministration;
        this.callers = callers;
    }

    Identity identity() {
        return identity;
    }

    void founded(Identity founded) {
        identity = founded;
    }

    int nodeId() {
        return identity.replica().nodeId();
    }

    String advertisedAddress() {
        return advertisedAddress;
    }

    /** A peer will not talk with this end. */
    void onRefused(int reporter, Refusal refusal) {
        patientLog.warn("Node " + reporter, "refuses this node: " + refusal.reason());
        if (refusal.code() == RefusedCode.REFUSED_OLDER_BOOT && identity.replica().equals(refusal.replica())
                && refusal.youngerBoot() > identity.boot()) {
            receiver.onYoungerBoot(reporter, refusal.youngerBoot());
        }
    }

    /** The process of a peer has ended, as far as can be told. */
    void onLost(int nodeId) {
        try {
            receiver.onPeerLost(nodeId);
        } catch (RuntimeException e) {
            LOG.error("Told that node {} is lost, the receiver fails", nodeId, e);
        }
    }

    /** Delivers what a peer said, unless it speaks for another, or to another. */
    void deliver(ReplicaId peer, Frame frame) {
        if (frame.type() == FrameType.FOUNDING) {
            FoundingMessage message = PeerFrames.founding(frame);
            check(peer.nodeId() == message.from() && peer.incarnation() == message.incarnation(), message.to(), frame);
            receiver.onFounding(message);
        } else if (FrameType.SNAPSHOTS.contains(frame.type())) {
            SnapshotMessage message = SnapshotFrames.message(frame);
            check(peer.equals(message.from()), message.to().nodeId(), frame);
            receiver.onSnapshot(message);
        } else if (FrameType.REPAIRS.contains(frame.type())) {
            RepairMessage message = RepairFrames.message(frame);
            check(peer.equals(message.from()), message.to().nodeId(), frame);
            receiver.onRepair(message);
        } else {
            Message message = PeerFrames.message(frame);
            check(peer.equals(message.from()), message.to().nodeId(), frame);
            receiver.onMessage(message);
        }
    }

    private void check(boolean isOfPeer, int to, Frame frame) {
        if (!isOfPeer) {
            throw new ForbiddenFrameException("a message " + frame.type() + " in another replica's name");
        }
        if (to != nodeId()) {
            throw new ForbiddenFrameException("a message " + frame.type() + " for node " + to);
        }
    }
}
