package io.quorate.raft.netty;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.MessageLite;
import com.google.protobuf.UnknownFieldSet;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.quorate.raft.FoundingMessage;
import io.quorate.raft.RepairMessage;
import io.quorate.raft.SnapshotMessage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.netty.wire.AppendEntriesHead;
import io.quorate.raft.netty.wire.EntryAnswerHead;
import io.quorate.raft.netty.wire.EntryIdPart;
import io.quorate.raft.netty.wire.EntryRequestHead;
import io.quorate.raft.netty.wire.MissingCode;
import io.quorate.raft.netty.wire.MissingPart;
import io.quorate.raft.netty.wire.RequestVoteHead;
import io.quorate.raft.netty.wire.Route;
import io.quorate.raft.netty.wire.SnapshotHead;
import io.quorate.raft.netty.wire.VoteHead;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class MessageCodecTest {

    private static final Route ROUTE = Route.newBuilder().setFromNodeId(1).setFromIncarnation(11).setToNodeId(2).setToIncarnation(22)
        .setTerm(3).build();

    @Property
    void everyMessageComesBackAsItWas(@ForAll("messages") Message message) {
        byte[] frame = MessageCodec.encode(message);
        assertEquals(message, MessageCodec.decode(frame));
        assertTrue(frame.length <= PeerFrames.sizeOf(message), "counted as less than it takes: " + message);
    }

    @Property
    void aFlippedBitIsNoticed(@ForAll("messages") Message message, @ForAll int where) {
        byte[] frame = MessageCodec.encode(message);
        int bit = Math.floorMod(where, frame.length * 8);
        frame[bit / 8] ^= (byte) (1 << bit % 8);
        assertThrows(MalformedFrameException.class, () -> MessageCodec.decode(frame));
    }

    @Property
    void aCutOffFrameIsNoticed(@ForAll("messages") Message message, @ForAll int where) {
        byte[] frame = MessageCodec.encode(message);
        byte[] cut = Arrays.copyOf(frame, Math.floorMod(where, frame.length));
        assertThrows(MalformedFrameException.class, () -> MessageCodec.decode(cut));
    }

    @Property
    void randomBytesAreNoMessage(@ForAll @Size(max = 200) byte[] bytes) {
        assertThrows(MalformedFrameException.class, () -> MessageCodec.decode(bytes));
    }

    /** The checksums are right here, so the bytes reach the protobuf parsers and the values' own checks. */
    @Property
    void whateverStandsInAHeadTheOutcomeIsAMessageOrMalformed(@ForAll("types") FrameType type, @ForAll @Size(max = 100) byte[] head,
                                                              @ForAll @Size(max = 100) byte[] block) {
        Frame frame = new Frame(type, head, block);
        for (Runnable read : List.<Runnable>of(() -> PeerFrames.message(frame), () -> PeerFrames.founding(frame),
                () -> ClientFrames.request(frame), () -> ClientFrames.response(frame), () -> Refusal.of(frame),
                () -> SnapshotFrames.message(frame), () -> RepairFrames.message(frame),
                () -> Greeting.ofWelcome(frame))) {
            try {
                read.run();
            } catch (MalformedFrameException e) {
                assertTrue(e.getMessage().contains(type.name()) || type == FrameType.WELCOME || e.getMessage().contains("welcome"));
            }
        }
    }

    /** As above, from heads that are nearly right. */
    @Property
    void aDamagedHeadBehindAGoodChecksumIsAMessageOrMalformed(@ForAll("messages") Message message, @ForAll int where, @ForAll byte with) {
        byte[] bytes = MessageCodec.encode(message);
        FrameReader reader = new FrameReader(FrameType.MESSAGES);
        Frame frame = reader.read(Unpooled.wrappedBuffer(bytes));
        frame.head()[Math.floorMod(where, frame.head().length)] = with;
        try {
            assertTrue(PeerFrames.message(frame).getClass() == message.getClass());
        } catch (MalformedFrameException e) {
            assertTrue(e.getMessage().startsWith("a frame " + frame.type()));
        }
    }

    @Property
    void foundingMessagesComeBackAsTheyWere(@ForAll("foundings") FoundingMessage message) {
        ByteBuf out = Unpooled.buffer();
        PeerFrames.write(out, message);
        assertTrue(out.readableBytes() <= PeerFrames.sizeOf(message), "counted as less than it takes");
        assertEquals(message, PeerFrames.founding(new FrameReader(FrameType.FROM_BLANK).read(out)));
    }

    @Property
    void messagesAboutSnapshotsComeBackAsTheyWere(@ForAll("snapshotMessages") SnapshotMessage message, @ForAll int where) {
        ByteBuf out = Unpooled.buffer();
        SnapshotFrames.write(out, message);
        assertTrue(out.readableBytes() <= SnapshotFrames.sizeOf(message), "counted as less than it takes");
        ByteBuf damaged = out.copy();
        assertEquals(message, SnapshotFrames.message(new FrameReader(FrameType.FROM_PEER).read(out)));
        int bit = Math.floorMod(where, damaged.readableBytes() * 8);
        damaged.setByte(bit / 8, damaged.getByte(bit / 8) ^ 1 << bit % 8);
        assertThrows(RuntimeException.class, () -> {
            Frame frame = new FrameReader(FrameType.FROM_PEER).read(damaged);
            SnapshotFrames.message(java.util.Objects.requireNonNull(frame, "waits for bytes that never come"));
        });
    }

    @Property(tries = 300)
    void messagesAboutDamagedEntriesComeBackAsTheyWere(@ForAll("repairMessages") RepairMessage message, @ForAll int where) {
        ByteBuf out = Unpooled.buffer();
        RepairFrames.write(out, message);
        assertTrue(out.readableBytes() <= RepairFrames.sizeOf(message), "counted as less than it takes");
        ByteBuf damaged = out.copy();
        assertEquals(message, RepairFrames.message(new FrameReader(FrameType.FROM_PEER).read(out)));
        int bit = Math.floorMod(where, damaged.readableBytes() * 8);
        damaged.setByte(bit / 8, damaged.getByte(bit / 8) ^ 1 << bit % 8);
        assertThrows(RuntimeException.class, () -> {
            Frame frame = new FrameReader(FrameType.FROM_PEER).read(damaged);
            RepairFrames.message(java.util.Objects.requireNonNull(frame, "waits for bytes that never come"));
        });
    }

    @Test
    void anAnswerAboutDamagedEntriesThatCannotBeIsRefused() {
        EntryIdPart second = EntryIdPart.newBuilder().setTerm(1).setIndex(2).build();
        MissingPart covered = MissingPart.newBuilder().setEntry(second).setWhy(MissingCode.MISSING_COVERED).build();
        for (MessageLite head : List.of(EntryAnswerHead.newBuilder().setRoute(ROUTE).addMissing(covered).build(),
                EntryAnswerHead.newBuilder().setRoute(ROUTE).setRound(-1).build(),
                EntryAnswerHead.newBuilder().setRoute(ROUTE).setEntries(1).build(),
                EntryRequestHead.newBuilder().setRoute(ROUTE).build(),
                EntryRequestHead.newBuilder().setRoute(ROUTE).addWanted(second).addWanted(second).build())) {
            FrameType type = head instanceof EntryAnswerHead ? FrameType.ENTRY_ANSWER : FrameType.ENTRY_REQUEST;
            assertThrows(MalformedFrameException.class, () -> RepairFrames.message(new Frame(type, head.toByteArray(), Frame.NO_BLOCK)),
                () -> type + " " + head);
        }
    }

    @Test
    void theLargestAnswerAboutDamagedEntriesFitsAFrame() {
        List<EntryId> wanted = new ArrayList<>();
        List<RepairMessage.Missing> missing = new ArrayList<>();
        for (int i = 0; i < RepairMessage.WANTED_MAX; i++) {
            wanted.add(new EntryId(Long.MAX_VALUE, Long.MAX_VALUE - RepairMessage.WANTED_MAX + i));
            missing.add(new RepairMessage.Missing(wanted.get(i), RepairMessage.Why.DAMAGED));
        }
        Entry largest = Entry.of(1, 1, Entry.Kind.COMMAND, 0, new byte[Entry.PAYLOAD_BYTES_MAX]);
        for (RepairMessage message : List.of(
                new RepairMessage.EntryRequest(Node.replica(1), Node.replica(2), Long.MAX_VALUE, wanted),
                new RepairMessage.EntryAnswer(Node.replica(1), Node.replica(2), Long.MAX_VALUE, List.of(largest), missing, null, null))) {
            ByteBuf out = Unpooled.buffer();
            RepairFrames.write(out, message);
            assertEquals(message, RepairFrames.message(new FrameReader(FrameType.FROM_PEER).read(out)));
        }
    }

    @Test
    void aPieceThatIsTooLongIsNotReadAtAll() {
        byte[] top = frame(FrameType.SNAPSHOT_PIECE, SnapshotHead.newBuilder().setRoute(ROUTE).build(), new byte[1]);
        Frame.INT.set(top, 4, SnapshotMessage.PIECE_BYTES_MAX + 1);
        assertThrows(MalformedFrameException.class, () -> new FrameReader(FrameType.FROM_PEER).read(Unpooled.wrappedBuffer(top)));
    }

    @Test
    void aPieceThatCannotBeIsRefused() {
        SnapshotHead head = SnapshotHead.newBuilder().setRoute(ROUTE).setOffset(5).setTotalBytes(6).build();
        for (SnapshotHead each : List.of(head, head.toBuilder().setOffset(-1).build(), head.toBuilder().setTotalBytes(-1).build())) {
            Frame frame = new Frame(FrameType.SNAPSHOT_PIECE, each.toByteArray(), new byte[2]);
            assertThrows(MalformedFrameException.class, () -> SnapshotFrames.message(frame));
        }
    }

    @Property
    void bytesMayComeInAnyPieces(@ForAll("messages") Message first, @ForAll("messages") Message second,
                                 @ForAll @Size(max = 20) List<Integer> cuts) {
        ByteBuf all = Unpooled.buffer();
        PeerFrames.write(all, first);
        PeerFrames.write(all, second);
        FrameReader reader = new FrameReader(FrameType.MESSAGES);
        List<Message> read = new ArrayList<>();
        for (int i = 0; all.isReadable(); i++) {
            int size = i < cuts.size() ? 1 + Math.floorMod(cuts.get(i), 50) : all.readableBytes();
            ByteBuf piece = all.readSlice(Math.min(size, all.readableBytes()));
            for (Frame frame = reader.read(piece); frame != null; frame = reader.read(piece)) {
                read.add(PeerFrames.message(frame));
            }
        }
        assertEquals(List.of(first, second), read);
    }

    /** Those that stand behind one another are copied at once, and nothing that stands between others. */
    @Test
    void aFrameHasTheBytesOfItsEntriesWhereverTheyStand() {
        byte[] array = new byte[1000];
        byte[] other = new byte[1000];
        List<Entry> entries = new ArrayList<>();
        int at = 0;
        for (int index = 1; index <= 6; index++) {
            Entry entry = Entry.of(index, 1, Entry.Kind.COMMAND, 0, new byte[index]);
            at += index == 3 ? 7 : 0;                               // behind a gap
            byte[] in = index == 5 ? other : array;                 // where one would stand in the first array, but in another
            System.arraycopy(entry.array(), 0, in, at, entry.size());
            entries.add(Entry.decode(in, at, in.length));
            at += entry.size();
        }
        Message append = new Message.AppendEntries(new ReplicaId(1, 1), new ReplicaId(2, 2), 1, EntryId.ZERO, entries, 0, 0, 1);
        assertEquals(append, MessageCodec.decode(MessageCodec.encode(append)));
    }

    @Test
    void theEntriesOfAMessageShareOneArray() {
        byte[] frame = MessageCodec.encode(append(new byte[100], new byte[50]));
        Message.AppendEntries append = (Message.AppendEntries) MessageCodec.decode(frame);
        assertSame(append.entries().get(0).array(), append.entries().get(1).array());
        assertEquals(2 * Entry.HEADER_BYTES + 150, append.entries().get(0).array().length);
    }

    @Test
    void theLargestEntryFitsAFrame() {
        Message.AppendEntries append = append(new byte[Entry.PAYLOAD_BYTES_MAX]);
        assertEquals(append, MessageCodec.decode(MessageCodec.encode(append)));
    }

    @Test
    void moreEntriesThanAFrameHoldsAreRefusedByTheSender() {
        Message.AppendEntries append = append(new byte[Entry.PAYLOAD_BYTES_MAX], new byte[Entry.PAYLOAD_BYTES_MAX]);
        assertThrows(IllegalArgumentException.class, () -> MessageCodec.encode(append));
    }

    @Test
    void unknownFieldsAreSkipped() {
        UnknownFieldSet news = UnknownFieldSet.newBuilder().addField(11, UnknownFieldSet.Field.newBuilder().addVarint(5).build()).build();
        VoteHead head = VoteHead.newBuilder().setRoute(ROUTE.toBuilder().setUnknownFields(news)).setGranted(true).setUnknownFields(news)
            .build();
        Message message = MessageCodec.decode(frame(FrameType.VOTE, head, Frame.NO_BLOCK));
        assertTrue(((Message.Vote) message).granted());
    }

    @Test
    void anUnknownOptionalFrameIsSkipped() {
        byte[] vote = frame(FrameType.VOTE, VoteHead.newBuilder().setRoute(ROUTE).build(), Frame.NO_BLOCK);
        byte[] news = ofType(200, vote);
        byte[] both = Arrays.copyOf(news, news.length + vote.length);
        System.arraycopy(vote, 0, both, news.length, vote.length);
        assertEquals(3, MessageCodec.decode(both).term());
    }

    @Test
    void anUnknownRequiredFrameIsRefused() {
        byte[] vote = frame(FrameType.VOTE, VoteHead.newBuilder().setRoute(ROUTE).build(), Frame.NO_BLOCK);
        assertThrows(MalformedFrameException.class, () -> MessageCodec.decode(ofType(31, vote)));
    }

    @Test
    void termZeroIsForWhatAReplicaWithoutATermCanSay() {
        Route route = ROUTE.toBuilder().setTerm(0).build();
        VoteHead yes = VoteHead.newBuilder().setRoute(route).setGranted(true).build();
        assertThrows(MalformedFrameException.class, () -> MessageCodec.decode(frame(FrameType.VOTE, yes, Frame.NO_BLOCK)));
        assertThrows(MalformedFrameException.class,
            () -> MessageCodec.decode(frame(FrameType.REQUEST_VOTE, RequestVoteHead.newBuilder().setRoute(route).build(), Frame.NO_BLOCK)));
        // Within an election timeout of its start, a replica that knows no term answers a candidate of term 1: no.
        Message no = new Message.Vote(Node.replica(1), Node.replica(2), 0, Message.Denial.HEARS_LEADER);
        assertEquals(no, MessageCodec.decode(MessageCodec.encode(no)));
        Message young = new Message.PreVote(Node.replica(1), Node.replica(2), 0, EntryId.ZERO, 1);
        assertEquals(young, MessageCodec.decode(MessageCodec.encode(young)));
    }

    @Test
    void aCountOfEntriesThatIsNotTheBlocksIsRefused() {
        Entry entry = Entry.of(1, 1, Entry.Kind.COMMAND, 0, new byte[9]);
        for (int count : new int[] {-1, 0, 2, Integer.MAX_VALUE}) {
            AppendEntriesHead head = AppendEntriesHead.newBuilder().setRoute(ROUTE).setPrev(EntryIdPart.getDefaultInstance())
                .setEntries(count).build();
            Frame frame = new Frame(FrameType.APPEND_ENTRIES, head.toByteArray(), Arrays.copyOf(entry.array(), entry.size()));
            assertThrows(MalformedFrameException.class, () -> PeerFrames.message(frame), "count " + count);
        }
    }

    private static Message.AppendEntries append(byte[]... payloads) {
        List<Entry> entries = new ArrayList<>();
        for (byte[] payload : payloads) {
            entries.add(Entry.of(entries.size() + 1, 1, Entry.Kind.COMMAND, 0, payload));
        }
        return new Message.AppendEntries(Node.replica(1), Node.replica(2), 1, EntryId.ZERO, entries, 0, 0, 1);
    }

    private static byte[] frame(FrameType type, MessageLite head, byte[] block) {
        ByteBuf out = Unpooled.buffer();
        Frame.write(out, type, head, block);
        return Arrays.copyOf(out.array(), out.readableBytes());
    }

    /** The same frame under another type, in good form. */
    private static byte[] ofType(int code, byte[] frame) {
        byte[] other = frame.clone();
        other[8] = (byte) code;
        java.util.zip.CRC32C crc = new java.util.zip.CRC32C();
        crc.update(other, 0, 16);
        crc.update(other, Frame.HEADER_BYTES, other.length - Frame.HEADER_BYTES);
        Frame.INT.set(other, 16, (int) crc.getValue());
        return other;
    }

    @Provide
    Arbitrary<Message> messages() {
        return Samples.messages();
    }

    @Provide
    Arbitrary<FoundingMessage> foundings() {
        return Samples.foundings();
    }

    @Provide
    Arbitrary<SnapshotMessage> snapshotMessages() {
        return Samples.snapshotMessages();
    }

    @Provide
    Arbitrary<RepairMessage> repairMessages() {
        return Samples.repairMessages();
    }

    @Provide
    Arbitrary<FrameType> types() {
        return net.jqwik.api.Arbitraries.of(FrameType.class);
    }
}
