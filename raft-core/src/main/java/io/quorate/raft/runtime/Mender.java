package io.quorate.raft.runtime;

import io.quorate.raft.EntryDamagedException;
import io.quorate.raft.RepairMessage;
import io.quorate.raft.RepairMessage.Missing;
import io.quorate.raft.RepairMessage.Why;
import io.quorate.raft.Storage;
import io.quorate.raft.Transport;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.core.SnapshotId;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The disk's part in repairs: reads entries for others who have lost them, and puts back what others have sent. One piece of work at a turn,
 * on the disk thread.
 */
public final class Mender {

    /** How many questions of others wait at most; more are dropped, and asked again. */
    static final int QUESTIONS_MAX = 16;

    /** Something to do. */
    private sealed interface Job {

        void run(Mender mender);

        /**
         * Somebody asks.
         *
         * @param request    for what
         * @param replaced   of that, what is known not to be committed, and never to be
         * @param membership who belongs to the group; null while no node runs here
         */
        record Answer(RepairMessage.EntryRequest request, Set<EntryId> replaced, @Nullable Membership membership) implements Job {
            @Override
            public void run(Mender mender) {
                mender.questions.decrementAndGet();
                mender.answer(this);
            }
        }

        /** These have come. */
        record Put(List<Entry> entries) implements Job {
            @Override
            public void run(Mender mender) {
                List<EntryId> back = new ArrayList<>(mender.storage.repair(entries));
                mender.putBack += back.size();
                for (Entry entry : entries) {
                    if (!back.contains(entry.id()) && mender.isReadable(entry)) {
                        back.add(entry.id());      // news of its damage came late: it had been mended by then
                    }
                }
                mender.mailbox.mended(back);
            }
        }

        /** The log is to become this, and recovered again. */
        record Replace(Storage.Write write) implements Job {
            @Override
            public void run(Mender mender) {
                mender.storage.write(List.of(write));
                mender.replacement = write;
                mender.mailbox.recovered(mender.storage.recover());
            }
        }

        /** The log is whole, or as good as it can be. */
        record Recover() implements Job {
            @Override
            public void run(Mender mender) {
                mender.mailbox.recovered(mender.storage.recover());
            }
        }
    }

    private final ReplicaId self;
    private final Storage storage;
    private final Transport transport;
    private final Mailbox mailbox;
    private final Inbox<Job> inbox;
    private final AtomicInteger questions = new AtomicInteger();     // that wait
    private long putBack;
    private Storage.@Nullable Write replacement;

    Mender(Storage storage, Transport transport, Mailbox mailbox, Waker diskThread) {
        self = storage.identity().replica();
        this.storage = storage;
        this.transport = transport;
        this.mailbox = mailbox;
        inbox = new Inbox<>(diskThread);
    }

    void answer(RepairMessage.EntryRequest request, Set<EntryId> replaced, @Nullable Membership membership) {
        if (questions.incrementAndGet() > QUESTIONS_MAX || !inbox.add(new Job.Answer(request, Set.copyOf(replaced), membership))) {
            questions.decrementAndGet();
        }
    }

    void put(List<Entry> entries) {
        inbox.add(new Job.Put(entries));
    }

    void replace(Storage.Write write) {
        inbox.add(new Job.Replace(write));
    }

    void recover() {
        inbox.add(new Job.Recover());
    }

    public boolean hasWork() {
        return inbox.hasMore();
    }

    /** How many entries it has put back. The disk thread's. */
    public long putBack() {
        return putBack;
    }

    /** How it last cut the log off, or put it on a snapshot; null if it never did. The disk thread's. */
    public Storage.@Nullable Write replacement() {
        return replacement;
    }

    /** One piece of work; whether there was any. */
    public boolean turn() {
        inbox.fill();
        Job job = inbox.poll();
        if (job == null) {
            return false;
        }
        job.run(this);
        return true;
    }

    // -------------------------------------------------------------------------------------------------------------------- answering

    private void answer(Job.Answer question) {
        List<EntryId> wanted = question.request.wanted();
        List<Entry> given = new ArrayList<>();
        List<Missing> missing = new ArrayList<>();
        SnapshotId snapshot = newestSnapshot();
        boolean isCovering = false;
        long bytes = 0;
        for (EntryId id : wanted) {
            Why why = Why.REPLACED;
            if (!question.replaced.contains(id)) {
                int room = (int) Math.max(0, RepairMessage.ANSWER_BYTES_MAX - bytes);
                Entry entry = null;
                try {
                    List<Entry> read = storage.read(id.index(), id.index(), room);
                    entry = read.isEmpty() ? null : read.get(0);
                    why = Why.UNKNOWN;
                } catch (EntryDamagedException e) {
                    why = e.entry().equals(id) ? Why.DAMAGED : Why.UNKNOWN;
                    mailbox.damaged(List.of(e.entry()));
                }
                if (entry != null && entry.id().equals(id)) {
                    if (!given.isEmpty() && entry.size() > room) {
                        break;       // the rest is asked for again
                    }
                    given.add(entry);
                    bytes += entry.size();
                    continue;
                }
                if (why == Why.UNKNOWN && snapshot != null && snapshot.index() >= id.index()) {
                    why = Why.COVERED;
                    isCovering = true;
                }
            }
            missing.add(new Missing(id, why));
        }
        transport.send(new RepairMessage.EntryAnswer(self, question.request.from(), question.request.round(), given, missing,
            isCovering ? snapshot : null, question.membership));
    }

    private boolean isReadable(Entry entry) {
        try {
            List<Entry> read = storage.read(entry.index(), entry.index(), entry.size());
            return !read.isEmpty() && read.get(0).id().equals(entry.id());
        } catch (EntryDamagedException e) {
            return false;
        }
    }

    private @Nullable SnapshotId newestSnapshot() {
        try (Storage.StoredSnapshot newest = storage.snapshot()) {
            return newest == null ? null : newest.id();
        }
    }
}
