package io.quorate.raft.election;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.Executor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells a listener what changes among the keys with a prefix: every change once and in the order of the log, over changes of leader,
 * restarts, and whichever replicas answer. Asked for more only when the listener has returned, so nothing piles up here.
 *
 * <p>Who remembers the index of the last change that he has dealt with resumes from there, also in another process. The group keeps the
 * latest changes only: who comes too late is told so once, and nothing more, since he must look at the keys first. While the listener's
 * executor refuses to run it, as one that is full or shut down does, it is asked again every second until the watch is closed.
 */
public final class KeyWatch implements AutoCloseable {

    /** Who is told, one call at a time. */
    public interface Listener {

        /**
         * What has changed next: all that has changed at one or more indexes. Resume behind the index of the last if this has dealt with
         * it.
         *
         * @param changes at least one
         */
        void onChanges(List<KeyChange> changes);

        /**
         * Changes are missing: too many came since, or the group was recovered from a lost quorum and its indexes begin anew. This watch
         * has ended; {@linkplain KeysClient#list read the keys}, and watch from the index of what was read.
         */
        void onMissed();
    }

    private static final Logger LOG = LoggerFactory.getLogger(KeyWatch.class);

    /** After so long an executor that has refused is asked again. */
    private static final long REFUSED_PAUSE_NANOS = Duration.ofSeconds(1).toNanos();

    private final Strand strand = new Strand();
    private final Executor executor;
    private final Listener listener;
    private final ChangePoll poll;
    private final Group group;

    // On the strand.
    private boolean isClosed;
    private boolean isWarned;

    KeyWatch(Group group, String prefix, long after, Listener listener, Executor executor) {
        this.group = group;
        this.listener = listener;
        this.executor = executor;
        poll = new ChangePoll(group, strand, prefix.isEmpty() ? List.of() : List.of(prefix), after, new ChangePoll.Sink() {
            @Override
            public void onChanges(KeyAnswer.Changes changes) {
                hand(changes.changes());
            }

            @Override
            public void onGap() {
                runOnExecutor(listener::onMissed);
            }
        });
    }

    void start() {
        strand.execute(poll::start);
    }

    /** Tells nothing more, but for what is being told. */
    @Override
    public void close() {
        strand.execute(() -> {
            isClosed = true;
            poll.close();
        });
    }

    private void hand(List<KeyChange> changes) {
        if (changes.isEmpty()) {
            poll.resume();
            return;
        }
        runOnExecutor(() -> {
            try {
                listener.onChanges(changes);
            } finally {
                strand.execute(poll::resume);
            }
        });
    }

    private void runOnExecutor(Runnable call) {
        try {
            executor.execute(call);
        } catch (RuntimeException e) {       // a RejectedExecutionException
            if (!isWarned) {
                LOG.warn("The executor of a listener refuses it; it is asked again until the watch is closed", e);
            }
            isWarned = true;
            group.after(REFUSED_PAUSE_NANOS, () -> strand.execute(() -> {
                if (!isClosed) {
                    runOnExecutor(call);
                }
            }));
        }
    }
}
