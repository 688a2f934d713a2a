package io.quorate.raft.testing;

import io.quorate.raft.core.NodeStatus;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.SplittableRandom;

/** Strikes at moments at which little stands between the rules and their violation: see {@link Fault.Strike}. */
final class Strikes {

    private final SimulatedGroup group;
    private final long t;                                            // an election timeout
    private final List<Fault.Strike> armed = new ArrayList<>();

    Strikes(SimulatedGroup group) {
        this.group = group;
        t = group.plan().electionTimeoutNanos();
    }

    void arm(Fault.Strike strike) {
        armed.add(strike);
    }

    void heal() {
        armed.clear();
    }

    /** A replica has taken its turn at such a moment. */
    void onBalance(SimulatedReplica replica, Fault.Balance balance) {
        for (Iterator<Fault.Strike> each = armed.iterator(); each.hasNext();) {
            Fault.Strike strike = each.next();
            if (group.now() > strike.atNanos() + strike.forNanos()) {
                each.remove();
            } else if (strike.balance() == balance) {
                each.remove();
                group.traceFault(replica.nodeId(), "is struck over " + balance);
                strike(replica, balance, new SplittableRandom(strike.dice()));
                return;
            }
        }
    }

    private void strike(SimulatedReplica replica, Fault.Balance balance, SplittableRandom random) {
        if (random.nextInt(3) == 0) {   // what answers it gets, it gets in another term
            group.network().delayTo(replica.nodeId(), random.nextLong(3 * t));
        }
        if (balance == Fault.Balance.VOTES) {
            strikeCandidate(replica, random);
        } else {
            strikeLeader(replica, random);
        }
    }

    /** Its own vote takes long to become durable; meanwhile the leader it had given up is heard again, commits, and falls silent. */
    private void strikeCandidate(SimulatedReplica replica, SplittableRandom random) {
        long heard = random.nextLong(t / 5, 3 * t / 2);
        replica.ailments().hangDisk(random.nextBoolean() ? random.nextLong(5 * t) : heard + random.nextLong(t, 3 * t));
        long silence = random.nextLong(t, 4 * t);
        long proposed = random.nextLong(heard);
        int requests = random.nextInt(6);
        for (SimulatedReplica other : group.replicas()) {
            if (other.isLeader()) {
                group.network().reconnect(other.nodeId());
                group.later(proposed, () -> group.clients().flood(other, requests));
                group.later(heard, () -> cutOff(other, 0, silence));
            }
        }
    }

    private void strikeLeader(SimulatedReplica replica, SplittableRandom random) {
        group.clients().flood(replica, random.nextInt(6));   // what it takes now may be lost, be kept, or come back later
        int kind = random.nextInt(4);
        if (kind == 0) {
            long delay = random.nextLong(random.nextBoolean() ? t / 50 : t / 2);
            long down = random.nextBoolean() ? random.nextLong(t / 10) : random.nextLong(10 * t);
            boolean keepsWrite = random.nextInt(3) == 0;
            group.later(delay, () -> group.crash(replica, keepsWrite, down));
        } else if (kind == 1) {   // it is deposed while its disk still writes what it took
            cutOff(replica, 0, random.nextLong(t, 5 * t));
            replica.ailments().hangDisk(random.nextLong(t, 8 * t));
        } else {                  // perhaps one other still hears it
            cutOff(replica, random.nextInt(group.replicas().size() + 1), random.nextLong(t / 2, 4 * t));
        }
    }

    /** Cuts every link of a node for a while, but for those with one other, if that is not 0. */
    private void cutOff(SimulatedReplica replica, int spared, long nanos) {
        int node = replica.nodeId();
        long links = Links.around(group.replicas().size(), node);
        if (spared != 0 && spared != node) {
            links &= ~Links.between(node, spared);
        }
        group.network().cut(links, nanos);
    }

    /** What hangs in the balance at a leader. */
    Fault.Balance balance(SimulatedReplica leader, NodeStatus status) {
        long uncommitted = group.invariants().committedIndex() + 1;
        if (uncommitted > status.lastIndex() || leader.logAt(uncommitted).term() == status.term()) {
            return Fault.Balance.ENTRIES;
        }
        long reached = quorumIndex(status);
        return reached >= uncommitted && leader.logAt(reached).term() < status.term() ? Fault.Balance.INHERITANCE_ON_A_QUORUM
            : Fault.Balance.INHERITANCE;
    }

    /** Up to where a quorum holds a leader's log, as far as the leader knows. */
    private static long quorumIndex(NodeStatus status) {
        long[] held = new long[status.peers().size() + 1];
        for (int i = 0; i < held.length - 1; i++) {
            held[i] = Math.max(0, status.peers().get(i).matchIndex());
        }
        held[held.length - 1] = status.durableIndex();
        Arrays.sort(held);
        return held[(held.length - 1) / 2];
    }
}
