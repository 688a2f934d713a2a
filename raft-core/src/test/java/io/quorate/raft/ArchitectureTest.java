package io.quorate.raft;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.type;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaMethodCall;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** Holds the arrows between packages, and keeps clocks, threads and accidents out of the algorithm. */
class ArchitectureTest {

    private static final String ROOT = "io.quorate.raft";
    private static final String CORE = ROOT + ".core";
    private static final String RUNTIME = ROOT + ".runtime..";
    private static final Set<String> ROLES = Set.of("RaftNode", "Role", "Follower", "PreCandidate", "Candidate", "Leader");
    private static final Set<String> PORTS = Set.of("StateMachine", "Storage", "Transport");
    private static final Set<String> TIME_AND_CHANCE = Set.of("java.lang.System.nanoTime", "java.lang.System.currentTimeMillis",
        "java.lang.System.identityHashCode", "java.lang.Object.hashCode", "java.lang.Math.random", "java.util.UUID.randomUUID");

    private static final JavaClasses MAIN =
        new ClassFileImporter().withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS).importPackages(ROOT);

    /** These values of the platform have no clock and no order of their own; {@code java.lang.runtime} is what records are made of. */
    private static final ArchRule CORE_IS_SELF_CONTAINED = classes().that().resideInAPackage(CORE)
        .should().onlyDependOnClassesThat(resideInAnyPackage(CORE, "java.lang", "java.lang.invoke", "java.lang.runtime", "java.util",
            "java.util.zip", "java.util.random", "java.util.function", "org.jspecify.annotations")
            .or(type(ByteOrder.class)).or(type(ByteBuffer.class)).or(type(StandardCharsets.class))
            .or(type(BufferUnderflowException.class)).or(type(Charset.class)).or(type(Duration.class)));

    private static final ArchRule CORE_HAS_NO_THREADS_AND_NO_CHANCE = noClasses().that().resideInAPackage(CORE)
        .should().dependOnClassesThat(type(Thread.class).or(type(ThreadLocal.class)).or(type(Runtime.class)).or(type(Process.class))
            .or(type(Random.class)).or(type(UUID.class)).or(type(java.util.Timer.class)).or(type(java.util.Date.class)));

    private static final ArchRule CORE_ASKS_NEITHER_CLOCK_NOR_DICE = noClasses().that().resideInAPackage(CORE)
        .should().callMethodWhere(describe("asks a clock or dice",
            (JavaMethodCall call) -> TIME_AND_CHANCE.contains(call.getTargetOwner().getName() + "." + call.getName())));

    private static final ArchRule CORE_HAS_NO_ACCIDENTAL_ORDER = noClasses().that().resideInAPackage(CORE)
        .should().callMethodWhere(describe("goes through a set or map whose order is an accident", (JavaMethodCall call) ->
            (call.getTargetOwner().isAssignableTo(Set.class) || call.getTargetOwner().isAssignableTo(java.util.Map.class))
                && Set.of("iterator", "spliterator", "stream", "forEach", "toArray", "entrySet", "keySet", "values", "toString")
                    .contains(call.getName())));

    private static final ArchRule ONLY_NODE_AND_ROLES_KNOW_EACH_OTHER =
        noClasses().that().resideInAPackage(CORE).and(not(named(CORE, ROLES)))
            .should().dependOnClassesThat(named(CORE, ROLES));

    private static final ArchRule PORTS_ARE_LEAVES = classes().that(named(ROOT, PORTS))
        .should().onlyDependOnClassesThat(resideInAnyPackage("java..", "org.jspecify..", CORE)
            .or(resideInAnyPackage(ROOT).and(not(server()))));

    private static final ArchRule PORTS_KNOW_ONLY_VALUES_OF_THE_CORE =
        noClasses().that(named(ROOT, PORTS)).should().dependOnClassesThat(named(CORE, ROLES));

    private static final ArchRule ONLY_THE_SERVER_KNOWS_THE_RUNTIME = noClasses().that().resideInAPackage(ROOT).and(not(server()))
        .should().dependOnClassesThat().resideInAPackage(RUNTIME);

    private static final ArchRule THE_RUNTIME_DOES_NOT_KNOW_THE_SERVER = noClasses().that().resideInAPackage(RUNTIME)
        .should().dependOnClassesThat(server());

    private static final ArchRule NOTHING_BELOW_KNOWS_TESTING_ELECTION_OR_CLIENT =
        noClasses().that().resideInAnyPackage(ROOT, CORE + "..", RUNTIME)
            .should().dependOnClassesThat().resideInAnyPackage(ROOT + ".testing..", ROOT + ".election..", ROOT + ".client..");

    private static final ArchRule TESTING_IS_FOR_TESTS = noClasses().that().resideOutsideOfPackage(ROOT + ".testing..")
        .should().dependOnClassesThat().resideInAPackage(ROOT + ".testing..");

    private static final ArchRule NO_THIRD_PARTY_BUT_THE_LOGGER = classes()
        .should().onlyDependOnClassesThat(resideInAnyPackage("java..", "org.slf4j..", "org.jspecify..", ROOT + ".."));

    private static final List<ArchRule> ALL = List.of(CORE_IS_SELF_CONTAINED, CORE_HAS_NO_THREADS_AND_NO_CHANCE,
        CORE_ASKS_NEITHER_CLOCK_NOR_DICE, CORE_HAS_NO_ACCIDENTAL_ORDER, ONLY_NODE_AND_ROLES_KNOW_EACH_OTHER, PORTS_ARE_LEAVES,
        PORTS_KNOW_ONLY_VALUES_OF_THE_CORE, ONLY_THE_SERVER_KNOWS_THE_RUNTIME, THE_RUNTIME_DOES_NOT_KNOW_THE_SERVER,
        NOTHING_BELOW_KNOWS_TESTING_ELECTION_OR_CLIENT, TESTING_IS_FOR_TESTS, NO_THIRD_PARTY_BUT_THE_LOGGER);

    @Test
    void theArrowsPointOneWay() {
        for (ArchRule rule : ALL) {
            rule.allowEmptyShould(true).check(MAIN);   // a package may not be there yet
        }
    }

    /** A rule that names a class which was renamed would hold for ever. */
    @Test
    void everyClassThatTheRulesNameIsThere() {
        for (String role : ROLES) {
            assertTrue(MAIN.contain(CORE + "." + role), role);
        }
        for (String port : PORTS) {
            assertTrue(MAIN.contain(ROOT + "." + port), port);
        }
        assertFalse(MAIN.contain(ArchitectureTest.class), "tests are not looked at");
    }

    /** The tests of the core do what the core must not: held against them, its rules fail. */
    @Test
    void theRulesOfTheCoreCanFail() {
        JavaClasses tests = new ClassFileImporter().withImportOption(ImportOption.Predefined.ONLY_INCLUDE_TESTS).importPackages(ROOT);
        for (ArchRule rule : List.of(CORE_IS_SELF_CONTAINED, CORE_HAS_NO_THREADS_AND_NO_CHANCE, CORE_HAS_NO_ACCIDENTAL_ORDER,
            ONLY_NODE_AND_ROLES_KNOW_EACH_OTHER, TESTING_IS_FOR_TESTS, NO_THIRD_PARTY_BUT_THE_LOGGER)) {
            assertTrue(rule.evaluate(tests).hasViolation(), rule.getDescription());
        }
    }

    /** These classes of a package, and what is nested in them. */
    private static DescribedPredicate<JavaClass> named(String packageName, Set<String> names) {
        return describe("are " + names + " of " + packageName, (JavaClass type) -> type.getPackageName().equals(packageName)
            && names.contains(type.getName().substring(packageName.length() + 1).split("\\$", 2)[0]));
    }

    private static DescribedPredicate<JavaClass> server() {
        return describe("are the server", (JavaClass type) -> type.getName().startsWith(ROOT + ".RaftServer"));
    }
}
