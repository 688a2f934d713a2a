package io.quorate.benchmarks;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/**
 * The same load on Quorate and on other libraries, and on the bare disk, network and processor, by turns on one machine.
 *
 * <p>For each load a new process is started for each library. Each is warmed up; then they take turns, round after round, each loaded for
 * some seconds while the others have nothing to do. So what else the machine does, and whatever changes in it with time, meets all of
 * them, and the ratios between them mean something although the figures alone do not. Between its turns each library is told to let go of
 * its log. Behind each turn there is a pause until that is done, or for some seconds if it goes on, and the order is drawn anew for each
 * round of each load, so that what is left all the same does not always meet the same other.
 */
public final class Comparison {

    private static final int REPLICAS = 3;
    private static final long START_MILLIS = 120_000;
    private static final long SLACK_MILLIS = 90_000;
    private static final int[] PAYLOADS = {16, 256, 4096};
    private static final String RATES = "1000,10000";
    private static final int[] OUTSTANDING = {1, 16, 256, 4096};

    /** How long and how often. */
    private record Plan(long warmMillis, long rampMillis, long measureMillis, long quietMillis, int rounds) { }

    private static final Plan FULL = new Plan(25_000, 1_000, 5_000, 4_000, 5);
    private static final Plan BESIDE = new Plan(25_000, 1_000, 4_000, 4_000, 2);        // for loads that no figure is asked for
    private static final Plan QUICK = new Plan(15_000, 500, 3_000, 1_000, 3);

    private final List<Contender> contenders;
    private final Results results;
    private final Path directory;
    private final Tables tables = new Tables();
    private final Map<Contender, String> names = new HashMap<>();      // of the libraries, once they have said them
    private final Random orders;
    private boolean isSound = true;

    private Comparison(List<Contender> contenders, Results results, Path directory, Random orders) {
        this.contenders = contenders;
        this.results = results;
        this.directory = directory;
        this.orders = orders;
    }

    /**
     * Runs it; ends with 0 if Quorate was measured under each load and its replicas agreed.
     *
     * @param arguments {@code comparison}, {@code open-loop} or {@code five}
     */
    public static void main(String[] arguments) throws Exception {
        String kind = arguments[0];
        Map<Contender.Load, Plan> cells = switch (kind) {
            case "comparison" -> Boolean.getBoolean("bench.quick") ? Map.of(load(256, 256), QUICK) : cells();
            case "open-loop" -> atRates();
            case "five" -> Map.of(new Contender.Load(256, 256, 0, 5), FULL);
            default -> throw new IllegalArgumentException("What is \"" + kind + "\"?");
        };
        Path directory = Benchmarks.directory();
        String machine = Machine.describe(directory);
        System.out.println("bench: " + machine);
        try (Results results = Results.begin(Benchmarks.results(kind.equals("comparison") ? "" : kind))) {
            long seed = Long.getLong("bench.seed", System.currentTimeMillis());
            System.out.println("bench: the order of turns is drawn from " + seed);
            Comparison comparison = new Comparison(Contender.find(), results, directory, new Random(seed));
            for (Map.Entry<Contender.Load, Plan> cell : cells.entrySet()) {
                comparison.measure(cell.getKey(), cell.getValue());
            }
            System.out.println(comparison.tables.markdown(machine));
            System.exit(comparison.isSound ? 0 : 1);
        }
    }

    /** The loads that figures are asked for come first and are measured most often. */
    private static Map<Contender.Load, Plan> cells() {
        Map<Contender.Load, Plan> cells = new LinkedHashMap<>();
        List.of(load(256, 256), load(16, 256), load(16, 4096), load(4096, 256), load(256, 1)).forEach(load -> cells.put(load, FULL));
        for (int payload : PAYLOADS) {
            for (int outstanding : OUTSTANDING) {
                cells.putIfAbsent(load(payload, outstanding), BESIDE);
            }
        }
        return cells;
    }

    /** Fixed rates ({@code -Dbench.rates}), whatever is acknowledged. */
    private static Map<Contender.Load, Plan> atRates() {
        Map<Contender.Load, Plan> cells = new LinkedHashMap<>();
        for (String rate : System.getProperty("bench.rates", RATES).split(",")) {
            cells.put(new Contender.Load(256, 0, Long.parseLong(rate.strip()), REPLICAS), FULL);
        }
        return cells;
    }

    private static Contender.Load load(int payloadBytes, int outstanding) {
        return new Contender.Load(payloadBytes, outstanding, 0, REPLICAS);
    }

    private void measure(Contender.Load load, Plan plan) throws Exception {
        Path place = directory.resolve(load.word());
        Benchmarks.delete(place);       // of a run that was broken off
        Map<Contender, Measuring> running = new LinkedHashMap<>();
        try (BareLimits limits = BareLimits.start(place.resolve("bare"), Benchmarks.log("bare"))) {
            for (Contender contender : contenders) {
                Path log = Benchmarks.log(contender.name() + "-" + load.word());
                running.put(contender, contender.start(place.resolve(contender.name()), load, log, running.size()));
            }
            each(contenders, running, load, (contender, process) -> {
                Map<String, String> ready = process.await(START_MILLIS);
                names.put(contender, ready.get("system"));
                tables.version(ready.get("system"), ready.get("version"));
            });
            each(contenders, running, load, (contender, process) -> {
                process.ask("warm " + plan.warmMillis, plan.warmMillis + SLACK_MILLIS);
                process.awaitQuiet(plan.quietMillis);
            });
            List<Contender> order = new ArrayList<>(contenders);
            for (int round = 1; round <= plan.rounds; round++) {
                int now = round;
                Collections.shuffle(order, orders);
                each(order, running, load, (contender, process) -> {
                    Map<String, String> report = process.ask("measure " + plan.rampMillis + " " + plan.measureMillis,
                        plan.rampMillis + plan.measureMillis + SLACK_MILLIS);
                    if (report.containsKey("writeBytesMedian")) {
                        limits.writeBytes(Integer.parseInt(report.get("writeBytesMedian")));
                    }
                    add(names.get(contender), load, now, report);
                    process.awaitQuiet(plan.quietMillis);
                });
                for (Map.Entry<String, Map<String, String>> limit : limits.measure(load).entrySet()) {
                    add(limit.getKey(), load, now, limit.getValue());
                }
            }
            each(contenders, running, load, (contender, process) -> {
                Map<String, String> check = process.ask("check", SLACK_MILLIS);
                if (!check.get("isEqual").equals("true") || !check.get("isWhole").equals("true")) {
                    throw new IOException("The replicas of " + names.get(contender) + " differ, or lack some of " + check.get("acknowledged")
                        + " acknowledged commands: " + check.get("tallies"));
                }
            });
        } finally {
            running.values().forEach(Measuring::close);
            Benchmarks.delete(place);
        }
        System.out.println("bench: " + load + ": " + tables.brief(load));
    }

    private void add(String system, Contender.Load load, int round, Map<String, String> report) throws IOException {
        Map<String, String> line = line(system, load, report);
        line.put("round", Integer.toString(round));
        results.add(line);
        tables.add(load, line);
    }

    private static Map<String, String> line(String system, Contender.Load load, Map<String, String> report) {
        Map<String, String> line = new TreeMap<>(report);
        line.put("system", system);
        line.put("payloadBytes", Integer.toString(load.payloadBytes()));
        line.put("outstanding", Integer.toString(load.outstanding()));
        line.put("replicas", Integer.toString(load.replicas()));
        if (load.opsPerSecond() > 0) {
            line.put("wantedPerSecond", Long.toString(load.opsPerSecond()));
        }
        return line;
    }

    private interface Turn {

        void take(Contender contender, Measuring process) throws IOException, InterruptedException;
    }

    /** Lets each of those that run take its turn, in this order. One that fails is out, for this load; the others go on. */
    private void each(List<Contender> order, Map<Contender, Measuring> running, Contender.Load load, Turn turn)
            throws IOException, InterruptedException {
        for (Contender contender : order) {
            Measuring process = running.get(contender);
            if (process == null) {
                continue;
            }
            try {
                turn.take(contender, process);
            } catch (IOException e) {
                System.out.println(String.format(Locale.ROOT, "bench: %s: %s is out: %s", load, contender.name(), e.getMessage()));
                running.remove(contender);
                process.close();
                String system = names.getOrDefault(contender, contender.name());
                String why = String.valueOf(e.getMessage());
                tables.fail(load, system, why);
                results.add(line(system, load, Map.of("void", why)));
                isSound &= !contender.name().equals(Contender.QUORATE);
            }
        }
    }
}
