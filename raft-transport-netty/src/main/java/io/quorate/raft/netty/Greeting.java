package io.quorate.raft.netty;

import io.quorate.raft.ClusterId;
import io.quorate.raft.FoundingRecord;
import io.quorate.raft.Identity;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.netty.wire.Hello;
import io.quorate.raft.netty.wire.Role;
import io.quorate.raft.netty.wire.Welcome;
import org.jspecify.annotations.Nullable;

/**
 * What one end of a connection says of itself in the handshake: in a Hello who opened it, in a Welcome who accepted.
 *
 * @param role              who opened the connection
 * @param clusterId         its group; null of a blank replica, and of a client that has met none
 * @param epoch             of the group; 0 without one
 * @param replica           who; null of a client
 * @param boot              of the replica; 0 of a client
 * @param receiverNodeId    for which node a Hello is meant; 0 of a client, and in a Welcome
 * @param advertisedAddress where the sender of a Hello can be reached; empty if it cannot
 */
record Greeting(Role role, @Nullable ClusterId clusterId, int epoch, @Nullable ReplicaId replica, long boot, int receiverNodeId,
                String advertisedAddress) {

    /** The protocol's versions that this code speaks. */
    static final int VERSION_MIN = 1;
    static final int VERSION_MAX = 1;
    /** "QUORATE" and a number that changes only if the handshake itself does. */
    static final long MAGIC = 0x51554F5241544501L;

    static final int EPOCH_MAX = 0xFFFF;
    /** Longer than any host's name with its port. */
    private static final int ADDRESS_MAX = 512;

    Greeting {
        if (epoch < 0 || epoch > EPOCH_MAX || boot < 0 || receiverNodeId < 0 || advertisedAddress.length() > ADDRESS_MAX) {
            throw new IllegalArgumentException("epoch " + epoch + ", boot " + boot + ", for node " + receiverNodeId);
        }
        if (role == Role.ROLE_PEER ? replica == null || boot < 1 : role != Role.ROLE_CLIENT && role != Role.ROLE_ADMIN) {
            throw new IllegalArgumentException(role + " " + replica + " in boot " + boot);
        }
    }

    /** What a replica says to the peer with this node id. */
    static Greeting ofPeer(Identity identity, int receiverNodeId, String advertisedAddress) {
        FoundingRecord founding = identity.founding();
        return new Greeting(Role.ROLE_PEER, founding == null ? null : founding.clusterId(), founding == null ? 0 : founding.epoch(),
            identity.replica(), identity.boot(), receiverNodeId, advertisedAddress);
    }

    /** What a client or an administrator says that wants this group, or the first that it meets. */
    static Greeting ofClient(Role role, @Nullable ClusterId expected, int epoch) {
        return new Greeting(role, expected, epoch, null, 0, 0, "");
    }

    boolean isBlank() {
        return clusterId == null;
    }

    Hello toHello() {
        Hello.Builder hello = Hello.newBuilder().setMagic(MAGIC).setVersionMin(VERSION_MIN).setVersionMax(VERSION_MAX).setRole(role)
            .setEpoch(epoch).setBoot(boot).setReceiverNodeId(receiverNodeId).setAdvertisedAddress(advertisedAddress);
        if (clusterId != null) {
            hello.setClusterId(Parts.of(clusterId));
        }
        if (replica != null) {
            hello.setSender(Parts.of(replica));
        }
        return hello.build();
    }

    Welcome toWelcome(int version) {
        Welcome.Builder welcome = Welcome.newBuilder().setMagic(MAGIC).setVersion(version).setEpoch(epoch).setBoot(boot);
        if (clusterId != null) {
            welcome.setClusterId(Parts.of(clusterId));
        }
        if (replica != null) {
            welcome.setSender(Parts.of(replica));
        }
        return welcome.build();
    }

    /**
     * Reads a Hello whose version has been agreed on.
     *
     * @throws MalformedFrameException if it says something impossible
     */
    static Greeting of(Frame frame, Hello hello) {
        try {
            return new Greeting(hello.getRole(), hello.hasClusterId() ? Parts.of(hello.getClusterId()) : null, hello.getEpoch(),
                hello.hasSender() ? Parts.of(hello.getSender()) : null, hello.getBoot(), hello.getReceiverNodeId(),
                hello.getAdvertisedAddress());
        } catch (IllegalArgumentException e) {
            throw Parts.impossible(frame, e);
        }
    }

    /**
     * Reads a Welcome.
     *
     * @throws MalformedFrameException if it says something impossible, or chooses a version that was not offered
     */
    static Greeting ofWelcome(Frame frame) {
        Welcome welcome = Parts.parse(Welcome.parser(), frame);
        if (welcome.getMagic() != MAGIC) {
            throw new MalformedFrameException("a welcome of another protocol");
        }
        if (welcome.getVersion() < VERSION_MIN || welcome.getVersion() > VERSION_MAX) {
            throw new MalformedFrameException("a welcome in version " + welcome.getVersion() + ", which was not offered");
        }
        try {
            return new Greeting(Role.ROLE_PEER, welcome.hasClusterId() ? Parts.of(welcome.getClusterId()) : null, welcome.getEpoch(),
                Parts.of(welcome.getSender()), welcome.getBoot(), 0, "");
        } catch (IllegalArgumentException e) {
            throw Parts.impossible(frame, e);
        }
    }
}
