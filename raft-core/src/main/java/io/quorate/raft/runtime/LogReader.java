package io.quorate.raft.runtime;

import io.quorate.raft.Storage;
import io.quorate.raft.core.Event;
import io.quorate.raft.core.ReplicaId;

/**
 * Reads old entries for slow peers, on the disk thread: neither the raft thread nor a slow state machine must hold up replication.
 *
 * <p>Turn it before the {@link LogWriter}: what was asked for was durable when it was asked for, and a write taken later could cut it.
 */
public final class LogReader {

    private record Request(ReplicaId peer, long term, long firstIndex, long lastIndex, int bytesMax) { }

    private final Storage storage;
    private final Mailbox mailbox;
    private final Inbox<Request> inbox;

    LogReader(Storage storage, Mailbox mailbox, Waker diskThread) {
        this.storage = storage;
        this.mailbox = mailbox;
        inbox = new Inbox<>(diskThread);
    }

    void add(ReplicaId peer, long term, long firstIndex, long lastIndex, int bytesMax) {
        inbox.add(new Request(peer, term, firstIndex, lastIndex, bytesMax));
    }

    public boolean hasWork() {
        return inbox.hasMore();
    }

    /** Reads for all that wait: at most one request per peer, each bounded in bytes. */
    public void turn() {
        inbox.fill();
        for (Request request = inbox.poll(); request != null; request = inbox.poll()) {
            mailbox.complete(new Event.EntriesRead(request.peer(), request.term(), request.firstIndex(),
                storage.read(request.firstIndex(), request.lastIndex(), request.bytesMax())));
        }
    }
}
