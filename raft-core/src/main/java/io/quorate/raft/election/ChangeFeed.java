package io.quorate.raft.election;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * Tells many of one client what changes among the keys that each of them minds, with one question at a time for all of them.
 *
 * <p>Who comes is told an index to begin at: he looks at a state of that index or later, and is told all that changes behind it. Should
 * changes be missed (too many have come, or the group was recovered) he is told another one, and looks again.
 *
 * <p>It is used, and uses its subscribers, on one strand.
 */
final class ChangeFeed {

    /** With more than so many prefixes it asks for all changes, and drops here what nobody minds. */
    static final int PREFIXES_MAX = 16;

    /** Who is told. */
    interface Subscriber {

        /** Of the keys that he minds. */
        String prefix();

        /** All that changes behind this index will be told; nothing is known of what has changed before. */
        void onBegin(long index);

        /** What has changed next, in order; of one index all at once. */
        void onChanges(List<KeyChange> changes);
    }

    private final Group group;
    private final Executor strand;
    private final Set<Subscriber> subscribers = new LinkedHashSet<>();
    private final Set<Subscriber> newcomers = new LinkedHashSet<>();     // those of them that have not begun
    private @Nullable ChangePoll poll;
    private List<String> polled = List.of();      // what that asks about; nothing in particular if it asks for all
    private long index = KeyQuery.NOW;      // all up to here has been told
    private int epoch;                      // of the group when that was told: in another that index may stand for something else
    private boolean isBeginDue;

    ChangeFeed(Group group, Executor strand) {
        this.group = group;
        this.strand = strand;
    }

    void subscribe(Subscriber subscriber) {
        if (subscribers.add(subscriber)) {
            newcomers.add(subscriber);
            beginSoon();
        }
    }

    void unsubscribe(Subscriber subscriber) {
        newcomers.remove(subscriber);
        if (subscribers.remove(subscriber) && subscribers.isEmpty()) {
            stop();
            index = KeyQuery.NOW;      // it may be long until somebody comes
        }
    }

    void close() {
        subscribers.clear();
        newcomers.clear();
        stop();
    }

    /**
     * Many come at once, and one question is enough for them. Who is asked for already begins where all have come to. For the others there
     * is another question, but not before the last has had its first answer: however many come, and however long an answer takes, each
     * question brings all who are here further.
     */
    private void beginSoon() {
        if (!isBeginDue) {
            isBeginDue = true;
            group.after(poll == null ? 0 : ChangePoll.PAUSE_NANOS, () -> strand.execute(() -> {
                isBeginDue = false;
                if (poll != null && index != KeyQuery.NOW) {
                    welcome();
                }
                if (newcomers.isEmpty()) {
                    return;
                }
                if (poll == null || poll.isAnswered()) {
                    restart();
                } else {
                    beginSoon();
                }
            }));
        }
    }

    /** Asks for the changes behind those that were told, for all who are here now. The answer to the last question is let go. */
    private void restart() {
        stop();
        if (group.epoch() != epoch) {      // the last question would have found that out
            forget();
        }
        ChangePoll[] own = new ChangePoll[1];
        polled = prefixes();
        ChangePoll begun = new ChangePoll(group, strand, polled, index, new ChangePoll.Sink() {
            @Override
            public void onChanges(KeyAnswer.Changes changes) {
                try {
                    tell(changes);
                } finally {
                    own[0].resume();
                }
            }

            @Override
            public void onGap() {
                forget();
                restart();
            }
        });
        own[0] = begun;
        poll = begun;
        if (index != KeyQuery.NOW) {
            welcome();
        }
        begun.start();
    }

    private void forget() {
        epoch = group.epoch();
        index = KeyQuery.NOW;
        newcomers.addAll(subscribers);
    }

    private void tell(KeyAnswer.Changes told) {
        boolean isFirst = index == KeyQuery.NOW;
        index = told.index();
        if (isFirst) {
            welcome();
            return;
        }
        for (Subscriber subscriber : List.copyOf(subscribers)) {
            if (!newcomers.contains(subscriber)) {
                List<KeyChange> minded = new ArrayList<>();
                for (KeyChange change : told.changes()) {
                    if (change.key().startsWith(subscriber.prefix())) {
                        minded.add(change);
                    }
                }
                if (!minded.isEmpty()) {
                    Strand.runGuarded(() -> subscriber.onChanges(minded));
                }
            }
        }
    }

    /** Only those whose keys are asked about: who has come since the question was put waits for the next one, or would miss what comes. */
    private void welcome() {
        List<Subscriber> begun = newcomers.stream().filter(this::isPolled).toList();
        begun.forEach(newcomers::remove);
        begun.forEach(subscriber -> Strand.runGuarded(() -> subscriber.onBegin(index)));
    }

    private boolean isPolled(Subscriber subscriber) {
        return polled.isEmpty() || polled.contains(subscriber.prefix());
    }

    private List<String> prefixes() {
        Set<String> prefixes = new LinkedHashSet<>();
        for (Subscriber subscriber : subscribers) {
            prefixes.add(subscriber.prefix());
            if (prefixes.size() > PREFIXES_MAX) {
                return List.of();
            }
        }
        return List.copyOf(prefixes);
    }

    private void stop() {
        if (poll != null) {
            poll.close();
            poll = null;
        }
    }
}
