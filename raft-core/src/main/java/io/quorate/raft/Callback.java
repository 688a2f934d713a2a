package io.quorate.raft;

/**
 * Hears what came of a call, once: for callers who make so many that a future for each counts, which is two hundred bytes.
 *
 * <p>It runs where what is chained to a future would: on the apply thread, mostly. So be quick, never wait there for another call of the
 * same server, and hand over what takes long. An exception from it is logged, and nothing else is affected; an Error stops the server.
 */
public interface Callback {

    /**
     * It is done.
     *
     * @param result what the state machine returned on this replica
     * @param index  where the command stands in the log: what is read {@linkplain Freshness#notBefore not before} it sees its effects
     */
    void done(byte[] result, long index);

    /**
     * It was not done, or perhaps it was: the type says which.
     *
     * @param why what a future would have failed with
     */
    void failed(Throwable why);
}
