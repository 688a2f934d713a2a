package io.quorate.examples.debitorders;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;

/**
 * Which debit orders there must be, and when each falls due: one for each customer in each period. They are numbered in the order in which
 * they are created, from 0 on, so that "how many there are" is all that a scheduler must know to go on.
 *
 * @param beginMillis  when the first period begins, in milliseconds of the wall clock
 * @param periodMillis how long a period is
 * @param periods      how many there are
 * @param customers    how many customers are charged in each
 */
record Plan(long beginMillis, int periodMillis, int periods, int customers) {

    Plan {
        if (periodMillis < 1 || periods < 1 || customers < 1) {
            throw new IllegalArgumentException("A plan has 1 ms, period and customer or more, not " + periodMillis + ", " + periods
                + " and " + customers);
        }
    }

    /** From what {@link #toString} made. */
    static Plan parse(String text) {
        List<String> parts = List.of(text.split("/", -1));
        if (parts.size() != 4) {
            throw new IllegalArgumentException("A plan is BEGIN_MS/PERIOD_MS/PERIODS/CUSTOMERS, not \"" + text + "\"");
        }
        return new Plan(Long.parseLong(parts.get(0)), Integer.parseInt(parts.get(1)), Integer.parseInt(parts.get(2)),
            Integer.parseInt(parts.get(3)));
    }

    /** Puts it where the copies find it, all at once. */
    void writeTo(Path file) throws IOException {
        Path aside = file.resolveSibling(file.getFileName() + ".new");
        Files.writeString(aside, toString());
        Files.move(aside, file, StandardCopyOption.ATOMIC_MOVE);
    }

    /** What {@link #writeTo} wrote; nothing if it has not yet. */
    static Optional<Plan> read(Path file) throws IOException {
        return Files.exists(file) ? Optional.of(parse(Files.readString(file))) : Optional.empty();
    }

    int orders() {
        return Math.multiplyExact(periods, customers);
    }

    /** What the ledger knows the order by: the same for whoever creates it. */
    String id(int number) {
        return "period-" + number / customers + ":customer-" + number % customers;
    }

    /** Before this moment of the wall clock it is not to be created. */
    long dueMillis(int number) {
        return beginMillis + (long) periodMillis * (number / customers);
    }

    @Override
    public String toString() {
        return beginMillis + "/" + periodMillis + "/" + periods + "/" + customers;
    }
}
