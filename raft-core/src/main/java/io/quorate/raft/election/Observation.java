package io.quorate.raft.election;

import io.quorate.raft.Freshness;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells a listener who stands first in a line of keys: who it is when he begins, and then each change, one call at a time. Should the
 * listener be so slow that too much waits for it, the oldest is left out; the newest always comes. While its executor refuses to run it, as
 * one that is full or shut down does, what is to be told waits, and is tried again every second until this is closed.
 *
 * @param <T> what is told
 */
public final class Observation<T> implements AutoCloseable {

    /** So many changes wait for a slow listener, of so many bytes; but always the newest. */
    static final int WAITING_MAX = 1000;
    static final long WAITING_BYTES_MAX = 1 << 20;

    /** While the line is being read, so many bytes of changes are kept; if there come more, the reading begins anew. */
    static final long MISSED_BYTES_MAX = 1 << 20;

    private static final Logger LOG = LoggerFactory.getLogger(Observation.class);
    private static final int PAGE_ENTRIES = 1000;

    /** After so long an executor that has refused is asked again. */
    private static final long REFUSED_PAUSE_NANOS = Duration.ofSeconds(1).toNanos();

    private final Elections elections;
    private final String prefix;
    private final Function<Observation<T>, @Nullable T> present;
    private final ToLongFunction<? super T> bytes;
    private final Consumer<? super T> listener;
    private final Strand listeners;
    private final Subscriber subscriber = new Subscriber();

    // On the strand.
    private final TreeMap<Long, KeyEntry> line = new TreeMap<>();     // by where they were put
    private @Nullable List<KeyChange> missed;                         // while the line is being read; null when it is known
    private long missedBytes;                                         // of these
    private long beginIndex;                                          // what happened up to here is in the line
    private long readIndex;                                           // and what happened up to here, in part
    private long reading;                                             // which reading; an answer to another is too late
    private boolean isKnown;
    private boolean isClosed;
    private @Nullable T told;
    private boolean isWarned;
    private boolean isRefused;                                        // by the executor, which is asked again later

    private final Deque<T> waiting = new ArrayDeque<>();              // guarded by itself
    private long waitingBytes;                                        // guarded by that

    /** @param bytes how much one costs of what is told, roughly */
    Observation(Elections elections, String prefix, Function<Observation<T>, @Nullable T> present, ToLongFunction<? super T> bytes,
                Consumer<? super T> listener, Executor executor) {
        this.elections = elections;
        this.prefix = prefix;
        this.present = present;
        this.bytes = bytes;
        this.listener = listener;
        listeners = new Strand(executor);
    }

    /** Tells nothing more, but for what is being told. */
    @Override
    public void close() {
        elections.strand().execute(() -> {
            isClosed = true;
            elections.remove(this);
            synchronized (waiting) {
                waiting.clear();
                waitingBytes = 0;
            }
        });
    }

    void start() {
        tell();
        elections.add(this);
    }

    /** Whether it is known who stands in the line. */
    boolean isKnown() {
        return isKnown;
    }

    /** Who stands first. */
    @Nullable KeyEntry first() {
        return line.isEmpty() ? null : line.firstEntry().getValue();
    }

    /** What is kept here: changes that come while the line is being read, and what waits for the listener. */
    long bytes() {
        synchronized (waiting) {
            return missedBytes + waitingBytes;
        }
    }

    /** What the listener was told last. */
    @Nullable T told() {
        return told;
    }

    /** This client has come to hold an office, or a lease, or has lost it. */
    void onOwnChange() {
        tell();
    }

    // -------------------------------------------------------------------------------------------------------------------- the line

    private final class Subscriber implements ChangeFeed.Subscriber {

        @Override
        public String prefix() {
            return prefix;
        }

        @Override
        public void onBegin(long index) {
            Observation.this.onBegin(index);
        }

        @Override
        public void onChanges(List<KeyChange> changes) {
            Observation.this.onChanges(changes);
        }
    }

    /** By which it is told what changes. */
    ChangeFeed.Subscriber subscriber() {
        return subscriber;
    }

    private void onBegin(long index) {
        beginIndex = index;
        missed = new ArrayList<>();
        missedBytes = 0;
        read(++reading, new ArrayList<>(), "", 0);
    }

    /** What changes between two pages is in the changes as well, for those go on from before the first page. */
    private void read(long asked, List<KeyEntry> known, String after, long firstPageIndex) {
        Freshness freshness = Freshness.local().notBefore(Math.max(beginIndex, firstPageIndex));
        elections.read(new KeyQuery.Range(prefix, after, PAGE_ENTRIES), freshness, (answer, epoch) -> {
            if (asked != reading || isClosed) {
                return;
            }
            if (!(answer instanceof KeyAnswer.Entries page) || page.index() < beginIndex) {
                elections.group().after(ChangePoll.PAUSE_NANOS, () -> elections.strand().execute(() -> {
                    if (asked == reading && !isClosed) {
                        read(asked, known, after, firstPageIndex);
                    }
                }));
                return;
            }
            known.addAll(page.entries());
            long pageIndex = after.isEmpty() ? page.index() : firstPageIndex;
            if (page.isComplete() || page.entries().isEmpty()) {
                onRead(known, pageIndex, page.index());
            } else {
                read(asked, known, page.entries().get(page.entries().size() - 1).key(), pageIndex);
            }
        });
    }

    private void onRead(List<KeyEntry> known, long firstPageIndex, long lastPageIndex) {
        List<KeyChange> since = missed == null ? List.of() : missed;
        missed = null;
        missedBytes = 0;
        line.clear();
        readIndex = lastPageIndex;
        known.forEach(entry -> line.put(entry.createIndex(), entry));
        List<KeyChange> told = new ArrayList<>();
        for (KeyChange change : since) {
            if (change.index() > lastPageIndex) {
                told.add(change);
            } else if (change.index() > firstPageIndex) {
                take(change);
            }
        }
        beginIndex = firstPageIndex;
        isKnown = true;
        tell();
        onChanges(told);
    }

    private void onChanges(List<KeyChange> changes) {
        if (missed != null) {
            missed.addAll(changes);
            missedBytes += changes.stream().mapToLong(ChangeLog::bytesOf).sum();
            if (missedBytes > MISSED_BYTES_MAX) {
                onBegin(changes.get(changes.size() - 1).index());
            }
            return;
        }
        for (int i = 0; i < changes.size(); i++) {
            KeyChange change = changes.get(i);
            if (change.index() <= beginIndex) {
                continue;      // it was read
            }
            take(change);
            if (i == changes.size() - 1 || changes.get(i + 1).index() > change.index()) {
                tell();        // what happens at one index happens at once
            }
        }
    }

    private void take(KeyChange change) {
        KeyEntry entry = change.entry();
        if (entry == null) {
            line.remove(change.createIndex());
        } else if (change.index() > readIndex || !isReadNewer(entry)) {
            line.put(change.createIndex(), entry);
        }
    }

    /** Whether a later piece has told already what has become of the key since. */
    private boolean isReadNewer(KeyEntry changed) {
        KeyEntry present = line.get(changed.createIndex());
        return present == null ? changed.version() > changed.createIndex() : present.version() > changed.version();
    }

    // ---------------------------------------------------------------------------------------------------------------- the listener

    private void tell() {
        T now = isClosed ? null : present.apply(this);
        if (now == null || now.equals(told)) {
            return;
        }
        told = now;
        synchronized (waiting) {
            waiting.add(now);
            waitingBytes += bytes.applyAsLong(now);
            while (waiting.size() > 1 && (waiting.size() > WAITING_MAX || waitingBytes > WAITING_BYTES_MAX)) {
                waitingBytes -= bytes.applyAsLong(waiting.remove());
            }
        }
        if (!isRefused) {
            offer(1);
        }
    }

    /** Has the executor deliver so many. */
    private void offer(int count) {
        try {
            for (int i = 0; i < count; i++) {
                listeners.execute(this::deliver);
            }
        } catch (RuntimeException e) {       // a RejectedExecutionException
            if (!isWarned) {
                LOG.warn("The executor of a listener refuses it; what is to be told waits", e);
            }
            isWarned = true;
            isRefused = true;
            offerLater();
        }
    }

    private void offerLater() {
        elections.group().after(REFUSED_PAUSE_NANOS, () -> elections.strand().execute(() -> {
            if (isClosed) {
                return;
            }
            isRefused = false;
            int count;
            synchronized (waiting) {
                count = waiting.size();
            }
            offer(count);
        }));
    }

    private void deliver() {
        T next;
        synchronized (waiting) {
            next = waiting.poll();
            waitingBytes -= next == null ? 0 : bytes.applyAsLong(next);
        }
        if (next != null) {
            elections.telling(() -> listener.accept(next));
        }
    }
}
