package io.quorate.raft.testing;

import io.quorate.raft.Freshness;
import io.quorate.raft.OutcomeUnknownException;
import io.quorate.raft.SessionCommand;
import io.quorate.raft.SessionResult;
import io.quorate.raft.SessionResult.Reason;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.NodeStatus;
import io.quorate.raft.core.ReplicaId;
import java.nio.ByteBuffer;
import java.time.Duration;
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
 * <p>What the workload reads is read from the leader or from others, and may rest on a lease, but is always as fresh as can be. Besides
 * there are readers who mind staleness less or not at all, of whichever replica; their answers are no part of the history, and neither
 * hears the workload of them. All of them say now and then up to where they have seen.
 *
 * <p>After an unknown outcome a client goes on under another number in the history: what it asked may take effect at any time. In
 * {@linkplain SimulatedSessions sessions} it first asks again, wherever it may, until it is answered or has given up, as one operation.
 */
final class SimulatedClients {

    /** How often, within an election timeout, all clients together ask. */
    private static final int REQUESTS_PER_TIMEOUT = 20;
    /** The number of the client that asks for the kit. */
    private static final int PROBER = -1;
    /** How many readers there are who do not mind staleness, how often each of them asks in an election timeout, and their number. */
    private static final int READERS = 2;
    private static final int READS_PER_TIMEOUT = 1;
    private static final int READER = -2;

    private final SimulatedGroup group;
    private final Workload workload;
    private final @Nullable SimulatedSessions sessions;
    private final SplittableRandom floods;
    private final List<Client> clients = new ArrayList<>();
    private final List<Reader> readers = new ArrayList<>();
    private final History history = new History();
    private int nextNumber;                 // of a client, in the history
    private long nextCall = 1;
    private long acknowledged;
    private long readsServed;
    private long probedWrites;              // of the kit's own
    private long probedReads;
    private long toldIndex;                 // the newest that anybody was told of
    private byte @Nullable [] lastQuery;    // of the workload

    /** What somebody is about. What belongs to a session is asked again until it is answered; anything else is asked once. */
    private final class Errand {
        private final Workload.@Nullable Request request;           // null: an affair of the session, which is nobody else's business
        private final SimulatedSessions.@Nullable Call inSession;
        private final byte[] payload;                               // if it is not in a session
        private final long handle;                                  // in the history
        private boolean isPerhaps;                                  // asked once with an unknown outcome

        /** An affair of the session. */
        private Errand(byte[] affair) {
            request = null;
            inSession = null;
            payload = affair;
            handle = -1;
        }

        /** What the workload says, which this client does in its session if it has one, mostly. */
        private Errand(int id, int number, SplittableRandom random) {
            request = request(id, random);
            byte[] input = request.input();
            handle = history.invoke(number, request.kind(), input);
            boolean isTooLong = input.length > Entry.PAYLOAD_BYTES_MAX;     // will be refused, and is not copied for that
            if (sessions == null || isTooLong || isRead()) {
                inSession = null;
                payload = input;
            } else {
                inSession = random.nextInt(10) == 0 ? null : sessions.call(id, input);
                payload = inSession != null ? input : new SessionCommand.Plain(ByteBuffer.wrap(input)).encode();
            }
        }

        private boolean isRead() {
            return request != null && request.kind() == Operation.Kind.READ;
        }

        private byte[] payload(SplittableRandom random) {
            return inSession == null ? payload : inSession.encode(random);
        }

        /** What sessions have answered; null if none were asked. */
        private @Nullable SessionResult resultOf(byte[] output) {
            return sessions == null || isRead() ? null : SessionResult.decode(output);
        }

        /** Whether it is asked again as long as it is not answered. */
        private boolean isRepeated() {
            return inSession != null;
        }

        /** Returns whether that is the end of it. */
        private boolean refused(Reason reason) {
            if (inSession != null) {
                inSession.refused(reason);
            }
            return reason != Reason.FULL;
        }

        private void end(int id, Operation.Outcome outcome, byte @Nullable [] output) {
            if (inSession != null) {
                inSession.settle(outcome == Operation.Outcome.DONE);
            }
            if (request == null) {
                return;
            }
            switch (outcome) {
                case DONE -> history.done(handle, Objects.requireNonNull(output));
                case FAILED -> history.failed(handle);
                case UNKNOWN -> history.unknown(handle);
            }
            workload.onOutcome(id, request, outcome, output);
        }
    }

    private final class Client {
        private final int id;
        private final SplittableRandom random;
        private int number = nextNumber++;
        private int target;
        private long calls;             // the one that is open has this number; an answer to another comes too late
        private @Nullable Errand errand;

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
            if (errand != null && random.nextInt(errand.isPerhaps ? 30 : 4) == 0) {
                end(errand, errand.isPerhaps ? Operation.Outcome.UNKNOWN : Operation.Outcome.FAILED, null);     // gives it up
            }
            if (errand == null) {
                errand = nextErrand();
            }
            ask(errand.isRead() && random.nextInt(3) == 0 ? anyUp(random) : replica, errand);
        }

        private Errand nextErrand() {
            byte[] affairs = sessions == null ? null : sessions.affairs(id, random);
            return affairs != null ? new Errand(affairs) : new Errand(id, number, random);
        }

        private void ask(SimulatedReplica replica, Errand asked) {
            long call = ++calls;
            // A client does not wait for ever: a paused server answers when it is too late.
            group.agenda().after(2 * group.callTimeout(), () -> {
                if (calls == call) {
                    failed(asked, false, null);
                }
            });
            submit(replica, number, asked.isRead(), asked.payload(random), random, new Answer() {
                @Override
                public void done(byte[] output, long index) {
                    if (calls == call) {
                        answered(asked, output);
                    }
                }

                @Override
                public void failed(boolean isForCertain, @Nullable ReplicaId leader) {
                    if (calls == call) {
                        Client.this.failed(asked, isForCertain, leader);
                    }
                }
            });
        }

        private void answered(Errand asked, byte[] output) {
            calls++;
            SessionResult result = asked.resultOf(output);
            if (result == null) {
                end(asked, Operation.Outcome.DONE, output);
            } else if (asked.request == null) {
                Objects.requireNonNull(sessions).onAffairs(id, result);
                errand = null;
            } else if (result instanceof SessionResult.Done done) {
                end(asked, Operation.Outcome.DONE, done.result());
            } else if (asked.refused(((SessionResult.Refused) result).reason())) {
                end(asked, asked.isPerhaps ? Operation.Outcome.UNKNOWN : Operation.Outcome.FAILED, null);
            }
            think();
        }

        private void failed(Errand asked, boolean isForCertain, @Nullable ReplicaId leader) {
            calls++;
            target = leader == null || !isForCertain ? 0 : leader.nodeId();
            group.count(isForCertain ? Happening.REFUSED : Happening.OUTCOME_UNKNOWN);
            asked.isPerhaps |= !isForCertain;
            if (!asked.isRepeated()) {
                end(asked, isForCertain ? Operation.Outcome.FAILED : Operation.Outcome.UNKNOWN, null);
            }
            think();
        }

        private void end(Errand asked, Operation.Outcome outcome, byte @Nullable [] output) {
            errand = null;
            if (outcome == Operation.Outcome.UNKNOWN) {
                number = nextNumber++;
            }
            asked.end(id, outcome, output);
        }
    }

    /** Who reads whatever he gets, but never less than he has seen. */
    private final class Reader {
        private final SplittableRandom random;
        private long seenIndex;

        private Reader(SplittableRandom random) {
            this.random = random;
        }

        private void think() {
            group.agenda().after(random.nextLong(2 * group.plan().electionTimeoutNanos() / READS_PER_TIMEOUT), this::act);
        }

        private void act() {
            if (group.isHealing()) {
                return;
            }
            if (!group.isQuiet() && group.replicas().stream().anyMatch(SimulatedReplica::isUp)) {
                ask(anyUp(random));
            }
            think();
        }

        private void ask(SimulatedReplica replica) {
            Freshness freshness = (random.nextBoolean() ? Freshness.local() : Freshness.atMost(drawBound())).notBefore(drawSeen());
            boolean isAhead = replica.appliedIndex() < freshness.minIndex();
            long told = toldIndex;
            byte[] query = lastQuery;
            read(replica, READER, query == null ? WatchedMachine.probe() : WatchedMachine.wrapQuery(query), freshness, new Answer() {
                @Override
                public void done(byte[] output, long index) {
                    seenIndex = Math.max(seenIndex, index);
                    group.count(freshness.mode() == Freshness.Mode.LOCAL ? Happening.READ_LOCAL : Happening.READ_AT_MOST);
                    if (isAhead) {
                        group.count(Happening.READ_AWAITED);
                    }
                    if (index < told) {
                        group.count(Happening.READ_WAS_STALE);
                    }
                }

                @Override
                public void failed(boolean isForCertain, @Nullable ReplicaId leader) {
                    // Asks something else next time.
                }
            });
        }

        /** From half a heartbeat to some election timeouts. */
        private Duration drawBound() {
            long t = group.plan().electionTimeoutNanos();
            return Duration.ofNanos(random.nextLong(t / 20, random.nextBoolean() ? t / 2 : 4 * t));
        }

        private long drawSeen() {
            return switch (random.nextInt(4)) {
                case 0 -> 0;
                case 1 -> toldIndex;        // somebody has told him
                default -> seenIndex;
            };
        }
    }

    private interface Answer {
        void done(byte[] output, long index);

        void failed(boolean isForCertain, @Nullable ReplicaId leader);
    }

    SimulatedClients(SimulatedGroup group, SplittableRandom random) {
        this.group = group;
        workload = group.setup().workloads().get();
        Setup.InSessions inSessions = group.setup().sessions();
        sessions = inSessions == null ? null : new SimulatedSessions(group, inSessions);
        floods = random.split();
        for (int i = 0; i < group.setup().clients(); i++) {
            clients.add(new Client(i, random.split()));
        }
        for (int i = 0; i < READERS; i++) {
            readers.add(new Reader(random.split()));
        }
    }

    void start() {
        clients.forEach(Client::think);
        readers.forEach(Reader::think);
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
            Errand errand = new Errand(client.id, client.number, floods);
            submit(replica, client.number, errand.isRead(), errand.payload(floods), floods, new Answer() {
                @Override
                public void done(byte[] output, long index) {
                    SessionResult result = errand.resultOf(output);
                    if (result instanceof SessionResult.Refused refused) {
                        errand.refused(refused.reason());
                        errand.end(client.id, Operation.Outcome.FAILED, null);
                    } else {
                        errand.end(client.id, Operation.Outcome.DONE, result == null ? output : ((SessionResult.Done) result).result());
                    }
                }

                @Override
                public void failed(boolean isForCertain, @Nullable ReplicaId leader) {
                    errand.end(client.id, isForCertain ? Operation.Outcome.FAILED : Operation.Outcome.UNKNOWN, null);
                }
            });
        }
    }

    /** A command and a query of the kit's own, for which the user's machine is not asked. */
    void probe(SimulatedReplica replica) {
        Answer nobody = new Answer() {
            @Override
            public void done(byte[] output, long index) { }

            @Override
            public void failed(boolean isForCertain, @Nullable ReplicaId leader) { }
        };
        propose(replica, PROBER, WatchedMachine.wrapProbe(nextCall), nobody);
        read(replica, PROBER, WatchedMachine.probe(), Freshness.linearizable(), nobody);
    }

    // --------------------------------------------------------------------------------------------------------------- asking, answers

    private Workload.Request request(int client, SplittableRandom random) {
        return Objects.requireNonNull(workload.next(client, random), "Workload.next returned null");
    }

    private void submit(SimulatedReplica replica, int client, boolean isRead, byte[] payload, SplittableRandom random, Answer answer) {
        group.onAsked(replica, client, isRead ? Operation.Kind.READ : Operation.Kind.PROPOSE, payload);
        if (!isRead) {
            propose(replica, client, WatchedMachine.wrapCommand(nextCall, payload), answer);
        } else {
            lastQuery = payload;
            Freshness freshness = random.nextInt(3) == 0 ? Freshness.lease() : Freshness.linearizable();
            read(replica, client, WatchedMachine.wrapQuery(payload), freshness.notBefore(random.nextInt(4) == 0 ? toldIndex : 0),
                answer);
        }
    }

    /** Any replica that is up; somebody is. */
    private SimulatedReplica anyUp(SplittableRandom random) {
        List<SimulatedReplica> up = group.replicas().stream().filter(SimulatedReplica::isUp).toList();
        return up.get(random.nextInt(up.size()));
    }

    private void propose(SimulatedReplica replica, int client, byte[] command, Answer answer) {
        long call = nextCall++;
        replica.propose(call, command, new SimulatedProcess.Caller() {
            @Override
            public void done(byte[] result, long index) {
                group.invariants().onDone(call, index);
                toldIndex = Math.max(toldIndex, index);
                if (client == PROBER) {
                    probedWrites++;
                } else {
                    acknowledged++;
                }
                group.onAnswered(replica, client, Arrays.hashCode(result), () -> "done at " + index + ": " + Operation.text(result));
                answer.done(result, index);
            }

            @Override
            public void failed(@Nullable Throwable why) {
                group.onAnswered(replica, client, hashOf(why), () -> why == null ? "no answer" : why.toString());
                answer.failed(why != null && !(why instanceof OutcomeUnknownException), replica.leader());
            }
        });
    }

    private void read(SimulatedReplica replica, int client, byte[] query, Freshness freshness, Answer answer) {
        long call = nextCall++;
        replica.read(call, query, freshness, new SimulatedProcess.Caller() {
            @Override
            public void done(byte[] result, long index) {
                group.invariants().onReadServed(call, index, WatchedMachine.indexOf(result));
                toldIndex = Math.max(toldIndex, index);
                byte[] output = WatchedMachine.answerOf(result);
                if (client == PROBER) {
                    probedReads++;
                } else if (client != READER) {
                    readsServed++;
                    countFresh(replica, freshness);
                }
                group.onAnswered(replica, client, Arrays.hashCode(output), () -> "read at " + index + ": " + Operation.text(output));
                answer.done(output, index);
            }

            @Override
            public void failed(@Nullable Throwable why) {
                group.onAnswered(replica, client, hashOf(why), () -> why == null ? "no answer" : why.toString());
                answer.failed(true, replica.leader());     // a read that got no answer has done nothing
            }
        });
    }

    private void countFresh(SimulatedReplica replica, Freshness freshness) {
        NodeStatus.Office office = replica.status().office();
        if (office == null) {
            group.count(Happening.READ_BY_ANOTHER);
        } else if (freshness.mode() == Freshness.Mode.LEASE && office.leaseNanos() > 0) {
            group.count(Happening.READ_BY_LEASE);
        } else {
            group.count(Happening.READ_BY_LEADER);
        }
    }

    private static long hashOf(@Nullable Throwable why) {
        return why == null ? 1 : why.getClass().getName().hashCode();
    }
}
