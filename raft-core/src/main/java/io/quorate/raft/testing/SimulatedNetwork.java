package io.quorate.raft.testing;

import io.quorate.raft.FoundingMessage;
import io.quorate.raft.RepairMessage;
import io.quorate.raft.SnapshotMessage;
import io.quorate.raft.core.Message;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * Carries messages between the nodes of a simulated group: late, twice, damaged or not at all. Each link has random numbers of its own, so
 * that what befalls one changes little for the others when a plan is cut down.
 */
final class SimulatedNetwork {

    private final SimulatedGroup group;
    private final int nodes;
    private final @Nullable Wire wire;
    private final SplittableRandom[][] random;              // from, to
    private final long[][] cutUntil;                        // likewise
    private final long[] lateUntil;                         // what is sent to this node before then may take elections to arrive
    private final List<Fault.Noise> noises = new ArrayList<>();   // those that go on
    private long messages;

    SimulatedNetwork(SimulatedGroup group, int nodes, @Nullable Wire wire, SplittableRandom source) {
        this.group = group;
        this.nodes = nodes;
        this.wire = wire;
        random = new SplittableRandom[nodes][nodes];
        for (SplittableRandom[] row : random) {
            for (int i = 0; i < nodes; i++) {
                row[i] = source.split();
            }
        }
        cutUntil = new long[nodes][nodes];
        lateUntil = new long[nodes];
    }

    // ------------------------------------------------------------------------------------------------------------------- faults

    void begin(Fault.Noise noise) {
        noises.add(noise);
        group.agenda().after(noise.forNanos(), () -> noises.remove(noise));
    }

    void cut(long links, long forNanos) {
        long until = group.now() + forNanos;
        for (int from = 1; from <= nodes; from++) {
            for (int to = 1; to <= nodes; to++) {
                if (Links.contains(links, from, to)) {
                    cutUntil[from - 1][to - 1] = Math.max(cutUntil[from - 1][to - 1], until);
                }
            }
        }
        group.traceCut(links, until);
    }

    /** Mends every link of a node. */
    void reconnect(int node) {
        for (int i = 0; i < nodes; i++) {
            cutUntil[node - 1][i] = 0;
            cutUntil[i][node - 1] = 0;
        }
    }

    /** Much of what is sent to this node in this time arrives late, perhaps after elections. */
    void delayTo(int node, long forNanos) {
        lateUntil[node - 1] = group.now() + forNanos;
    }

    void heal() {
        noises.clear();
        for (int node = 1; node <= nodes; node++) {
            reconnect(node);
            lateUntil[node - 1] = 0;
        }
    }

    // ------------------------------------------------------------------------------------------------------------------ carrying

    void send(SimulatedReplica sender, Message message) {
        int from = message.from().nodeId();
        int to = message.to().nodeId();
        SimulatedReplica receiver = group.replica(to);
        if (receiver.refuses(sender)) {
            return;
        }
        long boot = sender.bootNumber();
        int life = receiver.boot();
        long id = ++messages;
        group.traceSend(id, message);
        boolean isDamaged = draws(from, to, Draw.DAMAGE);
        Message arriving = wire == null ? message : wire.carry(message, isDamaged, random[from - 1][to - 1]);
        if (wire != null && isDamaged) {
            group.count(arriving == null ? Happening.MESSAGE_DAMAGED : Happening.MESSAGE_DAMAGED_IN_VAIN);
        }
        if (arriving == null) {
            group.traceLost(id, "damaged");
            return;
        }
        carry(id, from, to, () -> {
            if (receiver.boot() != life) {
                group.count(Happening.MESSAGE_OVER_A_RESTART);
            }
            if (receiver.deliver(arriving, boot)) {
                group.traceArrival(id, to);
            } else {
                group.traceLost(id, "the receiver is down");
            }
        });
    }

    void send(SimulatedReplica sender, FoundingMessage message) {
        SimulatedReplica receiver = group.replica(message.to());
        int from = message.from();
        boolean isDamaged = draws(from, message.to(), Draw.DAMAGE);
        FoundingMessage arriving = wire == null ? message : wire.carry(message, isDamaged, random[from - 1][message.to() - 1]);
        long id = ++messages;
        group.traceSend(id, message);
        if (arriving == null || receiver.refuses(sender)) {
            group.traceLost(id, "refused");
            return;
        }
        carry(id, from, message.to(), () -> {
            if (receiver.deliver(arriving)) {
                group.traceArrival(id, message.to());
            } else {
                group.traceLost(id, "the receiver is down");
            }
        });
    }

    void send(SimulatedReplica sender, SnapshotMessage message) {
        int from = message.from().nodeId();
        int to = message.to().nodeId();
        SimulatedReplica receiver = group.replica(to);
        long id = ++messages;
        group.traceSend(id, message);
        boolean isDamaged = draws(from, to, Draw.DAMAGE);
        SnapshotMessage arriving = wire == null ? message : wire.carry(message, isDamaged, random[from - 1][to - 1]);
        if (arriving == null || receiver.refuses(sender)) {
            group.traceLost(id, arriving == null ? "damaged" : "refused");
            return;
        }
        carry(id, from, to, () -> {
            if (receiver.deliver(arriving)) {
                group.traceArrival(id, to);
            } else {
                group.traceLost(id, "the receiver is down");
            }
        });
    }

    void send(SimulatedReplica sender, RepairMessage message) {
        int from = message.from().nodeId();
        int to = message.to().nodeId();
        SimulatedReplica receiver = group.replica(to);
        long id = ++messages;
        group.traceSend(id, message);
        boolean isDamaged = draws(from, to, Draw.DAMAGE);
        RepairMessage arriving = wire == null ? message : wire.carry(message, isDamaged, random[from - 1][to - 1]);
        if (arriving == null || receiver.refuses(sender)) {
            group.traceLost(id, arriving == null ? "damaged" : "refused");
            return;
        }
        carry(id, from, to, () -> {
            if (receiver.deliver(arriving)) {
                group.traceArrival(id, to);
            } else {
                group.traceLost(id, "the receiver is down");
            }
        });
    }

    private void carry(long id, int from, int to, Runnable delivery) {
        if (isCut(from, to)) {
            group.count(isCut(to, from) ? Happening.MESSAGE_CUT_OFF : Happening.MESSAGE_CUT_OFF_ONE_WAY);
            group.traceLost(id, "cut off");
            return;
        }
        if (draws(from, to, Draw.LOSS)) {
            group.count(Happening.MESSAGE_LOST);
            group.traceLost(id, "lost");
            return;
        }
        group.agenda().after(delay(from, to), delivery);
        if (draws(from, to, Draw.REPEAT)) {
            group.count(Happening.MESSAGE_REPEATED);
            group.agenda().after(delay(from, to) + lateness(from, to), delivery);
        }
    }

    private boolean isCut(int from, int to) {
        return group.now() < cutUntil[from - 1][to - 1];
    }

    private enum Draw { LOSS, REPEAT, LATE, DAMAGE }

    private boolean draws(int from, int to, Draw what) {
        for (Fault.Noise noise : noises) {
            int permille = switch (what) {
                case LOSS -> noise.lossPermille();
                case REPEAT -> noise.repeatPermille();
                case LATE -> noise.latePermille();
                case DAMAGE -> noise.damagePermille();
            };
            if (permille > 0 && random[from - 1][to - 1].nextInt(1000) < permille) {
                return true;
            }
        }
        return false;
    }

    private long delay(int from, int to) {
        SplittableRandom dice = random[from - 1][to - 1];
        long t = group.plan().electionTimeoutNanos();
        if (group.isHealing()) {
            return dice.nextLong(t / 1000 + 1);
        }
        if (group.now() < lateUntil[to - 1] && dice.nextInt(3) == 0) {
            group.count(Happening.MESSAGE_LATE);
            return dice.nextLong(5 * t);
        }
        if (draws(from, to, Draw.LATE)) {
            group.count(Happening.MESSAGE_LATE);
            return lateness(from, to);
        }
        return dice.nextLong(group.plan().delayNanosMax() + 1);
    }

    /** Half of the late ones are late by anything up to the maximum, the others from a heavy tail. */
    private long lateness(int from, int to) {
        SplittableRandom dice = random[from - 1][to - 1];
        long max = 0;
        for (Fault.Noise noise : noises) {
            max = Math.max(max, noise.lateNanosMax());
        }
        double share = dice.nextDouble();
        return (long) (max * (dice.nextBoolean() ? share : share * share * share * share));
    }
}
