package io.quorate.raft.netty;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.quorate.raft.netty.wire.Ping;
import io.quorate.raft.netty.wire.RequestHead;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

class ConnectionTest {

    private final EmbeddedChannel channel = new EmbeddedChannel();

    private void establish(Set<FrameType> allowed, @Nullable Quota quota) {
        Connection connection = new Connection(channel, new Silence(), new Tally(), new PatientLog(LoggerFactory.getLogger("test")),
            Timing.DEFAULT, false, FrameType.FIRST);
        channel.pipeline().addLast(connection);
        connection.establish(allowed, quota);
    }

    /** Who only asks and never reads must not fill this end's memory with answers; who does not hear them hears what is before them. */
    @Test
    void aPingIsNotAnsweredWhileTheOtherEndTakesNothing() {
        establish(FrameType.FROM_PEER, null);
        channel.unsafe().outboundBuffer().setUserDefinedWritability(1, false);
        for (int i = 0; i < 100; i++) {
            ping(i);
        }
        assertNull(channel.readOutbound());
        channel.unsafe().outboundBuffer().setUserDefinedWritability(1, true);
        ping(100);
        ByteBuf pong = channel.readOutbound();
        assertNotNull(pong);
        Frame frame = new FrameReader(FrameType.TO_PEER).read(pong);
        assertNotNull(frame);
        assertEquals(FrameType.PONG, frame.type());
        pong.release();
        assertNull(channel.readOutbound());
        assertTrue(channel.isOpen());
        channel.finishAndReleaseAll();
    }

    @Test
    void whatWasHalfReadIsFreeWhenItIsOver() {
        Quota quota = new Quota(Long.MAX_VALUE);
        establish(FrameType.FROM_CLIENT, quota);
        ByteBuf out = Unpooled.buffer();
        Frame.write(out, FrameType.PROPOSE, RequestHead.newBuilder().setId(1).build(), new byte[1 << 20]);
        channel.writeInbound(out.writerIndex(out.writerIndex() - 1));
        assertTrue(quota.taken() > 0);
        channel.close();
        channel.runPendingTasks();
        assertEquals(0, quota.taken());
        channel.finishAndReleaseAll();
    }

    private void ping(int number) {
        ByteBuf out = Unpooled.buffer();
        Frame.write(out, FrameType.PING, Ping.newBuilder().setNumber(number).build());
        channel.writeInbound(out);
    }

    /** A conversation in which nothing is said. */
    private static final class Silence implements Connection.Conversation {

        @Override
        public void onOpen(Connection connection) {
            throw new AssertionError("it was open before");
        }

        @Override
        public void onFrame(Connection connection, Frame frame) {
            throw new AssertionError("nobody says " + frame.type());
        }

        @Override
        public void onWritable() {
            // Nothing waits.
        }

        @Override
        public void onClosed(String why, boolean isByOther) {
            // Nothing is held.
        }
    }
}
