package io.quorate.examples;

import io.quorate.raft.Command;
import io.quorate.raft.StateMachine;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.TreeMap;

/**
 * Values under keys, in memory; the log brings them back after a restart.
 *
 * <p>Commands come from clients, which may send anything. What is no command changes nothing and is answered so, on every replica alike; an
 * exception would stop them all.
 */
public final class KvStateMachine implements StateMachine {

    private final TreeMap<byte[], byte[]> values = new TreeMap<>(Arrays::compareUnsigned);   // in order, so that copies have one digest

    /** Applies a {@link KvRequest.Put} or {@link KvRequest.Delete}; answers whether the key had a value. */
    @Override
    public byte[] apply(Command command) {
        KvRequest request;
        try {
            request = KvRequest.decode(command.payload().duplicate());
        } catch (IllegalArgumentException e) {
            return KvAnswer.badRequest("Nothing was changed: " + e.getMessage()).encode();
        }
        if (request instanceof KvRequest.Put put) {
            return hadValue(values.put(put.key(), put.value()) != null);
        } else if (request instanceof KvRequest.Delete delete) {
            return hadValue(values.remove(delete.key()) != null);
        }
        return KvAnswer.badRequest("Nothing was changed: a query was proposed; read it instead").encode();
    }

    /** Answers a {@link KvRequest.Get}, {@link KvRequest.Digest} or {@link KvRequest.Scan}. */
    @Override
    public byte[] query(byte[] query) {
        KvRequest request;
        try {
            request = KvRequest.decode(ByteBuffer.wrap(query));
        } catch (IllegalArgumentException e) {
            return KvAnswer.badRequest("Nothing was asked: " + e.getMessage()).encode();
        }
        if (request instanceof KvRequest.Get get) {
            byte[] value = values.get(get.key());
            return (value == null ? KvAnswer.none() : KvAnswer.value(value)).encode();
        } else if (request instanceof KvRequest.Digest) {
            return KvAnswer.value(KvDigest.of(values)).encode();
        } else if (request instanceof KvRequest.Scan scan) {
            return KvAnswer.pairs(values.tailMap(scan.after(), false)).encode();
        }
        return KvAnswer.badRequest("Nothing was changed: a command was read; propose it instead").encode();
    }

    private static byte[] hadValue(boolean had) {
        return new KvAnswer(had ? KvAnswer.Kind.VALUE : KvAnswer.Kind.NONE, new byte[0]).encode();
    }
}
