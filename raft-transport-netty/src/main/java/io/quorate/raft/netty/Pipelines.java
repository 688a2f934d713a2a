package io.quorate.raft.netty;

import io.netty.channel.ChannelPipeline;

/** What bytes pass through on every connection, whoever opened it. */
final class Pipelines {

    private Pipelines() { }

    /** Encryption would be the first handler here, before anything reads a byte. */
    static void fill(ChannelPipeline pipeline, Connection connection) {
        pipeline.addLast(connection);
    }
}
