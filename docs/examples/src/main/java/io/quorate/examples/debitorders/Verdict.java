package io.quorate.examples.debitorders;

/** What the ledger answers. */
sealed interface Verdict {

    /**
     * It is durable.
     *
     * @param orders how many orders of this scheduler there are now; nobody with an older fence can add another
     */
    record Accepted(long orders) implements Verdict { }

    /**
     * Nothing happened: somebody with a newer fence has been here, so the caller's time is over, whether it knows or not.
     *
     * @param newestFence that somebody's
     */
    record Stale(long newestFence) implements Verdict { }
}
