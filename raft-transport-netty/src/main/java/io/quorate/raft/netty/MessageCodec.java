package io.quorate.raft.netty;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.quorate.raft.core.Message;

/**
 * Messages between replicas to bytes and back, by the same code that serves the connections; for simulations and tools. Any thread.
 */
public final class MessageCodec {

    private MessageCodec() { }

    /**
     * The message as one frame.
     *
     * @throws IllegalArgumentException if its entries are larger than one frame may be
     */
    public static byte[] encode(Message message) {
        ByteBuf out = Unpooled.buffer((int) Math.min(PeerFrames.sizeOf(message), FrameType.Limit.ENTRIES + FrameType.Limit.SMALL));
        PeerFrames.write(out, message);
        byte[] bytes = new byte[out.readableBytes()];
        out.readBytes(bytes);
        return bytes;
    }

    /**
     * The message in one frame. Its entries share one new array.
     *
     * @throws MalformedFrameException if the bytes are not exactly one frame with a message that makes sense
     */
    public static Message decode(byte[] frame) {
        FrameReader reader = new FrameReader(FrameType.MESSAGES);
        ByteBuf in = Unpooled.wrappedBuffer(frame);
        try {
            Frame whole = reader.read(in);
            if (whole == null || in.isReadable()) {
                throw new MalformedFrameException(whole == null ? "a frame cut off after " + frame.length + " bytes"
                    : in.readableBytes() + " bytes behind the frame");
            }
            return PeerFrames.message(whole);
        } catch (ForbiddenFrameException e) {
            throw new MalformedFrameException("no message between replicas", e);
        }
    }
}
