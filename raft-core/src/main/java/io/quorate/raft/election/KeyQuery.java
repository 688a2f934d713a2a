package io.quorate.raft.election;

import java.io.DataInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * What {@link LeasedKeys} is asked. Queries are not kept, but replicas of the next version are asked by clients of this one.
 *
 * <pre>
 *   kind 1  GET      key
 *   kind 2  RANGE    prefix, after, int entriesMax
 *   kind 3  LINE     prefix, key
 *   kind 4  CHANGES  long after, int prefixes, each prefix
 * </pre>
 * {@link KeyAnswer} says how each is answered.
 */
sealed interface KeyQuery {

    byte GET = 1;
    byte RANGE = 2;
    byte LINE = 3;
    byte CHANGES = 4;

    /** {@link Changes#after} of whoever wants to hear of what comes, and of nothing that has been. */
    long NOW = -1;

    /** As a query. */
    byte[] encode();

    /** The key, if it is there. */
    record Get(String key) implements KeyQuery {

        @Override
        public byte[] encode() {
            return KeyBytes.encode(out -> {
                out.writeByte(GET);
                KeyBytes.write(out, key);
            });
        }
    }

    /**
     * Keys in their order.
     *
     * @param prefix     with which they begin
     * @param after      the last that is known; empty for none
     * @param entriesMax how many at most
     */
    record Range(String prefix, String after, int entriesMax) implements KeyQuery {

        @Override
        public byte[] encode() {
            return KeyBytes.encode(out -> {
                out.writeByte(RANGE);
                KeyBytes.write(out, prefix);
                KeyBytes.write(out, after);
                out.writeInt(entriesMax);
            });
        }
    }

    /**
     * Of the keys with this prefix, the one that was put first; and the one that was put just before this key.
     *
     * @param prefix with which they begin
     * @param key    whose place in the line is wanted; empty for none
     */
    record Line(String prefix, String key) implements KeyQuery {

        @Override
        public byte[] encode() {
            return KeyBytes.encode(out -> {
                out.writeByte(LINE);
                KeyBytes.write(out, prefix);
                KeyBytes.write(out, key);
            });
        }
    }

    /**
     * What has changed.
     *
     * @param after    the index up to which it is known, or {@link #NOW}
     * @param prefixes of the keys that matter; none if all do
     */
    record Changes(long after, List<String> prefixes) implements KeyQuery {

        public Changes {
            prefixes = List.copyOf(prefixes);
        }

        @Override
        public byte[] encode() {
            return KeyBytes.encode(out -> {
                out.writeByte(CHANGES);
                out.writeLong(after);
                out.writeInt(prefixes.size());
                for (String prefix : prefixes) {
                    KeyBytes.write(out, prefix);
                }
            });
        }

        boolean matters(String key) {
            return prefixes.isEmpty() || prefixes.stream().anyMatch(key::startsWith);
        }
    }

    /** @throws IllegalArgumentException if this is no such query; the message says why not */
    static KeyQuery decode(byte[] query) {
        return KeyBytes.decode(query, KeyQuery::read);
    }

    private static KeyQuery read(DataInputStream in) throws IOException {
        byte kind = in.readByte();
        return switch (kind) {
            case GET -> new Get(KeyBytes.text(in));
            case RANGE -> new Range(KeyBytes.text(in), KeyBytes.text(in), in.readInt());
            case LINE -> new Line(KeyBytes.text(in), KeyBytes.text(in));
            case CHANGES -> new Changes(in.readLong(), prefixes(in));
            default -> throw new IllegalArgumentException("a query of kind " + kind + " is unknown to this version");
        };
    }

    private static List<String> prefixes(DataInputStream in) throws IOException {
        List<String> prefixes = new ArrayList<>();
        for (int left = KeyBytes.count(in); left > 0; left--) {
            prefixes.add(KeyBytes.text(in));
        }
        return prefixes;
    }
}
