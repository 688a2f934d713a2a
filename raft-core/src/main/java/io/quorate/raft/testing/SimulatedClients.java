package io.quorate.raft.testing;

import io.quorate.raft.OutcomeUnknownException;
import io.quorate.raft.core.ReplicaId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * The clients of a simulated group. Each asks one thing at a time, mostly of the node that it believes to lead, and what it is told is held
 * against what has been applied; all of it goes into a {@link History}.
 *
 * <p>After an unknown outcome a client goes on under another number in the history: what it asked may take effect at any time.
 */
final class SimulatedClients {

    /** How often, within an election timeout, all clients together ask. */
    private static final int REQUESTS_PER_TIMEOUT = 20;
    /** The number of the client that asks for the kit. */
    private static final int PROBER = -1;

    private final SimulatedGroup group;
    private final Workload workload;
    private final SplittableRandom floods;
    private final List<Client> clients = new ArrayList<>();
    private final History history = new History();
    private int nextNumber;                 // of a client, in the history
    private long nextCommand = 1;
    private long acknowledged;
    private long readsServed;
    private long observedIndex;             // everything up to here has been told to some client
    private final Map<Long, Long> applied = new HashMap<>();      // where each command stands that some replica has applied
    private final Set<Long> failedForCertain = new HashSet<>();   // of those whose callers were told that nothing happened

    private final class Client {
        private final int id;
        private final SplittableRandom random;
        private int number = nextNumber++;
        private int target;
        private long calls;             // the one that is open has this number; an answer to another comes too late

        private Client(int id, SplittableRandom random) {
            this.id = id;
            this.random = random;
        }

        private void think() {
            long mean = group.plan().electionTimeoutNanos() * clients.size() / REQUESTS_PER_TIMEOUT;
            group.agenda().after(random.nextLong(2 * mean), this::act);
        }

        private void act() {
            if (group.isHealing()) {
                return;
            }
            if (target == 0 || random.nextInt(8) == 0) {
                target = 1 + random.nextInt(group.replicas().size());
            }
            SimulatedReplica replica = group.replica(target);
            if (!replica.isUp()) {
                target = 0;
                think();
                return;
            }
            ask(replica, workload.next(id, random));
        }

        private void ask(SimulatedReplica replica, Workload.Request request) {
            long call = ++calls;
            long handle = history.invoke(number, request.kind(), request.input());
            // A client does not wait for ever: a paused server answers when it is too late.
            group.agenda().after(2 * group.callTimeout(), () -> {
                if (calls == call) {
                    unknown(request, handle);
                }
            });
            submit(replica, number, request, new Answer() {
                @Override
                public void done(byte[] output) {
                    if (calls == call) {
                        calls++;
                        history.done(handle, output);
                        workload.onOutcome(id, request, Operation.Outcome.DONE, output);
                        think();
                    }
                }

                @Override
                public void failed(boolean isForCertain, @Nullable ReplicaId leader) {
                    if (calls != call) {
                        return;
                    }
                    target = leader == null ? 0 : leader.nodeId();
                    if (isForCertain) {
                        calls++;
                        history.failed(handle);
                        group.count(Happening.REFUSED);
                        workload.onOutcome(id, request, Operation.Outcome.FAILED, null);
                        think();
                    } else {
                        unknown(request, handle);
                    }
                }
            });
        }

        private void unknown(Workload.Request request, long handle) {
            calls++;
            history.unknown(handle);
            number = nextNumber++;
            target = 0;
            group.count(Happening.OUTCOME_UNKNOWN);
            workload.onOutcome(id, request, Operation.Outcome.UNKNOWN, null);
            think();
        }
    }

    private interface Answer {
        void done(byte[] output);

        void failed(boolean isForCertain, @Nullable ReplicaId leader);
    }

    SimulatedClients(SimulatedGroup group, SplittableRandom random) {
        this.group = group;
        workload = group.setup().workloads().get();
        floods = random.split();
        for (int i = 0; i < group.setup().clients(); i++) {
            clients.add(new Client(i, random.split()));
        }
    }

    void start() {
        clients.forEach(Client::think);
    }

    History history() {
        return history;
    }

    long acknowledged() {
        return acknowledged;
    }

    long readsServed() {
        return readsServed;
    }

    /** Everything up to here has been told to some client. */
    long observedIndex() {
        return observedIndex;
    }

    /** As many others ask something of this node at once, each once. */
    void flood(SimulatedReplica replica, int requests) {
        for (int i = 0; i < requests && replica.isUp(); i++) {
            Client client = new Client(group.setup().clients() + i, floods.split());
            Workload.Request request = workload.next(client.id, floods);
            long handle = history.invoke(client.number, request.kind(), request.input());
            submit(replica, client.number, request, new Answer() {
                @Override
                public void done(byte[] output) {
                    history.done(handle, output);
                    workload.onOutcome(client.id, request, Operation.Outcome.DONE, output);
                }

                @Override
                public void failed(boolean isForCertain, @Nullable ReplicaId leader) {
                    if (isForCertain) {
                        history.failed(handle);
                    } else {
                        history.unknown(handle);
                    }
                    workload.onOutcome(client.id, request, isForCertain ? Operation.Outcome.FAILED : Operation.Outcome.UNKNOWN, null);
                }
            });
        }
    }

    /** A command and a query of the kit's own, for which the user's machine is not asked. */
    void probe(SimulatedReplica replica) {
        Answer nobody = new Answer() {
            @Override
            public void done(byte[] output) { }

            @Override
            public void failed(boolean isForCertain, @Nullable ReplicaId leader) { }
        };
        propose(replica, PROBER, -nextCommand++, new byte[0], nobody);
        read(replica, PROBER, WatchedMachine.probe(), nobody);
    }

    // --------------------------------------------------------------------------------------------------------------- asking, answers

    private void submit(SimulatedReplica replica, int client, Workload.Request request, Answer answer) {
        group.onAsked(replica, client, request.kind(), request.input());
        if (request.kind() == Operation.Kind.PROPOSE) {
            propose(replica, client, nextCommand++, request.input(), answer);
        } else {
            read(replica, client, WatchedMachine.wrapQuery(request.input()), answer);
        }
    }

    private void propose(SimulatedReplica replica, int client, long number, byte[] command, Answer answer) {
        replica.propose(WatchedMachine.wrapCommand(number, command), new SimulatedReplica.Caller() {
            @Override
            public void done(byte[] result, long index) {
                onAcknowledged(number, index);
                group.onAnswered(replica, client, () -> "done at " + index + ": " + Operation.text(result));
                answer.done(result);
            }

            @Override
            public void failed(@Nullable Throwable why) {
                boolean isForCertain = why != null && !(why instanceof OutcomeUnknownException);
                group.onAnswered(replica, client, () -> why == null ? "no answer" : why.toString());
                if (isForCertain) {
                    onFailedForCertain(number);
                }
                answer.failed(isForCertain, replica.leader());
            }
        });
    }

    private void read(SimulatedReplica replica, int client, byte[] query, Answer answer) {
        long floor = observedIndex;
        replica.read(query, new SimulatedReplica.Caller() {
            @Override
            public void done(byte[] result, long index) {
                onReadServed(replica, floor, WatchedMachine.indexOf(result));
                byte[] output = WatchedMachine.answerOf(result);
                group.onAnswered(replica, client, () -> "read at " + index + ": " + Operation.text(output));
                answer.done(output);
            }

            @Override
            public void failed(@Nullable Throwable why) {
                group.onAnswered(replica, client, () -> why == null ? "no answer" : why.toString());
                answer.failed(true, replica.leader());     // a read that got no answer has done nothing
            }
        });
    }

    // ---------------------------------------------------------------------------------------------------- what must hold of answers

    /** A client has been told that its command is done, at this index: there it stands, and nowhere else. */
    private void onAcknowledged(long command, long index) {
        Long at = applied.get(command);
        group.require(at != null && at == index, "DoneMeansApplied", "command %s is done at %s, but was applied at %s", command, index, at);
        acknowledged++;
        observedIndex = Math.max(observedIndex, index);
    }

    /**
     * A client's read was answered.
     *
     * @param floor        what clients had been told before it was asked
     * @param appliedIndex what the answer shows
     */
    private void onReadServed(SimulatedReplica by, long floor, long appliedIndex) {
        group.require(appliedIndex >= floor, "ReadsAreFresh", "%s answers a read from %s, but %s was told before", by.id(), appliedIndex,
            floor);
        readsServed++;
        observedIndex = Math.max(observedIndex, appliedIndex);
    }

    /** A client was told that nothing happened, and nothing will: it must stay so. */
    private void onFailedForCertain(long command) {
        failedForCertain.add(command);
        group.require(!applied.containsKey(command), "FailedMeansNeverApplied", "command %s failed for certain, but was applied", command);
    }

    void onApplied(long command, long index) {
        Long before = applied.putIfAbsent(command, index);
        group.require(before == null || before == index, "AppliedOnce", "command %s is applied at %s, but was at %s", command, index, before);
        group.require(!failedForCertain.contains(command), "FailedMeansNeverApplied", "command %s is applied, but has failed for certain",
            command, index, before);
    }
}
