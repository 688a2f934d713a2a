package io.quorate.raft.netty;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.MessageLite;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.quorate.raft.ClientRequest;
import io.quorate.raft.ClientResponse;
import io.quorate.raft.ServerStatus;
import io.quorate.raft.SnapshotMessage;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.NodeStatus;
import io.quorate.raft.netty.wire.ChangeMembershipHead;
import io.quorate.raft.netty.wire.EntryIdPart;
import io.quorate.raft.netty.wire.FreshnessCode;
import io.quorate.raft.netty.wire.RequestHead;
import io.quorate.raft.netty.wire.WhyHead;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;

class ClientFramesTest {

    @Property
    void everyRequestComesBackAsItWas(@ForAll("requests") ClientRequest request, @ForAll long id,
                                      @ForAll @LongRange(min = 1, max = 1L << 40) long timeoutMillis) {
        ByteBuf out = Unpooled.buffer();
        ClientFrames.write(out, new ClientFrames.Request(id, request, timeoutMillis * 1_000_000));
        assertTrue(out.readableBytes() <= ClientFrames.sizeOf(request), "counted as less than it takes: " + request);
        ClientFrames.Request read = ClientFrames.request(new FrameReader(FrameType.FROM_ADMIN).read(out));
        assertEquals(id, read.id());
        assertEquals(timeoutMillis * 1_000_000, read.timeoutNanos());
        assertEquals(request.toString(), read.request().toString());    // all but bytes, which follow
        assertArrayEquals(ClientFrames.block(request), ClientFrames.block(read.request()));
    }

    @Property
    void everyAnswerComesBackAsItWas(@ForAll("responses") ClientResponse response, @ForAll long id) {
        ByteBuf out = Unpooled.buffer();
        ClientFrames.write(out, new ClientFrames.Response(id, response));
        ClientFrames.Response read = ClientFrames.response(new FrameReader(FrameType.TO_ADMIN).read(out));
        assertEquals(id, read.id());
        assertEquals(response.toString(), read.response().toString());
        if (response instanceof ClientResponse.Done done) {
            assertArrayEquals(done.result(), ((ClientResponse.Done) read.response()).result());
        } else if (response instanceof ClientResponse.BackupPiece piece) {
            assertArrayEquals(piece.bytes(), ((ClientResponse.BackupPiece) read.response()).bytes());
        } else {
            assertEquals(response, read.response());
        }
    }

    @Test
    void aLittleTimeIsNotNoneAndWhoDidNotSayWaitsForEver() {
        assertEquals(1_000_000, through(1));
        assertEquals(2_000_000, through(1_000_001));
        assertEquals(Long.MAX_VALUE, through(Long.MAX_VALUE));
        assertTrue(through(Long.MAX_VALUE - 1) > Long.MAX_VALUE - 2_000_000);
    }

    private static long through(long timeoutNanos) {
        ByteBuf out = Unpooled.buffer();
        ClientFrames.write(out, new ClientFrames.Request(1, new ClientRequest.Status(), timeoutNanos));
        return ClientFrames.request(new FrameReader(FrameType.FROM_CLIENT).read(out)).timeoutNanos();
    }

    @Property
    void aFlippedBitOfACommandIsNoticed(@ForAll("requests") ClientRequest request, @ForAll int where) {
        ByteBuf out = Unpooled.buffer();
        ClientFrames.write(out, new ClientFrames.Request(1, request, Long.MAX_VALUE));
        int bit = Math.floorMod(where, out.readableBytes() * 8);
        out.setByte(bit / 8, out.getByte(bit / 8) ^ 1 << bit % 8);
        FrameReader reader = new FrameReader(FrameType.FROM_ADMIN);
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
        ServerStatus.Stranger stranger = new ServerStatus.Stranger(Node.replica(2), words, Long.MAX_VALUE);
        List<Member> members = new ArrayList<>();
        for (int i = 1; i <= 64; i++) {
            members.add(new Member(Node.replica(i), "h".repeat(300)));
        }
        Membership membership = new Membership(Long.MAX_VALUE, members, members, List.of(), new Membership.Goal(members, List.of()));
        NodeStatus.Denied denied = new NodeStatus.Denied(Node.replica(2), Message.Denial.LOG_IS_NEWER);
        ServerStatus status = new ServerStatus(Node.replica(1), Long.MAX_VALUE, Node.CLUSTER, ServerStatus.State.LEADER, Long.MAX_VALUE,
            Node.replica(2), words, 1, 2, 3, 4, 5, Collections.nCopies(1000, peer), words, membership, Collections.nCopies(1000, stranger),
            new ServerStatus.Elections(1, true, 2, Collections.nCopies(1000, denied), Node.replica(3), true, 3, 4),
            new ServerStatus.Disk(1, 2, 3, 4, 5, words, 6, 7, 8, true, words), new ServerStatus.Load(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
        ServerStatus read = ((ClientResponse.Status) through(new ClientResponse.Status(status))).status();
        assertEquals(StatusFrames.PEERS_MAX, read.peers().size());
        assertEquals(StatusFrames.STRANGERS_MAX, read.strangers().size());
        assertEquals(membership, read.membership());
        assertEquals(status.load(), read.load());
    }

    @Test
    void theWordiestExplanationAndTheMostNumbersFitTheirFrames() {
        String words = "\u20ac".repeat(5000);
        SortedMap<String, Long> numbers = new TreeMap<>();
        for (int i = 0; i < 1000; i++) {
            numbers.put(i + words, Long.MIN_VALUE);
        }
        List<Member> strangers = Collections.nCopies(100, new Member(Node.replica(3), "h".repeat(500) + ":1"));
        Membership membership = Membership.of(7, List.of(new Member(Node.replica(1), "one:1")));
        assertEquals(AdminFrames.SENTENCES_MAX,
            ((ClientResponse.Explanation) through(new ClientResponse.Explanation(Collections.nCopies(500, words)))).sentences().size());
        assertEquals(AdminFrames.METRICS_MAX, ((ClientResponse.Metrics) through(new ClientResponse.Metrics(numbers))).values().size());
        assertEquals(AdminFrames.STRANGERS_MAX,
            ((ClientResponse.Members) through(new ClientResponse.Members(membership, strangers))).strangers().size());
    }

    @Test
    void aReasonOfANewerVersionIsStillARefusal() {
        ByteBuf out = Unpooled.buffer();
        Frame.write(out, FrameType.TURNED_AWAY, WhyHead.newBuilder().setId(5).setWhy("not on Sundays").setReasonValue(77).build());
        assertEquals(new ClientResponse.Failed("not on Sundays"),
            ClientFrames.response(new FrameReader(FrameType.TO_CLIENT).read(out)).response());
    }

    @Test
    void whatNobodyMayAskIsRefused() {
        for (RequestHead head : List.of(RequestHead.newBuilder().setMinIndex(-1).build(),
                RequestHead.newBuilder().setFreshnessValue(9).build(),
                RequestHead.newBuilder().setFreshness(FreshnessCode.FRESHNESS_AT_MOST).build(),
                RequestHead.newBuilder().setStaleNanosMax(5).build(), RequestHead.newBuilder().setTimeoutMillis(-1).build())) {
            assertMalformed(FrameType.READ, head);
        }
        assertMalformed(FrameType.TRANSFER, RequestHead.newBuilder().setTargetNodeId(-1).build());
        assertMalformed(FrameType.AWAIT_OUTCOME, RequestHead.newBuilder().setEntry(EntryIdPart.newBuilder().setTerm(1)).build());
        assertMalformed(FrameType.BACKUP_PIECE, RequestHead.newBuilder().setBytesMax(SnapshotMessage.PIECE_BYTES_MAX + 1).build());
        assertMalformed(FrameType.BACKUP_PIECE, RequestHead.newBuilder().setBytesMax(1).setOffset(-1).build());
        assertMalformed(FrameType.CHANGE_MEMBERSHIP, ChangeMembershipHead.newBuilder().setExpectedVersion(1).build());     // nobody votes
    }

    private static void assertMalformed(FrameType type, MessageLite head) {
        ByteBuf out = Unpooled.buffer();
        Frame.write(out, type, head);
        Frame frame = new FrameReader(FrameType.FROM_ADMIN).read(out);
        assertThrows(MalformedFrameException.class, () -> ClientFrames.request(frame), () -> type + " " + head);
    }

    private static ClientResponse through(ClientResponse response) {
        ByteBuf out = Unpooled.buffer();
        ClientFrames.write(out, new ClientFrames.Response(1, response));
        return ClientFrames.response(new FrameReader(FrameType.TO_ADMIN).read(out)).response();
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
