package io.quorate.raft;

import io.quorate.raft.core.ReplicaId;
import org.jspecify.annotations.Nullable;

/**
 * Who stands at the helm of a group, as one replica knows it: kept by its raft thread, for others to look at without asking that.
 *
 * <p>It is what {@code io.quorate.raft.election} is built on, and few need it themselves. Nothing is kept unless somebody {@linkplain #watch
 * watches}. All methods may be called from any thread, and none waits.
 */
public interface Helm {

    /** Who leads, as was last known. */
    View view();

    /** Whether this replica reckons with leases at all. */
    boolean hasLeases();

    /** For how long a silent leader is trusted, at least. */
    long electionTimeoutNanos();

    /**
     * Calls this whenever another view is there, or the reign in it has a lease again, or none any more, or an index to take. Not when a lease
     * is just renewed.
     *
     * @param onChange called on the raft thread: it must return at once
     */
    void watch(Runnable onChange);

    /** Ends that. */
    void unwatch(Runnable onChange);

    /** Asks for another entry in the log, if this replica leads and none is on its way: for who needs an index that nobody has taken. */
    void mark();

    /**
     * Who leads.
     *
     * @param term          the replica's current term
     * @param leader        who leads that, as far as is known here
     * @param leaderAddress where, likewise
     * @param reign         the replica's own; null unless it leads
     */
    record View(long term, @Nullable ReplicaId leader, @Nullable String leaderAddress, @Nullable Reign reign) { }

    /** That this replica leads in one term, from its election to its end. */
    interface Reign {

        /** There is no lease, now or for ever. */
        long NONE = Long.MIN_VALUE;

        /** Nobody else can be elected before a membership says otherwise. */
        long FOREVER = Long.MAX_VALUE;

        /** In which term. */
        long term();

        /** The recovery epoch of the group. */
        int epoch();

        /**
         * Until when nobody else can be elected, as far as is known by now, on the monotonic clock; {@link #NONE} or {@link #FOREVER}. For
         * each message that lets another campaign, it has said so before that has left.
         */
        long leaseEndNanos();

        /**
         * The same, as it was when it was last known: what a lease may yet be extended before, when it is in doubt after a pause. {@link
         * #NONE} if there was none, or if it was given up for the rest of the term.
         */
        long lastLeaseEndNanos();

        /** Whether it goes on. Once it does not, it never will again. */
        boolean isOn();

        /**
         * Takes an index of the log: of an entry of this term, committed, and applied here with everything before it. Each is given out once,
         * in growing order, beginning with the first of the term; 0 if there is none now.
         */
        long takeIndex();

        /** Whether there will be no index to take before something new is in the log; {@link Helm#mark} sees to that. */
        boolean isUsedUp();
    }
}
