package io.quorate.raft.netty;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.AbstractByteBufAllocator;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.embedded.EmbeddedChannel;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.Test;

class OutboxTest {

    private static final int NO_MEMORY = Integer.MIN_VALUE;

    private final List<Integer> discarded = new ArrayList<>();
    private long released;
    private final Tally tally = new Tally();
    private final Outbox<Integer> outbox = new Outbox<>(negativesFail(), tally);

    private Outbox.Writer<Integer> negativesFail() {
        return new Outbox.Writer<>() {
            @Override
            public void write(ByteBuf out, Integer item) {
                out.writeInt(item);
                if (item == NO_MEMORY) {
                    throw new OutOfMemoryError("a test's");
                }
                if (item < 0) {
                    throw new IllegalArgumentException("a test's fault");
                }
            }

            @Override
            public void onDiscarded(Integer item) {
                discarded.add(item);
            }

            @Override
            public void onReleased(long bytes) {
                released += bytes;
            }
        };
    }

    @Test
    void whateverBecomesOfWhatWasTakenItIsReleasedOnce() {
        EmbeddedChannel channel = new EmbeddedChannel();
        List.of(1, -1, 2).forEach(item -> outbox.offer(item, 4, 1000));
        outbox.open(channel);
        channel.runPendingTasks();
        assertEquals(List.of(-1), discarded);
        assertEquals(12, released);

        List.of(3, NO_MEMORY, 4).forEach(item -> outbox.offer(item, 4, 1000));
        channel.runPendingTasks();
        assertFalse(channel.isOpen());
        assertEquals(20, released, "those of the chunk");
        outbox.close();
        assertEquals(24, released);
        assertEquals(List.of(-1, NO_MEMORY, 4), discarded);
        assertEquals(0, outbox.bytes());
        channel.finishAndReleaseAll();
    }

    @Test
    void whatWaitsIsWrittenTogetherAndFlushedOnce() {
        Flushes flushes = new Flushes();
        EmbeddedChannel channel = new EmbeddedChannel(flushes);
        for (int i = 0; i < 100; i++) {
            assertTrue(outbox.offer(i, 4, 1000));
        }
        outbox.open(channel);
        assertEquals(1, flushes.count);
        assertInts(channel.readOutbound(), 0, 100);
        for (int i = 100; i < 150; i++) {
            assertTrue(outbox.offer(i, 4, 1000));
        }
        channel.runPendingTasks();
        assertEquals(2, flushes.count);
        assertInts(channel.readOutbound(), 100, 50);
        assertEquals(0, outbox.bytes());
        assertEquals(600, tally.bytesOut.sum());
        channel.finishAndReleaseAll();
    }

    @Test
    void whatIsToGoLastGoesWhenNothingElseWaitsAndOneAtATime() {
        Hold hold = new Hold();
        EmbeddedChannel channel = new EmbeddedChannel(hold);
        assertTrue(outbox.offerLast(100, 2));
        assertTrue(outbox.offerLast(101, 2));
        assertFalse(outbox.offerLast(102, 2));
        for (int i = 0; i < 3; i++) {
            outbox.offer(i, 4, 1000);
        }
        outbox.open(channel);
        assertInts(hold.next(), 0, 3);
        channel.runPendingTasks();
        assertTrue(hold.isEmpty());             // the kernel has not taken the others yet
        hold.taken();
        channel.runPendingTasks();
        assertInts(hold.next(), 100, 1);
        outbox.drain();
        assertTrue(hold.isEmpty());
        outbox.offer(7, 4, 1000);
        channel.runPendingTasks();
        assertInts(hold.next(), 7, 1);          // which came later, before the second of the last
        hold.taken();
        channel.runPendingTasks();
        assertInts(hold.next(), 101, 1);
        hold.taken();
        assertTrue(outbox.offerLast(103, 1));   // there is room again
        channel.runPendingTasks();
        assertInts(hold.next(), 103, 1);
        channel.finishAndReleaseAll();
    }

    @Test
    void whatWasToGoLastIsDiscardedToo() {
        outbox.offerLast(1, 2);
        outbox.close();
        assertEquals(List.of(1), discarded);
        assertFalse(outbox.offerLast(2, 2));
        EmbeddedChannel channel = new EmbeddedChannel();
        Outbox<Integer> other = new Outbox<>(negativesFail(), tally);
        other.offerLast(-1, 2);
        other.offerLast(4, 2);
        other.open(channel);
        assertEquals(List.of(1, -1), discarded);
        channel.runPendingTasks();
        assertInts(channel.readOutbound(), 4, 1);   // it does not wait until something else is sent
        assertTrue(other.offerLast(5, 1));
        channel.runPendingTasks();
        assertInts(channel.readOutbound(), 5, 1);
        channel.finishAndReleaseAll();
    }

    @Test
    void beyondTheLimitNothingIsTakenButOneOfAnySizePasses() {
        assertTrue(outbox.offer(1, 5000, 100));
        assertFalse(outbox.offer(2, 1, 100));
        assertTrue(outbox.offer(3, 1, 6000));
        assertEquals(5001, outbox.bytes());
        assertEquals(List.of(), discarded);
    }

    @Test
    void whatFitsNoFrameIsDiscardedAndTheRestIsSent() {
        EmbeddedChannel channel = new EmbeddedChannel();
        outbox.offer(0, 4, 1000);
        outbox.offer(-1, 4, 1000);
        outbox.offer(1, 4, 1000);
        outbox.open(channel);
        assertInts(channel.readOutbound(), 0, 2);
        assertEquals(List.of(-1), discarded);
        assertEquals(0, outbox.bytes());
        channel.finishAndReleaseAll();
    }

    @Test
    void whatWaitsWhenItClosesIsDiscarded() {
        outbox.offer(1, 4, 1000);
        outbox.close();
        assertEquals(List.of(1), discarded);
        assertFalse(outbox.offer(2, 4, 1000));
        EmbeddedChannel channel = new EmbeddedChannel();
        outbox.open(channel);
        assertNull(channel.readOutbound());
        assertEquals(0, outbox.bytes());
        channel.finishAndReleaseAll();
    }

    @Test
    void whatThereIsNoMemoryForIsDiscardedAndTheConnectionEnds() {
        EmbeddedChannel channel = new EmbeddedChannel();
        outbox.offer(0, 4, 1000);
        outbox.offer(NO_MEMORY, 4, 1000);
        outbox.offer(1, 4, 1000);
        outbox.open(channel);
        assertFalse(channel.isOpen());
        assertEquals(List.of(NO_MEMORY), discarded);
        outbox.close();
        assertEquals(List.of(NO_MEMORY, 1), discarded);
        assertEquals(0, outbox.bytes());
        channel.finishAndReleaseAll();
    }

    @Test
    void soIsWhatWasToGoLast() {
        EmbeddedChannel channel = new EmbeddedChannel();
        outbox.offerLast(NO_MEMORY, 1);
        outbox.open(channel);
        assertFalse(channel.isOpen());
        assertEquals(List.of(NO_MEMORY), discarded);
        assertTrue(outbox.offerLast(1, 1));     // its place has been given back
        channel.finishAndReleaseAll();
    }

    @Test
    void soIsWhatThereIsNotEvenABufferFor() {
        EmbeddedChannel channel = new EmbeddedChannel();
        channel.config().setAllocator(new NoMemory());
        outbox.offerLast(1, 1);
        outbox.open(channel);
        assertFalse(channel.isOpen());
        assertEquals(List.of(1), discarded);
        assertTrue(outbox.offerLast(2, 1));
        EmbeddedChannel other = new EmbeddedChannel();
        other.config().setAllocator(new NoMemory());
        outbox.offer(3, 4, 1000);
        outbox.open(other);
        assertFalse(other.isOpen());
        assertEquals(0, outbox.bytes());
        assertTrue(discarded.contains(3), discarded::toString);
        channel.finishAndReleaseAll();
        other.finishAndReleaseAll();
    }

    private static void assertInts(ByteBuf chunk, int first, int count) {
        assertEquals(4 * count, chunk.readableBytes());
        for (int i = 0; i < count; i++) {
            assertEquals(first + i, chunk.readInt());
        }
        chunk.release();
    }

    private static final class NoMemory extends AbstractByteBufAllocator {

        @Override
        protected ByteBuf newHeapBuffer(int initialCapacity, int maxCapacity) {
            throw new OutOfMemoryError("a test's");
        }

        @Override
        protected ByteBuf newDirectBuffer(int initialCapacity, int maxCapacity) {
            throw new OutOfMemoryError("a test's");
        }

        @Override
        public boolean isDirectBufferPooled() {
            return false;
        }
    }

    private static final class Flushes extends ChannelOutboundHandlerAdapter {

        private int count;

        @Override
        public void flush(ChannelHandlerContext context) {
            count++;
            context.flush();
        }
    }

    /** A kernel that takes bytes when it is told to. */
    private static final class Hold extends ChannelOutboundHandlerAdapter {

        private final Deque<ByteBuf> chunks = new ArrayDeque<>();
        private final Deque<ChannelPromise> promises = new ArrayDeque<>();

        @Override
        public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
            chunks.add((ByteBuf) message);
            promises.add(promise);
        }

        ByteBuf next() {
            return chunks.remove();
        }

        boolean isEmpty() {
            return chunks.isEmpty();
        }

        void taken() {
            while (!promises.isEmpty()) {
                promises.remove().setSuccess();
            }
        }
    }
}
