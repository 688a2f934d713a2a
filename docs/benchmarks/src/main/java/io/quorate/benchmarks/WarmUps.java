package io.quorate.benchmarks;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * How long a process that was just started needs until it does nine tenths of what it will do: one library after the other, round after
 * round, each from a fresh process, under the load of 256 bytes and 256 outstanding.
 */
public final class WarmUps {

    private static final Contender.Load LOAD = new Contender.Load(256, 256, 0, 3);
    private static final int SLICE_MILLIS = 250;
    private static final int SLICES = 120;
    private static final int STEADY_SLICES = 40;        // the last of them
    private static final int TOGETHER = 4;              // slices; a moment alone is chance
    private static final double SHARE = 0.9;
    private static final int ROUNDS = 3;
    private static final long START_MILLIS = 120_000;
    private static final long REPORT_MILLIS = 120_000;

    private WarmUps() { }

    /** Runs it. */
    public static void main(String[] arguments) throws Exception {
        Path directory = Benchmarks.directory();
        System.out.println("bench: " + Machine.describe(directory));
        Map<String, List<Double>> seconds = new TreeMap<>();
        try (Results results = Results.begin(Benchmarks.results("warm-up"))) {
            for (int round = 1; round <= ROUNDS; round++) {
                for (Contender contender : Contender.find()) {
                    Map<String, String> line = measure(contender, directory.resolve("warm-up").resolve(contender.name()));
                    line.put("round", Integer.toString(round));
                    results.add(line);
                    seconds.computeIfAbsent(line.get("system"), name -> new ArrayList<>()).add(Double.parseDouble(line.get("seconds")));
                }
            }
        }
        System.out.println("\n| system | seconds to 90 % of its steady rate: min / median / max |\n|---|--:|");
        seconds.forEach((system, all) -> System.out.println("| " + system + " | " + Quantiles.of(all).range("%.2f") + " |"));
    }

    private static Map<String, String> measure(Contender contender, Path place) throws IOException, InterruptedException {
        Benchmarks.delete(place);
        try (Measuring process = contender.start(place, LOAD, Benchmarks.log(contender.name() + "-warm-up"), 0)) {
            String system = process.await(START_MILLIS).get("system");
            long[] done = Arrays.stream(process.ask("timeline " + SLICE_MILLIS + " " + SLICES, REPORT_MILLIS).get("done").split(","))
                .mapToLong(Long::parseLong).toArray();
            double steady = Arrays.stream(done, done.length - STEADY_SLICES, done.length).average().orElseThrow();
            int first = 0;
            while (first < done.length - TOGETHER
                    && Arrays.stream(done, first, first + TOGETHER).average().orElseThrow() < SHARE * steady) {
                first++;
            }
            return new TreeMap<>(Map.of("system", system, "seconds", String.format(Locale.ROOT, "%.2f", first * SLICE_MILLIS / 1e3),
                "steadyPerSecond", Long.toString(Math.round(steady * 1000 / SLICE_MILLIS))));
        } finally {
            Benchmarks.delete(place);
        }
    }
}
