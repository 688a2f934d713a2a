package io.quorate.raft.testing;

import io.quorate.raft.ClusterId;
import io.quorate.raft.FoundingMessage;
import io.quorate.raft.FoundingRecord;
import io.quorate.raft.Identity;
import io.quorate.raft.Transport;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.ReplicaId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** Some transports of one network while they are held against one sentence. */
final class TransportTrial implements AutoCloseable {

    static final ClusterId CLUSTER = new ClusterId(0x51, 1);
    static final int EPOCH = 5;

    private static final long PAUSE_NANOS = 1_000_000;
    private static final AtomicLong TRIALS = new AtomicLong();

    private final String sentence;
    private final TransportContract.Network network;
    private final long patienceNanos;
    private final List<TransportEnd> ends = new ArrayList<>();
    private final AtomicLong numbers = new AtomicLong();
    private final long incarnation = TRIALS.incrementAndGet();

    TransportTrial(String sentence, TransportContract.Network network, long patienceNanos) {
        this.sentence = sentence;
        this.network = network;
        this.patienceNanos = patienceNanos;
    }

    // ----------------------------------------------------------------------------------------------------------------- who talks

    /** Each trial has replicas of its own: a transport may remember for long whom it has seen. */
    ReplicaId replica(int nodeId) {
        return new ReplicaId(nodeId, incarnation);
    }

    FoundingRecord founding(ClusterId cluster, int epoch) {
        return new FoundingRecord(cluster, epoch, Membership.of(1, List.of(new Member(replica(1), "one.example:1"),
            new Member(replica(2), "zwei-straße.example:2"), new Member(replica(3), ""))));
    }

    Identity member(int nodeId) {
        return member(nodeId, 1, CLUSTER, EPOCH);
    }

    Identity member(int nodeId, long boot, ClusterId cluster, int epoch) {
        return new Identity(replica(nodeId), boot, founding(cluster, epoch));
    }

    Identity blank(int nodeId) {
        return new Identity(replica(nodeId), 1, null);
    }

    /** A started transport, at a free address. */
    TransportEnd start(Identity identity) throws Exception {
        return start(identity, null, Map.of());
    }

    /** A started transport. */
    TransportEnd start(Identity identity, @Nullable String address, Map<Integer, String> peers) throws Exception {
        Transport transport = network.transport(identity.replica().nodeId(), address);
        TransportEnd end = new TransportEnd(identity, transport);
        ends.add(end);
        transport.start(new Transport.Local(identity), peers, end);
        return end;
    }

    /** Tells each where the others are. */
    static void meet(TransportEnd... all) {
        for (TransportEnd end : all) {
            end.transport.peers(addresses(all));
        }
    }

    static Map<Integer, String> addresses(TransportEnd... all) {
        Map<Integer, String> addresses = new HashMap<>();
        for (TransportEnd end : all) {
            addresses.put(end.nodeId(), end.transport.advertisedAddress());
        }
        return addresses;
    }

    // -------------------------------------------------------------------------------------------------------------- what is said

    /** A message that is equal to no other. */
    Message numbered(TransportEnd from, int to) {
        return new Message.PreVote(from.replica(), replica(to), 3, EntryId.ZERO, numbers.incrementAndGet());
    }

    FoundingMessage question(TransportEnd from, int to) {
        return new FoundingMessage(from.nodeId(), from.replica().incarnation(), to, 0, numbers.incrementAndGet(),
            from.identity().founding(), true);
    }

    /** Says something new again and again, as Raft does, until some of it arrives. */
    void reach(TransportEnd from, TransportEnd to) {
        List<Message> sent = new ArrayList<>();
        await("a message from node " + from.nodeId() + " to node " + to.nodeId(), () -> {
            Message message = numbered(from, to.nodeId());
            sent.add(message);
            from.transport.send(message);
            return to.messages.stream().anyMatch(sent::contains);
        });
    }

    // -------------------------------------------------------------------------------------------------------------- what is found

    /** Asks until it holds, for as long as the author has patience. */
    void await(String what, BooleanSupplier condition) {
        long start = System.nanoTime();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - start > patienceNanos) {
                throw broken("waited " + patienceNanos / 1_000_000 + " ms in vain for " + what + troubles());
            }
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }

    /** Does this on a thread of its own; it must end. */
    void mustReturn(String what, Runnable act) throws InterruptedException {
        List<Throwable> failures = new ArrayList<>();
        Thread thread = new Thread(() -> {
            try {
                act.run();
            } catch (RuntimeException | Error e) {
                failures.add(e);
            }
        }, "transport-contract");
        thread.setDaemon(true);
        thread.start();
        thread.join(Math.max(1, patienceNanos / 1_000_000));
        if (thread.isAlive()) {
            StackTraceElement[] stack = thread.getStackTrace();
            thread.interrupt();
            throw broken(what + " has not returned after " + patienceNanos / 1_000_000 + " ms, and stands at "
                + (stack.length == 0 ? "its end" : stack[0]));
        }
        for (Throwable failure : failures) {
            ContractBroken broken = failure instanceof ContractBroken already ? already : broken(what + " fails with " + failure);
            if (broken != failure) {
                broken.initCause(failure);
            }
            throw broken;
        }
    }

    void check(boolean holds, String otherwise) {
        if (!holds) {
            throw broken(otherwise);
        }
    }

    ContractBroken broken(String seen) {
        return new ContractBroken(sentence, seen);
    }

    private String troubles() {
        StringBuilder text = new StringBuilder();
        for (TransportEnd end : ends) {
            for (TransportEnd other : ends) {
                String trouble = other.nodeId() == end.nodeId() ? null : end.transport.trouble(other.nodeId());
                if (trouble != null) {
                    text.append("; node ").append(end.nodeId()).append(" says of node ").append(other.nodeId()).append(": ")
                        .append(trouble);
                }
            }
        }
        return text.toString();
    }

    @Override
    public void close() {
        for (TransportEnd end : ends) {
            try {
                end.transport.close();
            } catch (RuntimeException e) {
                // It has been judged already.
            }
        }
    }
}
