package io.quorate.raft.election;

import java.time.Duration;
import java.util.concurrent.CompletionStage;

/**
 * One term of office: from the moment at which this process may do the leader's work to the moment at which it may not any more.
 *
 * <p>Three things guard the work, and each catches what the one before lets through. {@link LeaderTask#stop} is told when it is over.
 * {@link #isValid} tells whether it is over by now, also before anybody could be told: ask it before each step. And what is under way
 * while the validity ends (a request that is in the network, a thread that was paused between the question and the step) is refused by
 * whoever carries it out, if each step brings the {@link #fencingToken} along and a lower one than the highest seen is turned away. Only
 * the token is proof against everything; the others keep the work that it must refuse rare.
 *
 * <p>The task is told on the executor that it came with. If that refuses {@code start}, the term of office ends with {@link
 * Reason#START_FAILED}; if it refuses {@code stop}, another thread calls that.
 *
 * <p>All methods may be called from any thread, and none waits.
 */
public interface Leadership {

    /** Why a term of office has ended. */
    enum Reason {
        /** It was given back by {@link Leadership#resign}. */
        RESIGNED,
        /** The lease ran out, or somebody else leads: nobody asked here. */
        LOST,
        /**
         * {@link LeaderTask#start} threw; or the task's executor refused to run it, and then the task was not called at all: no {@code
         * stop} follows.
         */
        START_FAILED,
        /** {@link LeaderTask#start} had not returned when its time was up. */
        START_TOO_SLOW,
        /** This candidate was closed. */
        CLOSED
    }

    /**
     * Higher than that of every earlier term of office, whoever held it: send it with all that the leader does, and let the receiver refuse
     * what is lower than the highest it has seen. {@link FencingToken} tells what it is made of.
     */
    long fencingToken();

    /**
     * Whether nobody else can hold the office now. It compares this process's monotonic clock with the end of the lease, and asks nobody: a
     * call that begins after a pause of the process (a long garbage collection, SIGSTOP and SIGCONT) tells the truth. It rests on clocks
     * that differ in how fast they run by no more than the stated bound, and on a monotonic clock that goes on while the process stands
     * still; that of a virtual machine that is suspended, or of a machine that sleeps, may not.
     *
     * <p>False may be for a moment only, while the lease is being made sure of; when it is for good, {@link #revoked} completes.
     */
    boolean isValid();

    /** For how much longer it will be valid if nothing renews it; zero if it is not. Nearly for ever if nobody else could be elected. */
    Duration remaining();

    /**
     * Completes when this term of office is over for good, with the reason; {@link #isValid} is false by then. After a resignation that is
     * when {@link LeaderTask#stop} has returned. What is chained to it must be quick, and wait for nothing: it may run on the thread that
     * runs the election.
     */
    CompletionStage<Reason> revoked();

    /**
     * Gives the office back. {@link LeaderTask#stop} is called and awaited first, and until it returns this is still valid; then the office
     * goes to somebody else, without waiting for the end of the lease. Completes when that is done; with an exception if the office is over
     * here but nobody could be told, so that it is free only later. If it is over already, that is done. What is chained to it must be
     * quick, as with {@link #revoked}.
     */
    CompletionStage<Void> resign();
}
