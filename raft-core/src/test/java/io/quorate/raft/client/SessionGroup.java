package io.quorate.raft.client;

import io.quorate.raft.Command;
import io.quorate.raft.NotLeaderException;
import io.quorate.raft.OutcomeUnknownException;
import io.quorate.raft.OverloadedException;
import io.quorate.raft.Sessions;
import io.quorate.raft.StateMachine;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;

/** A group that is one state machine in virtual time, and does with each proposal what it is told to. */
final class SessionGroup implements SessionTimer, Session.Proposer {

    /** What becomes of a proposal. */
    enum Fate {
        DONE, REFUSED, OVERLOADED,
        /** Applied, and the answer is lost. */
        ANSWER_LOST,
        /** Not applied, and nobody knows. */
        LOST,
        /** Nobody knows when its time is up, and later it is applied. */
        LATE,
        /** Never answered at all. */
        SILENT
    }

    /** Counts how often each command has taken effect. */
    static final class Counts implements StateMachine {

        final Map<Long, Integer> times = new HashMap<>();

        @Override
        public byte[] apply(Command command) {
            long what = command.payload().getLong(0);
            times.merge(what, 1, Integer::sum);
            return ByteBuffer.allocate(8).putLong(-what).array();
        }

        @Override
        public byte[] query(byte[] query) {
            return query;
        }

        @Override
        public Snapshot snapshot() {
            return out -> { };     // what has happened before does not count
        }

        @Override
        public void restore(InputStream in) {
            times.clear();
        }

        int of(long what) {
            return times.getOrDefault(what, 0);
        }
    }

    static final long NUMBER = 0x5e55_1042_0000_0001L;     // what sessions draw here

    private record Due(long atNanos, long order, Runnable task) implements Comparable<Due> {
        @Override
        public int compareTo(Due other) {
            int byTime = Long.compare(atNanos, other.atNanos);
            return byTime != 0 ? byTime : Long.compare(order, other.order);
        }
    }

    final Sessions<Counts> sessions;
    final Deque<Fate> fates = new ArrayDeque<>();      // of the next proposals; then each is done
    final List<Fate> befell = new ArrayList<>();
    LongSupplier tripNanos = () -> 1_000_000;
    private final PriorityQueue<Due> agenda = new PriorityQueue<>();
    private long now = Long.MAX_VALUE - 5_000_000_000L;      // wraps around in each test that takes longer
    private long elapsed;                                    // replicated time
    private long order;
    private long index;

    SessionGroup(Sessions.Options options) {
        sessions = Sessions.around(new Counts(), options);
    }

    Session open(Duration timeout) {
        CompletableFuture<Session> opened = Session.open(this, new Session.Options(timeout, Duration.ofSeconds(10)), this,
            bound -> bound / 2, NUMBER);
        pass(Duration.ofSeconds(10));
        return opened.getNow(null);
    }

    // -------------------------------------------------------------------------------------------------------------------------- time

    @Override
    public long nanoTime() {
        return now;
    }

    @Override
    public Runnable after(long nanos, Runnable task) {
        Due due = new Due(elapsed + Math.max(0, nanos), order++, task);
        agenda.add(due);
        return () -> agenda.remove(due);
    }

    /** Time passes, and what is due happens. */
    void pass(Duration time) {
        long end = elapsed + time.toNanos();
        while (!agenda.isEmpty() && agenda.peek().atNanos <= end) {
            Due due = agenda.remove();
            advanceTo(Math.max(elapsed, due.atNanos));     // after a pause, much is late
            due.task.run();
        }
        advanceTo(end);
    }

    /** The client's process stands still, the group does not. */
    void pause(Duration time) {
        advanceTo(elapsed + time.toNanos());
        tell();
    }

    private void advanceTo(long nanos) {
        now += nanos - elapsed;
        elapsed = nanos;
    }

    // --------------------------------------------------------------------------------------------------------------------- proposals

    @Override
    public CompletableFuture<byte[]> propose(byte[] command, Duration timeout) {
        CompletableFuture<byte[]> answer = new CompletableFuture<>();
        byte[] copy = command.clone();
        Fate fate = fates.isEmpty() ? Fate.DONE : fates.remove();
        befell.add(fate);
        long trip = Math.min(tripNanos.getAsLong(), timeout.toNanos());
        Runnable unknown = () -> answer.completeExceptionally(new OutcomeUnknownException("Perhaps"));
        switch (fate) {
            case DONE -> after(trip, () -> answer.complete(apply(copy)));
            case REFUSED -> after(trip, () -> answer.completeExceptionally(new NotLeaderException("Nothing happened: no leader")));
            case OVERLOADED -> after(trip, () -> answer.completeExceptionally(new OverloadedException("Nothing happened: busy")));
            case ANSWER_LOST -> {
                after(trip, () -> apply(copy));
                after(timeout.toNanos(), unknown);
            }
            case LOST -> after(timeout.toNanos(), unknown);
            case LATE -> {
                after(timeout.toNanos(), unknown);
                after(timeout.toNanos() + tripNanos.getAsLong(), () -> apply(copy));
            }
            case SILENT -> { }
        }
        return answer;
    }

    byte[] apply(byte[] command) {
        tell();
        return sessions.apply(new Command(index, ByteBuffer.wrap(command).asReadOnlyBuffer(), elapsed));
    }

    private void tell() {
        index++;
        if (elapsed >= sessions.wakeUpNanos()) {
            sessions.onTime(index, elapsed);
        }
    }
}
