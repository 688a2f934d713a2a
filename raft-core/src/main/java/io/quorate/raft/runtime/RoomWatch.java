package io.quorate.raft.runtime;

import io.quorate.raft.Storage;
import io.quorate.raft.core.DiskRoom;
import io.quorate.raft.core.Event;
import io.quorate.raft.core.ReplicaId;
import java.util.List;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the node, and people, when the disk has less room than before, or more. While it is nearly full it is looked at again and again, and
 * a snapshot is tried, since one may let old entries go.
 *
 * <p>The disk thread's.
 */
final class RoomWatch {

    /** How often a disk that is nearly full is looked at, though nothing is written to it. */
    static final long LOOK_NANOS = 1_000_000_000L;
    /** How often it is said that a disk is nearly full. */
    static final long LOG_NANOS = 30_000_000_000L;

    private static final Logger LOG = LoggerFactory.getLogger(RoomWatch.class);

    private final ReplicaId self;
    private final Storage storage;
    private final Mailbox mailbox;
    private final Consumer<List<Work>> applier;
    private final Throttle log = new Throttle(LOG_NANOS);
    private DiskRoom told = DiskRoom.PLENTY;

    RoomWatch(Storage storage, Mailbox mailbox, Consumer<List<Work>> applier) {
        self = storage.identity().replica();
        this.storage = storage;
        this.mailbox = mailbox;
        this.applier = applier;
    }

    /** After each piece of the disk's work. */
    void turn(long nowNanos) {
        DiskRoom room = storage.room();
        if (!room.isPlenty() && log.isOpen(nowNanos)) {
            LOG.warn("Replica {}: its disk is nearly full ({} bytes can still be used): {}. Free some space there; all else goes on by itself",
                self, storage.usableBytes(), room == DiskRoom.LOW ? "it takes no new commands as a leader"
                    : "it takes no new commands as a leader, and no entries as a follower");
        }
        if (room == told) {
            return;
        }
        if (told.isPlenty()) {
            applier.accept(List.of(new Work.RenewSnapshot(false)));
        } else if (room.isPlenty()) {
            LOG.info("Replica {}: its disk has room again", self);
        }
        told = room;
        mailbox.complete(new Event.RoomChanged(room));
    }

    /** After how many nanoseconds the disk is looked at, though there is no work; {@link Long#MAX_VALUE} if there is no need. */
    long nanosUntilLook() {
        return told.isPlenty() ? Long.MAX_VALUE : LOOK_NANOS;
    }
}
