package io.quorate.raft.runtime;

import java.util.concurrent.atomic.AtomicLong;

/** What a running server counts and measures. Each part is written by the one thread that is named, and read by any. */
final class Meters {

    /** Counts, for one writer. */
    static final class Counter {
        private final AtomicLong value = new AtomicLong();

        void add(long more) {
            value.setOpaque(value.getPlain() + more);
        }

        long read() {
            return value.getOpaque();
        }
    }

    // the raft thread's
    final Histogram diskWait = new Histogram();      // from handing a write over until it is durable
    final Counter electionsStarted = new Counter();
    final Counter electionsWon = new Counter();
    final Counter leaderChanges = new Counter();
    final Counter pauses = new Counter();
    final Counter snapshotsTaken = new Counter();
    final Counter snapshotsInstalled = new Counter();

    final Counter damageFound = new Counter();
    final Counter entriesRepaired = new Counter();

    // the disk thread's
    final Histogram diskWrite = new Histogram();     // one batch, its fsync included
    final Counter entriesWritten = new Counter();
    final Counter bytesWritten = new Counter();
    final Counter bytesScrubbed = new Counter();
    final Counter snapshotsDamaged = new Counter();

    // the apply thread's
    final Histogram commit = new Histogram();        // a command, from its call until it is applied
    final Histogram read = new Histogram();          // a query, from its call until it is answered
}
