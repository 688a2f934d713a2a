package io.quorate.raft.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.Charset;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What shows in another JVM only is found there, and the other JVM is not left behind. */
class OtherJvmTest {

    /** Says something else in the other JVM, on top of what a good machine says; chosen by name, so that one class does for all. */
    private static final class Foreign extends Tally {
        private static final String SEPARATOR = String.format("%n");
        /** Spread over its table, so that hardly two salts begin with the same one. */
        private static final Set<Integer> SALTED =
            IntStream.range(0, 2000).map(i -> i * 0x9E3779B9).boxed().collect(Collectors.toUnmodifiableSet());
        private static boolean isAsserting;

        private final String what;

        private Foreign(String what) {
            this.what = what;
        }

        static {
            assert isAsserting = true;
        }

        @Override
        String count(String word) {
            return super.count(word) + switch (what) {
                case "charset" -> word.getBytes(Charset.defaultCharset()).length;
                case "separator" -> SEPARATOR;
                case "order of Set.of" -> SALTED.iterator().next();
                case "assertions" -> isAsserting;
                case "property" -> System.getProperty("asked.for");
                default -> "";
            };
        }

        /** Default charset or UTF-8: one writes as it reads in each JVM, and is not understood in the other. */
        @Override
        public Snapshot snapshot() {
            if (!what.equals("snapshot's charset")) {
                return super.snapshot();
            }
            long captured = total;
            byte[] words = counts.entrySet().stream().map(count -> count.getKey() + "=" + count.getValue())
                .collect(Collectors.joining(",")).getBytes(Charset.defaultCharset());
            return out -> {
                DataOutputStream data = new DataOutputStream(out);
                data.writeLong(captured);
                data.write(words);
            };
        }

        @Override
        public void restore(InputStream from) throws IOException {
            if (!what.equals("snapshot's charset")) {
                super.restore(from);
                return;
            }
            DataInputStream in = new DataInputStream(from);
            total = in.readLong();
            counts.clear();
            for (String count : new String(in.readAllBytes(), Charset.defaultCharset()).split(",")) {
                if (!count.isEmpty()) {
                    counts.put(count.split("=")[0], Long.valueOf(count.split("=")[1]));
                }
            }
        }
    }

    /** Behaves in some way or other as soon as it is made in the other JVM. */
    private static final class Misbehaving extends Tally {

        private Misbehaving(String how) {
            if (!"somebody-else".equals(System.getProperty("user.name"))) {
                return;
            }
            switch (how) {
                case "hangs" -> hang();
                case "exits" -> {
                    System.err.println("it was too much for me");
                    System.exit(3);
                }
                case "prints" -> System.out.println("noise ".repeat(200_000));
                default -> throw new IllegalArgumentException(how);
            }
        }

        private static void hang() {
            try {
                new CountDownLatch(1).await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    private static StateMachineContract contract(StateMachineContract.Factory factory) {
        return StateMachineContractTest.contract(factory).inAnotherJvm();
    }

    @AfterEach
    void noOtherJvmIsLeftBehind() {
        assertEquals(0, ProcessHandle.current().children().filter(ProcessHandle::isAlive).count());
    }

    @Test
    void theDefaultCharsetIsFound() {
        assertBroken("SameInAnotherJvm", "charset");
        assertBroken("SnapshotTravels", "snapshot's charset");
    }

    @Test
    void theLineSeparatorIsFoundThoughAStaticFieldKeepsIt() {
        assertBroken("SameInAnotherJvm", "separator");
    }

    @Test
    void theOrderOfSetOfIsFound() {
        assertBroken("SameInAnotherJvm", "order of Set.of");
    }

    @Test
    void anAssertionWithAnEffectIsFound() {
        assertBroken("SameInAnotherJvm", "assertions");
    }

    private static void assertBroken(String check, String what) {
        ContractBroken broken = assertThrows(ContractBroken.class, contract(() -> new Foreign(what))::check);
        assertEquals(check, broken.check(), broken::getMessage);
    }

    /** It prints more than any pipe holds, and gets a system property that it would otherwise miss. */
    @Test
    void aGoodMachinePassesThereHoweverMuchItPrints() {
        System.setProperty("asked.for", "this");
        try {
            contract(() -> new Misbehaving("prints")).check();
            contract(() -> new Foreign("property")).inAnotherJvm("-Dasked.for=this").check();
        } finally {
            System.clearProperty("asked.for");
        }
    }

    @Test
    void aMachineThatHangsThereProvesNothing() {
        IllegalStateException undecided = assertThrows(IllegalStateException.class,
            contract(() -> new Misbehaving("hangs")).otherJvmMillisMax(300)::check);
        assertTrue(undecided.getMessage().contains("not done within 300 ms"), undecided::getMessage);
    }

    @Test
    void whatTheOtherJvmSaidWhenItEndedIsShown() {
        IllegalStateException undecided = assertThrows(IllegalStateException.class, contract(() -> new Misbehaving("exits"))::check);
        assertTrue(undecided.getMessage().contains("exit code 3"), undecided::getMessage);
        assertTrue(undecided.getMessage().contains("it was too much for me"), undecided::getMessage);
    }

    @Test
    void aFactoryThatCannotTravelIsRefused() {
        Object here = new Object();
        IllegalArgumentException refused = assertThrows(IllegalArgumentException.class, contract(() -> {
            assertFalse(here.toString().isEmpty());
            return new Tally();
        })::check);
        assertTrue(refused.getMessage().contains("holds a java.lang.Object"), refused::getMessage);
    }

    /** As if the launcher had been killed, which closes the pipe. */
    @Test
    void theOtherJvmEndsWithItsLauncher(@TempDir Path directory) throws IOException, InterruptedException {
        MachineLog log = MachineLog.draw(1, 10, Tally::draw, List.of(), 0, Tally::draw);
        MachineCheck check = new MachineCheck(() -> new Misbehaving("hangs"), 1, log, new ExpectedOutcomes(log));
        Process process = new OtherJvm(check, List.of(), 1).start(directory, -1, new byte[0]);
        try {
            assertTrue(process.isAlive());
            process.getOutputStream().close();
            assertTrue(process.waitFor(60, TimeUnit.SECONDS));
            assertEquals(OtherJvmMain.ENDED_WITH_LAUNCHER, process.exitValue());
        } finally {
            process.destroyForcibly().waitFor();
        }
    }

    @Test
    void anOutcomeIsTheSameAfterItHasTravelled() throws IOException {
        for (Outcome outcome : List.of(Outcome.returned(null), Outcome.returned(new byte[0]), Outcome.returned(new byte[256]),
            Outcome.returned(new byte[257]), Outcome.of(() -> {
                throw new IOException("of this disk");
            }))) {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            outcome.writeTo(new DataOutputStream(bytes));
            assertEquals(outcome, Outcome.readFrom(new DataInputStream(new ByteArrayInputStream(bytes.toByteArray()))));
        }
        byte[] other = new byte[257];
        other[256] = 1;
        assertFalse(Outcome.returned(other).equals(Outcome.returned(new byte[257])), "they differ in their last byte only");
    }
}
