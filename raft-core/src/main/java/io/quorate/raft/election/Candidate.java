package io.quorate.raft.election;

import java.util.Optional;
import java.util.concurrent.CompletionStage;

/** Somebody who stands in a named election again and again, until he is closed. */
public interface Candidate extends AutoCloseable {

    /** The leadership that is held now, if one is. */
    Optional<Leadership> leadership();

    /**
     * Stands no more: leaves the line, or stops the task and then gives the office to the next. Completes when the task has stopped and the
     * office is given away; with an exception if nobody could be told, so that it is free when the lease has ended.
     */
    CompletionStage<Void> withdraw();

    /** The same, and waits for nothing. */
    @Override
    default void close() {
        withdraw();
    }
}
