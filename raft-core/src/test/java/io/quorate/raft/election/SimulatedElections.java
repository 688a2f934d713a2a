package io.quorate.raft.election;

import io.quorate.raft.Answer;
import io.quorate.raft.Freshness;
import io.quorate.raft.NotLeaderException;
import io.quorate.raft.OutcomeUnknownException;
import io.quorate.raft.client.Session;
import io.quorate.raft.client.VirtualSession;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Candidates, observers and watchers of a simulated group, with the real code of clients, each in a process of its own: they are cut off,
 * stand still, die and come back, their clocks run fast and slow, their executors refuse now and then, and what they say is lost, late,
 * repeated, or answered to nobody. They come and subscribe at moments of all kinds. What must hold of them is checked all the time.
 *
 * <p>From some moment on nothing of that happens any more. From then on no office may be vacant for long while anybody stands for it, who
 * stands must lead before long, and who observes must know who leads. How long is measured in time in which the group does its work.
 */
public final class SimulatedElections {

    /** The simulated group, as a client reaches it. */
    public interface World {

        long now();

        void after(long nanos, Runnable task);

        int nodes();

        /** Whether nothing is to be asked any more. */
        boolean isOver();

        void propose(int node, byte[] command, Caller caller);

        void read(int node, byte[] query, Freshness freshness, Caller caller);

        /** Whether the group has not removed this node. */
        default boolean isMember(int node) {
            return true;
        }

        /** The recovery epoch of the group that this node is of now. */
        default int epoch(int node) {
            return 0;
        }
    }

    /** Who has asked. */
    public interface Caller {

        void done(byte[] result, long index);

        /** @param why null if nobody answers */
        void failed(@Nullable Throwable why, int leaderOrNone);
    }

    /** Something that must not be. */
    public static final class Broken extends RuntimeException {

        private static final long serialVersionUID = 1;

        private Broken(String what) {
            super(what);
        }
    }

    /**
     * How bad clocks are.
     *
     * @param slowestPermille of processes
     * @param fastestPermille likewise
     */
    public record Clocks(int slowestPermille, int fastestPermille) {

        /** As bad as clients may count on. */
        public static final Clocks WITHIN_THE_BOUND = new Clocks(990, 1010);
    }

    /**
     * When nothing goes wrong any more.
     *
     * @param fromNanos in the world's time
     * @param quietFromNanos from when on nobody comes or goes either, so that in the end all who observe must know the same
     */
    public record Calm(long fromNanos, long quietFromNanos) { }

    private static final int NAMES = 2;
    private static final int CANDIDATES = 4;
    private static final int WATCHERS = 2;
    private static final int CHECKS_PER_TIMEOUT = 50;

    /** So many leases' times, and as many of {@link #TIMEOUTS_MAX}, an office may be vacant while somebody stands: who held it has died. */
    static final int TTLS_MAX = 2;
    static final int TIMEOUTS_MAX = 4;
    /** So many names some look at besides, so that they ask for all changes there are. */
    private static final int MANY = ChangeFeed.PREFIXES_MAX + 1;

    private final World world;
    private final Clocks clocks;
    private final long t;
    private final Calm calm;
    private final boolean hasWatchers;
    private final Elections.Options options;
    private final SplittableRandom random;
    private final Map<String, List<Leadership>> granted = new HashMap<>();
    private final Map<String, Long> tokens = new HashMap<>();      // by name and epoch, for who held before a recovery goes on
    private final Set<Stand> stands = new LinkedHashSet<>();
    private final Map<String, Long> vacantNanos = new HashMap<>();
    private final Set<Seen> seen = new LinkedHashSet<>();
    private long processes;
    private @Nullable Broken broken;
    private long servedAtNanos;
    private long calmNanos;
    private @Nullable LeasedKeys latest;      // the machine that has come furthest
    private final List<KeyChange> history = new ArrayList<>();
    private long historyIndex;
    private final List<WatchedHistory> watched = new ArrayList<>();

    private long elected;
    private long lost;
    private long resigned;
    private long told;
    private long resumed;
    private long missed;
    private long refused;
    private long electedInCalm;

    public SimulatedElections(World world, long seed, long electionTimeoutNanos, Clocks clocks, Calm calm, boolean hasWatchers) {
        this.world = world;
        this.clocks = clocks;
        this.calm = calm;
        this.hasWatchers = hasWatchers;
        t = electionTimeoutNanos;
        random = new SplittableRandom(seed ^ 0x1ea5ed);
        long ttl = Math.max(Duration.ofMillis(100).toNanos(), random.nextLong(t, 4 * t));
        Duration timeout = Duration.ofNanos(2 * t);
        options = new Elections.Options(Duration.ofNanos(ttl), 10, timeout, timeout, Duration.ofNanos(4 * t));
    }

    /** Begins everything. */
    public void start() {
        for (int i = 0; i < CANDIDATES; i++) {
            new Candidates().start();
        }
        for (int i = 0; i < WATCHERS && hasWatchers; i++) {
            new Watchers().start();
        }
        new Observers().start();
        checkLater();
    }

    public long elected() {
        return elected;
    }

    public long lost() {
        return lost;
    }

    public long resigned() {
        return resigned;
    }

    /** How many changes watchers were told. */
    public long told() {
        return told;
    }

    /** How often a watch went on where another had ended. */
    public long resumed() {
        return resumed;
    }

    /** How often a watcher came too late. */
    public long missed() {
        return missed;
    }

    /** How often an executor has refused. */
    public long refused() {
        return refused;
    }

    /** How many have been elected since nothing goes wrong. */
    public long electedInCalm() {
        return electedInCalm;
    }

    /** For how long the group has done its work while nothing went wrong any more. */
    public long calmNanos() {
        return calmNanos;
    }

    // ----------------------------------------------------------------------------------------------------------------- what must hold

    private boolean isCalm() {
        return world.now() >= calm.fromNanos;
    }

    private boolean isQuiet() {
        return world.now() >= calm.quietFromNanos;
    }

    private void checkLater() {
        if (broken != null) {
            throw broken;
        }
        long period = t / CHECKS_PER_TIMEOUT;
        world.after(period, () -> {
            granted.forEach(this::check);
            if (isCalm() && world.now() - servedAtNanos < options.ttl().toNanos()) {
                calmNanos += period;
                checkVacancies(period);
                if (!isQuiet()) {
                    stands.forEach(stand -> stand.check(period));
                }
            }
            checkLater();
        });
    }

    /** Of the dead too: one who is paused for ever and one who is dead are the same to all others. */
    private void check(String name, List<Leadership> all) {
        Map<Integer, Leadership> valid = new HashMap<>();      // by epoch: a group that was recovered does not wait for who held before
        for (Leadership leadership : all) {
            if (leadership.isValid()) {
                Leadership other = valid.put(FencingToken.epoch(leadership.fencingToken()), leadership);
                if (other != null) {
                    throw new Broken(name + " is led by " + other + " and by " + leadership + " at " + world.now());
                }
            }
        }
    }

    private void checkVacancies(long period) {
        for (int i = 0; i < NAMES; i++) {
            String name = name(i);
            boolean isHeld = granted.getOrDefault(name, List.of()).stream().anyMatch(Leadership::isValid);
            boolean isVacant = !isHeld && stands.stream().anyMatch(stand -> stand.name.equals(name));
            long nanos = isVacant ? vacantNanos.getOrDefault(name, 0L) + period : 0;
            vacantNanos.put(name, nanos);
            if (nanos > handOverNanosMax()) {
                throw new Broken(name + " is led by nobody, and has not been for " + nanos / 1_000_000 + " ms, though there stand "
                    + stands.stream().filter(stand -> stand.name.equals(name)).toList());
            }
        }
    }

    private long handOverNanosMax() {
        return TTLS_MAX * options.ttl().toNanos() + TIMEOUTS_MAX * t;
    }

    /** Somebody who stands in an election, and leads before long when nothing goes wrong. */
    private final class Stand {

        private final Process process;
        private final String name;
        private long waitedNanos;

        private Stand(Process process, String name) {
            this.process = process;
            this.name = name;
            stands.add(this);
        }

        private void end() {
            stands.remove(this);
        }

        /** All others may come first, and one of them may have begun before the calm, when terms were longer. */
        private void check(long period) {
            waitedNanos += period;
            if (waitedNanos > handOverNanosMax() + 5 * t + CANDIDATES * 2 * t) {
                throw new Broken(this + " stands for " + waitedNanos / 1_000_000 + " ms");
            }
        }

        @Override
        public String toString() {
            return process + " for " + name + " since " + waitedNanos / 1_000_000 + " ms";
        }
    }

    /** Somebody who observes an election, and in the end knows who leads. */
    private final class Seen {

        private final Process process;
        private final String name;
        private final long since = world.now();
        private @Nullable Optional<Holder> last;
        private @Nullable LeaderState state;

        private Seen(Process process, String name) {
            this.process = process;
            this.name = name;
            seen.add(this);
        }

        private void onState(LeaderState told) {
            state = told;
            if (told instanceof LeaderState.Follower follower && follower.leader().startsWith(process.name)) {
                broken = new Broken(process + " is told to follow itself");       // thrown here, it would be the strand's
            }
        }

        private boolean isRight(@Nullable KeyEntry first) {
            if (first == null) {
                return Optional.empty().equals(last) && state instanceof LeaderState.Unknown;
            }
            String value = new String(Proclaimed.of(first).value(), StandardCharsets.UTF_8);
            long token = granted.getOrDefault(name, List.of()).stream().filter(Leadership::isValid).mapToLong(Leadership::fencingToken)
                .filter(valid -> FencingToken.index(valid) == first.createIndex()).findFirst().orElse(0);
            boolean isHolderRight = last != null && last.isPresent() && last.get().fencingToken() == token;
            return isHolderRight && (value.startsWith(process.name) ? state instanceof LeaderState.Leader
                : new LeaderState.Follower(value).equals(state));
        }
    }

    /**
     * To be called in the end, when nobody has come or gone for a while: all who observe must have been told this.
     *
     * @param machine that has applied everything
     */
    public void checkObservers(LeasedKeys machine) {
        for (Seen each : seen) {
            KeyAnswer answer = KeyAnswer.decode(machine.query(new KeyQuery.Line("election\0" + each.name + '\0', "").encode()));
            KeyEntry first = ((KeyAnswer.Line) answer).first();
            if (!each.isRight(first)) {
                throw new Broken(each.process + ", which observes " + each.name + " since " + each.since / 1_000_000 + " ms, was told "
                    + each.last + " and " + each.state + " last, and not " + first);
            }
        }
    }

    private static String name(int i) {
        return "name " + i;
    }

    private void onElected(String name, Leadership leadership) {
        elected++;
        electedInCalm += isCalm() ? 1 : 0;
        Long last = tokens.put(name + " in epoch " + FencingToken.epoch(leadership.fencingToken()), leadership.fencingToken());
        if (last != null && last >= leadership.fencingToken()) {
            throw new Broken("token " + leadership.fencingToken() + " comes after " + last);
        }
        granted.computeIfAbsent(name, unknown -> new ArrayList<>()).add(leadership);
        granted.forEach(this::check);
        leadership.revoked().thenAccept(reason -> {
            if (leadership.isValid()) {
                throw new Broken(leadership + " is valid, but over because " + reason);
            }
            granted.get(name).remove(leadership);      // it stays so
            if (reason == Leadership.Reason.LOST) {
                lost++;
            }
        });
    }

    /**
     * To be called with each replica's machine after each command and each time: what has changed, as the group itself sees it. Of the
     * latest index there may be more to come, when the time has been told there and the command has not been applied.
     */
    public void record(LeasedKeys machine) {
        KeyAnswer answer = KeyAnswer.decode(machine.query(new KeyQuery.Changes(Math.max(0, historyIndex - 1), List.of()).encode()));
        if (!(answer instanceof KeyAnswer.Changes changes)) {
            throw new Broken("the test does not know all changes");
        }
        int before = history.size();
        while (before > 0 && history.get(before - 1).index() == historyIndex) {
            before--;
        }
        boolean isMore = changes.changes().size() > history.size() - before;
        if (changes.index() > historyIndex || changes.index() == historyIndex && isMore) {
            history.subList(before, history.size()).clear();
            history.addAll(changes.changes());
            historyIndex = changes.index();
            latest = machine;
        }
    }

    /** The machine that has come further than all others. */
    public LeasedKeys latest() {
        return Objects.requireNonNull(latest);
    }

    /** To be called in the end. */
    public void checkWatches() {
        watched.forEach(WatchedHistory::check);
    }

    /** What one watcher was told, without a gap. */
    private final class WatchedHistory {
        private final String prefix;
        private final long fromIndex;
        private final List<KeyChange> told = new ArrayList<>();

        private WatchedHistory(String prefix, long fromIndex) {
            this.prefix = prefix;
            this.fromIndex = fromIndex;
            watched.add(this);
        }

        private long index() {
            return told.isEmpty() ? fromIndex : told.get(told.size() - 1).index();
        }

        private void check() {
            List<KeyChange> expected = history.stream().filter(change -> change.index() > fromIndex && change.index() <= index())
                .filter(change -> change.key().startsWith(prefix)).toList();
            if (!expected.equals(told)) {
                int same = 0;
                while (same < Math.min(told.size(), expected.size()) && told.get(same).equals(expected.get(same))) {
                    same++;
                }
                throw new Broken("a watcher of '" + prefix + "' from " + fromIndex + " was told, after the first " + same + ", "
                    + told.subList(same, told.size()) + " and not " + expected.subList(same, expected.size()));
            }
        }
    }

    // ---------------------------------------------------------------------------------------------------------------------- processes

    /** One life of a process: its clock, its connections, and what runs in it. */
    private final class Process implements Group, VirtualSession.Clock {

        private final String name = "process " + processes++ + ',';
        private final SplittableRandom chance = random.split();
        private long clockNanos = chance.nextInt(3) == 0 ? Long.MAX_VALUE - chance.nextLong(20 * t) : chance.nextLong(100 * t);
        private long clockAt = world.now();
        private int ratePermille = 1000;
        private long cutUntil;
        private boolean isPaused;
        private boolean isDead;
        private final List<Runnable> late = new ArrayList<>();
        private int leader;
        private int epoch;      // the highest that was met

        private byte[] value(String what) {
            return (name + what).getBytes(StandardCharsets.UTF_8);
        }

        @Override
        public String toString() {
            return name.substring(0, name.length() - 1);
        }

        private void misfortunes() {
            delayed(chance.nextLong(12 * t), () -> {
                if (isCalm()) {
                    return;
                }
                switch (chance.nextInt(4)) {
                    case 0 -> cutUntil = world.now() + chance.nextLong(2 * options.ttl().toNanos());
                    case 1 -> pause(chance.nextLong(3 * options.ttl().toNanos()));
                    default -> rate(chance.nextInt(clocks.slowestPermille, clocks.fastestPermille + 1));
                }
                misfortunes();
            });
        }

        private void rate(int permille) {
            clockNanos = nanoTime();
            clockAt = world.now();
            ratePermille = permille;
        }

        private void pause(long nanos) {
            isPaused = true;
            world.after(Math.max(0, Math.min(nanos, calm.fromNanos - world.now())), () -> {
                isPaused = false;
                List<Runnable> due = List.copyOf(late);
                late.clear();
                due.forEach(task -> world.after(0, () -> run(task)));
            });
        }

        private void run(Runnable task) {
            if (isPaused) {
                late.add(task);
            } else if (!isDead) {
                task.run();
            }
        }

        /** In real time. */
        private void delayed(long nanos, Runnable task) {
            world.after(nanos, () -> {
                if (!isDead) {
                    task.run();
                }
            });
        }

        @Override
        public long nanoTime() {
            long passed = world.now() - clockAt;
            return clockNanos + passed / 1000 * ratePermille + passed % 1000 * ratePermille / 1000;
        }

        @Override
        public Runnable after(long nanos, Runnable task) {
            boolean[] isCancelled = new boolean[1];
            long real = Math.max(0, nanos) / ratePermille * 1000 + (nanos > 0 ? 1000 : 0);
            world.after(real, () -> {
                if (!isCancelled[0]) {
                    run(task);
                }
            });
            return () -> isCancelled[0] = true;
        }

        // ------------------------------------------------------------------------------------------------------------- the network

        private boolean isCut() {
            return world.now() < cutUntil && !isCalm() || world.isOver();
        }

        /** Now and then for ever, seldom for as long as several elections. */
        private long trip() {
            int kind = isCalm() ? 100 : chance.nextInt(100);
            return kind == 0 ? chance.nextLong(8 * t) : kind < 5 ? chance.nextLong(t) : chance.nextLong(t / 20);
        }

        private boolean isLost() {
            return isCut() || !isCalm() && chance.nextInt(30) == 0;
        }

        /** In the end only one that belongs to the group: whoever was removed answers nobody. */
        private int anyNode() {
            int node = 1 + chance.nextInt(world.nodes());
            for (int tries = world.nodes(); tries > 0 && isCalm() && !world.isMember(node); tries--) {
                node = node % world.nodes() + 1;
            }
            return node;
        }

        private void send(Runnable task) {
            if (!isLost()) {
                world.after(trip(), task);
                if (chance.nextInt(30) == 0) {
                    world.after(trip(), task);      // a copy
                }
            }
        }

        private void hear(Runnable task) {
            if (!isLost()) {
                world.after(trip(), () -> {
                    if (!isCut()) {
                        run(task);
                    }
                });
            }
        }

        /** As a client does: what comes of a group that was left behind is not delivered, but fails as a broken connection does. */
        private void hear(int node, Runnable delivered, Runnable broken) {
            int of = world.epoch(node);
            hear(() -> {
                if (of < epoch) {
                    broken.run();
                } else {
                    epoch = of;
                    delivered.run();
                }
            });
        }

        @Override
        public CompletableFuture<Session> openSession(Session.Options given) {
            return VirtualSession.open(this::propose, given, this, this::random, drawNumber());
        }

        private CompletableFuture<byte[]> propose(byte[] command, Duration timeout) {
            CompletableFuture<byte[]> answer = new CompletableFuture<>();
            byte[] copy = command.clone();
            int node = leader != 0 && chance.nextInt(8) > 0 ? leader : anyNode();
            after(timeout.toNanos(), () -> {
                leader = answer.completeExceptionally(new OutcomeUnknownException("Perhaps")) ? 0 : leader;
            });
            send(() -> {
                if (!world.isOver()) {
                    world.propose(node, copy, new Caller() {
                        @Override
                        public void done(byte[] result, long index) {
                            servedAtNanos = world.now();
                            hear(node, () -> {
                                leader = node;
                                answer.complete(result);
                            }, () -> answer.completeExceptionally(new OutcomeUnknownException("Perhaps")));
                        }

                        @Override
                        public void failed(@Nullable Throwable why, int leaderOrNone) {
                            hear(() -> {
                                leader = leaderOrNone;
                                answer.completeExceptionally(why == null ? new OutcomeUnknownException("Perhaps") : why);
                            });
                        }
                    });
                }
            });
            return answer;
        }

        @Override
        public CompletableFuture<Answer> read(byte[] query, Freshness freshness, Duration timeout) {
            CompletableFuture<Answer> answer = new CompletableFuture<>();
            int node = anyNode();
            after(Math.min(timeout.toNanos(), 5 * t), () -> answer.completeExceptionally(
                new NotLeaderException("Nothing happened: nobody answers")));
            send(() -> {
                if (!world.isOver()) {
                    world.read(node, query, freshness, new Caller() {
                        @Override
                        public void done(byte[] result, long index) {
                            hear(node, () -> answer.complete(new Answer(result, index)),
                                () -> answer.completeExceptionally(new NotLeaderException("Nothing happened")));
                        }

                        @Override
                        public void failed(@Nullable Throwable why, int leaderOrNone) {
                            hear(() -> answer.completeExceptionally(new NotLeaderException("Nothing happened")));
                        }
                    });
                }
            });
            return answer;
        }

        @Override
        public int epoch() {
            return epoch;
        }

        @Override
        public long random(long bound) {
            return chance.nextLong(bound);
        }

        @Override
        public long drawNumber() {
            return chance.nextLong();
        }

        @Override
        public Executor executor() {
            return task -> after(0, task);
        }

        /** One that is full now and then. */
        private Executor refusingExecutor(BooleanSupplier mayRefuse) {
            return task -> {
                if (!isCalm() && chance.nextInt(5) == 0 && mayRefuse.getAsBoolean()) {
                    refused++;
                    throw new RejectedExecutionException("full");
                }
                after(0, task);
            };
        }

        /** A moment to come at: the same as others', one while a first answer is under way, or any. */
        private long soon() {
            return switch (chance.nextInt(3)) {
                case 0 -> 0;
                case 1 -> chance.nextLong(t / 20);
                default -> chance.nextLong(2 * t);
            };
        }

        private void die() {
            isDead = true;
            stands.removeIf(stand -> stand.process == this);
            seen.removeIf(each -> each.process == this);
        }

        /** Holds the office of somebody for so long. */
        private long term() {
            return chance.nextLong(isCalm() ? t / 2 : 5 * t);
        }
    }

    /** Stands in each election, holds the office for a while, resigns; closes, or dies, and begins anew. */
    private final class Candidates {

        private final Process process = new Process();
        private final Elections elections = new Elections(process, options);
        private boolean isClosed;

        private void start() {
            process.misfortunes();
            for (int i = 0; i < NAMES; i++) {
                standAfter(process.soon(), elections.election(name(i)));
            }
            look(process, elections.election(name(0)), () -> { });
            if (process.chance.nextInt(3) == 0) {
                process.after(process.soon(), this::lookAround);
            }
            long life = process.chance.nextLong(30 * t);
            boolean dies = process.chance.nextBoolean();
            process.delayed(life, () -> {
                if (isCalm()) {
                    return;
                }
                if (dies) {
                    process.die();
                } else {
                    isClosed = true;
                    seen.removeIf(each -> each.process == process);
                    stands.removeIf(stand -> stand.process == process);
                    elections.closeAsync();
                    world.after(5 * t, process::die);
                }
                if (!world.isOver()) {
                    world.after(random.nextLong(2 * t), () -> new Candidates().start());
                }
            });
        }

        /** Looks at so many elections for a while that all changes must be asked for. */
        private void lookAround() {
            for (int i = 0; i < MANY; i++) {
                Observation<?> observation = elections.election("another " + i).observe(holder -> { }, process.executor());
                process.after(process.chance.nextLong(5 * t), observation::close);
            }
        }

        private void standAfter(long nanos, Election election) {
            process.after(nanos, () -> {
                if (isClosed || isQuiet()) {
                    return;
                }
                Stand stand = new Stand(process, election.name());
                if (process.chance.nextInt(3) == 0) {
                    standWithTask(stand, election);
                } else {
                    stand(stand, election);
                }
            });
        }

        private void stand(Stand stand, Election election) {
            CompletableFuture<Leadership> campaign = election.campaign(process.value("stands"));
            if (process.chance.nextInt(4) == 0) {
                process.after(process.chance.nextLong(4 * t), () -> campaign.cancel(false));
            }
            campaign.whenComplete((leadership, failure) -> {
                stand.end();
                if (leadership == null) {
                    if (campaign.isCancelled()) {
                        standAfter(process.chance.nextLong(t), election);
                    }
                    return;
                }
                onElected(election.name(), leadership);
                if (process.chance.nextBoolean()) {
                    process.after(process.chance.nextLong(2 * t), () -> election.proclaim(leadership, process.value("leads")));
                }
                resignLater(leadership);
                leadership.revoked().thenRun(() -> standAfter(process.chance.nextLong(t), election));
            });
        }

        private void resignLater(Leadership leadership) {
            process.after(process.term(), () -> {
                if (leadership.isValid() && !isQuiet()) {
                    resigned++;
                    leadership.resign();
                }
            });
        }

        /** With a task that is done once; who is refused by the executor stands anew, or he would wait longer each time. */
        private void standWithTask(Stand stand, Election election) {
            Candidate[] own = new Candidate[1];
            boolean[] isStarted = new boolean[1];     // a stop that is refused would run on a thread of no simulation
            LeaderTask<Leadership> task = new LeaderTask<>() {
                @Override
                public void start(Leadership leadership) {
                    isStarted[0] = true;
                    stand.end();
                    onElected(election.name(), leadership);
                    resignLater(leadership);
                }

                @Override
                public void stop(Leadership leadership, Leadership.Reason why) {
                    own[0].withdraw();
                }
            };
            own[0] = election.campaign(process.value("stands"), task, process.refusingExecutor(() -> {
                if (!isStarted[0]) {
                    process.after(0, () -> own[0].withdraw());
                }
                return !isStarted[0];
            }));
            own[0].ended().whenComplete((nothing, failure) -> {
                stand.end();
                if (failure == null) {
                    standAfter(process.chance.nextLong(t), election);
                }
            });
        }
    }

    /** Observe each election, some for a while and some to the end, on executors that refuse now and then. */
    private final class Observers {

        private void start() {
            Process process = new Process();
            process.misfortunes();
            Elections elections = new Elections(process, options);
            for (int i = 0; i < 2 * NAMES; i++) {
                int number = i % NAMES;
                process.after(process.soon(), () -> observe(process, elections.election(name(number))));
            }
        }

        private void observe(Process process, Election election) {
            look(process, election, () -> observe(process, election));
        }
    }

    /** Observes an election, for a while or to the end. */
    private void look(Process process, Election election, Runnable then) {
        Seen own = new Seen(process, election.name());
        Observation<?> observation = election.observe(holder -> own.last = holder, process.refusingExecutor(() -> true));
        Observation<?> states = election.states(own::onState, process.refusingExecutor(() -> true));
        process.after(process.chance.nextLong(20 * t), () -> {
            if (!isCalm()) {
                observation.close();
                states.close();
                seen.remove(own);
                process.after(process.soon(), then);
            }
        });
    }

    /** Watches, and goes on in another process where it was. */
    private final class Watchers {

        private final String prefix = random.nextBoolean() ? "" : "election\0name 1\0";

        private void start() {
            resume(null);
        }

        private void resume(@Nullable WatchedHistory before) {
            Process process = new Process();
            process.misfortunes();
            boolean[] isStale = new boolean[1];
            WatchedHistory seen = before != null ? before : new WatchedHistory(prefix, 0);
            KeyWatch watch = new KeyWatch(process, prefix, seen.index(), new KeyWatch.Listener() {
                @Override
                public void onChanges(List<KeyChange> changes) {
                    seen.told.addAll(changes);
                    told += changes.size();
                }

                @Override
                public void onMissed() {
                    missed++;
                    isStale[0] = true;
                }
            }, process.executor());
            watch.start();
            process.delayed(process.chance.nextLong(15 * t), () -> {
                process.die();
                if (!world.isOver()) {
                    resumed++;
                    // Too late: from where the group is, as one who has read the keys just then.
                    resume(isStale[0] ? new WatchedHistory(prefix, historyIndex) : seen);
                }
            });
        }
    }
}
