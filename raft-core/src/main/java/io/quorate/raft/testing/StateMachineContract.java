package io.quorate.raft.testing;

import io.quorate.raft.StateMachine;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Checks that a {@link StateMachine} keeps to its contract, in one line of any test:
 * <pre>{@code
 * StateMachineContract.of(Bank::new)
 *     .commands(random -> Bank.transfer(random.nextInt(10), random.nextInt(10), random.nextInt(100)))
 *     .queries(random -> Bank.balanceOf(random.nextInt(10)))
 *     .check();
 * }</pre>
 *
 * <p>It draws some hundred commands with their times and feeds them to many instances in many ways: beside another instance, by another
 * thread, under other default locales and time zones, asked queries or not, with payloads that are overwritten, later, and on request
 * {@linkplain #inAnotherJvm in another JVM}. All of them must say the same, and want to be woken up at the same times. If the machine has
 * snapshots, instances are stopped at every index and restored, over states of their own and from streams that fail. The first difference
 * is thrown as a {@link ContractBroken} that says which sentence of the contract it breaks, at which command, and which seed shows it again.
 *
 * <p><b>It changes the default locale and time zone of the whole JVM</b> while it runs, and puts them back. Two checks wait for each other,
 * but other tests that depend on these must not run beside it. It takes up to a second longer than the machine itself, because one instance
 * has to meet the commands in another second of the clock.
 *
 * <p><b>What it cannot catch.</b> It sees what it makes happen, and the more your commands and queries reach, the more that is:
 * <ul>
 * <li>A state that no query shows and no later command's result depends on. Write queries that show everything, at least for tests.
 * <li>What takes a longer history than the one that is drawn, a larger state, or a rarer command: an overflow, a limit reached, a hash
 *     table of another size. Raise {@link #commandCount}, and let commands meet on few keys.
 * <li>A clock that is read but seldom shows: one that is rounded to hours, an expiry after days. Only what differs between now and a
 *     second later, or between time zones, is seen. A difference that appears by chance once in many runs is found once in many runs.
 * <li>What differs between versions of your program, other than {@link #olderCommands}; between JDKs, processors and operating systems;
 *     between hosts (name, environment, files, system properties); under memory pressure. The other JVM is of this JDK on this host.
 * <li>What a static initialiser has taken from the defaults of this JVM, and a default charset: those show in another JVM only. There, what
 *     depends on a charset needs text beyond ASCII to show, and the salt of {@code Set.of} is equal by chance now and then, the more so the
 *     smaller the set.
 * <li>A snapshot that is cut short. A format that is read to the end of its stream cannot know, so {@code restore} is not asked to throw;
 *     that a snapshot arrives whole is the server's promise. Nor are equal states asked for equal bytes, since the order of a hash map may
 *     differ in them and be harmless: what a snapshot restores is compared.
 * <li>Races between {@code writeTo} and {@code apply}, beyond what applying between two of its writes shows.
 * </ul>
 */
public final class StateMachineContract {

    /** How many commands are drawn unless told otherwise. */
    public static final int DEFAULT_COMMAND_COUNT = 300;

    private static final int QUERY_COUNT = 20;
    private static final long OTHER_JVM_MILLIS_MAX = TimeUnit.MINUTES.toMillis(2);
    private static final Object ONE_AT_A_TIME = new Object();     // defaults of the JVM are there only once

    /**
     * Makes a new machine with the empty state. It is serializable so that another JVM can make one too; a constructor reference or a
     * lambda is so by itself, as long as it captures nothing that is not. The class in whose code it stands is initialised there too.
     */
    @FunctionalInterface
    public interface Factory extends Serializable {
        StateMachine create();
    }

    private final Factory factory;
    private @Nullable Function<? super RandomGenerator, byte[]> commands;
    private @Nullable Function<? super RandomGenerator, byte[]> queries;
    private List<byte[]> olderCommands = List.of();
    private int commandCount = DEFAULT_COMMAND_COUNT;
    private long seed = new SplittableRandom().nextLong();
    private @Nullable List<String> otherJvmArguments;      // null for no other JVM
    private long otherJvmMillisMax = OTHER_JVM_MILLIS_MAX;

    private StateMachineContract(Factory factory) {
        this.factory = factory;
    }

    /** @param factory called for each of the many instances; all of them begin with the same empty state */
    public static StateMachineContract of(Factory factory) {
        return new StateMachineContract(factory);
    }

    /**
     * @param drawOne draws a command as a client might propose it, mistaken ones included; called once for each command, always in this
     *     thread
     */
    public StateMachineContract commands(Function<? super RandomGenerator, byte[]> drawOne) {
        commands = drawOne;
        return this;
    }

    /**
     * @param drawOne draws a query; without queries, states are told apart by the results of commands alone. A query may throw, if it does
     *     so at each instance
     */
    public StateMachineContract queries(Function<? super RandomGenerator, byte[]> drawOne) {
        queries = drawOne;
        return this;
    }

    /**
     * Commands as older versions of the program have proposed them. They are applied before all others, as by a log that is older than this
     * version, and again among the others, as by a leader that has not been upgraded yet.
     *
     * @param commands for example read from files that an older version's test has written
     */
    public StateMachineContract olderCommands(List<byte[]> commands) {
        olderCommands = List.copyOf(commands);
        return this;
    }

    /** @param count how many commands to draw, at least 1; unless told otherwise {@value #DEFAULT_COMMAND_COUNT} */
    public StateMachineContract commandCount(int count) {
        if (count < 1) {
            throw new IllegalArgumentException("at least one command, not " + count);
        }
        commandCount = count;
        return this;
    }

    /** @param seed that the failure to be repeated has printed; unless told otherwise each check draws its own */
    public StateMachineContract seed(long seed) {
        this.seed = seed;
        return this;
    }

    /**
     * Also starts another JVM of this JDK, with another default charset, locale, time zone, line separator, number of processors and source
     * of hash codes, without {@code -ea}. There an instance meets the same commands, and another one is restored from a snapshot taken
     * here. It costs about a second. Everything on this JVM's class path and module path is on the other's class path.
     *
     * @param jvmArguments given to it in addition, such as {@code --add-opens} or a system property that the machine asks for
     */
    public StateMachineContract inAnotherJvm(String... jvmArguments) {
        otherJvmArguments = List.of(jvmArguments);
        return this;
    }

    /** For tests of this class, which have no minutes to wait. */
    StateMachineContract otherJvmMillisMax(long millis) {
        otherJvmMillisMax = millis;
        return this;
    }

    /**
     * Runs all checks.
     *
     * @throws ContractBroken        at the first thing that is not as promised
     * @throws IllegalStateException if nothing is proven: no commands were given, or the other JVM could not be run
     */
    public void check() {
        Function<? super RandomGenerator, byte[]> draw = commands;
        if (draw == null && olderCommands.isEmpty()) {
            throw new IllegalStateException("nothing is proven without commands: call commands(random -> ...)");
        }
        synchronized (ONE_AT_A_TIME) {
            MachineLog log = MachineLog.draw(seed, draw == null ? 0 : commandCount, draw == null ? random -> new byte[0] : draw,
                olderCommands, queries == null ? 0 : QUERY_COUNT, queries == null ? random -> new byte[0] : queries);
            try {
                check(new MachineCheck(factory, seed, log, new ExpectedOutcomes(log)));
            } catch (IOException e) {
                throw new UncheckedIOException("nothing is proven: the other JVM could not be started, or its files not be read", e);
            }
        }
    }

    private void check(MachineCheck check) throws IOException {
        DeterminismChecks determinism = new DeterminismChecks(check);
        determinism.run();
        SnapshotChecks snapshots = new SnapshotChecks(check);
        boolean hasSnapshots = snapshots.hasSnapshots();
        if (hasSnapshots) {
            snapshots.run();
        }
        if (otherJvmArguments != null) {
            int middle = hasSnapshots ? check.log().size() / 2 : -1;
            byte[] snapshot = hasSnapshots ? snapshots.snapshotAt(middle) : new byte[0];
            new OtherJvm(check, otherJvmArguments, otherJvmMillisMax).run(middle, snapshot);
        }
        determinism.later();
    }
}
