package io.quorate.raft.election;

import io.quorate.raft.Answer;
import io.quorate.raft.Command;
import io.quorate.raft.Freshness;
import io.quorate.raft.NotLeaderException;
import io.quorate.raft.OutcomeUnknownException;
import io.quorate.raft.RequestFailedException;
import io.quorate.raft.SessionCommand;
import io.quorate.raft.SessionId;
import io.quorate.raft.SessionResult;
import io.quorate.raft.Sessions;
import io.quorate.raft.client.Session;
import io.quorate.raft.client.VirtualSession;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * A group that is one state machine in virtual time, and processes that use it, each with a clock of its own: that may be cut off, stand
 * still, be gone, or have a clock that runs at another rate. What waits for an index waits until something is applied there.
 */
final class VirtualGroup {

    private static final long TRIP_NANOS = 1_000_000;
    long tripNanos = TRIP_NANOS;

    private record Due(long atNanos, long order, Runnable task) implements Comparable<Due> {
        @Override
        public int compareTo(Due other) {
            int byTime = Long.compare(atNanos, other.atNanos);
            return byTime != 0 ? byTime : Long.compare(order, other.order);
        }
    }

    private final Set<SessionId> used = new LinkedHashSet<>();

    private record Waiting(long index, Runnable task) { }

    final Sessions<LeasedKeys> sessions;
    final List<KeyCommand> applied = new ArrayList<>();
    int reads;
    int epoch;
    boolean hasLeader = true;
    private final PriorityQueue<Due> agenda = new PriorityQueue<>();
    private final List<Waiting> waiting = new ArrayList<>();
    private final Random random = new Random(1);
    private long now = 5_000_000_000L;
    private long replicatedNanos;
    boolean isReversed;      // of what is due at one moment, what was planned last comes first
    private long order;
    private long index = 100;

    VirtualGroup() {
        this(LeasedKeys.Options.DEFAULT);
    }

    VirtualGroup(LeasedKeys.Options options) {
        sessions = Sessions.around(new LeasedKeys(options));
    }

    long now() {
        return now;
    }

    LeasedKeys machine() {
        return sessions.machine();
    }

    private void at(long nanos, Runnable task) {
        agenda.add(new Due(Math.max(now, nanos), nextOrder(), task));
    }

    private long nextOrder() {
        order++;
        return isReversed ? -order : order;
    }

    /** Time passes, and what is due happens. */
    void pass(Duration time) {
        long end = now + time.toNanos();
        while (!agenda.isEmpty() && agenda.peek().atNanos <= end) {
            Due due = agenda.remove();
            advanceTo(Math.max(now, due.atNanos));
            tell();
            due.task.run();
        }
        advanceTo(end);
        tell();
    }

    void passMillis(long millis) {
        pass(Duration.ofMillis(millis));
    }

    private void advanceTo(long nanos) {
        if (hasLeader) {
            replicatedNanos += nanos - now;
        }
        now = nanos;
    }

    /** What the leader of a real group does: an entry when a time is waited for. */
    private void tell() {
        if (hasLeader && replicatedNanos >= sessions.wakeUpNanos()) {
            index++;
            sessions.onTime(index, replicatedNanos);
            wake();
        }
    }

    private byte[] apply(byte[] command) {
        index++;
        byte[] result = sessions.apply(new Command(index, ByteBuffer.wrap(command).asReadOnlyBuffer(), replicatedNanos));
        note(command);
        wake();
        return result;
    }

    /** One that nobody of the processes has proposed. */
    KeyResult command(KeyCommand command) {
        tell();
        byte[] result = apply(new SessionCommand.Plain(ByteBuffer.wrap(command.encode())).encode());
        return KeyResult.decode(((SessionResult.Done) SessionResult.decode(result)).result());
    }

    /** Ends the session that was used first of those that are there. */
    void forgetFirstSession() {
        SessionId first = used.iterator().next();
        used.remove(first);
        tell();
        apply(new SessionCommand.Close(first).encode());
    }

    private void note(byte[] command) {
        if (SessionCommand.decode(ByteBuffer.wrap(command)) instanceof SessionCommand.Call call) {
            used.add(call.session());
        }
        KeyCommand said = said(command);
        if (said != null) {
            applied.add(said);
        }
    }

    private static @Nullable KeyCommand said(byte[] command) {
        SessionCommand said = SessionCommand.decode(ByteBuffer.wrap(command));
        return said instanceof SessionCommand.Call call ? KeyCommand.decode(call.command()) : null;
    }

    private void wake() {
        List<Waiting> ready = waiting.stream().filter(each -> each.index <= index).toList();
        waiting.removeAll(ready);
        ready.forEach(each -> at(now, each.task));
    }

    /** What brings the group back to its state of now, and no further, as a recovery from a lost quorum does. */
    Runnable backup() {
        ByteArrayOutputStream copy = new ByteArrayOutputStream();
        long at = index;
        try {
            sessions.snapshot().writeTo(copy);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return () -> {
            try {
                sessions.restore(new ByteArrayInputStream(copy.toByteArray()));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            index = at;
            epoch++;
        };
    }

    long applied(Class<? extends KeyCommand> kind) {
        return applied.stream().filter(kind::isInstance).count();
    }

    /** A process that uses the group. */
    final class Process implements Group, VirtualSession.Clock {

        int ratePermille = 1000;
        boolean isCut;                    // nothing comes through, in either direction
        boolean isDeaf;                   // what it says arrives, what it is told does not
        long slowLooksNanos;              // so much later it is told of a line what it has asked
        long slowPutsNanos;               // so much later its puts arrive
        boolean cannotDelete;             // what it wants to delete is refused
        boolean cannotList;               // nobody answers what it asks about many keys
        private boolean isPaused;
        private boolean isDead;
        private final List<Runnable> late = new ArrayList<>();
        private long clockNanos = 1000;   // what it showed
        private long clockAt = now;       // then

        @Override
        public long nanoTime() {
            return clockNanos + (now - clockAt) * ratePermille / 1000;
        }

        void rate(int permille) {
            clockNanos = nanoTime();
            clockAt = now;
            ratePermille = permille;
        }

        @Override
        public Runnable after(long nanos, Runnable task) {
            // Not a nanosecond too early, or a sleeper would wake again and again.
            Due due = new Due(now + (Math.max(0, nanos) * 1000 + ratePermille - 1) / ratePermille + (nanos > 0 ? 1 : 0), nextOrder(),
                () -> run(task));
            agenda.add(due);
            return () -> agenda.remove(due);
        }

        private void run(Runnable task) {
            if (isPaused) {
                late.add(task);
            } else if (!isDead) {
                task.run();
            }
        }

        void pause() {
            isPaused = true;
        }

        void resume() {
            isPaused = false;
            List<Runnable> due = List.copyOf(late);
            late.clear();
            due.forEach(task -> at(now, () -> run(task)));
        }

        void kill() {
            isDead = true;
        }

        CompletableFuture<byte[]> propose(byte[] command, Duration timeout) {
            CompletableFuture<byte[]> answer = new CompletableFuture<>();
            byte[] copy = command.clone();
            after(timeout.toNanos(), () -> answer.completeExceptionally(new OutcomeUnknownException("Perhaps")));
            KeyCommand said = said(command);
            if (said instanceof KeyCommand.Delete && cannotDelete) {
                answer.completeExceptionally(new RequestFailedException("Nothing happened"));
            } else if (!isCut && !isDead) {
                at(now + tripNanos + (said instanceof KeyCommand.PutIfAbsent ? slowPutsNanos : 0), () -> {
                    if (!hasLeader) {
                        at(now + tripNanos, () -> hear(() -> answer.completeExceptionally(
                            new NotLeaderException("Nothing happened: no leader"))));
                        return;
                    }
                    byte[] result = apply(copy);
                    at(now + tripNanos, () -> hear(() -> answer.complete(result)));
                });
            }
            return answer;
        }

        private void hear(Runnable task) {
            if (!isCut && !isDeaf) {
                run(task);
            }
        }

        @Override
        public CompletableFuture<Session> openSession(Session.Options options) {
            return VirtualSession.open(this::propose, options, this, this::random, drawNumber());
        }

        @Override
        public CompletableFuture<Answer> read(byte[] query, Freshness freshness, Duration timeout) {
            CompletableFuture<Answer> answer = new CompletableFuture<>();
            reads++;
            if (cannotList && query[0] == KeyQuery.RANGE) {
                answer.completeExceptionally(new NotLeaderException("Nothing happened"));
                return answer;
            }
            after(timeout.toNanos(), () -> answer.completeExceptionally(new NotLeaderException("Nothing happened: nobody answers")));
            if (!isCut && !isDead) {
                at(now + tripNanos, () -> {
                    Waiting asked = new Waiting(freshness.minIndex(), () -> {
                        byte[] result = sessions.query(query);
                        long at = index;
                        long trip = tripNanos + (query[0] == KeyQuery.LINE ? slowLooksNanos : 0);
                        at(now + trip, () -> hear(() -> answer.complete(new Answer(result, at))));
                    });
                    if (asked.index <= index) {
                        asked.task.run();
                    } else {
                        waiting.add(asked);
                    }
                });
            }
            return answer;
        }

        @Override
        public int epoch() {
            return epoch;
        }

        @Override
        public long random(long bound) {
            return Math.floorMod(random.nextLong(), bound);
        }

        @Override
        public long drawNumber() {
            return random.nextLong();
        }

        @Override
        public Executor executor() {
            return task -> after(0, task);
        }
    }

    static <T> @Nullable T now(CompletableFuture<T> future) {
        return future.isDone() && !future.isCompletedExceptionally() ? future.join() : null;
    }
}
