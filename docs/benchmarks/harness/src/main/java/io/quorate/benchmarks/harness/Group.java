package io.quorate.benchmarks.harness;

import java.io.IOException;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/** A running group of replicas, each with a {@link Tally} as its state. All methods are called on one thread. */
public interface Group extends AutoCloseable {

    /**
     * Proposes a command at the replica that leads, without waiting for the outcome.
     *
     * @param command    never changed afterwards, so no copy is needed
     * @param completion told once, on any thread, when the leader has applied the command, or that it failed
     */
    void propose(byte[] command, Completion completion);

    /** Makes the library let go of the log so far, as far as it can be told to: between two measurements, so that disks do not fill. */
    void compact() throws Exception;

    /** The replicas' states. */
    List<Tally> tallies();

    /** What the library tells of itself since the last time it was asked, by the names that results have for it. */
    default SortedMap<String, Object> facts() {
        return new TreeMap<>();
    }

    /** Stops all replicas. */
    @Override
    void close() throws IOException;

    /** Hears what came of a command. */
    interface Completion {

        /** The leader has applied it, so it is on the disks of a majority. */
        void done();

        /** It was refused, or its outcome is not known. */
        void failed(Throwable why);
    }
}
