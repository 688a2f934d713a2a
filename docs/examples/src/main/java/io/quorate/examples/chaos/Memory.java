package io.quorate.examples.chaos;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What a process takes of the machine's memory, as Linux tells it. */
final class Memory {

    private Memory() { }

    static long residentMib(long pid) throws ChaosException {
        return mib(pid, "VmRSS:");
    }

    /** The most it ever was. */
    static long highestMib(long pid) throws ChaosException {
        return mib(pid, "VmHWM:");
    }

    private static long mib(long pid, String field) throws ChaosException {
        try {
            String line = Files.readAllLines(Path.of("/proc", String.valueOf(pid), "status")).stream()
                .filter(each -> each.startsWith(field)).findFirst().orElseThrow();
            return Long.parseLong(line.replaceAll("\\D", "")) >> 10;
        } catch (IOException e) {
            throw new ChaosException("cannot look at process " + pid + " (this scenario needs Linux): " + e);
        }
    }
}
