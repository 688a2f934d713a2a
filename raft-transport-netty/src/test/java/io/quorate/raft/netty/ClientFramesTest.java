package io.quorate.raft.netty;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.quorate.raft.ClientRequest;
import io.quorate.raft.ClientResponse;
import io.quorate.raft.ServerStatus;
import java.util.Collections;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

class ClientFramesTest {

    @Property
    void everyRequestComesBackAsItWas(@ForAll("requests") ClientRequest request, @ForAll long id) {
        ByteBuf out = Unpooled.buffer();
        ClientFrames.write(out, new ClientFrames.Request(id, request));
        ClientFrames.Request read = ClientFrames.request(new FrameReader(FrameType.FROM_CLIENT).read(out));
        assertEquals(id, read.id());
        assertEquals(request.toString(), read.request().toString());    // type and size; the bytes follow
        assertArrayEquals(ClientFrames.block(request), ClientFrames.block(read.request()));
    }

    @Property
    void everyAnswerComesBackAsItWas(@ForAll("responses") ClientResponse response, @ForAll long id) {
        ByteBuf out = Unpooled.buffer();
        ClientFrames.write(out, new ClientFrames.Response(id, response));
        ClientFrames.Response read = ClientFrames.response(new FrameReader(FrameType.TO_CLIENT).read(out));
        assertEquals(id, read.id());
        if (response instanceof ClientResponse.Done done) {
            assertEquals(done.index(), ((ClientResponse.Done) read.response()).index());
            assertArrayEquals(done.result(), ((ClientResponse.Done) read.response()).result());
        } else {
            assertEquals(response, read.response());
        }
    }

    @Property
    void aFlippedBitOfACommandIsNoticed(@ForAll("requests") ClientRequest request, @ForAll int where) {
        ByteBuf out = Unpooled.buffer();
        ClientFrames.write(out, new ClientFrames.Request(1, request));
        int bit = Math.floorMod(where, out.readableBytes() * 8);
        out.setByte(bit / 8, out.getByte(bit / 8) ^ 1 << bit % 8);
        FrameReader reader = new FrameReader(FrameType.FROM_CLIENT);
        assertEquals(null, readOrNull(reader, out));
    }

    @Test
    void anEndlessExplanationIsCut() {
        ByteBuf out = Unpooled.buffer();
        ClientFrames.write(out, new ClientFrames.Response(1, new ClientResponse.Failed("\u20ac".repeat(100_000))));
        ClientResponse read = ClientFrames.response(new FrameReader(FrameType.TO_CLIENT).read(out)).response();
        assertEquals(Parts.WORDS_MAX + 3, ((ClientResponse.Failed) read).why().length());
    }

    @Test
    void theWordiestStatusFitsItsFrame() {
        String words = "\u20ac".repeat(5000);
        ServerStatus.Peer peer = new ServerStatus.Peer(Node.replica(2), 2, words, Long.MAX_VALUE, Long.MAX_VALUE, words, words);
        ServerStatus status = new ServerStatus(Node.replica(1), Long.MAX_VALUE, Node.CLUSTER, ServerStatus.State.LEADER, Long.MAX_VALUE,
            Node.replica(2), words, 1, 2, 3, 4, 5, Collections.nCopies(1000, peer), words);
        ByteBuf out = Unpooled.buffer();
        ClientFrames.write(out, new ClientFrames.Response(1, new ClientResponse.Status(status)));
        ClientResponse read = ClientFrames.response(new FrameReader(FrameType.TO_CLIENT).read(out)).response();
        assertEquals(24, ((ClientResponse.Status) read).status().peers().size());
    }

    @Test
    void aNegativeIndexIsRefused() {
        ByteBuf out = Unpooled.buffer();
        ClientFrames.write(out, new ClientFrames.Request(1, new ClientRequest.LocalRead(new byte[0], -1)));
        Frame frame = new FrameReader(FrameType.FROM_CLIENT).read(out);
        assertThrows(MalformedFrameException.class, () -> ClientFrames.request(frame));
    }

    private static ClientFrames.Request readOrNull(FrameReader reader, ByteBuf in) {
        try {
            Frame frame = reader.read(in);
            return frame == null ? null : ClientFrames.request(frame);
        } catch (MalformedFrameException | ForbiddenFrameException e) {
            return null;
        }
    }

    @Provide
    Arbitrary<ClientRequest> requests() {
        return Samples.requests();
    }

    @Provide
    Arbitrary<ClientResponse> responses() {
        return Samples.responses();
    }
}
