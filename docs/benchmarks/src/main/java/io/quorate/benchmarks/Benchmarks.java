package io.quorate.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Runs one of the benchmarks, or all, each in a process of its own, so that none finds what another left in the heap and the compiler. */
public final class Benchmarks {

    private static final String ALL = "all";
    private static final String PROPERTIES = "bench.";      // that a run is told by; they are handed on
    private static final int EXIT_DONE = 0;
    private static final int EXIT_USAGE = 2;

    private enum Name {
        COMPARISON(Comparison.class, List.of("comparison")),
        OPEN_LOOP(Comparison.class, List.of("open-loop")),
        FIVE(Comparison.class, List.of("five")),
        WARM_UP(WarmUps.class, List.of()),
        PROCESSES(Processes.class, List.of()),
        LEADERLESS(Leaderless.class, List.of()),
        CATCH_UP(CatchUp.class, List.of()),
        MICRO(Micro.class, List.of()),
        SMOKE(SmokeBenchmark.class, List.of(), "--enable-native-access=ALL-UNNAMED"),
        LINEARIZABILITY(LinearizabilityBenchmark.class, List.of(), "-Xmx1g"),
        STORAGE(StorageBenchmark.class, List.of(), "-Xms1g", "-Xmx1g");

        private final Class<?> main;
        private final List<String> arguments;
        private final List<String> options;

        Name(Class<?> main, List<String> arguments, String... options) {
            this.main = main;
            this.arguments = arguments;
            this.options = List.of(options);
        }

        private String word() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    private Benchmarks() { }

    /** Runs the benchmark of this name, or {@code all}; ends with 0 if each was run and reached its figures, with 2 if there is none. */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        String wanted = arguments.length == 1 ? arguments[0] : "";
        List<Name> chosen = Arrays.stream(Name.values()).filter(name -> wanted.equals(ALL) || wanted.equals(name.word())).toList();
        if (chosen.isEmpty()) {
            System.err.println("bench: there is no benchmark \"" + wanted + "\"; there are " + ALL + ", "
                + Arrays.stream(Name.values()).map(Name::word).collect(Collectors.joining(", ")));
            System.exit(EXIT_USAGE);
        }
        int worst = EXIT_DONE;
        for (Name name : chosen) {
            worst = Math.max(worst, java(name.main, name.options, name.arguments));
        }
        System.exit(worst);
    }

    /** Runs a program of this class path in a process of its own, without assertions, as in production; its exit code. */
    static int java(Class<?> main, List<String> options, List<String> arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        command.addAll(options);
        System.getProperties().forEach((name, value) -> {
            if (name.toString().startsWith(PROPERTIES)) {
                command.add("-D" + name + "=" + value);
            }
        });
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        command.addAll(arguments);
        Process process = new ProcessBuilder(command).inheritIO().start();
        Thread end = new Thread(process::destroy, "end-child");
        Runtime.getRuntime().addShutdownHook(end);
        try {
            return process.waitFor();
        } finally {
            Runtime.getRuntime().removeShutdownHook(end);
        }
    }

    /** A number that a run is told by {@code -Dbench.NAME}, or what it is unless told. */
    static int option(String name, int usual) {
        return Integer.getInteger(PROPERTIES + name, usual);
    }

    /** Where groups have their data. */
    static Path directory() throws IOException {
        return Files.createDirectories(Path.of(System.getProperty(PROPERTIES + "directory")));
    }

    /** The file for results of this kind, beside that of the comparison. */
    static Path results(String kind) {
        Path comparison = Path.of(System.getProperty(PROPERTIES + "results"));
        return kind.isEmpty() ? comparison : comparison.resolveSibling("results-" + kind + ".jsonl");
    }

    /** Gets what a process of this name prints beside its reports. */
    static Path log(String name) {
        return results("").resolveSibling("bench-logs").resolve(name + ".log");
    }

    /** Deletes a directory with all that is in it. */
    static void delete(Path directory) {
        if (!Files.exists(directory)) {
            return;
        }
        try (Stream<Path> all = Files.walk(directory)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        } catch (IOException e) {
            System.err.println("Not all of " + directory + " could be deleted: " + e);
        }
    }
}
