package io.quorate.raft.netty;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.quorate.raft.FoundingMessage;
import io.quorate.raft.RepairMessage;
import io.quorate.raft.SnapshotMessage;
import io.quorate.raft.core.Message;
import io.quorate.raft.testing.Wire;
import java.util.Arrays;
import java.util.Set;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Carries the messages of a simulated run as bytes: through the very encoder, frame reader and decoder that serve the connections, and
 * with damage if the run wants it.
 *
 * <p>What was not damaged must come out as it went in. Damaged bytes are followed by intact ones, as on a connection that goes on: a frame
 * that has lost its end must not find another one there. They may be refused, by the two exceptions for which a connection is closed, or
 * wait for bytes that never come, which a connection does not survive either; or the message comes out unharmed, because the damage lay
 * behind it. Anything else is an error of this module: another message is an {@link AssertionError}, other exceptions pass through.
 *
 * <p>A checksum of 32 bits lets one in four thousand million random damages pass, and such a one is reported here as well.
 *
 * <p>Keeps nothing between two messages and takes its buffers from the heap alone. Any thread.
 */
public final class SimulatedWire implements Wire {

    private static final int GARBAGE_BYTES_MAX = 64;

    /** A wire. */
    public SimulatedWire() { }

    @Override
    public @Nullable Message carry(Message message, boolean isDamaged, RandomGenerator random) {
        ByteBuf bytes = Unpooled.buffer((int) Math.min(PeerFrames.sizeOf(message), FrameType.Limit.ENTRIES + FrameType.Limit.SMALL));
        PeerFrames.write(bytes, message);
        return isDamaged ? receive(message, damage(bytes, random), bytes, FrameType.FROM_PEER, PeerFrames::message)
            : receive(message, bytes, FrameType.FROM_PEER, PeerFrames::message);
    }

    @Override
    public @Nullable FoundingMessage carry(FoundingMessage message, boolean isDamaged, RandomGenerator random) {
        ByteBuf bytes = Unpooled.buffer((int) PeerFrames.sizeOf(message));
        PeerFrames.write(bytes, message);
        return isDamaged ? receive(message, damage(bytes, random), bytes, FrameType.FROM_BLANK, PeerFrames::founding)
            : receive(message, bytes, FrameType.FROM_BLANK, PeerFrames::founding);
    }

    @Override
    public @Nullable SnapshotMessage carry(SnapshotMessage message, boolean isDamaged, RandomGenerator random) {
        ByteBuf bytes = Unpooled.buffer((int) SnapshotFrames.sizeOf(message));
        SnapshotFrames.write(bytes, message);
        return isDamaged ? receive(message, damage(bytes, random), bytes, FrameType.FROM_PEER, SnapshotFrames::message)
            : receive(message, bytes, FrameType.FROM_PEER, SnapshotFrames::message);
    }

    @Override
    public @Nullable RepairMessage carry(RepairMessage message, boolean isDamaged, RandomGenerator random) {
        ByteBuf bytes = Unpooled.buffer((int) RepairFrames.sizeOf(message));
        RepairFrames.write(bytes, message);
        return isDamaged ? receive(message, damage(bytes, random), bytes, FrameType.FROM_PEER, RepairFrames::message)
            : receive(message, bytes, FrameType.FROM_PEER, RepairFrames::message);
    }

    /** What comes out of whole bytes. */
    static <M> M receive(M sent, ByteBuf bytes, Set<FrameType> allowed, Function<Frame, M> decoder) {
        FrameReader reader = new FrameReader(allowed);
        M received;
        try {
            Frame frame = reader.read(bytes);
            if (frame == null || bytes.isReadable() || !reader.isBetweenFrames()) {
                throw new AssertionError("Not one frame: " + sent);
            }
            received = decoder.apply(frame);
        } catch (MalformedFrameException | ForbiddenFrameException e) {
            throw new AssertionError("Refused, though not damaged: " + sent, e);
        }
        if (!sent.equals(received)) {
            throw new AssertionError("Sent was " + sent + " but received " + received);
        }
        return received;
    }

    /** What comes out of damaged bytes and of the intact ones behind them. */
    static <M> @Nullable M receive(M sent, byte[] damaged, ByteBuf intact, Set<FrameType> allowed, Function<Frame, M> decoder) {
        FrameReader reader = new FrameReader(allowed);
        ByteBuf in = Unpooled.wrappedBuffer(damaged);
        boolean isNext = false;
        M received = null;
        try {
            while (true) {
                Frame frame = reader.read(in);
                if (frame != null) {
                    M decoded = decoder.apply(frame);
                    if (!sent.equals(decoded)) {
                        throw new AssertionError("Sent was " + sent + " but received, damaged and not noticed, " + decoded);
                    }
                    received = isNext ? received : decoded;     // the next one is only there to be mistaken for the end of this one
                } else if (isNext) {
                    return received;
                } else {
                    isNext = true;
                    in = intact.duplicate();
                }
            }
        } catch (MalformedFrameException | ForbiddenFrameException e) {
            return received;
        }
    }

    /** The bytes, and something that happened to them. */
    private static byte[] damage(ByteBuf whole, RandomGenerator random) {
        byte[] bytes = Arrays.copyOfRange(whole.array(), whole.arrayOffset(), whole.arrayOffset() + whole.readableBytes());
        return switch (random.nextInt(8)) {
            case 0 -> flipBits(bytes, 1 + random.nextInt(3), random);
            case 1 -> flipBits(bytes, 1 + random.nextInt(100), random);
            case 2 -> Arrays.copyOf(bytes, random.nextInt(bytes.length));
            case 3 -> {
                int from = random.nextInt(bytes.length);
                yield splice(bytes, from, from + 1 + random.nextInt(bytes.length - from), Frame.NO_BLOCK);
            }
            case 4 -> {
                int from = random.nextInt(bytes.length);
                int to = from + 1 + random.nextInt(bytes.length - from);
                yield splice(bytes, from, from, Arrays.copyOfRange(bytes, from, to));
            }
            case 5 -> mangleLength(bytes, random);
            case 6 -> splice(bytes, 0, 0, garbage(random));
            default -> splice(bytes, bytes.length, bytes.length, garbage(random));
        };
    }

    private static byte[] flipBits(byte[] bytes, int count, RandomGenerator random) {
        for (int i = 0; i < count; i++) {
            bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
        }
        return bytes;
    }

    private static byte[] mangleLength(byte[] bytes, RandomGenerator random) {
        int at = random.nextBoolean() ? 0 : 4;      // of the head, of the block
        int length = (int) Frame.INT.get(bytes, at);
        int mangled = switch (random.nextInt(4)) {
            case 0 -> length + random.nextInt(-20, 20);
            case 1 -> random.nextInt(Frame.HEADER_BYTES + bytes.length);
            case 2 -> random.nextInt();
            default -> random.nextBoolean() ? Integer.MAX_VALUE : Integer.MIN_VALUE;
        };
        Frame.INT.set(bytes, at, mangled);
        return bytes;
    }

    private static byte[] garbage(RandomGenerator random) {
        byte[] garbage = new byte[1 + random.nextInt(GARBAGE_BYTES_MAX)];
        if (random.nextBoolean()) {
            random.nextBytes(garbage);      // else zeros, which a file or a buffer leaves
        }
        return garbage;
    }

    /** Puts other bytes in the place of some. */
    private static byte[] splice(byte[] bytes, int from, int to, byte[] with) {
        byte[] spliced = new byte[bytes.length - (to - from) + with.length];
        System.arraycopy(bytes, 0, spliced, 0, from);
        System.arraycopy(with, 0, spliced, from, with.length);
        System.arraycopy(bytes, to, spliced, from + with.length, bytes.length - to);
        return spliced;
    }
}
