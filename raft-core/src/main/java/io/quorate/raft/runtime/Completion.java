package io.quorate.raft.runtime;

import io.quorate.raft.Callback;

/**
 * Takes the outcome of a call, once, on the apply thread or, when the server stops, on the thread that stops it. Does not throw.
 *
 * <p>Of a query, the index is an applied one whose effects the answer contains.
 */
public interface Completion extends Callback { }
