package io.quorate.raft.runtime;

/** Takes the outcome of a call, once, on the apply thread or, when the server stops, on the thread that stops it. Does not throw. */
public interface Completion {

    /**
     * It is done.
     *
     * @param result of the state machine
     * @param index  of the command's entry, or an applied index whose effects the answer contains
     */
    void done(byte[] result, long index);

    /** It was not done, or perhaps it was: the type says which. */
    void failed(Throwable why);
}
