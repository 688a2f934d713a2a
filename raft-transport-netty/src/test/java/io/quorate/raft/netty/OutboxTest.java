package io.quorate.raft.netty;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.embedded.EmbeddedChannel;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class OutboxTest {

    private final List<Integer> discarded = new ArrayList<>();
    private final Tally tally = new Tally();
    private final Outbox<Integer> outbox = new Outbox<>(new Outbox.Writer<>() {
        @Override
        public void write(ByteBuf out, Integer item) {
            out.writeInt(item);
            if (item < 0) {
                throw new IllegalArgumentException("a test's fault");
            }
        }

        @Override
        public void onDiscarded(Integer item) {
            discarded.add(item);
        }
    }, tally);

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

    private static void assertInts(ByteBuf chunk, int first, int count) {
        assertEquals(4 * count, chunk.readableBytes());
        for (int i = 0; i < count; i++) {
            assertEquals(first + i, chunk.readInt());
        }
        chunk.release();
    }

    private static final class Flushes extends ChannelOutboundHandlerAdapter {

        private int count;

        @Override
        public void flush(ChannelHandlerContext context) {
            count++;
            context.flush();
        }
    }
}
