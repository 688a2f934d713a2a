package io.quorate.raft.election;

import io.quorate.raft.Answer;
import io.quorate.raft.Freshness;
import io.quorate.raft.NotLeaderException;
import io.quorate.raft.OutcomeUnknownException;
import io.quorate.raft.client.Session;
import io.quorate.raft.client.VirtualSession;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * Candidates and watchers of a simulated group, with the real code of clients, each in a process of its own: they are cut off, stand still,
 * die and come back, their clocks run fast and slow, and what they say is lost, late, repeated, or answered to nobody. What must hold of
 * them is checked all the time.
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

    private static final int NAMES = 2;
    private static final int CANDIDATES = 4;
    private static final int WATCHERS = 2;
    private static final int CHECKS_PER_TIMEOUT = 50;

    private final World world;
    private final Clocks clocks;
    private final long t;
    private final Elections.Options options;
    private final SplittableRandom random;
    private final Map<String, List<Leadership>> granted = new HashMap<>();
    private final Map<String, Long> tokens = new HashMap<>();
    private final List<KeyChange> history = new ArrayList<>();
    private long historyIndex;
    private final List<WatchedHistory> watched = new ArrayList<>();

    private long elected;
    private long lost;
    private long resigned;
    private long told;
    private long resumed;
    private long missed;

    public SimulatedElections(World world, long seed, long electionTimeoutNanos, Clocks clocks) {
        this.world = world;
        this.clocks = clocks;
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
        for (int i = 0; i < WATCHERS; i++) {
            new Watchers().start();
        }
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

    // ----------------------------------------------------------------------------------------------------------------- what must hold

    private void checkLater() {
        world.after(t / CHECKS_PER_TIMEOUT, () -> {
            granted.forEach(this::check);
            checkLater();
        });
    }

    /** Of the dead too: one who is paused for ever and one who is dead are the same to all others. */
    private void check(String name, List<Leadership> all) {
        Leadership first = null;
        for (Leadership leadership : all) {
            if (leadership.isValid()) {
                if (first != null) {
                    throw new Broken(name + " is led by " + first + " and by " + leadership + " at " + world.now());
                }
                first = leadership;
            }
        }
    }

    private void onElected(String name, Leadership leadership) {
        elected++;
        Long last = tokens.put(name, leadership.fencingToken());
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
        }
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

        private final SplittableRandom chance = random.split();
        private long clockNanos = chance.nextInt(3) == 0 ? Long.MAX_VALUE - chance.nextLong(20 * t) : chance.nextLong(100 * t);
        private long clockAt = world.now();
        private int ratePermille = 1000;
        private long cutUntil;
        private boolean isPaused;
        private boolean isDead;
        private final List<Runnable> late = new ArrayList<>();
        private int leader;

        private void misfortunes() {
            delayed(chance.nextLong(12 * t), () -> {
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
            world.after(nanos, () -> {
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
            return world.now() < cutUntil || world.isOver();
        }

        /** Now and then for ever, seldom for as long as several elections. */
        private long trip() {
            int kind = chance.nextInt(100);
            return kind == 0 ? chance.nextLong(8 * t) : kind < 5 ? chance.nextLong(t) : chance.nextLong(t / 20);
        }

        private boolean isLost() {
            return isCut() || chance.nextInt(30) == 0;
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

        @Override
        public CompletableFuture<Session> openSession(Session.Options given) {
            return VirtualSession.open(this::propose, given, this, this::random, drawNumber());
        }

        private CompletableFuture<byte[]> propose(byte[] command, Duration timeout) {
            CompletableFuture<byte[]> answer = new CompletableFuture<>();
            byte[] copy = command.clone();
            int node = leader != 0 && chance.nextInt(8) > 0 ? leader : 1 + chance.nextInt(world.nodes());
            after(timeout.toNanos(), () -> {
                leader = answer.completeExceptionally(new OutcomeUnknownException("Perhaps")) ? 0 : leader;
            });
            send(() -> {
                if (!world.isOver()) {
                    world.propose(node, copy, new Caller() {
                        @Override
                        public void done(byte[] result, long index) {
                            hear(() -> {
                                leader = node;
                                answer.complete(result);
                            });
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
            int node = 1 + chance.nextInt(world.nodes());
            after(Math.min(timeout.toNanos(), 5 * t), () -> answer.completeExceptionally(
                new NotLeaderException("Nothing happened: nobody answers")));
            send(() -> {
                if (!world.isOver()) {
                    world.read(node, query, freshness, new Caller() {
                        @Override
                        public void done(byte[] result, long index) {
                            hear(() -> answer.complete(new Answer(result, index)));
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
            return 0;
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
    }

    /** Stands in each election, holds the office for a while, resigns; closes, or dies, and begins anew. */
    private final class Candidates {

        private void start() {
            Process process = new Process();
            process.misfortunes();
            Elections elections = new Elections(process, options);
            for (int i = 0; i < NAMES; i++) {
                stand(process, elections.election("name " + i));
            }
            long life = process.chance.nextLong(30 * t);
            boolean dies = process.chance.nextBoolean();
            process.delayed(life, () -> {
                if (dies) {
                    process.isDead = true;
                } else {
                    elections.closeAsync();
                    world.after(5 * t, () -> process.isDead = true);
                }
                if (!world.isOver()) {
                    world.after(random.nextLong(2 * t), () -> new Candidates().start());
                }
            });
        }

        private void stand(Process process, Election election) {
            CompletableFuture<Leadership> campaign = election.campaign(new byte[] {1});
            if (process.chance.nextInt(4) == 0) {
                process.after(process.chance.nextLong(4 * t), () -> campaign.cancel(false));
            }
            campaign.whenComplete((leadership, failure) -> {
                if (leadership == null) {
                    if (campaign.isCancelled()) {
                        process.after(process.chance.nextLong(t), () -> stand(process, election));
                    }
                    return;
                }
                onElected(election.name(), leadership);
                if (process.chance.nextBoolean()) {
                    process.after(process.chance.nextLong(2 * t), () -> election.proclaim(leadership, new byte[] {2}));
                }
                process.after(process.chance.nextLong(5 * t), () -> {
                    if (leadership.isValid()) {
                        resigned++;
                        leadership.resign();
                    }
                });
                leadership.revoked().thenRun(() -> process.after(process.chance.nextLong(t), () -> stand(process, election)));
            });
        }
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
                process.isDead = true;
                if (!world.isOver()) {
                    resumed++;
                    // Too late: from where the group is, as one who has read the keys just then.
                    resume(isStale[0] ? new WatchedHistory(prefix, historyIndex) : seen);
                }
            });
        }
    }
}
