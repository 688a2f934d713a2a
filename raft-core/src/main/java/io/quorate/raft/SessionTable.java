package io.quorate.raft;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The sessions of a group: when each expires, up to where its client has acknowledged, and the replies that it has not.
 *
 * <p>Everything here is a function of the commands and times so far, and all of it stands in snapshots: a replica that had only part of it
 * would one day execute what the others refuse. What bounds it is counted in bytes.
 */
final class SessionTable {

    /** What a session costs besides its replies. */
    static final int SESSION_BYTES = 200;
    /** What a reply costs besides itself. */
    static final int REPLY_BYTES = 100;

    /** One session; a value for whoever is not the table. */
    static final class Session {

        private final SessionId id;
        private final long timeoutNanos;
        private long expiresNanos;                        // replicated time
        private long acknowledged;                        // all numbers up to here are settled
        private final TreeMap<Long, byte[]> replies;      // by sequence, all above
        private long replyBytes;

        private Session(SessionId id, long timeoutNanos, long expiresNanos, long acknowledged, TreeMap<Long, byte[]> replies) {
            this.id = id;
            this.timeoutNanos = timeoutNanos;
            this.expiresNanos = expiresNanos;
            this.acknowledged = acknowledged;
            this.replies = replies;
            for (byte[] reply : replies.values()) {
                replyBytes += REPLY_BYTES + reply.length;
            }
        }

        private Session(Session other) {
            this(other.id, other.timeoutNanos, other.expiresNanos, other.acknowledged, new TreeMap<>(other.replies));
        }

        long acknowledged() {
            return acknowledged;
        }

        /** What this command was answered; null if it has not come yet, or was acknowledged. */
        byte @Nullable [] reply(long sequence) {
            return replies.get(sequence);
        }

        /** What its replies cost. */
        long replyBytes() {
            return replyBytes;
        }
    }

    private final Map<Long, Session> byIndex = new TreeMap<>();
    private final TreeSet<Session> byExpiry =
        new TreeSet<>(Comparator.<Session>comparingLong(session -> session.expiresNanos).thenComparingLong(session -> session.id.index()));
    private long bytes;

    int size() {
        return byIndex.size();
    }

    /** What all sessions cost. */
    long bytes() {
        return bytes;
    }

    /** The session of this client; null if it is none of this group's, or no longer. */
    @Nullable Session find(SessionId id) {
        Session session = byIndex.get(id.index());
        return session != null && session.id.equals(id) ? session : null;
    }

    void open(SessionId id, long timeoutNanos, long nowNanos) {
        add(new Session(id, timeoutNanos, nowNanos + timeoutNanos, 0, new TreeMap<>()));
    }

    void close(Session session) {
        byIndex.remove(session.id.index());
        byExpiry.remove(session);
        bytes -= SESSION_BYTES + session.replyBytes;
    }

    /** Its client has been heard. */
    void renew(Session session, long nowNanos) {
        byExpiry.remove(session);     // before it changes: it stands there by this
        session.expiresNanos = nowNanos + session.timeoutNanos;
        byExpiry.add(session);
    }

    /** Its client wants nothing more of what it said up to here. */
    void acknowledge(Session session, long sequence) {
        if (sequence <= session.acknowledged) {
            return;
        }
        session.acknowledged = sequence;
        Collection<byte[]> settled = session.replies.headMap(sequence, true).values();
        for (byte[] reply : settled) {
            session.replyBytes -= REPLY_BYTES + reply.length;
            bytes -= REPLY_BYTES + reply.length;
        }
        settled.clear();
    }

    /** Keeps a reply until it is acknowledged. */
    void keep(Session session, long sequence, byte[] reply) {
        session.replies.put(sequence, reply);
        session.replyBytes += REPLY_BYTES + reply.length;
        bytes += REPLY_BYTES + reply.length;
    }

    /** When the first of them expires; {@link Long#MAX_VALUE} if there is none. */
    long firstExpiryNanos() {
        return byExpiry.isEmpty() ? Long.MAX_VALUE : byExpiry.first().expiresNanos;
    }

    /** Forgets those whose time has come. */
    void expire(long nowNanos) {
        while (firstExpiryNanos() <= nowNanos) {
            close(byExpiry.first());
        }
    }

    // ------------------------------------------------------------------------------------------------------------------- snapshots

    /** What does not change any more when this does. Replies are shared: nobody changes them. */
    SessionTable copy() {
        SessionTable copy = new SessionTable();
        byIndex.values().forEach(session -> copy.add(new Session(session)));
        return copy;
    }

    /** In the order of their indexes, so that equal tables are equal bytes. */
    void writeTo(DataOutputStream out) throws IOException {
        out.writeInt(byIndex.size());
        for (Session session : byIndex.values()) {
            out.writeLong(session.id.index());
            out.writeLong(session.id.number());
            out.writeLong(session.timeoutNanos);
            out.writeLong(session.expiresNanos);
            out.writeLong(session.acknowledged);
            out.writeInt(session.replies.size());
            for (Map.Entry<Long, byte[]> reply : session.replies.entrySet()) {
                out.writeLong(reply.getKey());
                out.writeInt(reply.getValue().length);
                out.write(reply.getValue());
            }
        }
    }

    static SessionTable readFrom(DataInputStream in) throws IOException {
        SessionTable table = new SessionTable();
        for (int left = count(in, "sessions"); left > 0; left--) {
            SessionId id = id(in);
            long timeoutNanos = in.readLong();
            long expiresNanos = in.readLong();
            long acknowledged = in.readLong();
            TreeMap<Long, byte[]> replies = new TreeMap<>();
            for (int more = count(in, "replies"); more > 0; more--) {
                long sequence = in.readLong();
                int length = count(in, "bytes of a reply");
                byte[] reply = in.readNBytes(length);     // grows as bytes come, so a wrong length allocates nothing
                if (reply.length != length) {
                    throw new IOException("The snapshot ends within a reply of session " + id);
                }
                replies.put(sequence, reply);
            }
            table.add(new Session(id, timeoutNanos, expiresNanos, acknowledged, replies));
        }
        return table;
    }

    private static SessionId id(DataInputStream in) throws IOException {
        long index = in.readLong();
        if (index < 1) {
            throw new IOException("A snapshot with a session at " + index + " is none");
        }
        return new SessionId(index, in.readLong());
    }

    private static int count(DataInputStream in, String what) throws IOException {
        int count = in.readInt();
        if (count < 0) {
            throw new IOException("A snapshot with " + count + " " + what + " is none");
        }
        return count;
    }

    private void add(Session session) {
        byIndex.put(session.id.index(), session);
        byExpiry.add(session);
        bytes += SESSION_BYTES + session.replyBytes;
    }

    /** For tests and failures. */
    @Override
    public String toString() {
        List<String> all = new ArrayList<>();
        byIndex.values().forEach(session -> all.add(session.id + " until " + session.expiresNanos + " acknowledged " + session.acknowledged
            + " replies " + session.replies.keySet()));
        return all.toString();
    }
}
