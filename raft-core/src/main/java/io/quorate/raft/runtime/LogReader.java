package io.quorate.raft.runtime;

import io.quorate.raft.EntryDamagedException;
import io.quorate.raft.Storage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.Event;
import io.quorate.raft.core.ReplicaId;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Reads old entries for slow peers, on the disk thread: neither the raft thread nor a slow state machine must hold up replication.
 *
 * <p>What is damaged on the disk is reported, and read when it has been put back: until then its reader waits, and is sent no other entries.
 *
 * <p>Turn it before the {@link LogWriter}: what was asked for was durable when it was asked for, and a write taken later could cut it.
 */
public final class LogReader {

    private record Request(ReplicaId peer, long term, long firstIndex, long lastIndex, int bytesMax) { }

    private final Storage storage;
    private final Mailbox mailbox;
    private final Inbox<Request> inbox;
    private final Map<ReplicaId, Request> waiting = new TreeMap<>();     // for damaged entries: the last of each peer
    private volatile boolean isRetryDue;
    private final Waker diskThread;

    LogReader(Storage storage, Mailbox mailbox, Waker diskThread) {
        this.storage = storage;
        this.mailbox = mailbox;
        this.diskThread = diskThread;
        inbox = new Inbox<>(diskThread);
    }

    /** What was damaged may have been put back. Any thread. */
    void retry() {
        isRetryDue = true;
        diskThread.wake();
    }

    void add(ReplicaId peer, long term, long firstIndex, long lastIndex, int bytesMax) {
        inbox.add(new Request(peer, term, firstIndex, lastIndex, bytesMax));
    }

    public boolean hasWork() {
        return isRetryDue || inbox.hasMore();
    }

    /** Reads for all that wait: at most one request per peer, each bounded in bytes. */
    public void turn() {
        if (isRetryDue) {
            isRetryDue = false;
            List<Request> again = List.copyOf(waiting.values());
            waiting.clear();
            again.forEach(this::read);
        }
        inbox.fill();
        for (Request request = inbox.poll(); request != null; request = inbox.poll()) {
            waiting.remove(request.peer());
            read(request);
        }
    }

    private void read(Request request) {
        List<Entry> entries;
        try {
            entries = storage.read(request.firstIndex(), request.lastIndex(), request.bytesMax());
        } catch (EntryDamagedException e) {
            waiting.put(request.peer(), request);
            mailbox.damaged(List.of(e.entry()));
            return;
        }
        mailbox.complete(new Event.EntriesRead(request.peer(), request.term(), request.firstIndex(), entries));
    }
}
