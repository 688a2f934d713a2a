package io.quorate.benchmarks;

import io.quorate.raft.Storage;
import io.quorate.raft.storage.FileStorage;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** Recovers a log in this process, whose heap is small, and tells how much of it that took. */
public final class SmallRecovery {

    private SmallRecovery() { }

    /** Prints a line. The argument is a data directory. */
    public static void main(String[] arguments) throws IOException {
        Path directory = Path.of(arguments[0]);
        long logBytes = 0;
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.filter(name -> name.getFileName().toString().startsWith("log-")).toList()) {
                logBytes += Files.size(file);
            }
        }
        try (FileStorage storage = Logs.open(directory)) {
            Storage.Recovered recovered = storage.recover();
            long peak = 0;
            for (MemoryPoolMXBean pool : ManagementFactory.getMemoryPoolMXBeans()) {
                peak += pool.getType() == MemoryType.HEAP ? pool.getPeakUsage().getUsed() : 0;
            }
            System.out.println("bench: recover heap_mib=" + (Runtime.getRuntime().maxMemory() >> 20) + " heap_peak_mib=" + (peak >> 20)
                + " log_mib=" + (logBytes >> 20) + " entries=" + recovered.log().terms().lastIndex()
                + " tail_mib=" + (recovered.log().tail().stream().mapToLong(entry -> entry.size()).sum() >> 20));
        }
    }
}
