package io.quorate.raft.election;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The latest changes of keys, for those who watch. What is beyond the bound is forgotten, the oldest first and all of one index at once,
 * so that whoever knows everything up to an index can always be told either everything behind it or that something of it is gone.
 */
final class ChangeLog {

    /** What a change costs besides its key and value. */
    static final int CHANGE_BYTES = 100;

    private final long bytesMax;
    private final TreeMap<Long, List<KeyChange>> byIndex = new TreeMap<>();
    private long bytes;
    private long forgottenIndex;      // the last of which something was forgotten

    ChangeLog(long bytesMax) {
        this.bytesMax = bytesMax;
    }

    void add(KeyChange change) {
        byIndex.computeIfAbsent(change.index(), index -> new ArrayList<>()).add(change);
        bytes += bytesOf(change);
    }

    /** Forgets what is too much. Called when all changes of an index are there. */
    void trim() {
        while (bytes > bytesMax) {
            Map.Entry<Long, List<KeyChange>> oldest = byIndex.pollFirstEntry();
            forgottenIndex = oldest.getKey();
            for (KeyChange change : oldest.getValue()) {
                bytes -= bytesOf(change);
            }
        }
    }

    /** Whether all changes behind this index are still here. */
    boolean knowsAllAfter(long index) {
        return index >= forgottenIndex;
    }

    /** Those that matter behind an index, up to another or as many as one answer holds. */
    KeyAnswer.Changes after(KeyQuery.Changes query, long lastIndex, int answerBytesMax) {
        List<KeyChange> found = new ArrayList<>();
        long size = 0;
        for (Map.Entry<Long, List<KeyChange>> each : byIndex.tailMap(query.after(), false).entrySet()) {
            if (size > answerBytesMax) {
                return new KeyAnswer.Changes(each.getKey() - 1, found);
            }
            for (KeyChange change : each.getValue()) {
                if (query.matters(change.key())) {
                    found.add(change);
                    size += bytesOf(change);
                }
            }
        }
        return new KeyAnswer.Changes(Math.max(query.after(), lastIndex), found);
    }

    /** What a change costs. */
    static long bytesOf(KeyChange change) {
        KeyEntry entry = change.entry();
        return CHANGE_BYTES + 2L * change.key().length() + (entry == null ? 0 : entry.value().length);
    }

    // ------------------------------------------------------------------------------------------------------------------- snapshots

    /** What does not change any more when this does. */
    ChangeLog copy() {
        ChangeLog copy = new ChangeLog(bytesMax);
        byIndex.forEach((index, changes) -> copy.byIndex.put(index, List.copyOf(changes)));
        copy.bytes = bytes;
        copy.forgottenIndex = forgottenIndex;
        return copy;
    }

    void writeTo(DataOutputStream out) throws IOException {
        out.writeLong(forgottenIndex);
        out.writeInt(byIndex.values().stream().mapToInt(List::size).sum());
        for (List<KeyChange> changes : byIndex.values()) {
            for (KeyChange change : changes) {
                KeyBytes.write(out, change);
            }
        }
    }

    static ChangeLog readFrom(DataInputStream in, long bytesMax) throws IOException {
        ChangeLog log = new ChangeLog(bytesMax);
        log.forgottenIndex = in.readLong();
        for (int left = KeyBytes.count(in); left > 0; left--) {
            log.add(KeyBytes.change(in));
        }
        return log;
    }
}
