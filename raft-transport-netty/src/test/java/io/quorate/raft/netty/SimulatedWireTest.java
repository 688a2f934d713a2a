package io.quorate.raft.netty;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.quorate.raft.FoundingMessage;
import io.quorate.raft.RepairMessage;
import io.quorate.raft.SnapshotMessage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Message;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

class SimulatedWireTest {

    private static final RandomGenerator NOT_ASKED = () -> {
        throw new AssertionError("asked for a random number");
    };
    private static final int DAMAGES = 20;

    private final SimulatedWire wire = new SimulatedWire();

    @Property
    void whatIsNotDamagedArrivesAsItWas(@ForAll("messages") Message message, @ForAll("foundings") FoundingMessage founding,
                                        @ForAll("snapshotMessages") SnapshotMessage snapshot,
                                        @ForAll("repairMessages") RepairMessage repair) {
        assertEquals(repair, wire.carry(repair, false, NOT_ASKED));
        assertEquals(snapshot, wire.carry(snapshot, false, NOT_ASKED));
        assertEquals(message, wire.carry(message, false, NOT_ASKED));
        assertEquals(founding, wire.carry(founding, false, NOT_ASKED));
    }

    @Property
    void whatIsDamagedArrivesAsItWasOrNotAtAll(@ForAll("messages") Message message, @ForAll("foundings") FoundingMessage founding,
                                               @ForAll("snapshotMessages") SnapshotMessage snapshot,
                                               @ForAll("repairMessages") RepairMessage repair, @ForAll long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < DAMAGES; i++) {
            Message carried = wire.carry(message, true, random);
            assertTrue(carried == null || carried.equals(message));
            FoundingMessage carriedFounding = wire.carry(founding, true, random);
            assertTrue(carriedFounding == null || carriedFounding.equals(founding));
            SnapshotMessage carriedSnapshot = wire.carry(snapshot, true, random);
            assertTrue(carriedSnapshot == null || carriedSnapshot.equals(snapshot));
            RepairMessage carriedRepair = wire.carry(repair, true, random);
            assertTrue(carriedRepair == null || carriedRepair.equals(repair));
        }
    }

    @Property(tries = 100)
    void theSameRandomNumbersDoTheSameDamage(@ForAll("messages") Message message, @ForAll long seed) {
        assertEquals(outcomes(message, seed), outcomes(message, seed));
    }

    private List<Boolean> outcomes(Message message, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        List<Boolean> outcomes = new ArrayList<>();
        for (int i = 0; i < DAMAGES; i++) {
            outcomes.add(wire.carry(message, true, random) == null);
        }
        return outcomes;
    }

    @Test
    void mostDamageIsRefusedAndWhatIsWholeInFrontOfItArrives() {
        SplittableRandom random = new SplittableRandom(1);
        Message message = append(3);
        int arrived = 0;
        for (int i = 0; i < 4000; i++) {
            arrived += wire.carry(message, true, random) == null ? 0 : 1;
        }
        // Garbage behind a message, one damage of eight, does it no harm.
        assertTrue(arrived > 300 && arrived < 1000, "arrived: " + arrived);
    }

    @Test
    void theLargestEntryIsCarriedAndItsDamageNoticed() {
        Message message = append(Entry.PAYLOAD_BYTES_MAX);
        assertEquals(message, wire.carry(message, false, NOT_ASKED));
        SplittableRandom random = new SplittableRandom(2);
        for (int i = 0; i < 5; i++) {
            Message carried = wire.carry(message, true, random);
            assertTrue(carried == null || carried.equals(message));
        }
    }

    @Test
    void aDecoderThatForgetsAFieldIsNamedWithWhatItSaidAndWhatWasSent() {
        Message.Vote sent = new Message.Vote(Node.replica(1), Node.replica(2), 7, null);
        Function<Frame, Message> forgetful = frame -> {
            Message.Vote vote = (Message.Vote) PeerFrames.message(frame);
            return new Message.Vote(vote.from(), vote.to(), vote.term(), Message.Denial.HEARS_LEADER);
        };
        AssertionError error = assertThrows(AssertionError.class,
            () -> SimulatedWire.receive((Message) sent, bytes(sent), FrameType.FROM_PEER, forgetful));
        assertTrue(error.getMessage().contains(sent.toString()) && error.getMessage().contains("denial=HEARS_LEADER"), error.getMessage());
    }

    @Test
    void anEncoderThatWritesMoreThanAFrameOrLessIsNoticed() {
        Message sent = new Message.Vote(Node.replica(1), Node.replica(2), 7, null);
        ByteBuf more = bytes(sent).writeByte(0);
        assertThrows(AssertionError.class, () -> SimulatedWire.receive(sent, more, FrameType.FROM_PEER, PeerFrames::message));
        ByteBuf less = bytes(sent);
        less.writerIndex(less.writerIndex() - 1);
        assertThrows(AssertionError.class, () -> SimulatedWire.receive(sent, less, FrameType.FROM_PEER, PeerFrames::message));
    }

    @Test
    void anIntactMessageThatIsRefusedIsAnError() {
        Message sent = new Message.Vote(Node.replica(1), Node.replica(2), 7, null);
        assertThrows(AssertionError.class, () -> SimulatedWire.receive(sent, bytes(sent), FrameType.FROM_BLANK, PeerFrames::message));
    }

    @Test
    void damageThatNoChecksumNoticesIsAnError() {
        Message sent = new Message.Vote(Node.replica(1), Node.replica(2), 7, null);
        Message other = new Message.Vote(Node.replica(1), Node.replica(2), 7, Message.Denial.HEARS_LEADER);
        byte[] damaged = array(bytes(other));       // as if the checksum had been damaged along with the vote, and fitted again
        AssertionError error = assertThrows(AssertionError.class,
            () -> SimulatedWire.receive(sent, damaged, bytes(sent), FrameType.FROM_PEER, PeerFrames::message));
        assertTrue(error.getMessage().contains(sent.toString()) && error.getMessage().contains(other.toString()), error.getMessage());
    }

    @Test
    void aReaderThatFindsTheEndOfAFrameInTheNextOneIsNoticed() {
        // The head's checksum is right and announces an entry of the same length as the one that was lost; what comes next is taken for it.
        Message.AppendEntries sent = append(40);
        byte[] whole = array(bytes(sent));
        byte[] cut = Arrays.copyOf(whole, whole.length - sent.entries().get(0).size());
        assertNull(SimulatedWire.receive((Message) sent, cut, bytes(sent), FrameType.FROM_PEER, PeerFrames::message));
        Function<Frame, Message> credulous = frame -> new Message.AppendEntries(sent.from(), sent.to(), sent.term(), sent.prev(),
            List.of(Entry.of(5, 2, Entry.Kind.COMMAND, 0, frame.block())), 0, 0, 9);
        assertThrows(AssertionError.class,
            () -> SimulatedWire.receive((Message) sent, cut, bytes(sent), FrameType.FROM_PEER, credulous));
    }

    @Test
    void anyOtherExceptionOfADecoderPassesThrough() {
        Message sent = new Message.Vote(Node.replica(1), Node.replica(2), 7, null);
        Function<Frame, Message> careless = frame -> {
            throw new IndexOutOfBoundsException(frame.head().length);
        };
        assertThrows(IndexOutOfBoundsException.class,
            () -> SimulatedWire.receive(sent, array(bytes(sent)), bytes(sent), FrameType.FROM_PEER, careless));
    }

    private static Message.AppendEntries append(int payloadBytes) {
        Entry entry = Entry.of(5, 2, Entry.Kind.COMMAND, 0, new byte[payloadBytes]);
        return new Message.AppendEntries(Node.replica(1), Node.replica(2), 3, new EntryId(2, 4), List.of(entry), 4, 4, 9);
    }

    private static ByteBuf bytes(Message message) {
        ByteBuf out = Unpooled.buffer();
        PeerFrames.write(out, message);
        return out;
    }

    private static byte[] array(ByteBuf bytes) {
        byte[] array = new byte[bytes.readableBytes()];
        bytes.getBytes(bytes.readerIndex(), array);
        return array;
    }

    @Provide
    Arbitrary<Message> messages() {
        return Samples.messages();
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
    Arbitrary<FoundingMessage> foundings() {
        return Samples.foundings();
    }
}
