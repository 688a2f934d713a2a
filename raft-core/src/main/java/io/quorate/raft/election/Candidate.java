package io.quorate.raft.election;

import java.util.Optional;
import java.util.concurrent.CompletionStage;

/** Somebody who stands in a named election again and again, until he is closed or {@linkplain #ended refused} for good. */
public interface Candidate extends AutoCloseable {

    /** The leadership that is held now, if one is. */
    Optional<Leadership> leadership();

    /**
     * Stands no more: leaves the line, or stops the task and then gives the office to the next. Completes when the task has stopped, and
     * the group was told or cannot be, so that the office is free when the lease has ended; with an exception if the task has not stopped
     * when it has had all its time to start and to stop.
     */
    CompletionStage<Void> withdraw();

    /**
     * Completes when this candidate stands no more, and his task has stopped; with an exception if that is for another reason than that he
     * was withdrawn or all were closed: the group has said that it will never have him, for his value is too long or its version of {@link
     * LeasedKeys} too old, or there was nothing to stand in, since all were closed before; or his task has not stopped, see {@link
     * #withdraw}.
     */
    CompletionStage<Void> ended();

    /** The same as {@link #withdraw}, and waits for nothing. */
    @Override
    default void close() {
        withdraw();
    }
}
