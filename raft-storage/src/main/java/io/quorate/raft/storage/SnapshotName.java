package io.quorate.raft.storage;

import java.util.Comparator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What the files of one snapshot are called.
 *
 * <p>A file has its name only when its contents are durable; until then it has one that the next opening deletes.
 *
 * @param index  the last index it covers
 * @param number tells it from all others of this directory, for two snapshots may cover the same
 */
record SnapshotName(long index, long number) implements Comparable<SnapshotName> {

    private static final Comparator<SnapshotName> ORDER =
        Comparator.comparingLong(SnapshotName::index).thenComparingLong(SnapshotName::number);
    private static final Pattern FILE =
        Pattern.compile("snapshot-([0-9a-f]{16})-([0-9a-f]{16})(\\.manifest|\\.received|-[0-9a-f]{8}\\.part)");

    /** The file that says what there is: of a snapshot that was taken, or installed. */
    String manifest() {
        return stem() + ".manifest";
    }

    /** The same, of a snapshot that is not installed yet, and perhaps not complete. */
    String received() {
        return stem() + ".received";
    }

    /** A file of the state, counted from 0. */
    String part(int number) {
        return String.format("%s-%08x.part", stem(), number);
    }

    private String stem() {
        return String.format("snapshot-%016x-%016x", index, number);
    }

    /** Which snapshot a file belongs to, or null if it belongs to none. */
    static @Nullable SnapshotName of(String file) {
        Matcher matcher = FILE.matcher(file);
        return matcher.matches()
            ? new SnapshotName(Long.parseUnsignedLong(matcher.group(1), 16), Long.parseUnsignedLong(matcher.group(2), 16)) : null;
    }

    /** By index, then by number: the last of those that were taken or installed is the newest. */
    @Override
    public int compareTo(SnapshotName other) {
        return ORDER.compare(this, other);
    }
}
