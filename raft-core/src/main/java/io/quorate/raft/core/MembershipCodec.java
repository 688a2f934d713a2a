package io.quorate.raft.core;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A membership as bytes: the payload of a membership entry, the same on disk and on the wire.
 *
 * <pre>
 *   byte    format, 1; a higher one is refused
 *   long    version
 *   3 lists voters, outgoing, learners
 *   byte    1 if there is a goal, else 0 and no more
 *   2 lists the goal's voters, learners
 * </pre>
 * A list is a short with the count and then, for each member, its node id (int), its incarnation (long), the length of its address in
 * bytes (short) and the address in UTF-8. All numbers are big-endian.
 */
public final class MembershipCodec {

    /** How many members a list has at most. */
    public static final int MEMBERS_MAX = 1024;
    /** How long an address is at most, in bytes. */
    public static final int ADDRESS_BYTES_MAX = 1024;

    private static final byte FORMAT = 1;

    private MembershipCodec() { }

    /** The bytes of this membership. */
    public static byte[] encode(Membership membership) {
        List<List<Member>> lists = lists(membership);
        int size = 1 + Long.BYTES + 1;
        for (List<Member> list : lists) {
            size += Short.BYTES;
            for (Member member : list) {
                size += Integer.BYTES + Long.BYTES + Short.BYTES + member.address().getBytes(StandardCharsets.UTF_8).length;
            }
        }
        ByteBuffer out = ByteBuffer.allocate(size);
        out.put(FORMAT).putLong(membership.version());
        for (int i = 0; i < lists.size(); i++) {
            if (i == 3) {
                out.put((byte) 1);
            }
            put(out, lists.get(i));
        }
        if (membership.goal() == null) {
            out.put((byte) 0);
        }
        return out.array();
    }

    /**
     * The membership that these bytes are.
     *
     * @throws IllegalArgumentException if they are none; the message says what is wrong
     */
    public static Membership decode(byte[] bytes) {
        ByteBuffer in = ByteBuffer.wrap(bytes);
        try {
            byte format = in.get();
            if (format != FORMAT) {
                throw new IllegalArgumentException("a membership of format " + format + "; this version knows " + FORMAT);
            }
            long version = in.getLong();
            List<Member> voters = list(in);
            List<Member> outgoing = list(in);
            List<Member> learners = list(in);
            Membership.Goal goal = in.get() == 0 ? null : new Membership.Goal(list(in), list(in));
            if (in.hasRemaining()) {
                throw new IllegalArgumentException(in.remaining() + " bytes behind a membership");
            }
            return new Membership(version, voters, outgoing, learners, goal);
        } catch (BufferUnderflowException e) {
            throw new IllegalArgumentException("a membership cut off after " + bytes.length + " bytes", e);
        }
    }

    private static List<List<Member>> lists(Membership membership) {
        Membership.Goal goal = membership.goal();
        return goal == null
            ? List.of(membership.voters(), membership.outgoing(), membership.learners())
            : List.of(membership.voters(), membership.outgoing(), membership.learners(), goal.voters(), goal.learners());
    }

    private static void put(ByteBuffer out, List<Member> list) {
        if (list.size() > MEMBERS_MAX) {
            throw new IllegalArgumentException(list.size() + " members; at most " + MEMBERS_MAX);
        }
        out.putShort((short) list.size());
        for (Member member : list) {
            requireAddress(member);
            byte[] address = member.address().getBytes(StandardCharsets.UTF_8);
            out.putInt(member.id().nodeId()).putLong(member.id().incarnation()).putShort((short) address.length).put(address);
        }
    }

    static void requireAddress(Member member) {
        int length = member.address().getBytes(StandardCharsets.UTF_8).length;
        if (length > ADDRESS_BYTES_MAX) {
            throw new IllegalArgumentException("The address of " + member.id() + " has " + length + " bytes; at most " + ADDRESS_BYTES_MAX);
        }
    }

    private static List<Member> list(ByteBuffer in) {
        int count = Short.toUnsignedInt(in.getShort());
        if (count > MEMBERS_MAX) {
            throw new IllegalArgumentException("a list of " + count + " members; at most " + MEMBERS_MAX);
        }
        List<Member> list = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            ReplicaId id = new ReplicaId(in.getInt(), in.getLong());
            int length = Short.toUnsignedInt(in.getShort());
            if (length > ADDRESS_BYTES_MAX) {
                throw new IllegalArgumentException("an address of " + length + " bytes; at most " + ADDRESS_BYTES_MAX);
            }
            byte[] address = new byte[length];
            in.get(address);
            list.add(new Member(id, new String(address, StandardCharsets.UTF_8)));
        }
        return list;
    }
}
