package io.quorate.raft.netty;

import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.netty.wire.Refused;
import io.quorate.raft.netty.wire.RefusedCode;
import org.jspecify.annotations.Nullable;

/**
 * Why one end will not talk with the other.
 *
 * @param code        for programs
 * @param reason      for people
 * @param replica     with an older boot: which replica was refused; else null
 * @param youngerBoot with an older boot: the younger one's number; else 0
 */
record Refusal(RefusedCode code, String reason, @Nullable ReplicaId replica, long youngerBoot) {

    Refusal(RefusedCode code, String reason) {
        this(code, reason, null, 0);
    }

    static Refusal ofOlderBoot(ReplicaId replica, long boot, long youngerBoot) {
        return new Refusal(RefusedCode.REFUSED_OLDER_BOOT, "boot " + boot + " of replica " + replica + " is over: boot " + youngerBoot
            + " has been seen; is a copy of its data directory in use?", replica, youngerBoot);
    }

    Refused toFrame() {
        Refused.Builder refused = Refused.newBuilder().setCode(code).setReason(Parts.words(reason)).setYoungerBoot(youngerBoot);
        if (replica != null) {
            refused.setReplica(Parts.of(replica));
        }
        return refused.build();
    }

    /**
     * Reads a refusal; a code of a newer version is as good as none.
     *
     * @throws MalformedFrameException if it names an impossible replica
     */
    static Refusal of(Frame frame) {
        Refused refused = Parts.parse(Refused.parser(), frame);
        try {
            return new Refusal(refused.getCode() == RefusedCode.UNRECOGNIZED ? RefusedCode.REFUSED_UNSPECIFIED : refused.getCode(),
                Parts.words(refused.getReason()), refused.hasReplica() ? Parts.of(refused.getReplica()) : null, refused.getYoungerBoot());
        } catch (IllegalArgumentException e) {
            throw Parts.impossible(frame, e);
        }
    }
}
