package io.quorate.examples.ledger;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.quorate.raft.Command;
import io.quorate.raft.StateMachine;
import io.quorate.raft.testing.StateMachineContract;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class FileLedgerTest {

    @TempDir
    private Path directory;

    private static void apply(FileLedger ledger, long index, String command) {
        ledger.apply(new Command(index, ByteBuffer.wrap(command.getBytes(StandardCharsets.UTF_8)).asReadOnlyBuffer()));
    }

    private static FileLedger.Status status(FileLedger ledger) {
        return FileLedger.Status.decode(ledger.query(FileLedger.statusQuery()));
    }

    private Path file() {
        return FileLedger.file(directory);
    }

    @Test
    void itIsAStateMachine() {
        AtomicInteger count = new AtomicInteger();
        StateMachineContract.of(() -> FileLedger.open(directory.resolve("of-" + count.incrementAndGet())))
            .commands(random -> new byte[random.nextInt(20)])
            .queries(random -> new byte[0])
            .commandCount(30)
            .check();
        assertEquals(count.get(), directory.toFile().list().length);
    }

    @Test
    void whatItHasItHasWhenItIsOpenedAgain() throws IOException {
        try (FileLedger ledger = FileLedger.open(directory)) {
            apply(ledger, 3, "one");
            apply(ledger, 5, "");
            assertEquals(new FileLedger.Status(0, 3, 5, 16 + 3 + 16, 0), status(ledger));
        }
        try (FileLedger ledger = FileLedger.open(directory)) {
            assertEquals(5, ledger.appliedIndex());
            apply(ledger, 6, "three");
            assertEquals(new FileLedger.Status(5, 6, 6, 16 + 3 + 16 + 16 + 5, 0), status(ledger));
        }
        try (LedgerRecords records = LedgerRecords.of(file())) {
            String all = "";
            while (records.next()) {
                all += records.index() + "=" + new String(records.command(), StandardCharsets.UTF_8) + " ";
            }
            assertEquals("3=one 5= 6=three ", all);
        }
    }

    @Test
    void whereverACrashHasCutItOffOrDamagedItItHoldsWhatIsWholeBefore() throws IOException {
        try (FileLedger ledger = FileLedger.open(directory)) {
            apply(ledger, 1, "one");
            apply(ledger, 2, "two");
        }
        byte[] whole = Files.readAllBytes(file());
        int first = whole.length / 2;
        for (int length = first; length < whole.length; length++) {
            Files.write(file(), Arrays.copyOf(whole, length));
            assertOpensUpTo(1, first);
            byte[] damaged = whole.clone();
            damaged[length] ^= 1;
            Files.write(file(), damaged);
            assertOpensUpTo(1, first);
        }
        Files.write(file(), whole);
        assertOpensUpTo(2, whole.length);
    }

    private void assertOpensUpTo(long index, long bytes) throws IOException {
        try (FileLedger ledger = FileLedger.open(directory)) {
            assertEquals(new FileLedger.Status(index, Long.MAX_VALUE, index, bytes, 0), status(ledger));
        }
        assertEquals(bytes, Files.size(file()));
    }

    @Test
    void aCaptureThatIsWrittenLateHoldsWhatWasThereThen() throws IOException {
        try (FileLedger ledger = FileLedger.open(directory); FileLedger other = FileLedger.open(directory.resolve("other"))) {
            apply(ledger, 1, "one");
            byte[] then = Files.readAllBytes(file());
            StateMachine.Snapshot captured = ledger.snapshot();
            apply(ledger, 2, "two");
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            captured.writeTo(out);
            assertArrayEquals(then, out.toByteArray());
            apply(other, 1, "another");
            apply(other, 2, "other");
            other.restore(new ByteArrayInputStream(then));
            assertEquals(new FileLedger.Status(0, 1, 1, then.length, 1), status(other));
            apply(other, 2, "two");
            assertEquals(-1, Files.mismatch(file(), FileLedger.file(directory.resolve("other"))));
        }
    }

    @Test
    void whatIsNoLedgerIsNotRestoredAndTheOldOneStays() throws IOException {
        try (FileLedger ledger = FileLedger.open(directory)) {
            apply(ledger, 1, "one");
            assertThrows(IOException.class, () -> ledger.restore(new ByteArrayInputStream(new byte[100])));
        }
        assertOpensUpTo(1, 16 + 3);
    }

    @Test
    void aCommandThatItHasIsNotWrittenAgain() throws IOException {
        try (FileLedger ledger = FileLedger.open(directory)) {
            apply(ledger, 2, "two");
            assertThrows(IllegalStateException.class, () -> apply(ledger, 2, "two"));
        }
        assertOpensUpTo(2, 16 + 3);
    }
}
