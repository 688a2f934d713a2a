package io.quorate.examples.debitorders;

import io.quorate.raft.election.LeaderTask;
import io.quorate.raft.election.Leadership;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What the leading copy does: {@code start} begins the {@link Scheduler}'s work on a thread of its own, {@code stop} ends it and waits
 * until it has ended. Its calls come one after the other, as the library promises.
 */
final class DebitTask implements LeaderTask<Leadership> {

    private static final Duration LEDGER_TIMEOUT = Duration.ofSeconds(2);
    private static final int LOOK_MILLIS = 50;
    private static final int WORK_MILLIS_MIN = 4;
    private static final int WORK_MILLIS_MAX = 16;

    private final String name;
    private final Path planFile;
    private final String ledgerAddress;
    private final Consumer<String> tell;
    private @Nullable Work work;       // of the present term of office

    /** @param planFile where the plan is, or will be */
    DebitTask(String name, Path planFile, String ledgerAddress, Consumer<String> tell) {
        this.name = name;
        this.planFile = planFile;
        this.ledgerAddress = ledgerAddress;
        this.tell = tell;
    }

    @Override
    public void start(Leadership leadership) throws IOException {
        // A connection for each term of office. If there is none to be had, this throws, and another copy is asked to do the work.
        Work begun = new Work(leadership, new LedgerClient(ledgerAddress, LEDGER_TIMEOUT));
        work = begun;
        begun.thread.start();
        tell.accept("leads with fence " + leadership.fencingToken());
    }

    @Override
    public void stop(Leadership leadership, Leadership.Reason why) throws InterruptedException {
        tell.accept("stops: " + why);
        Work ending = work;
        if (ending != null) {            // start got as far as that
            work = null;
            ending.stop();
        }
    }

    /** The work of one term of office. */
    private final class Work {

        private final Leadership leadership;
        private final LedgerClient ledger;
        private final Thread thread = new Thread(this::run, "debit-orders");

        Work(Leadership leadership, LedgerClient ledger) {
            this.leadership = leadership;
            this.ledger = ledger;
        }

        private void run() {
            try (ledger) {
                Plan plan = awaitPlan();
                tell.accept("ends its work: " + new Scheduler(name, plan, new Pace(plan)).run(ledger, leadership.fencingToken(),
                    leadership::isValid));
            } catch (InterruptedException e) {
                tell.accept("ends its work: it was told to");
            } catch (IOException e) {
                // Whether the last order was created is not known, and with this fence it never will be. The next fence closes the door
                // on it.
                tell.accept("ends its work: the ledger does not answer: " + e.getMessage());
                leadership.resign();
            }
        }

        private Plan awaitPlan() throws IOException, InterruptedException {
            Optional<Plan> found = Plan.read(planFile);
            while (found.isEmpty()) {
                TimeUnit.MILLISECONDS.sleep(LOOK_MILLIS);
                found = Plan.read(planFile);
            }
            return found.get();
        }

        void stop() throws InterruptedException {
            thread.interrupt();          // ends its waiting; an answer of the ledger comes soon, or is given up
            thread.join();
        }
    }

    /** Orders are due by the clock on the wall, and take a while to be worked out. */
    private record Pace(Plan plan) implements Scheduler.Preparation {

        @Override
        public void awaitDue(int number) throws InterruptedException {
            TimeUnit.MILLISECONDS.sleep(Math.max(0, plan.dueMillis(number) - System.currentTimeMillis()));
        }

        @Override
        public void workOut(int number) throws InterruptedException {
            TimeUnit.MILLISECONDS.sleep(ThreadLocalRandom.current().nextInt(WORK_MILLIS_MIN, WORK_MILLIS_MAX));
        }
    }
}
