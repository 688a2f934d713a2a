package io.quorate.raft.mutants;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * The test classes of one package, in the order in which they are run: directed ones first, since they say more plainly what is wrong,
 * and say the same each time.
 */
final class Tests {

    private final String packageName;
    private final List<String> classes;   // by simple name

    private Tests(String packageName, List<String> classes) {
        this.packageName = packageName;
        this.classes = classes;
    }

    /** Those whose class files are found here and end in this suffix. */
    static Tests find(Path testClasses, String packageName, String suffix) throws IOException {
        String ending = suffix + ".class";
        try (Stream<Path> files = Files.list(testClasses.resolve(packageName.replace('.', '/')))) {
            List<String> classes = files.map(file -> file.getFileName().toString())
                .filter(name -> name.endsWith(ending) && !name.contains("$"))
                .map(name -> name.substring(0, name.length() - ".class".length()))
                .sorted(Comparator.comparing((String name) -> name.contains("Property")).thenComparing(Comparator.naturalOrder()))
                .toList();
            return new Tests(packageName, classes);
        }
    }

    /** Those of the classes in which these tests are. */
    Tests ofClassesIn(List<String> tests) {
        return new Tests(packageName,
            classes.stream().filter(name -> tests.stream().anyMatch(test -> test.split("\\.")[0].equals(name))).toList());
    }

    /** All of them, as {@link TestRun} takes them. */
    List<String> all() {
        return classes.stream().map(this::selector).toList();
    }

    /** This test, then all: so who is killed by the test that is directed at it is killed quickly. */
    List<String> startingWith(String test) {
        List<String> order = new ArrayList<>();
        order.add(selector(test));
        order.addAll(all());
        return order;
    }

    /** Whether there is such a class, and in it such a method if one is named. */
    boolean contains(String test) {
        String[] names = test.split("\\.");
        return names.length <= 2 && classes.contains(names[0]) && (names.length == 1 || isMethod(names[0], names[1]));
    }

    private boolean isMethod(String className, String methodName) {
        try {
            Class<?> type = Class.forName(packageName + "." + className, false, Tests.class.getClassLoader());
            return Arrays.stream(type.getDeclaredMethods()).anyMatch(method -> method.getName().equals(methodName));
        } catch (ClassNotFoundException e) {
            return false;
        }
    }

    private String selector(String test) {
        return packageName + "." + test.replace('.', '#');
    }
}
