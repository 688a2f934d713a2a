package io.quorate.raft.runtime;

import io.quorate.raft.FoundingMessage;
import io.quorate.raft.Metrics;
import io.quorate.raft.RepairMessage;
import io.quorate.raft.ServerStatus;
import io.quorate.raft.Storage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Event;
import io.quorate.raft.core.Message;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Everything that other threads have for the raft thread, in one queue.
 *
 * <p>Bounded in bytes. A peer's message beyond {@link #PEER_BYTES_MAX} is dropped, for Raft copes with loss; calls are bounded by the
 * {@link Budget} they carry before they get here; completions (written, applied, entries read) are never dropped, and there are only as
 * many as the core has asked for.
 */
public final class Mailbox {

    /** How many bytes of peers' messages may wait; twice the largest message. */
    public static final long PEER_BYTES_MAX = 96L << 20;

    /** What a message costs besides its entries. */
    private static final int MESSAGE_BYTES = 200;
    private static final int ID_BYTES = 48;

    private final Waker waker;
    private final Inbox<Mail> inbox;
    private final Budget peerBytes;
    private final LongAdder dropped = new LongAdder();
    private final LongAdder refusedCalls = new LongAdder();
    private volatile boolean isApplyingAwaited;

    Mailbox() {
        this(new Waker());
    }

    /** @param raftThread woken when there is mail */
    Mailbox(Waker raftThread) {
        this(PEER_BYTES_MAX, raftThread);
    }

    Mailbox(long peerBytesMax, Waker raftThread) {
        waker = raftThread;
        inbox = new Inbox<>(waker);
        peerBytes = new Budget(peerBytesMax);
    }

    /** A peer's message: taken, or dropped and counted. */
    public void post(Message message) {
        int bytes = sizeOf(message);
        if (!peerBytes.take(bytes)) {
            dropped.increment();
        } else if (!inbox.add(new Mail.OfEvent(message, bytes, peerBytes))) {
            peerBytes.give(bytes);
        }
    }

    /** A blank node's message, or one to a blank node: taken, or dropped and counted. */
    public void post(FoundingMessage message) {
        if (!peerBytes.take(MESSAGE_BYTES)) {
            dropped.increment();
        } else if (!inbox.add(new Mail.OfFounding(message, MESSAGE_BYTES, peerBytes))) {
            peerBytes.give(MESSAGE_BYTES);
        }
    }

    /** A question for damaged entries, or the answer to one: taken, or dropped and counted. */
    public void post(RepairMessage message) {
        int bytes = sizeOf(message);
        if (!peerBytes.take(bytes)) {
            dropped.increment();
        } else if (!inbox.add(new Mail.OfRepair(message, bytes, peerBytes))) {
            peerBytes.give(bytes);
        }
    }

    /** The process at this node has ended, as far as the transport can tell, which says so once per lost connection. */
    public void peerLost(int nodeId) {
        inbox.add(new Mail.OfLoss(nodeId));
    }

    /** Something the node has asked for is done. Never dropped. */
    public void complete(Event event) {
        inbox.add(new Mail.OfEvent(event, MESSAGE_BYTES, null));
    }

    /** Everything up to here is applied. Never dropped; it does not wake the raft thread if nothing there waits for it. */
    void applied(long index) {
        inbox.addQuietly(new Mail.OfEvent(new Event.Applied(index), MESSAGE_BYTES, null));
        if (isApplyingAwaited) {      // looked at behind the adding, and set before the raft thread looks for mail a last time
            waker.wake();
        }
    }

    /** Whether the raft thread is to hear at once of what is applied. The consumer only, before it sleeps. */
    void awaitApplying(boolean isAwaited) {
        if (isAwaited != isApplyingAwaited) {
            isApplyingAwaited = isAwaited;
        }
    }

    /** These entries cannot be read from the disk any more. */
    void damaged(List<EntryId> entries) {
        inbox.add(new Mail.OfDamage(List.copyOf(entries)));
    }

    /** What the next opening would refuse the directory for, and what to do about it; null if that is over. */
    void diskProblem(@Nullable String problem) {
        inbox.add(new Mail.OfDiskProblem(problem));
    }

    /** What was to be applied and is not, behind this entry, has been given back. */
    void handedBack(long appliedIndex) {
        inbox.add(new Mail.OfHandedBack(appliedIndex));
    }

    /** These damaged entries are there again. */
    void mended(List<EntryId> entries) {
        inbox.add(new Mail.OfMended(List.copyOf(entries)));
    }

    /** The log was recovered once more. */
    void recovered(Storage.Recovered log) {
        inbox.add(new Mail.OfRecovered(log));
    }

    /** A call; false if the server has stopped. */
    boolean submit(Call call) {
        return inbox.add(call);
    }

    /** Asks how the server is; the answer comes on the raft thread and must return quickly. False if the server has stopped. */
    boolean ask(Consumer<ServerStatus> answer) {
        return inbox.add(new Mail.OfQuestion(answer));
    }

    /** Asks what has been counted; as {@link #ask}. */
    boolean askMetrics(Consumer<Metrics> answer) {
        return inbox.add(new Mail.OfMetrics(answer));
    }

    /** How many messages were dropped because too much was waiting. */
    public long dropped() {
        return dropped.sum();
    }

    /** A call was turned away before it got here, because too much was open. */
    void countRefusedCall() {
        refusedCalls.increment();
    }

    /** How many calls were turned away because too much was open. */
    public long refusedCalls() {
        return refusedCalls.sum();
    }

    /** How many bytes of peers' messages wait. */
    public long peerBytes() {
        return peerBytes.taken();
    }

    /** Wakes the raft thread for good. */
    public void endSleep() {
        waker.end();
    }

    /** Whether anything waits. The consumer only. */
    public boolean hasMail() {
        return inbox.hasMore();
    }

    /** Sleeps until there is mail, until woken, or for this long. The consumer only. */
    public void sleep(long nanos) {
        waker.sleep(nanos, inbox::hasMore);
    }

    /** The raft thread has turned for the last time, and stays for as long as the transport needs it. */
    public void leave() {
        waker.leave();
    }

    void fill() {
        inbox.fill();
    }

    @Nullable Mail poll() {
        return inbox.poll();
    }

    /** Whether all that had come before the last {@code fill} has been polled. */
    boolean isDrained() {
        return inbox.isHandEmpty();
    }

    List<Mail> close() {
        return inbox.close();
    }

    private static int sizeOf(Message message) {
        return message instanceof Message.AppendEntries append ? MESSAGE_BYTES + sizeOf(append.entries()) : MESSAGE_BYTES;
    }

    private static int sizeOf(RepairMessage message) {
        if (message instanceof RepairMessage.EntryAnswer answer) {
            return MESSAGE_BYTES + sizeOf(answer.entries()) + ID_BYTES * answer.missing().size();
        }
        return MESSAGE_BYTES + (message instanceof RepairMessage.EntryRequest request ? ID_BYTES * request.wanted().size() : 0);
    }

    private static int sizeOf(List<Entry> entries) {
        int bytes = 0;
        for (int i = 0; i < entries.size(); i++) {
            bytes += entries.get(i).size() + ID_BYTES;
        }
        return bytes;
    }
}
