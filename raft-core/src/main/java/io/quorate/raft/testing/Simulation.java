package io.quorate.raft.testing;

import io.quorate.raft.Sessions;
import io.quorate.raft.SnapshotPolicy;
import io.quorate.raft.StateMachine;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Runs your state machine on a whole group in one thread, in virtual time, from one seed: several nodes with their disks and clocks, the
 * network between them and some clients, with everything going wrong that a {@link FaultPlan} says. The nodes are the real ones, from the
 * algorithm to the thread loops' bodies; only sockets, disks and clocks are not.
 *
 * <pre>{@code
 * Simulation<Bank> simulation = Simulation.of(Bank::new)
 *     .workload(Transfers::new)                                             // what clients ask
 *     .check("MoneyIsConserved", bank -> assertEquals(1000, bank.total()))  // after each command, on each replica
 *     .model(new BankModel());                                              // is the history linearizable?
 *
 * simulation.run(seed);                // throws a SimulationFailure that says how to repeat it
 * }</pre>
 *
 * <p>The same seed gives the same run, event by event, as long as machine and workload depend on nothing but their arguments; {@link
 * #checkReplay} finds out whether they do.
 *
 * <p>A failing run is run again while its plan is cut down to what is needed; the failure names the seed, the small plan, the broken
 * invariant, the last events of each node, and the line of code that repeats it. Its {@link SimulationFailure#trace trace} can be looked at
 * as a picture.
 *
 * <p>A simulation is a value: each method returns another one. Runs share nothing, so several threads may run seeds of one simulation if
 * its suppliers allow that.
 *
 * @param <M> the state machine
 */
public final class Simulation<M extends StateMachine> {

    /** For how many election timeouts faults go on, unless {@link #timeouts} says otherwise. */
    public static final int TIMEOUTS = 100;
    /** How many clients there are, unless {@link #clients} says otherwise. */
    public static final int CLIENTS = 5;
    private static final int CRAMPED_ENTRIES_MAX = 10;

    /**
     * What a run came to.
     *
     * @param seed            that repeats it
     * @param plan            likewise
     * @param traceHash       of everything that happened, in order
     * @param turns           how many batches nodes have digested
     * @param virtualNanos    how long it was
     * @param lastTerm        the highest term
     * @param committed       how many entries were committed
     * @param acknowledged    how many proposals were answered as done
     * @param readsServed     how many reads were answered, of those that had to be as fresh as can be
     * @param elections       how many leaders were elected
     * @param crashes         how many processes died or stopped
     * @param healNanos       how long the healed quorum took to do its work
     * @param isLinearizable  whether the clients' history was held against a model, and was linearizable; without a model, false
     * @param happenings      how often each thing that may go wrong did
     */
    public record Report(long seed, FaultPlan plan, long traceHash, long turns, long virtualNanos, long lastTerm, long committed,
                         long acknowledged, long readsServed, long elections, long crashes, long healNanos, boolean isLinearizable,
                         Map<String, Long> happenings) { }

    private final Setup setup;
    private final int nodes;
    private final int timeouts;
    private final @Nullable Path pictures;
    private final boolean explains;

    private Simulation(Setup setup, int nodes, int timeouts, @Nullable Path pictures, boolean explains) {
        this.setup = setup;
        this.nodes = nodes;
        this.timeouts = timeouts;
        this.pictures = pictures;
        this.explains = explains;
    }

    /** A simulation of this state machine, made anew for each start of a node. Give it a {@link #workload}. */
    public static <M extends StateMachine> Simulation<M> of(Supplier<M> machines) {
        Objects.requireNonNull(machines, "machines");
        Supplier<Workload> none = () -> {
            throw new IllegalStateException("Say what clients ask: Simulation.of(...).workload(...)");
        };
        return new Simulation<>(new Setup(machines, none, CLIENTS, null, null, List.of(), null, SnapshotPolicy.DEFAULT, null,
            (node, incarnation, isCramped) -> new InMemoryDisk(node, incarnation, isCramped ? CRAMPED_ENTRIES_MAX : Integer.MAX_VALUE),
            () -> Companion.Maker.NONE), 0,
            TIMEOUTS, null, true);
    }

    /** What clients ask, made anew for each run. */
    public Simulation<M> workload(Supplier<? extends Workload> workloads) {
        Objects.requireNonNull(workloads, "workloads");
        return with(new Setup(setup.machines(), workloads, setup.clients(), setup.model(), setup.wire(), setup.checks(), setup.digest(),
            setup.snapshots(), setup.sessions(), setup.disks(), setup.companions()));
    }

    /** What the clients' history of each run is held against: it must be linearizable. */
    public Simulation<M> model(SequentialModel<?> model) {
        return with(new Setup(setup.machines(), setup.workloads(), setup.clients(), model, setup.wire(), setup.checks(), setup.digest(),
            setup.snapshots(), setup.sessions(), setup.disks(), setup.companions()));
    }

    /** What must hold of each replica's machine after each command: throws if it does not. */
    public Simulation<M> check(String name, Consumer<? super M> asserts) {
        List<Setup.Check> checks = new ArrayList<>(setup.checks());
        checks.add(new Setup.Check(name, machine -> {
            @SuppressWarnings("unchecked")      // made by the supplier of M
            M mine = (M) machine;
            asserts.accept(mine);
        }));
        return with(new Setup(setup.machines(), setup.workloads(), setup.clients(), setup.model(), setup.wire(), List.copyOf(checks),
            setup.digest(), setup.snapshots(), setup.sessions(), setup.disks(), setup.companions()));
    }

    /** A digest of a machine's whole state: the same on every replica after the same command. */
    public Simulation<M> digest(ToLongFunction<? super M> digest) {
        return with(new Setup(setup.machines(), setup.workloads(), setup.clients(), setup.model(), setup.wire(), setup.checks(),
            machine -> {
            @SuppressWarnings("unchecked")      // made by the supplier of M
            M mine = (M) machine;
            return digest.applyAsLong(mine);
        }, setup.snapshots(), setup.sessions(), setup.disks(), setup.companions()));
    }

    /** How many clients ask, one thing at a time each. */
    public Simulation<M> clients(int clients) {
        if (clients < 1) {
            throw new IllegalArgumentException("At least one client asks, not " + clients);
        }
        return with(new Setup(setup.machines(), setup.workloads(), clients, setup.model(), setup.wire(), setup.checks(), setup.digest(),
            setup.snapshots(), setup.sessions(), setup.disks(), setup.companions()));
    }

    /**
     * When nodes take snapshots of their machines, if those have any. By default only when their logs are longer than any run makes them; let
     * them be a few hundred bytes, and nodes take, send and install snapshots all the time.
     */
    public Simulation<M> snapshots(SnapshotPolicy policy) {
        return with(new Setup(setup.machines(), setup.workloads(), setup.clients(), setup.model(), setup.wire(), setup.checks(),
            setup.digest(), policy, setup.sessions(), setup.disks(), setup.companions()));
    }

    /**
     * Puts {@link Sessions} around each machine and lets clients propose in sessions: they repeat a command whose outcome they do not know,
     * or that was refused, at whichever node, until they are told what became of it, and a repeated one is one operation in the history
     * that the model judges. Several have commands outstanding in one session, copies come late, sessions are closed, lost and left to expire.
     * That each command takes effect once and each copy gets the first reply is checked on every replica.
     *
     * <p>Workload, model, checks and digest stay those of the machine inside.
     */
    public Simulation<M> sessions(Sessions.Options options) {
        return sessions(options, machine -> Sessions.around(machine, options));
    }

    /** With sessions that a test has planted something in. */
    Simulation<M> sessions(Sessions.Options options, UnaryOperator<StateMachine> around) {
        return with(new Setup(setup.machines(), setup.workloads(), setup.clients(), setup.model(), setup.wire(), setup.checks(),
            setup.digest(), setup.snapshots(), new Setup.InSessions(options, around), setup.disks(), setup.companions()));
    }

    /**
     * What the nodes' disks are: for a storage of one's own under the whole group. By default they keep what is written in memory, wholly or
     * not at all.
     */
    public Simulation<M> disks(SimulatedDisk.Maker disks) {
        return with(new Setup(setup.machines(), setup.workloads(), setup.clients(), setup.model(), setup.wire(), setup.checks(),
            setup.digest(), setup.snapshots(), setup.sessions(), disks, setup.companions()));
    }

    /** What runs in each process beside its server. */
    Simulation<M> companions(Supplier<? extends Companion.Maker> companions) {
        return with(new Setup(setup.machines(), setup.workloads(), setup.clients(), setup.model(), setup.wire(), setup.checks(),
            setup.digest(), setup.snapshots(), setup.sessions(), setup.disks(), companions));
    }

    /** Sends every message through a real encoder and decoder. */
    public Simulation<M> wire(Wire wire) {
        return with(new Setup(setup.machines(), setup.workloads(), setup.clients(), setup.model(), wire, setup.checks(), setup.digest(),
            setup.snapshots(), setup.sessions(), setup.disks(), setup.companions()));
    }

    /** How many nodes there are, 1 to 7; each seed draws its number unless this is said. */
    public Simulation<M> nodes(int number) {
        if (number < 1 || number > FaultPlan.NODES_MAX) {
            throw new IllegalArgumentException("A group has 1 to " + FaultPlan.NODES_MAX + " nodes, not " + number);
        }
        return new Simulation<>(setup, number, timeouts, pictures, explains);
    }

    /** For how many election timeouts faults go on. */
    public Simulation<M> timeouts(int number) {
        if (number < 1) {
            throw new IllegalArgumentException("Faults go on for at least one election timeout, not " + number);
        }
        return new Simulation<>(setup, nodes, number, pictures, explains);
    }

    /** Where a failure's picture is written, as {@code simulation-SEED.html}; the directory is made if need be. */
    public Simulation<M> pictures(Path directory) {
        return new Simulation<>(setup, nodes, timeouts, directory, explains);
    }

    /**
     * Fails at once, with the whole plan and an empty trace: explaining a failure takes hundreds of runs. For those who run many seeds on
     * several threads, and then run the one that matters again without this.
     */
    public Simulation<M> unexplained() {
        return new Simulation<>(setup, nodes, timeouts, pictures, false);
    }

    private Simulation<M> with(Setup other) {
        return new Simulation<>(other, nodes, timeouts, pictures, explains);
    }

    /**
     * Runs one seed, with the faults that it draws.
     *
     * @param seed any number
     * @throws SimulationFailure if an invariant or check is broken, or a healed quorum makes no progress
     */
    public Report run(long seed) {
        return run(seed, FaultPlan.swarm(seed, nodes, timeouts));
    }

    /** Runs one seed with these faults. */
    public Report run(long seed, FaultPlan plan) {
        SimulatedGroup group = new SimulatedGroup(seed, plan, setup, null);
        try {
            return group.run();
        } catch (RuntimeException | AssertionError | StackOverflowError | LinkageError e) {
            throw explains ? explain(seed, plan, e) : new SimulationFailure("seed " + seed + " breaks " + nameOf(e) + '\n' + e, e, seed,
                plan, nameOf(e), new Trace.Recorder().trace(seed, plan.nodes(), plan.toString()));
        }
    }

    /**
     * Runs one seed twice and compares all that happened: a clock, a random number or an order of its own in the state machine or the
     * workload shows as a difference.
     *
     * @throws SimulationFailure at the first difference, or as {@link #run}
     */
    public Report checkReplay(long seed) {
        Report first = run(seed);
        Report second = run(seed);
        if (first.traceHash != second.traceHash) {
            throw notRepeatable(seed, first.plan, "two runs of one seed differ");
        }
        return first;
    }

    // ------------------------------------------------------------------------------------------------------------------ failures

    private record Ending(@Nullable Throwable failure, Trace trace, List<String> nodes) {

        String name() {
            return failure == null ? "" : nameOf(failure);
        }
    }

    private SimulationFailure explain(long seed, FaultPlan plan, Throwable failure) {
        String name = nameOf(failure);
        if (!name.equals(failureOf(seed, plan))) {
            return notRepeatable(seed, plan, "it failed once, of " + failure + ", and the same seed and plan did not fail so again");
        }
        FaultPlan small = new PlanShrinker(shrunk -> name.equals(failureOf(seed, shrunk))).shrink(plan);
        Ending ending = record(seed, small);
        if (!name.equals(ending.name()) || ending.failure == null) {
            return notRepeatable(seed, small, "it failed twice, of " + failure + ", and not a third time");
        }
        StringBuilder text = new StringBuilder("seed ").append(seed).append(" breaks ").append(name).append('\n').append(ending.failure)
            .append("\n\nThe last events of each node:\n");
        for (int node = 1; node <= small.nodes(); node++) {
            text.append(ending.nodes.get(node - 1)).append('\n');
            lastLines(ending.trace, node).forEach(line -> text.append("  ").append(line).append('\n'));
        }
        text.append("\nThe plan, cut down from ").append(plan.faults().size()).append(" faults to ").append(small.faults().size())
            .append(":\n").append(String.join("\n", small.toString().split("(?<=;) ")))
            .append("\n\nRepeat it:\n").append(replayLine(seed, small));
        String picture = draw(seed, ending.trace);
        if (picture != null) {
            text.append("\n\nSee it: ").append(picture);
        }
        return new SimulationFailure(text.toString(), ending.failure, seed, small, name, ending.trace);
    }

    private SimulationFailure notRepeatable(long seed, FaultPlan plan, String what) {
        Ending one = record(seed, plan);
        Ending other = record(seed, plan);
        String first = TraceDifference.first(one.trace.lines(), other.trace.lines());
        String difference = first == null ? "Two more runs did not differ." : "Two more runs differ: " + first;
        String text = "seed " + seed + " cannot be repeated: " + what + ". The state machine, the workload or a check depends on "
            + "something else than its arguments: a clock, random numbers, the order of a hash table, static state.\n" + difference
            + "\n\nRepeat it:\n"
            + replayLine(seed, plan);
        return new SimulationFailure(text, null, seed, plan, "Replay", one.trace);
    }

    private static String replayLine(long seed, FaultPlan plan) {
        return "simulation.run(" + seed + "L, FaultPlan.parse(\"" + plan + "\"));";
    }

    /** The name of what is broken, or the empty text. */
    private String failureOf(long seed, FaultPlan plan) {
        try {
            new SimulatedGroup(seed, plan, setup, null).run();
            return "";
        } catch (RuntimeException | AssertionError | StackOverflowError | LinkageError e) {
            return nameOf(e);
        }
    }

    private Ending record(long seed, FaultPlan plan) {
        Trace.Recorder recorder = new Trace.Recorder();
        SimulatedGroup group = new SimulatedGroup(seed, plan, setup, recorder);
        Throwable failure = null;
        try {
            group.run();
        } catch (RuntimeException | AssertionError | StackOverflowError | LinkageError e) {
            failure = e;
            String seen = e instanceof InvariantBroken broken ? broken.seen() : String.valueOf(e.getMessage());
            int node = e instanceof InvariantBroken broken ? broken.node() : 0;
            recorder.record(new Trace.Violated(group.now(), node, nameOf(e), seen));
        }
        List<String> nodes = group.replicas().stream().map(SimulatedReplica::toString).toList();
        return new Ending(failure, recorder.trace(seed, plan.nodes(), plan.toString()), nodes);
    }

    private static String nameOf(Throwable failure) {
        return failure instanceof InvariantBroken broken ? broken.invariant() : failure.getClass().getSimpleName();
    }

    private static List<String> lastLines(Trace trace, int node) {
        List<String> lines = new ArrayList<>();
        List<String> all = trace.lines();
        int offset = all.size() - trace.events().size();
        for (int i = trace.events().size() - 1; i >= 0 && lines.size() < 8; i--) {
            if (trace.events().get(i).node() == node) {
                lines.add(0, all.get(i + offset));
            }
        }
        return lines;
    }

    private @Nullable String draw(long seed, Trace trace) {
        if (pictures == null) {
            return null;
        }
        Path file = pictures.resolve("simulation-" + seed + ".html");
        try {
            Files.createDirectories(pictures);
            Files.writeString(file, TracePicture.html(trace));
        } catch (IOException e) {
            throw new UncheckedIOException("The picture of a failure cannot be written to " + file, e);
        }
        return file.toString();
    }
}
