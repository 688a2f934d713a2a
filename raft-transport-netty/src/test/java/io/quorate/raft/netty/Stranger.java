package io.quorate.raft.netty;

import com.google.protobuf.MessageLite;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.quorate.raft.Identity;
import io.quorate.raft.core.Message;
import io.quorate.raft.netty.wire.Role;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.util.EnumSet;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A plain socket that speaks frames, and says whatever the test wants. */
final class Stranger implements AutoCloseable {

    private final Socket socket;
    private final FrameReader reader = new FrameReader(EnumSet.allOf(FrameType.class));
    private final ByteBuf in = Unpooled.buffer();

    Stranger(Socket socket) {
        this.socket = socket;
    }

    static Stranger connect(int port) {
        try {
            return new Stranger(new Socket(InetAddress.getLoopbackAddress(), port));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Connected to the node, and welcomed as this peer. */
    static Stranger peer(Identity identity, Node node) {
        Stranger stranger = connect(node.port());
        stranger.send(FrameType.HELLO, Greeting.ofPeer(identity, node.identity.replica().nodeId(), "nowhere:1").toHello());
        stranger.expect(FrameType.WELCOME);
        return stranger;
    }

    /** Connected to the node, and welcomed as a client. */
    static Stranger client(Node node) {
        Stranger stranger = connect(node.port());
        stranger.send(FrameType.HELLO, Greeting.ofClient(Role.ROLE_CLIENT, null, 0).toHello());
        stranger.expect(FrameType.WELCOME);
        return stranger;
    }

    void send(FrameType type, MessageLite head) {
        ByteBuf out = Unpooled.buffer();
        Frame.write(out, type, head);
        send(out);
    }

    void send(Message message) {
        send(Unpooled.wrappedBuffer(MessageCodec.encode(message)));
    }

    void send(ByteBuf out) {
        try {
            out.readBytes(socket.getOutputStream(), out.readableBytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The next frame, or null if the other end closed the connection. */
    @Nullable Frame read() {
        try {
            socket.setSoTimeout((int) TimeUnit.SECONDS.toMillis(Node.PATIENCE_SECONDS));
            while (true) {
                Frame frame = reader.read(in);
                if (frame != null) {
                    return frame;
                }
                byte[] some = new byte[4096];
                int count = socket.getInputStream().read(some);
                if (count < 0) {
                    return null;
                }
                in.clear().writeBytes(some, 0, count);
            }
        } catch (java.net.SocketTimeoutException e) {
            throw new AssertionError("nothing came, and the connection was not closed", e);
        } catch (IOException e) {
            return null;    // reset
        }
    }

    /** What comes next but pings, which come whenever it was quiet for a while, is of this type. */
    Frame expect(FrameType type) {
        Frame frame = read();
        while (frame != null && frame.type() == FrameType.PING && type != FrameType.PING) {
            frame = read();
        }
        if (frame == null || frame.type() != type) {
            throw new AssertionError("expected " + type + ", not " + (frame == null ? "the end" : frame.type()));
        }
        return frame;
    }

    Refusal expectRefusal() {
        Refusal refusal = Refusal.of(expect(FrameType.REFUSED));
        expectEnd();
        return refusal;
    }

    void expectEnd() {
        Frame frame = read();
        if (frame != null) {
            throw new AssertionError("expected the end, not " + frame.type());
        }
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
