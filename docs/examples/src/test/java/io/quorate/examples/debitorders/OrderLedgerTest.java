package io.quorate.examples.debitorders;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The rules of the system downstream, over its file and over its port. */
@Timeout(30)
final class OrderLedgerTest {

    @TempDir
    private Path directory;
    private Path file;

    @BeforeEach
    void chooseFile() {
        file = directory.resolve("orders.txt");
    }

    private OrderLedger open() throws IOException {
        return OrderLedger.open(file, () -> 7, true);
    }

    @Test
    void aLowerFenceThanTheHighestIsRefusedAndLeavesNothing() throws IOException {
        try (OrderLedger ledger = open()) {
            assertEquals(new Verdict.Accepted(0), ledger.claim("debit", 5));
            assertEquals(new Verdict.Accepted(1), ledger.create("debit", 5, "a"));
            assertEquals(new Verdict.Accepted(1), ledger.claim("debit", 9));
            assertEquals(new Verdict.Stale(9), ledger.create("debit", 5, "b"));
            assertEquals(new Verdict.Stale(9), ledger.claim("debit", 8));
            assertEquals(new Verdict.Accepted(2), ledger.create("debit", 9, "c"));
            assertEquals(2, ledger.staleRequests());
        }
        assertEquals(List.of("7 claim debit 5", "7 order debit 5 a", "7 claim debit 9", "7 order debit 9 c"), Files.readAllLines(file));
    }

    @Test
    void anOrderRaisesTheFenceAsAClaimDoes() throws IOException {
        try (OrderLedger ledger = open()) {
            ledger.create("debit", 9, "a");
            assertEquals(new Verdict.Stale(9), ledger.create("debit", 5, "b"));
        }
    }

    @Test
    void schedulersOfOtherNamesHaveFencesOfTheirOwn() throws IOException {
        try (OrderLedger ledger = open()) {
            ledger.create("debit", 9, "a");
            assertEquals(new Verdict.Accepted(0), ledger.claim("credit", 5));
        }
    }

    @Test
    void theFenceOutlivesARestart() throws IOException {
        try (OrderLedger ledger = open()) {
            ledger.create("debit", 5, "a");
            ledger.claim("debit", 9);
        }
        try (OrderLedger ledger = open()) {
            assertEquals(new Verdict.Stale(9), ledger.create("debit", 5, "b"));
            assertEquals(new Verdict.Accepted(2), ledger.create("debit", 9, "c"));
        }
        assertEquals(List.of("a", "c"), OrderLedger.read(file).stream().filter(LedgerEntry::isOrder).map(LedgerEntry::orderId).toList());
    }

    @Test
    void aLineThatIsNotWholeIsCutOff() throws IOException {
        try (OrderLedger ledger = open()) {
            ledger.create("debit", 5, "a");
        }
        Files.writeString(file, "7 order debit 5 ha", StandardOpenOption.APPEND);
        try (OrderLedger ledger = open()) {
            assertEquals(new Verdict.Accepted(2), ledger.create("debit", 5, "b"));
        }
        assertEquals(List.of("7 order debit 5 a", "7 order debit 5 b"), Files.readAllLines(file));
    }

    @Test
    void aLineThatIsNoneIsNotPassedOver() throws IOException {
        Files.writeString(file, "7 order debit five a\n");
        assertThrows(IllegalArgumentException.class, this::open);
    }

    @Test
    void theGullibleOneTakesEverything() throws IOException {
        try (OrderLedger ledger = OrderLedger.open(file, () -> 7, false)) {
            ledger.claim("debit", 9);
            assertEquals(new Verdict.Accepted(1), ledger.create("debit", 5, "a"));
            assertEquals(1, ledger.staleRequests());
        }
    }

    @Test
    void itIsTheSameOverItsPort() throws IOException {
        try (OrderLedger ledger = open(); LedgerServer server = new LedgerServer(ledger);
             LedgerClient old = new LedgerClient(server.address(), Duration.ofSeconds(20));
             LedgerClient next = new LedgerClient(server.address(), Duration.ofSeconds(20))) {
            assertEquals(new Verdict.Accepted(0), old.claim("debit", 5));
            assertEquals(new Verdict.Accepted(1), old.create("debit", 5, "a"));
            assertEquals(new Verdict.Accepted(1), next.claim("debit", 1L << 48));
            assertEquals(new Verdict.Stale(1L << 48), old.create("debit", 5, "b"));
            assertThrows(IOException.class, () -> next.create("debit", 1L << 48, "two words"));
            assertEquals(new Verdict.Accepted(2), next.create("debit", 1L << 48, "b"));
        }
    }

    @Test
    void whoeverAsksWhenThePortIsClosedIsToldSo() throws IOException {
        try (OrderLedger ledger = open()) {
            LedgerServer server = new LedgerServer(ledger);
            try (LedgerClient client = new LedgerClient(server.address(), Duration.ofSeconds(20))) {
                client.claim("debit", 5);
                server.close();
                assertThrows(IOException.class, () -> client.create("debit", 5, "a"));
            }
        }
    }
}
