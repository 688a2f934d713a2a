package io.quorate.examples;

import io.quorate.raft.Command;
import io.quorate.raft.StateMachine;
import io.quorate.raft.core.Entry;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Values under keys, in memory; snapshot and log bring them back after a restart.
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

    /** The values as they are: the map is copied, and the arrays in it never change. A million keys take a few dozen milliseconds. */
    @Override
    public Snapshot snapshot() {
        SortedMap<byte[], byte[]> captured = new TreeMap<>(values);
        return out -> write(captured, new DataOutputStream(new BufferedOutputStream(out)));
    }

    private static void write(SortedMap<byte[], byte[]> values, DataOutputStream out) throws IOException {
        out.writeInt(values.size());
        for (Map.Entry<byte[], byte[]> pair : values.entrySet()) {
            out.writeInt(pair.getKey().length);
            out.write(pair.getKey());
            out.writeInt(pair.getValue().length);
            out.write(pair.getValue());
        }
        out.flush();
    }

    @Override
    public void restore(InputStream in) throws IOException {
        DataInputStream data = new DataInputStream(new BufferedInputStream(in));
        values.clear();
        for (int left = data.readInt(); left > 0; left--) {
            byte[] key = part(data);
            values.put(key, part(data));
        }
        if (data.read() >= 0) {
            throw new IOException("more follows behind the last pair: this is no snapshot of a key-value store");
        }
    }

    private static byte[] part(DataInputStream data) throws IOException {
        int length = data.readInt();
        if (length < 0 || length > Entry.PAYLOAD_BYTES_MAX) {
            throw new IOException("a key or value of " + length + " bytes: this is no snapshot of a key-value store");
        }
        byte[] part = new byte[length];
        data.readFully(part);
        return part;
    }

    private static byte[] hadValue(boolean had) {
        return new KvAnswer(had ? KvAnswer.Kind.VALUE : KvAnswer.Kind.NONE, new byte[0]).encode();
    }
}
