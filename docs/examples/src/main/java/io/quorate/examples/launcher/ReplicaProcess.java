package io.quorate.examples.launcher;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A replica in a process of its own. What it prints is kept, and can be waited for; what it logs goes to a file. The process ends at the
 * latest when this one does. Thread-safe.
 */
public final class ReplicaProcess {

    private static final int LINES_MAX = 10_000;

    private final Process process;
    private final Path log;
    private final Runnable onLine;
    private final List<String> lines = new ArrayList<>();      // guarded by itself, which is notified of changes
    private boolean isSilent;                                  // guarded by lines: nothing more will come

    private ReplicaProcess(Process process, Path log, Runnable onLine) {
        this.process = process;
        this.log = log;
        this.onLine = onLine;
        Thread reader = new Thread(this::read, "output-of-" + process.pid());
        reader.setDaemon(true);
        reader.start();
    }

    /**
     * Starts a replica, or another program that is to live no longer than this process.
     *
     * @param program   what runs there
     * @param scratch   is deleted, with everything in it, if this process ends without stopping the replica; null for nothing
     * @param log       where the replica logs to; appended
     * @param arguments of {@link io.quorate.examples.KvServer}, or of the other program
     * @param onLine    called after each line that the process prints, and when it has ended; returns quickly
     */
    public static ReplicaProcess start(ReplicaProgram program, @Nullable Path scratch, Path log, List<String> arguments, Runnable onLine) {
        List<String> command = new ArrayList<>(List.of(javaBinary(), "-ea", "-Xmx" + program.heapMib() + "m", "-XX:+UseSerialGC",
            "-XX:+ExitOnOutOfMemoryError", "--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path"),
            program.main().getName(), scratch == null ? ReplicaMain.NOTHING : scratch.toString()));
        command.addAll(arguments);
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()));
        try {
            return new ReplicaProcess(builder.start(), log, onLine);
        } catch (IOException e) {
            throw new UncheckedIOException("A replica cannot be launched with " + javaBinary() + ": " + e.getMessage(), e);
        }
    }

    /** The program that runs this process. */
    public static String javaBinary() {
        return System.getProperty("java.home") + File.separator + "bin" + File.separator + "java";
    }

    /** The operating system's number for it. */
    public long pid() {
        return process.pid();
    }

    public boolean isAlive() {
        return process.isAlive();
    }

    /** What it printed so far. */
    public List<String> lines() {
        synchronized (lines) {
            return List.copyOf(lines);
        }
    }

    /** What it logged, and the errors it printed. */
    public String log() {
        try {
            return Files.exists(log) ? Files.readString(log) : "";
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Waits until it prints such a line, or has.
     *
     * @return the first such line; nothing if the process ended, or the time was up, before there was one
     */
    public Optional<String> awaitLine(Predicate<String> isWanted, Duration timeout) {
        long deadline = System.nanoTime() + timeout.toNanos();
        int seen = 0;
        synchronized (lines) {
            while (true) {
                for (; seen < lines.size(); seen++) {
                    if (isWanted.test(lines.get(seen))) {
                        return Optional.of(lines.get(seen));
                    }
                }
                long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
                if (isSilent || left <= 0) {
                    return Optional.empty();
                }
                waitForLines(left);
            }
        }
    }

    /**
     * Waits until it has ended by itself.
     *
     * @return its exit code, or nothing if the time was up before
     */
    public Optional<Integer> awaitExit(Duration timeout) {
        try {
            return process.waitFor(timeout.toMillis(), TimeUnit.MILLISECONDS) ? Optional.of(process.exitValue()) : Optional.empty();
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    /** Kills it as {@code kill -9} does, and returns when it is gone. */
    public void kill() {
        process.destroyForcibly();
        awaitGone();
    }

    /** Asks it to stop, and returns when it has: with its exit code. */
    public int stop() {
        try (OutputStream in = process.getOutputStream()) {
            in.write(ReplicaMain.STOP);
        } catch (IOException e) {
            // It is gone already.
        }
        return awaitGone();
    }

    private int awaitGone() {
        try {
            int code = process.waitFor();
            synchronized (lines) {
                while (!isSilent) {
                    lines.wait();
                }
            }
            return code;
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    private void read() {
        try (BufferedReader reader = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                add(line);
            }
        } catch (IOException e) {
            // The process was killed in the middle of a line.
        } finally {
            synchronized (lines) {
                isSilent = true;
                lines.notifyAll();
            }
            onLine.run();
        }
    }

    private void add(String line) {
        synchronized (lines) {
            if (lines.size() < LINES_MAX) {      // more only if something goes round in circles, and then the first tell most
                lines.add(line);
            }
            lines.notifyAll();
        }
        onLine.run();
    }

    private void waitForLines(long millis) {
        try {
            lines.wait(millis);
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    private static IllegalStateException interrupted(InterruptedException e) {
        Thread.currentThread().interrupt();
        return new IllegalStateException("Interrupted while a replica was waited for", e);
    }
}
