package io.quorate.raft.mutants;

import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectMethod;

import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.platform.engine.DiscoverySelector;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.TestSource;
import org.junit.platform.engine.support.descriptor.ClassSource;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.Launcher;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/**
 * A program that runs tests in the order given and ends with the first that fails: nothing after it could say more. It leaves one line in a
 * file, {@code failed NAME} or {@code passed NUMBER}; without that line it proves nothing.
 *
 * <p>It ends itself when its standard input does, so that it cannot outlive the process that started it.
 */
final class TestRun implements TestExecutionListener {

    static final String FAILED = "failed ";
    static final String PASSED = "passed ";

    private final Path result;
    private int passed;
    private String running = "no test yet";

    private TestRun(Path result) {
        this.result = result;
    }

    /**
     * Runs them.
     *
     * @param arguments the file for the result; then the tests, each as {@code package.Class} or {@code package.Class#method}
     */
    public static void main(String[] arguments) {
        endWithInput();
        Launcher launcher = LauncherFactory.create();
        List<LauncherDiscoveryRequest> requests = Arrays.stream(arguments).skip(1).map(TestRun::request).toList();
        TestRun run = new TestRun(Path.of(arguments[0]));
        try {
            requests.forEach(request -> launcher.execute(request, run));
            run.end(PASSED + run.passed);
        } catch (Throwable e) {   // what JUnit leaves to others, such as a lack of memory
            e.printStackTrace();
            run.end(FAILED + run.running + ": " + e.getClass().getSimpleName());
        }
    }

    @Override
    public void executionStarted(TestIdentifier test) {
        running = nameOf(test);
    }

    @Override
    public void executionFinished(TestIdentifier test, TestExecutionResult outcome) {
        if (outcome.getStatus() == TestExecutionResult.Status.FAILED) {
            outcome.getThrowable().ifPresent(Throwable::printStackTrace);
            end(FAILED + nameOf(test));
        }
        if (test.isTest()) {
            passed++;
        }
    }

    private void end(String line) {
        try {
            Files.writeString(result, line + "\n");
        } catch (IOException e) {
            e.printStackTrace();
        }
        Runtime.getRuntime().halt(line.startsWith(PASSED) ? 0 : 1);
    }

    private static LauncherDiscoveryRequest request(String test) {
        return LauncherDiscoveryRequestBuilder.request().selectors(selectors(test))
            .configurationParameter("jqwik.shrinking.default", "OFF")   // it is enough to know that it fails
            .build();
    }

    /** By name, whatever its parameters are. */
    private static List<? extends DiscoverySelector> selectors(String test) {
        String[] parts = test.split("#");
        Class<?> type;
        try {
            type = Class.forName(parts[0], false, TestRun.class.getClassLoader());
        } catch (ClassNotFoundException e) {
            throw new IllegalArgumentException("no such test: " + test, e);
        }
        if (parts.length == 1) {
            return List.of(selectClass(type));
        }
        List<? extends DiscoverySelector> found = Arrays.stream(type.getDeclaredMethods())
            .filter(method -> method.getName().equals(parts[1]) && !method.isSynthetic())
            .map((Method method) -> selectMethod(type, method))
            .toList();
        if (found.isEmpty()) {
            throw new IllegalArgumentException("no such test: " + test);
        }
        return found;
    }

    private static String nameOf(TestIdentifier test) {
        TestSource source = test.getSource().orElse(null);
        if (source instanceof MethodSource method) {
            return simple(method.getClassName()) + "." + method.getMethodName();
        }
        return source instanceof ClassSource type ? simple(type.getClassName()) : test.getDisplayName();
    }

    private static String simple(String className) {
        return className.substring(className.lastIndexOf('.') + 1);
    }

    private static void endWithInput() {
        Thread watch = new Thread(() -> {
            try {
                while (System.in.read() >= 0) {
                    // Nobody says anything; what counts is the end.
                }
            } catch (IOException e) {
                e.printStackTrace();
            }
            Runtime.getRuntime().halt(1);
        }, "input-watch");
        watch.setDaemon(true);
        watch.start();
    }
}
