package io.quorate.benchmarks;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.stream.Stream;

/** What a run was made on, in a few words. */
final class Machine {

    private static final Path CPUS = Path.of("/proc/cpuinfo");

    private Machine() { }

    /** Processors, memory, system, JVM, disk, and what else the machine had to do. */
    static String describe(Path directory) throws IOException {
        OperatingSystemMXBean system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        FileStore disk = Files.getFileStore(directory);
        return String.format(Locale.ROOT, "%d processors (%s), %d MiB of memory, %s %s %s, %s %s, %s on %s, load average %.1f at the start",
            system.getAvailableProcessors(), processor(), system.getTotalMemorySize() >> 20, system.getName(), system.getVersion(),
            system.getArch(), System.getProperty("java.vm.name"), System.getProperty("java.vm.version"), disk.type(), disk.name(),
            system.getSystemLoadAverage());
    }

    private static String processor() throws IOException {
        if (!Files.isReadable(CPUS)) {
            return "unknown";
        }
        try (Stream<String> lines = Files.lines(CPUS)) {
            return lines.filter(line -> line.startsWith("model name")).map(line -> line.substring(line.indexOf(':') + 1).strip())
                .findFirst().orElse("unknown");
        }
    }
}
