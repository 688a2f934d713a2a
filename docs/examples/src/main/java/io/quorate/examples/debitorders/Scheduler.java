package io.quorate.examples.debitorders;

import java.io.IOException;
import java.util.function.BooleanSupplier;

/**
 * The job that exactly one copy of the service may do: it creates the orders of a plan, one after the other, each when it is due.
 *
 * <p>It begins each term of office by {@linkplain Ledger#claim claiming} the ledger. That closes the door on all holders before, and tells
 * how far they came; nothing else about progress is kept anywhere. Before each order it asks whether its leadership is still valid. That
 * spares useless work, but it makes nothing safe: between the question and the moment at which the ledger takes in the order, any amount of
 * time can pass. What makes it safe is the fence that goes along with the order.
 *
 * <p>When the ledger's answer fails to come, the order was created, or is about to be, or neither. Asking again under the same fence could
 * create it twice. So the scheduler lets {@link #run} fail, its owner gives up the office, and the next fence closes the door on the order
 * that is still on its way, before anybody looks whether it arrived.
 */
final class Scheduler {

    /** How a term of office ended. */
    enum End {
        /** All orders of the plan are there. */
        DONE,
        /** The leadership was found to be no longer valid, before anybody was harmed. */
        NOT_VALID,
        /** The ledger has heard of a newer holder, before this one had. */
        OVERTAKEN
    }

    /** What an order takes before it can be created. */
    interface Preparation {

        /** Waits until the order is due. */
        void awaitDue(int number) throws InterruptedException;

        /** Works out what is to be ordered; who knows how long that takes. */
        void workOut(int number) throws InterruptedException;
    }

    private final String name;
    private final Plan plan;
    private final Preparation preparation;

    Scheduler(String name, Plan plan, Preparation preparation) {
        this.name = name;
        this.plan = plan;
        this.preparation = preparation;
    }

    /**
     * Does the job for one term of office.
     *
     * @param fence   the leadership's fencing token
     * @param isValid whether it is still valid
     * @throws IOException if the ledger does not answer: the office is to be given up, and not to be held again under this fence
     */
    End run(Ledger ledger, long fence, BooleanSupplier isValid) throws IOException, InterruptedException {
        if (!(ledger.claim(name, fence) instanceof Verdict.Accepted claimed)) {
            return End.OVERTAKEN;
        }
        for (int next = Math.toIntExact(claimed.orders()); next < plan.orders(); next++) {
            preparation.awaitDue(next);
            if (!isValid.getAsBoolean()) {
                return End.NOT_VALID;
            }
            preparation.workOut(next);      // here a process is stopped for ten seconds, and goes on as if nothing had been
            if (ledger.create(name, fence, plan.id(next)) instanceof Verdict.Stale) {
                return End.OVERTAKEN;
            }
        }
        return End.DONE;
    }
}
