package io.quorate.benchmarks;

import io.quorate.benchmarks.harness.Report;
import java.io.BufferedReader;
import java.io.Closeable;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A process that measures when it is told to, line by line. It ends when its input does; what it logs goes to a file. */
final class Measuring implements Closeable {

    private static final String ENDED = "";
    private static final long END_SECONDS = 20;
    private static final long LOOK_MILLIS = 500;

    private final String what;
    private final Process process;
    private final OutputStream orders;
    private final BlockingQueue<String> reports = new LinkedBlockingQueue<>();

    private Measuring(String what, Process process) {
        this.what = what;
        this.process = process;
        orders = process.getOutputStream();
    }

    /**
     * Starts one.
     *
     * @param log gets what it prints
     */
    static Measuring start(String what, String classPath, List<String> options, String main, List<String> arguments, Path log)
            throws IOException {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        command.addAll(options);
        command.addAll(List.of("-cp", classPath, main));
        command.addAll(arguments);
        Files.createDirectories(log.getParent());
        File file = log.toFile();
        Process process = new ProcessBuilder(command).redirectError(Redirect.to(file)).start();
        Measuring measuring = new Measuring(what, process);
        Thread reader = new Thread(() -> measuring.read(), "reports-" + what);
        reader.setDaemon(true);
        reader.start();
        return measuring;
    }

    private void read() {
        try (BufferedReader in = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                if (line.startsWith(Report.MARK)) {
                    reports.add(line);
                }
            }
        } catch (IOException e) {
            System.err.println("bench: " + what + ": " + e);
        }
        reports.add(ENDED);
    }

    /** Gives an order. */
    void tell(String order) throws IOException {
        orders.write((order + "\n").getBytes(StandardCharsets.UTF_8));
        orders.flush();
    }

    /**
     * Waits for the next report.
     *
     * @throws IOException if there is none in time, or it tells of a failure, or the process has ended
     */
    Map<String, String> await(long millis) throws IOException, InterruptedException {
        String line = reports.poll(millis, TimeUnit.MILLISECONDS);
        if (line == null) {
            throw new IOException(what + " did not report within " + millis + " ms");
        }
        if (line.equals(ENDED)) {
            throw new IOException(what + " ended without a report");
        }
        Map<String, String> report = Report.parse(line);
        if (report.containsKey("failed")) {
            throw new IOException(what + " failed: " + report.get("failed"));
        }
        return report;
    }

    /** Waits for the next report that has a value of this name, and passes over others. */
    Map<String, String> await(String name, long millis) throws IOException, InterruptedException {
        for (;;) {
            Map<String, String> report = await(millis);
            if (report.containsKey(name)) {
                return report;
            }
        }
    }

    /** The value of this name in the next report, or null if there is no report within this time, or it has no such value. */
    @Nullable String poll(String name, long millis) throws InterruptedException {
        String line = reports.poll(millis, TimeUnit.MILLISECONDS);
        return line == null || line.equals(ENDED) ? null : Report.parse(line).get(name);
    }

    /** Gives an order and waits for the report. */
    Map<String, String> ask(String order, long millis) throws IOException, InterruptedException {
        tell(order);
        return await(millis);
    }

    /**
     * Waits until it uses less than a tenth of a processor, so that what it was told to do last, and goes on with, does not meet whoever
     * is measured next.
     *
     * @param mostMillis however much it still does then
     */
    void awaitQuiet(long mostMillis) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(mostMillis);
        long used = cpuMillis();
        for (boolean isQuiet = false; !isQuiet && System.nanoTime() - end < 0; ) {
            Thread.sleep(LOOK_MILLIS);
            long usedNow = cpuMillis();
            isQuiet = usedNow - used < LOOK_MILLIS / 10;
            used = usedNow;
        }
    }

    private long cpuMillis() {
        return process.info().totalCpuDuration().orElse(Duration.ZERO).toMillis();
    }

    long pid() {
        return process.pid();
    }

    /** Lets it end; one that does not is killed. */
    @Override
    public void close() {
        try {
            orders.close();
            if (!process.waitFor(END_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
            }
        } catch (IOException | InterruptedException e) {
            process.destroyForcibly();
            if (e instanceof InterruptedException) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
