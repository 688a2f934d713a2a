package io.quorate.examples.debitorders;

import io.quorate.examples.debitorders.Blows.Kind;
import io.quorate.examples.election.Figures;
import io.quorate.examples.election.Holders;
import io.quorate.examples.launcher.LocalGroup;
import io.quorate.examples.launcher.ParentWatch;
import io.quorate.examples.launcher.ReplicaProcess;
import io.quorate.examples.launcher.ReplicaProgram;
import io.quorate.examples.launcher.ScratchGroup;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Three copies of a service of which exactly one may create debit orders, and a ledger downstream: while orders fall due, the copy that
 * does the work is killed, paused and cut off in turn, and in the end each order must be in the ledger exactly once. Leaves no process and
 * no file behind.
 */
public final class DebitOrders {

    private static final int COPIES = 3;
    private static final int COPY_HEAP_MIB = 256;
    private static final int LEDGER_HEAP_MIB = 64;
    private static final int PERIOD_MILLIS = 125;
    private static final int CUSTOMERS = 4;
    private static final Duration START = Duration.ofSeconds(60);
    private static final Duration CATCH_UP = Duration.ofSeconds(90);
    private static final long LOOK_MILLIS = 200;
    private static final String STALE = "ledger has stopped: stale requests ";

    private static final int EXIT_KEPT = 0;
    private static final int EXIT_BROKEN = 1;
    private static final int EXIT_USAGE = 2;
    private static final String WITH_PARENT = "--with-parent";

    private final Settings settings;
    private final PrintStream out;
    private final long begin = System.nanoTime();

    private DebitOrders(Settings settings, PrintStream out) {
        this.settings = settings;
        this.out = out;
    }

    /**
     * Runs it, and ends with 0 if all was kept, 1 if not, 2 for a wrong command line.
     *
     * @param arguments {@code seconds=120 pause=10 rounds=10 fencing=on}, each optional; {@code --with-parent}: ends when the process that
     *                  started it does
     */
    public static void main(String[] arguments) {
        List<String> words = new ArrayList<>(List.of(arguments));
        if (words.remove(WITH_PARENT)) {
            ParentWatch.endWithParent();
        }
        Settings settings;
        try {
            settings = Settings.of(words);
        } catch (IllegalArgumentException e) {
            System.err.println("debit-orders: " + e.getMessage());
            System.exit(EXIT_USAGE);
            return;
        }
        boolean isKept = settings.rounds() == 0 || Figures.run(settings.rounds(), System.out);
        isKept &= new DebitOrders(settings, System.out).run();
        System.exit(isKept ? EXIT_KEPT : EXIT_BROKEN);
    }

    private boolean run() {
        ScratchGroup scratch = new ScratchGroup();
        try (Wires wires = new Wires(COPIES)) {
            List<ReplicaProcess> ledger = new ArrayList<>();
            LocalGroup group = scratch.make("quorate-debit-orders-", directory -> {
                ledger.add(startLedger(directory));
                return LocalGroup.ofScratchBehind(wires.fronts(), directory, List.of("--election-timeout", "500", "--links", wires.links(),
                    "--plan", plan(directory).toString(), "--ledger", addressOf(ledger.get(0))),
                    new ReplicaProgram(Copy.class, COPY_HEAP_MIB));
            });
            tell(settings.toString());
            try {
                return run(group, wires, ledger.get(0), Objects.requireNonNull(scratch.directory()));
            } catch (IOException | RuntimeException e) {
                if (!scratch.isRemoved()) {
                    out.println(group.report());
                }
                throw e;
            } finally {
                ledger.get(0).kill();
            }
        } catch (IOException | RuntimeException e) {      // whatever it is, it must not look like success, nor keep us here
            if (!scratch.isRemoved()) {                   // else it was interrupted, and everything fails
                out.println("debit-orders: failed: " + (e.getMessage() == null ? e : e.getMessage()));
            }
            return false;
        }
    }

    private boolean run(LocalGroup group, Wires wires, ReplicaProcess ledger, Path directory) throws IOException {
        group.startAll();
        Holders holders = new Holders(List.of(1, 2, 3), group::process);
        int first = holders.awaitAfter(0).number();
        Plan plan = new Plan(System.currentTimeMillis(), PERIOD_MILLIS, Math.max(1, settings.seconds() * 1000 / PERIOD_MILLIS), CUSTOMERS);
        plan.writeTo(plan(directory));
        tell("copy " + first + " leads, and there are " + plan.orders() + " orders to create");
        Path file = orders(directory);
        Blows blows = new Blows(group, wires, holders, settings.pauseSeconds() * 1000L, this::tell);
        for (int i = 0; System.currentTimeMillis() < plan.dueMillis(plan.orders() - 1); i++) {
            blows.strike(Kind.values()[i % Kind.values().length]);
        }
        awaitOrders(file, plan);
        group.requireAllRun();
        group.close();
        ledger.stop();
        String stale = ledger.lines().stream().filter(line -> line.startsWith(STALE)).map(line -> line.substring(STALE.length()))
            .findFirst().orElseThrow(() -> new IllegalStateException("the ledger has not stopped in good order"));
        return conclude(group, OrderCheck.of(OrderLedger.read(file), plan), blows, Long.parseLong(stale));
    }

    /** Waits until the last order is there; if that takes too long, the check tells what is missing. */
    private void awaitOrders(Path file, Plan plan) throws IOException {
        long from = System.nanoTime();
        while (System.nanoTime() - from < CATCH_UP.toNanos() && OrderCheck.of(OrderLedger.read(file), plan).missing() > 0) {
            Holders.pause(LOOK_MILLIS);
        }
    }

    private boolean conclude(LocalGroup group, OrderCheck check, Blows blows, long stale) {
        boolean hasTried = blows.count(Kind.KILL) > 0 && blows.count(Kind.PAUSE) > 0 && blows.count(Kind.PARTITION) > 0;
        boolean isKept = hasTried && check.isKept() && check.fencesLowered() == 0 && blows.validAfterPause() == 0;
        if (!isKept) {
            out.println(group.report());
        }
        if (!hasTried) {
            out.println("debit-orders: the leader was not killed, paused and cut off each at least once; give it more seconds");
        }
        out.println("debit-orders: orders=" + check.orders() + " missing=" + check.missing() + " duplicates=" + check.duplicates()
            + " kills=" + blows.count(Kind.KILL) + " pauses=" + blows.count(Kind.PAUSE) + " partitions=" + blows.count(Kind.PARTITION)
            + " leaderless_max_ms=" + check.gapMaxMillis() + " stale_" + (settings.isFenced() ? "refused=" : "taken=") + stale
            + " valid_after_pause=" + blows.validAfterPause());
        out.flush();
        return isKept;
    }

    private ReplicaProcess startLedger(Path directory) {
        List<String> arguments = new ArrayList<>(List.of(orders(directory).toString()));
        if (!settings.isFenced()) {
            arguments.add(LedgerMain.GULLIBLE);
        }
        return ReplicaProcess.start(new ReplicaProgram(LedgerMain.class, LEDGER_HEAP_MIB), directory, directory.resolve("ledger.log"),
            arguments, () -> { });
    }

    private static Path orders(Path directory) {
        return directory.resolve("orders.txt");
    }

    private static Path plan(Path directory) {
        return directory.resolve("plan.txt");
    }

    private static String addressOf(ReplicaProcess ledger) {
        String listens = " listens at ";
        String line = ledger.awaitLine(each -> each.contains(listens), START).orElseThrow(() -> new IllegalStateException(
            "The ledger did not start: " + ledger.log().strip()));
        return line.substring(line.indexOf(listens) + listens.length());
    }

    private void tell(String what) {
        out.printf("%6.1f s  %s%n", (System.nanoTime() - begin) / 1e9, what);
        out.flush();
    }
}
