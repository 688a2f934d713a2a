package io.quorate.benchmarks;

import io.quorate.raft.core.Entry;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What bare disk, network and processor allow for the load under which Quorate is measured: with writes as large as Quorate's were at
 * the median, and records as large as its entries. Each rate is also told in entries a second, as if nothing else had to be done.
 */
final class BareLimits implements Closeable {

    static final String DISK_1 = disks(1);
    static final String ECHO = "bare-round-trip";
    static final String STREAM = "bare-stream";
    static final String COPY = "bare-copy";
    static final String ENTRIES = "entriesPerSecond";

    private static final long DISK_MILLIS = 1_000;
    private static final long OTHER_MILLIS = 500;
    private static final long AWAIT_MILLIS = 60_000;

    private final Measuring process;
    private int writeBytes;

    private BareLimits(Measuring process) {
        this.process = process;
    }

    /** Starts the process that measures them. */
    static BareLimits start(Path directory, Path log) throws IOException, InterruptedException {
        Measuring process = Measuring.start("bare", System.getProperty("java.class.path"), List.of("-Xmx256m"), Bare.class.getName(),
            List.of(directory.toString()), log);
        process.await(AWAIT_MILLIS);
        return new BareLimits(process);
    }

    /** The name of so many disks' logs at once: a log for each replica. */
    static String disks(int replicas) {
        return "bare-disk-" + replicas;
    }

    /** So much became durable with one fsync of Quorate's, at the median. */
    void writeBytes(int bytes) {
        writeBytes = bytes;
    }

    /** Measures each for a moment. */
    Map<String, Map<String, String>> measure(Contender.Load load) throws IOException, InterruptedException {
        int entryBytes = Entry.HEADER_BYTES + load.payloadBytes();
        int bytes = Math.max(entryBytes, writeBytes);
        double entries = (double) bytes / entryBytes;
        Map<String, Map<String, String>> limits = new LinkedHashMap<>();
        int logs = load.replicas();
        limits.put(disks(logs), ask("disk " + logs + " " + bytes + " " + DISK_MILLIS, bytes, entries / logs));
        limits.put(DISK_1, ask("disk 1 " + bytes + " " + DISK_MILLIS, bytes, entries));
        limits.put(ECHO, ask("echo " + entryBytes + " " + OTHER_MILLIS, entryBytes, 1));
        limits.put(STREAM, ask("stream " + bytes + " " + OTHER_MILLIS, bytes, entries / (logs - 1)));
        limits.put(COPY, ask("copy " + entryBytes + " " + OTHER_MILLIS, entryBytes, 1));
        return limits;
    }

    private Map<String, String> ask(String order, int bytes, double entriesEach) throws IOException, InterruptedException {
        Map<String, String> report = new TreeMap<>(process.ask(order, AWAIT_MILLIS));
        report.put("bytes", Integer.toString(bytes));
        report.put(ENTRIES, Long.toString(Math.round(Double.parseDouble(report.get("opsPerSecond")) * entriesEach)));
        return report;
    }

    @Override
    public void close() {
        process.close();
    }
}
