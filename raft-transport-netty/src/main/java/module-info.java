/** Peers and clients over TCP: a handshake, then checksummed frames. */
@SuppressWarnings("requires-automatic")
module io.quorate.raft.netty {
    requires transitive io.quorate.raft;
    requires com.google.protobuf;
    requires io.netty.buffer;
    requires io.netty.common;
    requires io.netty.resolver;
    requires io.netty.transport;
    requires io.netty.transport.classes.epoll;
    requires org.slf4j;
    requires static transitive org.jspecify;

    exports io.quorate.raft.netty;
}
