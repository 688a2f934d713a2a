package io.quorate.raft.mutants;

import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;

/**
 * Takes the rules of a package away, one at a time, and runs its tests each time: a rule that nobody misses is not tested, or not needed.
 *
 * <p>The rules stand in a checked-in list, each with the test directed at it. That test runs first; only if it notices nothing do all the
 * others run. The list must stay true: a text that is no longer there, a mutant that does not compile, and a test that does not notice
 * what the list says it does, fail as a survivor does. First of all the tests must pass on the code as it is, since otherwise they prove
 * nothing.
 */
final class Mutants {

    private static final Duration LIMIT_MIN = Duration.ofMinutes(1);
    private static final int LIMIT_FACTOR = 10;   // of what the tests take on the code as it is, while nothing else runs
    private static final Duration BASELINE_LIMIT = Duration.ofMinutes(10);
    private static final int PARENT_CHECK_MILLIS = 200;

    private final Laboratory laboratory;
    private final Tests tests;
    private final PrintStream out;
    private final Optional<ProcessHandle> parent = ProcessHandle.current().parent();

    Mutants(Laboratory laboratory, Tests tests, PrintStream out) {
        this.laboratory = laboratory;
        this.tests = tests;
        this.out = out;
    }

    /**
     * Takes the rules of some packages away; ends with 0 if every one is missed.
     *
     * @param arguments the directory of a module, compiled, tests included; then, for each package, {@code all NAME LISTS} or {@code named
     *                  NAME LISTS}: the directory of its lists below the module's {@code src/test/mutants}, and whether all of its tests
     *                  run for each rule, or those of the classes alone that the lists name
     */
    public static void main(String[] arguments) throws IOException {
        Path module = Path.of(arguments[0]);
        boolean isGood = arguments.length > 1;
        for (int i = 1; i < arguments.length; i += 3) {
            isGood &= judge(module, arguments[i + 1], module.resolve("src/test/mutants").resolve(arguments[i + 2]),
                arguments[i].equals("named"));
        }
        System.exit(isGood ? 0 : 1);
    }

    private static boolean judge(Path module, String packageName, Path lists, boolean onlyNamed) throws IOException {
        Laboratory laboratory = new Laboratory(module.resolve("src/main/java").resolve(packageName.replace('.', File.separatorChar)),
            System.getProperty("java.class.path"), module.resolve("target/mutants").resolve(packageName));
        Tests tests = Tests.find(module.resolve("target/test-classes"), packageName, "Test");
        List<Mutant> mutants;
        try {
            mutants = readAll(lists);
        } catch (IllegalArgumentException e) {
            System.out.println("mutants: the list cannot be read: " + e.getMessage());
            return false;
        }
        if (onlyNamed) {
            tests = tests.ofClassesIn(mutants.stream().map(Mutant::test).filter(Objects::nonNull).toList());
        }
        System.out.println("mutants: of " + packageName);
        return new Mutants(laboratory, tests, System.out).run(mutants, Runtime.getRuntime().availableProcessors());
    }

    /** The mutants of all lists in this directory, in the order of their names. */
    static List<Mutant> readAll(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            List<Mutant> mutants = new ArrayList<>();
            for (Path file : files.filter(file -> file.toString().endsWith(".txt")).sorted().toList()) {
                mutants.addAll(MutantList.parse(file.getFileName().toString(), Files.readAllLines(file)));
            }
            return mutants;
        }
    }

    /** Whether the tests pass as long as all rules are there, and notice each one that is not. */
    boolean run(List<Mutant> mutants, int parallel) throws IOException {
        long begin = System.nanoTime();
        laboratory.clear();
        Outcome baseline = laboratory.run(tests.all(), "baseline", BASELINE_LIMIT);
        if (!(baseline instanceof Outcome.Passed passed)) {
            out.println("mutants: nothing is proved, for the tests fail on the code as it is: " + baseline + ", see "
                + laboratory.scratch().resolve("baseline").resolve("log"));
            return false;
        }
        Duration limit = longer(LIMIT_MIN, Duration.ofNanos(System.nanoTime() - begin).multipliedBy(LIMIT_FACTOR));
        out.println("mutants: nothing taken away: " + passed.tests() + " tests pass");
        Map<Verdict.Kind, Integer> counts = judgeAll(mutants, parallel, limit);
        boolean isGood = !mutants.isEmpty() && counts.keySet().stream().allMatch(Verdict.Kind::isGood);
        out.printf("mutants: %d killed=%d survived=%d redundant=%d wrong=%d seconds=%d%n", mutants.size(),
            counts.getOrDefault(Verdict.Kind.KILLED, 0), counts.getOrDefault(Verdict.Kind.SURVIVED, 0),
            counts.getOrDefault(Verdict.Kind.REDUNDANT, 0), counts.getOrDefault(Verdict.Kind.WRONG, 0),
            TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begin));
        return isGood;
    }

    /** Several at a time; told in the order of the list. */
    private Map<Verdict.Kind, Integer> judgeAll(List<Mutant> mutants, int parallel, Duration limit) {
        Map<Verdict.Kind, Integer> counts = new EnumMap<>(Verdict.Kind.class);
        ExecutorService workers = Executors.newFixedThreadPool(parallel);
        try {
            List<Future<Verdict>> verdicts = new ArrayList<>();
            for (Mutant mutant : mutants) {
                String name = String.valueOf(verdicts.size() + 1);
                verdicts.add(workers.submit(() -> judge(mutant, name, limit)));
            }
            for (int i = 0; i < mutants.size(); i++) {
                Verdict verdict = await(verdicts.get(i));
                counts.merge(verdict.kind(), 1, Integer::sum);
                out.println(i + 1 + " " + mutants.get(i).file() + ": " + mutants.get(i).rule() + ": " + verdict.text());
            }
        } finally {
            workers.shutdownNow();
        }
        return counts;
    }

    private Verdict judge(Mutant mutant, String name, Duration limit) throws IOException {
        String test = mutant.test();
        if (test != null && !tests.contains(test)) {
            return Verdict.wrong("TEST NOT FOUND: " + test);
        }
        try {
            Path mutated = laboratory.make(mutant, name);
            return Verdict.of(mutant,
                laboratory.runAgainst(mutated, test == null ? tests.all() : tests.startingWith(test), name, limit));
        } catch (Laboratory.NotMadeException e) {
            return Verdict.wrong(e.getMessage());
        }
    }

    /** Maven does not end what it has started when it is interrupted itself; so whoever waits here looks after it. */
    private Verdict await(Future<Verdict> verdict) {
        while (true) {
            try {
                return verdict.get(PARENT_CHECK_MILLIS, TimeUnit.MILLISECONDS);
            } catch (TimeoutException e) {
                if (!ProcessHandle.current().parent().equals(parent)) {
                    System.exit(1);
                }
            } catch (InterruptedException | ExecutionException e) {
                throw new IllegalStateException("a mutant could not be judged", e);
            }
        }
    }

    private static Duration longer(Duration one, Duration other) {
        return one.compareTo(other) >= 0 ? one : other;
    }
}
