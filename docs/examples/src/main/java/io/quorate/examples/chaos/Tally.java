package io.quorate.examples.chaos;

import io.quorate.raft.Command;
import io.quorate.raft.StateMachine;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.TreeMap;

/**
 * A number under each key, and how often each command was applied: a state that shows it when a command takes effect twice.
 *
 * <p>Adding to a number is not harmless to repeat, and whether comparing and setting does anything depends on what came before. The answer
 * to each command is the number as it was before it.
 */
final class Tally implements StateMachine {

    /** What can be done with the number under a key. */
    enum Kind {
        /** Nothing. */
        GET,
        /** The operand is added to it. */
        ADD,
        /** It is replaced by the operand. */
        PUT,
        /** It is replaced by the operand if it is what is expected. */
        COMPARE_AND_SET,
        /** Not of any key: how often each command was applied, and all numbers. */
        AUDIT
    }

    /**
     * A command, or a query.
     *
     * @param id       of a command: no other has it; of a query 0
     * @param expected what the number must be for it to be replaced, where that is asked
     */
    record Request(Kind kind, long id, int key, long operand, long expected) {

        private static final int BYTES = 1 + Long.BYTES + Integer.BYTES + Long.BYTES + Long.BYTES;

        byte[] encode() {
            return ByteBuffer.allocate(BYTES).put((byte) kind.ordinal()).putLong(id).putInt(key).putLong(operand).putLong(expected).array();
        }

        static Request decode(ByteBuffer bytes) {
            if (bytes.remaining() != BYTES) {
                throw new IllegalArgumentException("a request has " + BYTES + " bytes, not " + bytes.remaining());
            }
            int kind = bytes.get();
            if (kind < 0 || kind >= Kind.values().length) {
                throw new IllegalArgumentException("there is no request " + kind);
            }
            return new Request(Kind.values()[kind], bytes.getLong(), bytes.getInt(), bytes.getLong(), bytes.getLong());
        }

        /** What the number is after this, if it was this before. */
        long after(long before) {
            return switch (kind) {
                case ADD -> before + operand;
                case PUT -> operand;
                case COMPARE_AND_SET -> before == expected ? operand : before;
                case GET, AUDIT -> before;
            };
        }
    }

    /** How often each command was applied, by its id, and the number under each key. */
    record Audit(Map<Long, Integer> applied, Map<Integer, Long> numbers) {

        private byte[] encode() {
            ByteBuffer bytes = ByteBuffer.allocate(2 * Integer.BYTES + applied.size() * (Long.BYTES + Integer.BYTES)
                + numbers.size() * (Integer.BYTES + Long.BYTES));
            bytes.putInt(applied.size());
            applied.forEach((id, times) -> bytes.putLong(id).putInt(times));
            bytes.putInt(numbers.size());
            numbers.forEach((key, number) -> bytes.putInt(key).putLong(number));
            return bytes.array();
        }

        static Audit decode(byte[] answer) {
            ByteBuffer bytes = ByteBuffer.wrap(answer);
            Map<Long, Integer> applied = new TreeMap<>();
            for (int left = bytes.getInt(); left > 0; left--) {
                applied.put(bytes.getLong(), bytes.getInt());
            }
            Map<Integer, Long> numbers = new TreeMap<>();
            for (int left = bytes.getInt(); left > 0; left--) {
                numbers.put(bytes.getInt(), bytes.getLong());
            }
            return new Audit(applied, numbers);
        }
    }

    private final Map<Long, Integer> applied = new TreeMap<>();     // how often, by id
    private final Map<Integer, Long> numbers = new TreeMap<>();

    @Override
    public byte[] apply(Command command) {
        Request request = Request.decode(ByteBuffer.wrap(command.bytes()));
        applied.merge(request.id(), 1, Integer::sum);
        long before = numbers.getOrDefault(request.key(), 0L);
        numbers.put(request.key(), request.after(before));
        return answer(before);
    }

    @Override
    public byte[] query(byte[] query) {
        Request request = Request.decode(ByteBuffer.wrap(query));
        return request.kind() == Kind.AUDIT ? new Audit(applied, numbers).encode() : answer(numbers.getOrDefault(request.key(), 0L));
    }

    @Override
    public Snapshot snapshot() {
        byte[] captured = new Audit(applied, numbers).encode();
        return out -> {
            DataOutputStream data = new DataOutputStream(out);
            data.writeInt(captured.length);
            data.write(captured);
            data.flush();
        };
    }

    @Override
    public void restore(InputStream in) throws IOException {
        DataInputStream data = new DataInputStream(in);
        Audit captured = Audit.decode(data.readNBytes(data.readInt()));
        applied.clear();
        applied.putAll(captured.applied());
        numbers.clear();
        numbers.putAll(captured.numbers());
    }

    /** The number that an answer says. */
    static long number(byte[] answer) {
        return ByteBuffer.wrap(answer).getLong();
    }

    private static byte[] answer(long number) {
        return ByteBuffer.allocate(Long.BYTES).putLong(number).array();
    }
}
