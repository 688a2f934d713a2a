package io.quorate.raft.election;

import java.io.DataInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How {@link LeasedKeys} answers a {@link KeyQuery}. Each answer holds all changes up to its index, and none behind it.
 *
 * <pre>
 *   kind 1  ENTRIES    long index, byte isComplete, int entries, each entry      GET, RANGE
 *   kind 2  LINE       long index, three entries or none                         LINE: the first, that of the key, the one before it
 *   kind 3  CHANGES    long index, int changes, each change                      CHANGES: all that matter after the one asked for
 *   kind 4  COMPACTED  long index                                                CHANGES: not all of them are kept any more
 * </pre>
 */
sealed interface KeyAnswer {

    byte ENTRIES = 1;
    byte LINE = 2;
    byte CHANGES = 3;
    byte COMPACTED = 4;

    /** As the answer to a query. */
    byte[] encode();

    /**
     * Keys in their order.
     *
     * @param index      of the state
     * @param isComplete whether these are all
     */
    record Entries(long index, boolean isComplete, List<KeyEntry> entries) implements KeyAnswer {

        public Entries {
            entries = List.copyOf(entries);
        }

        @Override
        public byte[] encode() {
            return KeyBytes.encode(out -> {
                out.writeByte(ENTRIES);
                out.writeLong(index);
                out.writeByte(isComplete ? 1 : 0);
                out.writeInt(entries.size());
                for (KeyEntry entry : entries) {
                    KeyBytes.write(out, entry);
                }
            });
        }
    }

    /**
     * A line of keys, in the order in which they were put.
     *
     * @param index  of the state
     * @param first  of the line; null if nobody stands there
     * @param own    the key that was asked for; null if it is not there. Whoever put it tells by its lease and birth mark whether it is his
     * @param before it; null if it is the first, or is not there
     */
    record Line(long index, @Nullable KeyEntry first, @Nullable KeyEntry own, @Nullable KeyEntry before) implements KeyAnswer {

        @Override
        public byte[] encode() {
            return KeyBytes.encode(out -> {
                out.writeByte(LINE);
                out.writeLong(index);
                KeyBytes.writeOrNone(out, first);
                KeyBytes.writeOrNone(out, own);
                KeyBytes.writeOrNone(out, before);
            });
        }
    }

    /**
     * What has changed.
     *
     * @param index   up to which these are all
     * @param changes in the order in which they happened
     */
    record Changes(long index, List<KeyChange> changes) implements KeyAnswer {

        public Changes {
            changes = List.copyOf(changes);
        }

        @Override
        public byte[] encode() {
            return KeyBytes.encode(out -> {
                out.writeByte(CHANGES);
                out.writeLong(index);
                out.writeInt(changes.size());
                for (KeyChange change : changes) {
                    KeyBytes.write(out, change);
                }
            });
        }
    }

    /**
     * Some changes are not kept any more: look at the keys themselves, and go on from there.
     *
     * @param index of the state
     */
    record Compacted(long index) implements KeyAnswer {

        @Override
        public byte[] encode() {
            return KeyBytes.encode(out -> {
                out.writeByte(COMPACTED);
                out.writeLong(index);
            });
        }
    }

    /** @throws IllegalArgumentException if this is no such answer; the message says why not */
    static KeyAnswer decode(byte[] answer) {
        return KeyBytes.decode(answer, KeyAnswer::read);
    }

    private static KeyAnswer read(DataInputStream in) throws IOException {
        byte kind = in.readByte();
        return switch (kind) {
            case ENTRIES -> {
                long index = in.readLong();
                boolean isComplete = KeyBytes.isThere(in);
                List<KeyEntry> entries = new ArrayList<>();
                for (int left = KeyBytes.count(in); left > 0; left--) {
                    entries.add(KeyBytes.entry(in));
                }
                yield new Entries(index, isComplete, entries);
            }
            case LINE -> new Line(in.readLong(), KeyBytes.entryOrNone(in), KeyBytes.entryOrNone(in), KeyBytes.entryOrNone(in));
            case CHANGES -> {
                long index = in.readLong();
                List<KeyChange> changes = new ArrayList<>();
                for (int left = KeyBytes.count(in); left > 0; left--) {
                    changes.add(KeyBytes.change(in));
                }
                yield new Changes(index, changes);
            }
            case COMPACTED -> new Compacted(in.readLong());
            default -> throw new IllegalArgumentException("an answer of kind " + kind + " is unknown to this version");
        };
    }
}
