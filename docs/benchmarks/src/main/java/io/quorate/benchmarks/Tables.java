package io.quorate.benchmarks;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;

/** What was measured, as Markdown: for each load what each library reached, how Quorate stands to the best of them, and to the machine. */
final class Tables {

    private static final String NUMBERS = "| system | operations/s: min / median / max | p50 | p99 | p99.9 (ms, medians) | CPU µs per op "
        + "| bytes allocated per op | rounds | remarks |\n|---|--:|--:|--:|--:|--:|--:|--:|---|\n";

    private final Map<Contender.Load, Map<String, List<Map<String, String>>>> lines = new LinkedHashMap<>();
    private final Map<Contender.Load, Map<String, String>> failures = new LinkedHashMap<>();
    private final Map<String, String> versions = new TreeMap<>();

    void version(String system, String version) {
        versions.put(system, version);
    }

    void add(Contender.Load load, Map<String, String> line) {
        lines.computeIfAbsent(load, key -> new LinkedHashMap<>()).computeIfAbsent(line.get("system"), key -> new ArrayList<>()).add(line);
    }

    /** Under this load it did not come to its end, or not to a good one: what was measured of it before is void. */
    void fail(Contender.Load load, String system, String why) {
        failures.computeIfAbsent(load, key -> new LinkedHashMap<>()).put(system, why);
    }

    /** The medians of one load in a line, while a run goes on. */
    String brief(Contender.Load load) {
        return systems(load).stream().map(system -> system + " " + whole(median(load, system, "opsPerSecond")) + "/s")
            .collect(Collectors.joining(", "));
    }

    /** All of it. */
    String markdown(String machine) {
        StringBuilder text = new StringBuilder("\nMeasured on: " + machine + ".\n\nVersions: "
            + versions.entrySet().stream().map(entry -> entry.getKey() + " " + entry.getValue()).collect(Collectors.joining(", ")) + ".\n");
        for (Contender.Load load : lines.keySet()) {
            text.append("\n### ").append(load).append("\n\n").append(NUMBERS);
            for (String system : systems(load)) {
                text.append(row(load, system));
            }
            failures.getOrDefault(load, Map.of()).forEach((system, why) ->
                text.append("| ").append(system).append(" | failed: ").append(why.replace('|', '/')).append(" | | | | | | | |\n"));
            text.append(against(load)).append(limits(load));
        }
        return text.toString();
    }

    private List<String> systems(Contender.Load load) {
        Map<String, String> failed = failures.getOrDefault(load, Map.of());
        return lines.getOrDefault(load, Map.of()).keySet().stream()
            .filter(system -> !system.startsWith("bare-") && !failed.containsKey(system))
            .sorted(Comparator.comparing((String system) -> !system.equals(Contender.QUORATE)).thenComparing(Comparator.naturalOrder()))
            .toList();
    }

    private String row(Contender.Load load, String system) {
        return String.format(Locale.ROOT, "| %s | %s | %.2f | %.2f | %.2f | %.1f | %s | %d | %s |%n", system,
            values(load, system, "opsPerSecond").range("%,.0f"), median(load, system, "p50Micros") / 1e3,
            median(load, system, "p99Micros") / 1e3, median(load, system, "p999Micros") / 1e3, median(load, system, "cpuSecondsPer100k") * 10,
            whole(median(load, system, "bytesPerOp")), lines.get(load).get(system).size(), remarks(load, system));
    }

    /** What makes a row doubtful. */
    private String remarks(Contender.Load load, String system) {
        double failed = sum(load, system, "failures");
        double idle = values(load, system, "idleCpuShare").at(1);
        List<String> remarks = new ArrayList<>();
        if (failed > 0) {
            remarks.add(whole(failed) + " commands failed");
        }
        if (idle > 0.1) {
            remarks.add(String.format(Locale.ROOT, "used %.0f %% of a processor while it was idle", idle * 100));
        }
        return String.join(", ", remarks);
    }

    /**
     * Quorate by the best of the others, in each column: above 1 is better for the first, below 1 for all others. One of which more
     * commands failed than were done broke down under this load, and the few that were done say nothing.
     */
    private String against(Contender.Load load) {
        List<String> peers = systems(load).stream()
            .filter(system -> !system.equals(Contender.QUORATE))
            .filter(system -> sum(load, system, "failures") <= sum(load, system, "operations")).toList();
        if (peers.isEmpty() || !systems(load).contains(Contender.QUORATE)) {
            return "";
        }
        double best = peers.stream().mapToDouble(peer -> median(load, peer, "opsPerSecond")).max().orElseThrow();
        ToDoubleFunction<String> least = key -> peers.stream().mapToDouble(peer -> median(load, peer, key)).min().orElseThrow();
        return String.format(Locale.ROOT, "| *quorate by the best peer* | **%.2f** | %.2f | %.2f | %.2f | %.2f | %.2f | | |%n",
            median(load, Contender.QUORATE, "opsPerSecond") / best, ratio(load, "p50Micros", least), ratio(load, "p99Micros", least),
            ratio(load, "p999Micros", least), ratio(load, "cpuSecondsPer100k", least), ratio(load, "bytesPerOp", least));
    }

    private double ratio(Contender.Load load, String key, ToDoubleFunction<String> least) {
        return median(load, Contender.QUORATE, key) / least.applyAsDouble(key);
    }

    private String limits(Contender.Load load) {
        Map<String, List<Map<String, String>>> all = lines.get(load);
        String logs = BareLimits.disks(load.replicas());
        if (!all.containsKey(logs) || !systems(load).contains(Contender.QUORATE)) {
            return "";
        }
        double rate = median(load, Contender.QUORATE, "opsPerSecond");
        double p50 = median(load, Contender.QUORATE, "p50Micros");
        double least = median(load, logs, "p50Micros") + median(load, BareLimits.ECHO, "p50Micros");
        StringBuilder text = new StringBuilder(String.format(Locale.ROOT,
            "%nOne fsync of the leader made %s bytes durable, at the median.%n%n| bare limit | allows | Quorate's share |%n|---|--:|--:|%n",
            whole(median(load, Contender.QUORATE, "writeBytesMedian"))));
        Map<String, String> names = new LinkedHashMap<>();
        names.put(logs, load.replicas() + " logs at once, each written in pieces of this size and forced");
        names.put(BareLimits.DISK_1, "one log likewise");
        names.put(BareLimits.STREAM, "messages of this size one way over loopback, to " + (load.replicas() - 1) + " followers");
        names.put(BareLimits.COPY, "CRC32C and one copy, one thread");
        names.forEach((system, name) -> {
            double allowed = median(load, system, BareLimits.ENTRIES);
            text.append(String.format(Locale.ROOT, "| %s | %s entries/s | %.0f %% |%n", name, whole(allowed), rate / allowed * 100));
        });
        return text.append(String.format(Locale.ROOT, "| one forced write beside the others, and a round trip, at the median | %.3f ms "
            + "| p50 is %.1f times that |%n", least / 1e3, p50 / least)).toString();
    }

    private double median(Contender.Load load, String system, String key) {
        return values(load, system, key).median();
    }

    private double sum(Contender.Load load, String system, String key) {
        return lines.get(load).get(system).stream().mapToDouble(line -> number(line, key)).sum();
    }

    private Quantiles values(Contender.Load load, String system, String key) {
        return Quantiles.of(Optional.ofNullable(lines.get(load).get(system)).orElse(List.of()).stream()
            .mapToDouble(line -> number(line, key)).toArray());
    }

    private static double number(Map<String, String> line, String key) {
        return Double.parseDouble(line.getOrDefault(key, "0"));
    }

    private static String whole(double value) {
        return String.format(Locale.ROOT, "%,.0f", value);
    }
}
