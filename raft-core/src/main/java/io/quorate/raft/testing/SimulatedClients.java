package io.quorate.raft.testing;

import io.quorate.raft.OutcomeUnknownException;
import io.quorate.raft.core.ReplicaId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
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
    private long nextCall = 1;
    private long acknowledged;
    private long readsServed;
    private long probedWrites;              // of the kit's own
    private long probedReads;

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
            if (group.isQuiet()) {
                think();
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
            ask(replica, request(id, random));
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

    /** How many writes of the kit's own were done. */
    long probedWrites() {
        return probedWrites;
    }

    long probedReads() {
        return probedReads;
    }

    /** As many others ask something of this node at once, each once. */
    void flood(SimulatedReplica replica, int requests) {
        for (int i = 0; i < requests && replica.isUp(); i++) {
            Client client = new Client(group.setup().clients() + i, floods.split());
            Workload.Request request = request(client.id, floods);
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
        propose(replica, PROBER, WatchedMachine.wrapProbe(nextCall), nobody);
        read(replica, PROBER, WatchedMachine.probe(), nobody);
    }

    // --------------------------------------------------------------------------------------------------------------- asking, answers

    private Workload.Request request(int client, SplittableRandom random) {
        return Objects.requireNonNull(workload.next(client, random), "Workload.next returned null");
    }

    private void submit(SimulatedReplica replica, int client, Workload.Request request, Answer answer) {
        group.onAsked(replica, client, request.kind(), request.input());
        if (request.kind() == Operation.Kind.PROPOSE) {
            propose(replica, client, WatchedMachine.wrapCommand(nextCall, request.input()), answer);
        } else {
            read(replica, client, WatchedMachine.wrapQuery(request.input()), answer);
        }
    }

    private void propose(SimulatedReplica replica, int client, byte[] command, Answer answer) {
        long call = nextCall++;
        replica.propose(call, command, new SimulatedProcess.Caller() {
            @Override
            public void done(byte[] result, long index) {
                group.invariants().onDone(call, index);
                if (client == PROBER) {
                    probedWrites++;
                } else {
                    acknowledged++;
                }
                group.onAnswered(replica, client, Arrays.hashCode(result), () -> "done at " + index + ": " + Operation.text(result));
                answer.done(result);
            }

            @Override
            public void failed(@Nullable Throwable why) {
                group.onAnswered(replica, client, hashOf(why), () -> why == null ? "no answer" : why.toString());
                answer.failed(why != null && !(why instanceof OutcomeUnknownException), replica.leader());
            }
        });
    }

    private void read(SimulatedReplica replica, int client, byte[] query, Answer answer) {
        long call = nextCall++;
        replica.read(call, query, new SimulatedProcess.Caller() {
            @Override
            public void done(byte[] result, long index) {
                group.invariants().onReadServed(call, WatchedMachine.indexOf(result));
                byte[] output = WatchedMachine.answerOf(result);
                if (client == PROBER) {
                    probedReads++;
                } else {
                    readsServed++;
                }
                group.onAnswered(replica, client, Arrays.hashCode(output), () -> "read at " + index + ": " + Operation.text(output));
                answer.done(output);
            }

            @Override
            public void failed(@Nullable Throwable why) {
                group.onAnswered(replica, client, hashOf(why), () -> why == null ? "no answer" : why.toString());
                answer.failed(true, replica.leader());     // a read that got no answer has done nothing
            }
        });
    }

    private static long hashOf(@Nullable Throwable why) {
        return why == null ? 1 : why.getClass().getName().hashCode();
    }
}
