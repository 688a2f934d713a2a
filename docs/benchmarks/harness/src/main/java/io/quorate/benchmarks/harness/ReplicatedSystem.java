package io.quorate.benchmarks.harness;

import java.nio.file.Path;

/**
 * A library that replicates a log, tuned as its own documentation recommends. The process of a cell finds the one that is on its class path
 * by {@link java.util.ServiceLoader}, so that each library runs with the versions of other libraries that it asks for.
 */
public interface ReplicatedSystem {

    /** Its name in results. */
    String name();

    /** Which release of it is measured. */
    String version();

    /**
     * Starts a new group: all replicas in this process, connected by TCP over loopback, each with a directory of its own, and a command
     * is acknowledged only when a majority has forced it to disk.
     *
     * @param directory empty, and theirs
     * @param replicas  how many
     */
    Group open(Path directory, int replicas) throws Exception;
}
