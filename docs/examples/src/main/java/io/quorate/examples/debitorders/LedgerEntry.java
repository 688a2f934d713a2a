package io.quorate.examples.debitorders;

import java.util.List;

/**
 * One line of the ledger's file.
 *
 * @param atMillis  when the ledger took it in, in milliseconds of its own clock
 * @param scheduler in whose name
 * @param fence     the fencing token that it came with
 * @param orderId   the order that was created; empty if a new holder of the office only said that it is there
 */
record LedgerEntry(long atMillis, String scheduler, long fence, String orderId) {

    private static final String CLAIM = "claim";
    private static final String ORDER = "order";

    LedgerEntry {
        requireWord(scheduler, "A scheduler's name");
        if (!orderId.isEmpty()) {
            requireWord(orderId, "An order's id");
        }
    }

    /** Names and ids stand in lines, between spaces. */
    private static void requireWord(String text, String what) {
        if (text.isEmpty() || text.length() > 200 || !text.chars().allMatch(each -> each > ' ' && each < 0x7F)) {
            throw new IllegalArgumentException(what + " has 1 to 200 letters, digits and signs, and no space");
        }
    }

    boolean isOrder() {
        return !orderId.isEmpty();
    }

    /** As it stands in the file, without the line's end. */
    String toLine() {
        return atMillis + " " + (isOrder() ? ORDER : CLAIM) + " " + scheduler + " " + fence + (isOrder() ? " " + orderId : "");
    }

    static LedgerEntry parse(String line) {
        List<String> parts = List.of(line.split(" ", -1));
        boolean isOrder = parts.size() == 5 && parts.get(1).equals(ORDER);
        if (!isOrder && !(parts.size() == 4 && parts.get(1).equals(CLAIM))) {
            throw new IllegalArgumentException("This is no line of a ledger: \"" + line + "\"");
        }
        return new LedgerEntry(Long.parseLong(parts.get(0)), parts.get(2), Long.parseLong(parts.get(3)), isOrder ? parts.get(4) : "");
    }
}
