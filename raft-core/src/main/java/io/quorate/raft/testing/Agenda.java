package io.quorate.raft.testing;

import java.util.Comparator;
import java.util.PriorityQueue;

/** Virtual time, and what is to happen in it: one thing after the other, those of one moment in the order in which they were planned. */
final class Agenda {

    private record Item(long atNanos, long sequence, Runnable task) { }

    private final PriorityQueue<Item> items =
        new PriorityQueue<>(Comparator.comparingLong(Item::atNanos).thenComparingLong(Item::sequence));
    private long now;
    private long sequence;

    long now() {
        return now;
    }

    void at(long nanos, Runnable task) {
        items.add(new Item(Math.max(now, nanos), sequence++, task));
    }

    void after(long nanos, Runnable task) {
        at(now + nanos, task);
    }

    /** When the next thing happens; {@link Long#MAX_VALUE} if nothing is planned. */
    long nextAt() {
        Item next = items.peek();
        return next == null ? Long.MAX_VALUE : next.atNanos;
    }

    void runNext() {
        Item next = items.remove();
        now = next.atNanos;
        next.task.run();
    }

    void runUntil(long nanos) {
        while (nextAt() <= nanos) {
            runNext();
        }
        now = nanos;
    }
}
