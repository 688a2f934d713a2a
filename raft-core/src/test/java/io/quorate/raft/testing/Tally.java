package io.quorate.raft.testing;

import io.quorate.raft.Command;
import io.quorate.raft.StateMachine;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;

/** Counts words. It keeps to the contract; the machines that do not are made of it by overriding a method. */
class Tally implements StateMachine {

    /** With what a careless machine trips over: an i for Turkey, letters beyond ASCII. */
    static final List<String> WORDS = List.of("title", "inn", "été", "Straße", "λόγος", "one", "two", "three");

    Map<String, Long> counts = new HashMap<>();
    long total;

    static byte[] draw(RandomGenerator random) {
        return bytes(WORDS.get(random.nextInt(WORDS.size())));
    }

    @Override
    public byte[] apply(Command command) {
        return bytes(count(text(command.bytes())));
    }

    String count(String word) {
        total++;
        return word + " " + counts.merge(word, 1L, Long::sum) + " of " + total;
    }

    @Override
    public byte[] query(byte[] query) {
        return bytes(answer(text(query)));
    }

    String answer(String word) {
        return counts.getOrDefault(word, 0L) + " of " + total;
    }

    @Override
    public Snapshot snapshot() {
        Map<String, Long> captured = new HashMap<>(counts);
        long capturedTotal = total;
        return out -> write(out, captured, capturedTotal);
    }

    static void write(OutputStream to, Map<String, Long> counts, long total) throws IOException {
        DataOutputStream out = new DataOutputStream(to);
        out.writeLong(total);
        out.writeInt(counts.size());
        for (Map.Entry<String, Long> count : counts.entrySet()) {
            out.writeUTF(count.getKey());
            out.writeLong(count.getValue());
        }
    }

    @Override
    public void restore(InputStream from) throws IOException {
        DataInputStream in = new DataInputStream(from);
        total = in.readLong();
        counts.clear();
        for (int left = in.readInt(); left > 0; left--) {
            counts.put(in.readUTF(), in.readLong());
        }
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
