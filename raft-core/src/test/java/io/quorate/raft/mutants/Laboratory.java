package io.quorate.raft.mutants;

import java.io.File;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;

/**
 * Makes mutants and runs tests against them. The sources are only read: a mutant is compiled from a copy, into a directory that stands
 * before the true classes on the class path of a process of its own.
 *
 * @param sources   the directory of the source files that mutants are made of
 * @param classPath on which the sources compile and the tests run
 * @param scratch   where each run has a directory of its own, which is left there to be looked at
 */
record Laboratory(Path sources, String classPath, Path scratch) {

    private static final ToolProvider COMPILER = ToolProvider.findFirst("javac").orElseThrow();

    /** A mutant cannot be made. Says why, so that the list can be mended. */
    static final class NotMadeException extends Exception {
        private static final long serialVersionUID = 1;

        private NotMadeException(String message) {
            super(message);
        }
    }

    /** Forgets earlier runs: a class that one of them has left would make a mutant of two rules. */
    void clear() throws IOException {
        if (!Files.exists(scratch)) {
            return;
        }
        try (Stream<Path> paths = Files.walk(scratch)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }

    /**
     * Compiles one file without the rule.
     *
     * @return the directory of the classes that have changed
     */
    Path make(Mutant mutant, String name) throws IOException, NotMadeException {
        Path original = sources.resolve(mutant.file());
        if (!Files.isRegularFile(original)) {
            throw new NotMadeException("FILE NOT FOUND: " + original);
        }
        String source = Files.readString(original);
        int occurrences = mutant.occurrencesIn(source);
        if (occurrences != 1) {
            throw new NotMadeException((occurrences == 0 ? "TEXT NOT FOUND" : "TEXT FOUND " + occurrences + " TIMES") + " in "
                + mutant.file() + ":\n" + mutant.text());
        }
        Path copy = Files.createDirectories(scratch.resolve(name).resolve("source")).resolve(mutant.file());
        Path classes = Files.createDirectories(scratch.resolve(name).resolve("classes"));
        Files.writeString(copy, mutant.applyTo(source));
        StringWriter messages = new StringWriter();
        PrintWriter out = new PrintWriter(messages);
        int errors = COMPILER.run(out, out, "--release", "17", "-proc:none", "-nowarn", "-implicit:none", "-classpath", classPath,
            "-d", classes.toString(), copy.toString());
        if (errors != 0) {
            throw new NotMadeException("DOES NOT COMPILE: " + messages.toString().strip());
        }
        return classes;
    }

    /** Runs these tests, in this order, against the true classes. */
    Outcome run(List<String> tests, String name, Duration limit) throws IOException {
        return runOn(classPath, tests, name, limit);
    }

    /** Runs these tests, in this order, against a mutant. */
    Outcome runAgainst(Path mutated, List<String> tests, String name, Duration limit) throws IOException {
        return runOn(mutated + File.pathSeparator + classPath, tests, name, limit);
    }

    private Outcome runOn(String path, List<String> tests, String name, Duration limit) throws IOException {
        Path directory = Files.createDirectories(scratch.resolve(name));
        Path result = directory.resolve("result");
        Files.deleteIfExists(result);
        Path log = directory.resolve("log");
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-ea", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-classpath", path,
            TestRun.class.getName(), result.toString()));
        command.addAll(tests);
        Process process = new ProcessBuilder(command).directory(directory.toFile()).redirectErrorStream(true)
            .redirectOutput(log.toFile()).start();
        try {
            if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                return new Outcome.Hung();
            }
        } catch (InterruptedException e) {
            throw new InterruptedIOException("while the tests ran");
        } finally {
            process.destroyForcibly();
        }
        return Files.exists(result) ? read(Files.readString(result).strip(), log)
            : new Outcome.Broken("the tests ended with exit code " + process.exitValue() + " and no result, see " + log);
    }

    private static Outcome read(String result, Path log) {
        if (result.startsWith(TestRun.FAILED)) {
            return new Outcome.Failed(result.substring(TestRun.FAILED.length()));
        }
        int passed = Integer.parseInt(result.substring(TestRun.PASSED.length()));
        return passed > 0 ? new Outcome.Passed(passed) : new Outcome.Broken("no test was run, see " + log);
    }
}
