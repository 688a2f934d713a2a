package io.quorate.raft.election;

import io.quorate.raft.Freshness;
import io.quorate.raft.OverloadedException;
import io.quorate.raft.RequestFailedException;
import io.quorate.raft.ServerStoppedException;
import io.quorate.raft.client.RaftClient;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Named elections and locks on a group whose state machine is {@link LeasedKeys} in sessions: for any number of services and jobs, of each
 * of which one of many processes is to do the work. Candidates may be members of the group or not; all of them are its clients.
 *
 * <pre>{@code
 * Elections elections = Elections.open(client, Elections.Options.DEFAULT.withTtl(Duration.ofSeconds(2)));
 * Leadership leadership = elections.election("billing").campaign("10.0.0.7:8080".getBytes(UTF_8)).get();
 * while (leadership.isValid()) {
 *     chargeNext(leadership.fencingToken());
 * }
 * }</pre>
 *
 * <p>All contenders of one object go with one lease, and are lost together when that is lost; then it gets another lease and they stand
 * again. A process that dies is replaced when its lease has ended, the time to live after its last refresh at the latest, as long as the
 * group has a leader. {@link #close} gives everything back at once.
 *
 * <p><b>What is promised.</b> Of two leaderships of one name that were granted by one group at most one is {@linkplain
 * Leadership#isValid valid} at any moment, if no clock here runs too slow by more than {@link Options#driftPermille} and no clock of a
 * member too fast by more than a hundredth; and the later one has the higher {@linkplain Leadership#fencingToken fencing token}, whatever
 * clocks do. If the group is recovered from a lost quorum, who held an office before may be valid for the rest of his time beside the next
 * one: the tokens tell them apart.
 *
 * <p><b>Order.</b> Who has waited longest is next. A candidate waits for the one before him and for nobody else, so one is woken when
 * somebody goes, however many there are.
 *
 * <p>Thread-safe. Futures complete on a thread of the JDK's common pool, but for those of a {@link Leadership}; tasks and listeners run on
 * the executor that they came with.
 */
public final class Elections implements AutoCloseable {

    /** How many characters a name has at most. */
    public static final int NAME_CHARS_MAX = 500;

    /** After so long {@link #close} leaves the rest to the end of the lease. */
    private static final long CLOSE_SECONDS = 60;

    /** So many leases of its own it remembers. */
    private static final int LEASES_MAX = 16;

    private static final String ELECTION = "election";
    private static final String LOCK = "lock";

    /**
     * How offices are held.
     *
     * @param ttl           how long after the last sign of it a process is replaced; it gives a sign three times as often. At least 100 ms.
     *                      It gets what {@link LeasedKeys.Options} allow if that is less
     * @param driftPermille by how many thousandths the monotonic clock of this process may be too slow; at most 100
     * @param startTimeout  how long {@link LeaderTask#start} may take
     * @param stopTimeout   how long {@link LeaderTask#stop} is waited for before the next is let in
     * @param callTimeout   after so long a call whose outcome is not known is made again
     */
    public record Options(Duration ttl, int driftPermille, Duration startTimeout, Duration stopTimeout, Duration callTimeout) {

        /** Five seconds; a hundredth; half a minute each; 10 s. */
        public static final Options DEFAULT =
            new Options(Duration.ofSeconds(5), 10, Duration.ofSeconds(30), Duration.ofSeconds(30), Duration.ofSeconds(10));

        public Options {
            if (ttl.compareTo(Duration.ofMillis(100)) < 0 || ttl.compareTo(Duration.ofDays(1)) > 0) {
                throw new IllegalArgumentException("ttl is between 100 ms and a day, not " + ttl);
            }
            if (driftPermille < 0 || driftPermille > 100) {
                throw new IllegalArgumentException("driftPermille is between 0 and 100, not " + driftPermille);
            }
            for (Duration timeout : List.of(startTimeout, stopTimeout, callTimeout)) {
                if (timeout.isNegative() || timeout.isZero() || timeout.compareTo(Duration.ofDays(1)) > 0) {
                    throw new IllegalArgumentException("A timeout is more than 0 and at most a day, not " + timeout);
                }
            }
        }

        /** The same with another time to live. */
        public Options withTtl(Duration other) {
            return new Options(other, driftPermille, startTimeout, stopTimeout, callTimeout);
        }
    }

    private final Group group;
    private final Options options;
    private final Strand strand = new Strand();
    private final ChangeFeed feed;
    private final LeaseKeeper keeper;
    private final Contender.Line line = new Line();

    // On the strand.
    private final Set<Contender> contenders = new LinkedHashSet<>();
    private final Set<Observation<?>> observations = new LinkedHashSet<>();
    private final Queue<LeaseId> leases = new ArrayDeque<>();      // the latest, of which there may be keys still
    private long keysDrawn;
    private boolean isClosing;

    // Of any thread.
    private final Set<Office<?>> offices = ConcurrentHashMap.newKeySet();      // of the contenders
    private final Set<Thread> tellers = ConcurrentHashMap.newKeySet();         // on which a listener is being told something
    private final CompletableFuture<Void> closed = new CompletableFuture<>();

    Elections(Group group, Options options) {
        this.group = group;
        this.options = options;
        feed = new ChangeFeed(group, strand);
        keeper = new LeaseKeeper(group, strand, options.ttl, options.driftPermille, options.callTimeout, new LeaseKeeper.Listener() {
            @Override
            public void onHeld(LeaseKeeper.Hold hold) {
                leases.add(hold.lease());
                if (leases.size() > LEASES_MAX) {
                    leases.remove();
                }
                List.copyOf(contenders).forEach(contender -> Strand.runGuarded(contender::onHeld));
                line.changed();
            }

            @Override
            public void onLost(LeaseKeeper.Hold hold) {
                List.copyOf(contenders).forEach(contender -> Strand.runGuarded(() -> contender.onLost(hold)));
                line.changed();
            }

            @Override
            public void onClosed() {
                closeAsync();
            }
        });
        strand.execute(keeper::start);
    }

    /**
     * Begins to get a lease, and returns at once. The client is not closed with this; close it later.
     *
     * @param client of the group; others may use it too
     */
    public static Elections open(RaftClient client, Options options) {
        return new Elections(Group.of(client), options);
    }

    /**
     * The election of this name. Names that differ in anything are different elections; one is there as soon as somebody stands in it.
     *
     * @throws IllegalArgumentException if the name is empty, too long, or has a NUL in it
     */
    public Election election(String name) {
        return new Election(this, name, prefix(ELECTION, name));
    }

    /** The lock of this name, which has nothing to do with an election of the same name. Throws as {@link #election}. */
    public FencedLock lock(String name) {
        return new FencedLock(this, name, prefix(LOCK, name));
    }

    /**
     * Gives everything back: tasks are stopped, offices and locks go to the next at once, and who waits here waits no more. Returns when
     * that is done, or after a minute; called by a task or a listener of these elections, at once, since that cannot be waited for there. A
     * task that has not stopped when it has had all its time to start and to stop is not waited for: the lease is given back all the same.
     */
    @Override
    public void close() {
        CompletableFuture<Void> all = closeAsync();
        Thread self = Thread.currentThread();
        if (tellers.contains(self) || offices.stream().anyMatch(office -> office.isCallingFrom(self))) {
            return;
        }
        try {
            all.get(CLOSE_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException | TimeoutException e) {
            // The lease ends without us.
        }
    }

    /** The same, and returns at once. */
    public CompletableFuture<Void> closeAsync() {
        strand.execute(() -> {
            if (isClosing) {
                return;
            }
            isClosing = true;
            List.copyOf(observations).forEach(Observation::close);
            List<CompletableFuture<?>> all = new ArrayList<>();
            for (Contender contender : List.copyOf(contenders)) {
                all.add(contender.close().toCompletableFuture());
            }
            CompletableFuture.allOf(all.toArray(CompletableFuture<?>[]::new))
                .whenComplete((nothing, failure) -> strand.execute(this::giveBack));
        });
        return closed.copy();
    }

    /** Also from under who has not stopped in all that time: nobody could ever lead again else, as long as this process lives. */
    private void giveBack() {
        feed.close();
        LeaseKeeper.Hold last = keeper.hold();
        keeper.close().whenComplete((none, why) -> complete(closed, null));
        if (last != null) {
            List.copyOf(contenders).forEach(contender -> Strand.runGuarded(() -> contender.onLost(last)));
        }
    }

    /** A listener is told something, on this thread. */
    void telling(Runnable call) {
        boolean isOuter = tellers.add(Thread.currentThread());
        try {
            call.run();
        } finally {
            if (isOuter) {
                tellers.remove(Thread.currentThread());
            }
        }
    }

    @Override
    public String toString() {
        return "Elections[" + options.ttl + "]";
    }

    // ------------------------------------------------------------------------------------------------------------- for its elections

    static String prefix(String kind, String name) {
        if (name.isEmpty() || name.length() > NAME_CHARS_MAX || name.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("A name has 1 to " + NAME_CHARS_MAX + " characters and no NUL: " + name);
        }
        KeyBytes.utf8(name);
        return kind + '\0' + name + '\0';
    }

    Group group() {
        return group;
    }

    Strand strand() {
        return strand;
    }

    ChangeFeed feed() {
        return feed;
    }

    /** Stands, on the strand. */
    Contender stand(String prefix, byte[] value, LeaderTask<? super Leadership> task, Executor executor,
                    Consumer<@Nullable RuntimeException> onEnd) {
        Contender[] own = new Contender[1];
        Contender contender = new Contender(line, prefix, value, hands -> new Office<>(task, executor,
            new Office.Patience(options.startTimeout, options.stopTimeout), group::random, group::nanoTime, hands), refusal -> {
            contenders.remove(own[0]);
            offices.remove(own[0].office());
            onEnd.accept(refusal);
        });
        own[0] = contender;
        contenders.add(contender);
        offices.add(contender.office());
        contender.start();
        return contender;
    }

    /** Whether nobody may come any more. On the strand. */
    boolean isClosing() {
        return isClosing;
    }

    /** The contender that this leadership has come of; null if it is over, or not of this object. On the strand. */
    @Nullable Contender holder(Leadership leadership) {
        return contenders.stream().filter(contender -> contender.office().holder() == leadership).findFirst().orElse(null);
    }

    /** The contender that has put this key; null if it is not of this object. On the strand. */
    @Nullable Contender contenderOf(String key) {
        return contenders.stream().filter(contender -> contender.key().equals(key)).findFirst().orElse(null);
    }

    /** Whether somebody of this object has put this key, though he may not want it any more. On the strand. */
    boolean isOwn(KeyEntry entry) {
        return entry.lease() != null && leases.contains(entry.lease());
    }

    /** Whether the group has been heard of lately. On the strand. */
    boolean hasLease() {
        return keeper.hold() != null;
    }

    void add(Observation<?> observation) {
        if (isClosing) {
            return;
        }
        observations.add(observation);
        feed.subscribe(observation.subscriber());
    }

    void remove(Observation<?> observation) {
        observations.remove(observation);
        feed.unsubscribe(observation.subscriber());
    }

    static RuntimeException refused(@Nullable KeyResult result) {
        if (result instanceof KeyResult.Refused refused) {
            return switch (refused.reason()) {
                case FULL -> new OverloadedException("Nothing happened: the group keeps as many leases and keys as it may");
                case TOO_LARGE -> new RequestFailedException("Nothing happened: the key or the value is longer than the group allows");
                case UNREADABLE -> new RequestFailedException("Nothing happened: the group's version of LeasedKeys cannot read the command;"
                    + " upgrade it first");
                case NO_SUCH_LEASE -> new RequestFailedException("Nothing happened: the lease has ended");
                case NOT_THE_LEASES -> new RequestFailedException("Nothing happened: the key belongs to another lease, or to none");
            };
        }
        return new RequestFailedException("Nothing that is known happened: the group has answered " + result);
    }

    static ServerStoppedException closedException() {
        return new ServerStoppedException("Nothing happened: these elections are closed", null);
    }

    private final class Line implements Contender.Line {

        @Override
        public Group group() {
            return group;
        }

        @Override
        public Strand strand() {
            return strand;
        }

        @Override
        public ChangeFeed feed() {
            return feed;
        }

        @Override
        public LeaseKeeper.@Nullable Hold hold() {
            return keeper.hold();
        }

        @Override
        public LeaseKeeper keeper() {
            return keeper;
        }

        @Override
        public void changed() {
            List.copyOf(observations).forEach(observation -> Strand.runGuarded(observation::onOwnChange));
        }

        @Override
        public String drawKey(String prefix, LeaseKeeper.Hold hold) {
            // The index alone is another lease's in a group that was recovered.
            LeaseId lease = hold.lease();
            return prefix + Long.toHexString(lease.index()) + '-' + Long.toHexString(lease.number()) + '-' + Long.toHexString(keysDrawn++);
        }

        @Override
        public boolean isWanted(String key) {
            return contenderOf(key) != null;
        }

        @Override
        public CompletableFuture<Void> discard(String key, LeaseKeeper.Hold hold) {
            CompletableFuture<Void> discarded = new CompletableFuture<>();
            discard(key, hold, discarded, Contender.PAUSE_MIN_NANOS);
            return discarded;
        }

        private void discard(String key, LeaseKeeper.Hold hold, CompletableFuture<Void> discarded, long pauseNanos) {
            if (!hold.isHeld()) {
                discarded.complete(null);
                return;
            }
            hold.propose(new KeyCommand.Delete(key, KeyCommand.ANY_VERSION, hold.lease()), (result, failure) -> {
                if (failure == null || LeaseKeeper.isGone(result, failure)) {
                    discarded.complete(null);
                } else {
                    // Somebody may wait for it, and this lease may live long.
                    discarded.completeExceptionally(failure);
                    long next = Math.min(2 * pauseNanos, Contender.PAUSE_MAX_NANOS);
                    group.after(pauseNanos / 2 + group.random(pauseNanos),
                        () -> strand.execute(() -> discard(key, hold, discarded, next)));
                }
            });
        }

        @Override
        public void look(KeyQuery.Line query, long notBefore, BiConsumer<KeyAnswer.@Nullable Line, Integer> answer) {
            read(query, Freshness.local().notBefore(notBefore), (told, epoch) ->
                answer.accept(told instanceof KeyAnswer.Line seen ? seen : null, epoch));
        }
    }

    /** Asks, and gives the answer and the epoch that it is of, on the strand; null if there is none. */
    void read(KeyQuery query, Freshness freshness, BiConsumer<@Nullable KeyAnswer, Integer> answer) {
        int epoch = group.epoch();
        group.ask(query, freshness, options.callTimeout).whenComplete((told, failure) -> strand.execute(() -> {
            boolean isOfEpoch = group.epoch() == epoch;     // else it may be of a group that was left behind
            answer.accept(failure == null && isOfEpoch ? told : null, epoch);
        }));
    }

    Duration callTimeout() {
        return options.callTimeout;
    }

    /** Completes a future of the user's on a thread that may be his. */
    <T> void complete(CompletableFuture<T> future, T value) {
        group.executor().execute(() -> future.complete(value));
    }

    void fail(CompletableFuture<?> future, Throwable why) {
        group.executor().execute(() -> future.completeExceptionally(why));
    }
}
