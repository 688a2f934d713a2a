package io.quorate.examples.chaos;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** The group at full load for a long time: neither its memory nor its disks may grow beyond what its settings allow. */
final class Endurance {

    private static final long LOOK_SECONDS = 10;
    /** Log until a snapshot (1 MiB, jittered), the tail behind it (1), segments that are begun and spare (1 each), snapshots (small). */
    private static final long DISK_MIB_MAX = 12;
    /** The replicas' heap is 512 MiB; the rest of a JVM with Netty takes less than as much again. */
    private static final long MEMORY_MIB_MAX = 1024;

    private Endurance() { }

    static boolean run(Scene scene) throws ChaosException {
        long disk = 0;
        long memory = 0;
        try (Flood flood = new Flood(scene.client())) {
            flood.start();
            while (scene.seconds() < scene.settings().seconds()) {
                TimeUnit.SECONDS.sleep(LOOK_SECONDS);
                for (int node = 1; node <= scene.settings().nodes(); node++) {
                    disk = Math.max(disk, bytesIn(scene.group().dataOf(node)) >> 20);
                    memory = Math.max(memory, Memory.residentMib(scene.group().process(node).pid()));
                }
                scene.tell(flood.acknowledged() + " commands acknowledged; at most " + disk + " MiB on a disk, " + memory
                    + " MiB resident");
            }
            flood.finish(Scene.PATIENCE_MILLIS);
            int lost = scene.missing(flood.expected());
            boolean isKept = lost == 0 && disk <= DISK_MIB_MAX && memory <= MEMORY_MIB_MAX;
            return scene.conclude(isKept, "acknowledged=" + flood.acknowledged() + " lost=" + lost + " disk_max_mib=" + disk
                + " disk_bound_mib=" + DISK_MIB_MAX
                + " memory_max_mib=" + memory + " memory_bound_mib=" + MEMORY_MIB_MAX + " leaderless_max_ms="
                + flood.longestPauseMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ChaosException("interrupted");
        }
    }

    private static long bytesIn(Path directory) throws ChaosException {
        long bytes = 0;
        try (var files = Files.list(directory)) {
            for (Path file : files.toList()) {
                try {
                    bytes += Files.size(file);
                } catch (NoSuchFileException e) {
                    // It was deleted while we looked.
                }
            }
        } catch (IOException e) {
            throw new ChaosException("cannot look at " + directory + ": " + e);
        }
        return bytes;
    }
}
