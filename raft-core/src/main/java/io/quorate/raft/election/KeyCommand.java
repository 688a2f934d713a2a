package io.quorate.raft.election;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * What {@link LeasedKeys} is commanded. This is the payload of log entries, so each form stays readable for ever; a new one gets a new
 * kind.
 *
 * <pre>
 *   kind 1  GRANT            long ttlNanos, long number
 *   kind 2  REFRESH          lease
 *   kind 3  REVOKE           lease
 *   kind 4  PUT_IF_ABSENT    key, value, lease or none
 *   kind 5  COMPARE_AND_SET  key, long version, value, lease or none
 *   kind 6  DELETE           key, long version, lease or none
 * </pre>
 * The kind is one byte, a lease is {@code long index, long number}; for the rest see {@link KeyBytes}. {@link KeyResult} says how each is
 * answered.
 */
sealed interface KeyCommand {

    byte GRANT = 1;
    byte REFRESH = 2;
    byte REVOKE = 3;
    byte PUT_IF_ABSENT = 4;
    byte COMPARE_AND_SET = 5;
    byte DELETE = 6;

    /** What {@link Delete} says when it does not matter. */
    long ANY_VERSION = 0;

    /** As the payload of a command. */
    byte[] encode();

    /**
     * A new lease, please.
     *
     * @param ttlNanos after so much replicated time without a refresh it ends
     * @param number   drawn by the client, for the {@link LeaseId}
     */
    record Grant(long ttlNanos, long number) implements KeyCommand {

        public Grant {
            if (ttlNanos < 1) {
                throw new IllegalArgumentException("A lease is for longer than " + ttlNanos + " ns");
            }
        }

        @Override
        public byte[] encode() {
            return KeyBytes.encode(out -> {
                out.writeByte(GRANT);
                out.writeLong(ttlNanos);
                out.writeLong(number);
            });
        }
    }

    /** The lease begins anew. */
    record Refresh(LeaseId lease) implements KeyCommand {

        @Override
        public byte[] encode() {
            return ofLease(REFRESH, lease);
        }
    }

    /** The lease ends, and all keys that belong to it are deleted. */
    record Revoke(LeaseId lease) implements KeyCommand {

        @Override
        public byte[] encode() {
            return ofLease(REVOKE, lease);
        }
    }

    /** Puts the key unless it is there. */
    record PutIfAbsent(String key, ByteBuffer value, @Nullable LeaseId lease) implements KeyCommand {

        @Override
        public byte[] encode() {
            return KeyBytes.encode(out -> {
                out.writeByte(PUT_IF_ABSENT);
                KeyBytes.write(out, key);
                writeValue(out, value);
                KeyBytes.write(out, lease);
            });
        }
    }

    /** Gives the key another value if it is there in this version, and belongs to this lease, or to none. */
    record CompareAndSet(String key, long version, ByteBuffer value, @Nullable LeaseId lease) implements KeyCommand {

        @Override
        public byte[] encode() {
            return KeyBytes.encode(out -> {
                out.writeByte(COMPARE_AND_SET);
                KeyBytes.write(out, key);
                out.writeLong(version);
                writeValue(out, value);
                KeyBytes.write(out, lease);
            });
        }
    }

    /** Deletes the key if it is there in this version, or in any, and belongs to this lease, or to none. */
    record Delete(String key, long version, @Nullable LeaseId lease) implements KeyCommand {

        @Override
        public byte[] encode() {
            return KeyBytes.encode(out -> {
                out.writeByte(DELETE);
                KeyBytes.write(out, key);
                out.writeLong(version);
                KeyBytes.write(out, lease);
            });
        }
    }

    /** @throws IllegalArgumentException if this is no such command; the message says why not */
    static KeyCommand decode(ByteBuffer payload) {
        return KeyBytes.decode(payload, KeyCommand::read);
    }

    private static KeyCommand read(DataInputStream in) throws IOException {
        byte kind = in.readByte();
        return switch (kind) {
            case GRANT -> new Grant(in.readLong(), in.readLong());
            case REFRESH -> new Refresh(KeyBytes.lease(in));
            case REVOKE -> new Revoke(KeyBytes.lease(in));
            case PUT_IF_ABSENT -> new PutIfAbsent(KeyBytes.text(in), value(in), KeyBytes.leaseOrNone(in));
            case COMPARE_AND_SET -> new CompareAndSet(KeyBytes.text(in), in.readLong(), value(in), KeyBytes.leaseOrNone(in));
            case DELETE -> new Delete(KeyBytes.text(in), in.readLong(), KeyBytes.leaseOrNone(in));
            default -> throw new IllegalArgumentException("a command of kind " + kind + " is unknown to this version");
        };
    }

    private static byte[] ofLease(byte kind, LeaseId lease) {
        return KeyBytes.encode(out -> {
            out.writeByte(kind);
            out.writeLong(lease.index());
            out.writeLong(lease.number());
        });
    }

    private static void writeValue(DataOutputStream out, ByteBuffer value) throws IOException {
        out.writeInt(value.remaining());
        for (int i = value.position(); i < value.limit(); i++) {
            out.writeByte(value.get(i));
        }
    }

    private static ByteBuffer value(DataInputStream in) throws IOException {
        return ByteBuffer.wrap(KeyBytes.bytes(in));
    }
}
