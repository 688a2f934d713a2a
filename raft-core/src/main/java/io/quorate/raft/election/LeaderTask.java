package io.quorate.raft.election;

/**
 * What a leader does. {@code start} and {@code stop} are called on the executor that was given with the task, in strict alternation: never
 * two at a time, exactly one {@code stop} for each {@code start}, and the next {@code start} only after that has returned.
 *
 * <p>That holds also with an executor that refuses a call, because it was shut down or is full. If it refuses {@code start}, the start has
 * failed ({@link Leadership.Reason#START_FAILED}): neither {@code start} nor {@code stop} is called for that term of office, and it is
 * given back. If it refuses {@code stop}, the work that was begun must end all the same, and {@code stop} is called on a thread of the
 * JDK's common pool.
 *
 * @param <L> what kind of leadership it is told
 */
public interface LeaderTask<L extends Leadership> {

    /**
     * Begins the leader's work; returns when it runs, and does not do the work itself. If this throws, the office is given back; if it does
     * not return in time, the office is given to somebody else while it still runs, so it should look at {@link Leadership#isValid} when
     * it takes long. In both cases this candidate waits before it stands again, longer each time.
     *
     * @throws Exception if the work cannot be done here; {@link #stop} is called all the same, to undo what was begun
     */
    void start(L leadership) throws Exception;

    /**
     * Ends the work; returns when nothing of it goes on. When the office is given back, it goes to somebody else after this has returned,
     * or when its time is up. When it was lost, somebody else may have begun already: {@link Leadership#isValid} tells, and the fencing
     * token holds.
     *
     * @throws Exception which is logged; the work counts as ended
     */
    void stop(L leadership, Leadership.Reason why) throws Exception;
}
