package io.quorate.raft.election;

import java.io.DataInputStream;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * How {@link LeasedKeys} answers a {@link KeyCommand}. Another replica, of another version perhaps, answers a copy of the command alike, so
 * each form stays as it is.
 *
 * <pre>
 *   kind 1  GRANTED    lease, long ttlNanos               GRANT
 *   kind 2  DONE       long index                         all others: of the command, which is the key's version now
 *   kind 3  OTHERWISE  key's entry or none                PUT_IF_ABSENT, COMPARE_AND_SET, DELETE: nothing happened, since the key is so
 *   kind 4  REFUSED    byte reason                        nothing happened
 * </pre>
 */
sealed interface KeyResult {

    byte GRANTED = 1;
    byte DONE = 2;
    byte OTHERWISE = 3;
    byte REFUSED = 4;

    /** As the result of a command. */
    byte[] encode();

    /**
     * There is a lease.
     *
     * @param lease    which
     * @param ttlNanos what was asked for, or the longest that may be
     */
    record Granted(LeaseId lease, long ttlNanos) implements KeyResult {

        @Override
        public byte[] encode() {
            return KeyBytes.encode(out -> {
                out.writeByte(GRANTED);
                out.writeLong(lease.index());
                out.writeLong(lease.number());
                out.writeLong(ttlNanos);
            });
        }
    }

    /** It was done, by the command at this index. */
    record Done(long index) implements KeyResult {

        @Override
        public byte[] encode() {
            return KeyBytes.encode(out -> {
                out.writeByte(DONE);
                out.writeLong(index);
            });
        }
    }

    /** Nothing happened, for the key is otherwise. */
    record Otherwise(@Nullable KeyEntry entry) implements KeyResult {

        @Override
        public byte[] encode() {
            return KeyBytes.encode(out -> {
                out.writeByte(OTHERWISE);
                KeyBytes.writeOrNone(out, entry);
            });
        }
    }

    /** Nothing happened. */
    record Refused(Reason reason) implements KeyResult {

        @Override
        public byte[] encode() {
            return new byte[] {REFUSED, (byte) reason.ordinal()};
        }
    }

    /** Why nothing happened. The order is part of the format. */
    enum Reason {
        /** The lease has ended, or never was one of this group. */
        NO_SUCH_LEASE,
        /** The key belongs to another lease, or to none. */
        NOT_THE_LEASES,
        /** The group keeps as many leases and keys as it may. */
        FULL,
        /** The key or the value is longer than the group allows. */
        TOO_LARGE,
        /** This version does not know such a command. */
        UNREADABLE
    }

    /** @throws IllegalArgumentException if this is no such result; the message says why not */
    static KeyResult decode(byte[] result) {
        return KeyBytes.decode(result, KeyResult::read);
    }

    private static KeyResult read(DataInputStream in) throws IOException {
        byte kind = in.readByte();
        return switch (kind) {
            case GRANTED -> new Granted(KeyBytes.lease(in), in.readLong());
            case DONE -> new Done(in.readLong());
            case OTHERWISE -> new Otherwise(KeyBytes.entryOrNone(in));
            case REFUSED -> refused(in.readByte());
            default -> throw new IllegalArgumentException("a result of kind " + kind + " is unknown to this version");
        };
    }

    private static Refused refused(byte reason) {
        Reason[] all = Reason.values();
        if (reason < 0 || reason >= all.length) {
            throw new IllegalArgumentException("the reason " + reason + " is unknown to this version");
        }
        return new Refused(all[reason]);
    }
}
