package io.quorate.raft.netty;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.RaftConfig;
import io.quorate.raft.netty.wire.AppendEntriesHead;
import io.quorate.raft.netty.wire.Hello;
import io.quorate.raft.netty.wire.RequestHead;
import java.lang.management.ManagementFactory;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class FrameReaderTest {

    @Test
    void anOversizedLengthIsRefusedBeforeAnythingIsAllocated() {
        for (int[] sizes : new int[][] {{Integer.MAX_VALUE, 0}, {0, Integer.MAX_VALUE}, {-1, 0}, {0, -1}, {FrameType.Limit.SMALL + 1, 0},
                {0, FrameType.Limit.ENTRIES + 1}}) {
            ByteBuf header = Unpooled.buffer().writeInt(sizes[0]).writeInt(sizes[1]).writeByte(FrameType.APPEND_ENTRIES.code())
                .writeZero(11);
            FrameReader reader = new FrameReader(FrameType.MESSAGES);
            assertAllocatesLittle(() -> assertThrows(MalformedFrameException.class, () -> reader.read(header)));
        }
    }

    @Test
    void aBlockThatIsOnlyAnnouncedCostsLittle() {
        ByteBuf out = Unpooled.buffer();
        Frame.writeTop(out, FrameType.PROPOSE, RequestHead.newBuilder().setId(1).build(), Entry.PAYLOAD_BYTES_MAX, 0);
        FrameReader reader = new FrameReader(FrameType.FROM_CLIENT);
        assertAllocatesLittle(() -> assertNull(reader.read(out)));
    }

    @Test
    void whatAllHaveHalfReadIsBoundedAndWhatIsMoreIsThrownAwayAsItComes() {
        Quota quota = new Quota(1 << 20);
        FrameReader first = clientReader(quota);
        FrameReader second = clientReader(quota);
        byte[] command = new byte[1 << 20];
        new SplittableRandom(1).nextBytes(command);
        ByteBuf one = proposal(1, command);
        assertNull(first.read(one.readSlice(one.readableBytes() - 1)));
        assertEquals(command.length - (256 << 10), quota.taken());
        ByteBuf other = proposal(2, command);
        assertNull(second.read(other.readSlice(other.readableBytes() - 1)));
        assertEquals(command.length - (256 << 10), quota.taken(), "of the second nothing is left");
        Frame dropped = second.read(other);
        assertTrue(dropped.isDropped());
        assertEquals(2, ClientFrames.request(dropped).id());
        assertArrayEquals(command, first.read(one).block());
        assertEquals(0, quota.taken());

        Frame next = second.read(proposal(3, command));
        assertArrayEquals(command, next.block(), "there is room again");
        ByteBuf half = proposal(4, command);
        assertNull(second.read(half.readSlice(half.readableBytes() - 1)));
        second.close();
        assertEquals(0, quota.taken());
    }

    private static FrameReader clientReader(Quota quota) {
        FrameReader reader = new FrameReader(FrameType.FIRST);
        reader.allow(FrameType.FROM_CLIENT, quota);
        return reader;
    }

    private static ByteBuf proposal(int id, byte[] command) {
        ByteBuf out = Unpooled.buffer();
        Frame.write(out, FrameType.PROPOSE, RequestHead.newBuilder().setId(id).build(), command);
        return out;
    }

    @Test
    void beforeTheHandshakeOnlyAHelloMayCome() {
        for (FrameType type : FrameType.values()) {
            ByteBuf out = Unpooled.buffer();
            Frame.write(out, type, Hello.getDefaultInstance());
            FrameReader reader = new FrameReader(FrameType.FIRST);
            if (type == FrameType.HELLO) {
                assertEquals(type, reader.read(out).type());
            } else {
                assertThrows(ForbiddenFrameException.class, () -> reader.read(out));
            }
        }
        ByteBuf optional = Unpooled.buffer().writeZero(8).writeByte(200).writeZero(11);
        assertThrows(ForbiddenFrameException.class, () -> new FrameReader(FrameType.FIRST).read(optional));
    }

    @Test
    void eachPartOfTheConversationAllowsItsOwnTypesAlone() {
        for (Set<FrameType> allowed : Set.of(FrameType.FROM_PEER, FrameType.FROM_BLANK, FrameType.FROM_CLIENT, FrameType.TO_CLIENT,
                FrameType.TO_PEER)) {
            for (FrameType type : FrameType.values()) {
                ByteBuf out = Unpooled.buffer();
                Frame.write(out, type, Hello.getDefaultInstance());
                FrameReader reader = new FrameReader(allowed);
                if (allowed.contains(type)) {
                    assertEquals(type, reader.read(out).type());
                } else {
                    assertThrows(ForbiddenFrameException.class, () -> reader.read(out));
                }
            }
        }
    }

    @Test
    void nobodySpeaksThePartsOfPeersAndOfClients() {
        assertTrue(FrameType.FROM_CLIENT.stream().noneMatch(type -> type != FrameType.PING && FrameType.FROM_PEER.contains(type)));
    }

    @Test
    void flagsOfANewerVersionAreRefused() {
        ByteBuf header = Unpooled.buffer().writeInt(0).writeInt(0).writeByte(FrameType.VOTE.code()).writeByte(1).writeZero(10);
        assertThrows(MalformedFrameException.class, () -> new FrameReader(FrameType.MESSAGES).read(header));
    }

    /** Whoever leads fills appends up to this under load, so a copy of each would be half of what a follower allocates. */
    @Test
    void anAppendThatIsAsLargeAsMostEverAreIsReadIntoOneArray() {
        int size = RaftConfig.DEFAULT.appendBytesMax();
        ByteBuf out = Unpooled.buffer(size + 1000);
        Frame.writeTop(out, FrameType.APPEND_ENTRIES, AppendEntriesHead.getDefaultInstance(), size, 0);
        out.writeZero(size);
        FrameReader reader = new FrameReader(FrameType.MESSAGES);
        long allocated = allocatedBy(() -> assertEquals(size, reader.read(out).block().length));
        assertTrue(allocated >= size && allocated < size + size / 4, "allocated " + allocated + " bytes");
    }

    private static void assertAllocatesLittle(Runnable action) {
        long allocated = allocatedBy(action);
        assertTrue(allocated < 4 << 20, "allocated " + allocated + " bytes");
    }

    private static long allocatedBy(Runnable action) {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getThreadAllocatedBytes(Thread.currentThread().getId());
        action.run();
        return threads.getThreadAllocatedBytes(Thread.currentThread().getId()) - before;
    }
}
