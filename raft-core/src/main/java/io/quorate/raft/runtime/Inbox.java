package io.quorate.raft.runtime;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * A queue from many threads to one.
 *
 * <p>Producers push onto a stack with one compare-and-set. The consumer takes the whole stack with one exchange, turns it round into
 * its hand, and polls from the hand: so it pays once per batch, and knows when it has seen everything that had come before it looked.
 * What one producer adds is taken in the order in which it was added.
 */
final class Inbox<T> {

    private static final class Node<T> {
        private final @Nullable T item;      // null only in the mark that the inbox is closed
        private @Nullable Node<T> next;

        Node(@Nullable T item) {
            this.item = item;
        }
    }

    private final Node<T> closed = new Node<>(null);
    private final AtomicReference<@Nullable Node<T>> top = new AtomicReference<>();
    private final Waker consumer;
    private @Nullable Node<T> hand;          // the consumer's alone; in the order in which it came

    Inbox(Waker consumer) {
        this.consumer = consumer;
    }

    /** Adds an item and wakes the consumer if it sleeps; false, and nothing happened, once the inbox is closed. Any thread. */
    boolean add(T item) {
        boolean isAdded = addQuietly(item);
        if (isAdded) {
            consumer.wake();
        }
        return isAdded;
    }

    /** Adds an item that the consumer finds when something else wakes it: each wake-up costs both threads about as much as a command. */
    boolean addQuietly(T item) {
        Node<T> node = new Node<>(item);
        Node<T> head;
        do {
            head = top.get();
            if (head == closed) {
                return false;
            }
            node.next = head;
        } while (!top.compareAndSet(head, node));
        return true;
    }

    /** Takes what has come into the hand, if the hand is empty. The consumer only. */
    void fill() {
        if (hand == null && top.get() != null && top.get() != closed) {
            hand = reversed(top.getAndSet(null));
        }
    }

    /** The next item in the hand, or null if the hand is empty. The consumer only. */
    @Nullable T poll() {
        Node<T> node = hand;
        if (node == null) {
            return null;
        }
        hand = node.next;
        return node.item;
    }

    /** Whether everything that had come before the last {@code fill} has been polled. The consumer only. */
    boolean isHandEmpty() {
        return hand == null;
    }

    /** Whether there is anything to poll, in the hand or not. The consumer only. */
    boolean hasMore() {
        Node<T> head = top.get();
        return hand != null || head != null && head != closed;
    }

    /** Refuses whatever comes from now on, and gives back what nobody has polled. Not beside the consumer. */
    List<T> close() {
        Node<T> rest = top.getAndSet(closed);
        List<T> left = new ArrayList<>();
        addAll(hand, left);
        hand = null;
        if (rest != closed) {
            addAll(reversed(rest), left);
        }
        return left;
    }

    private static <T> void addAll(@Nullable Node<T> first, List<T> left) {
        for (Node<T> node = first; node != null; node = node.next) {
            if (node.item != null) {
                left.add(node.item);
            }
        }
    }

    private static <T> @Nullable Node<T> reversed(@Nullable Node<T> last) {
        Node<T> first = null;
        Node<T> node = last;
        while (node != null) {
            Node<T> next = node.next;
            node.next = first;
            first = node;
            node = next;
        }
        return first;
    }
}
