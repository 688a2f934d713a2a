package io.quorate.examples.debitorders;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The run's verdict: each way in which a ledger can be wrong is noticed. */
final class OrderCheckTest {

    private static final Plan PLAN = new Plan(0, 100, 3, 2);

    private static List<LedgerEntry> whole() {
        List<LedgerEntry> entries = new ArrayList<>(List.of(new LedgerEntry(0, "debit", 5, "")));
        for (int i = 0; i < PLAN.orders(); i++) {
            entries.add(new LedgerEntry(10L * (i + 1), "debit", 5, PLAN.id(i)));
        }
        return entries;
    }

    @Test
    void eachOrderOnceIsKept() {
        OrderCheck check = OrderCheck.of(whole(), PLAN);
        assertEquals(new OrderCheck(6, 0, 0, 0, 0, 10), check);
        assertTrue(check.isKept());
    }

    @Test
    void aMissingOrderIsNoticed() {
        List<LedgerEntry> entries = whole();
        entries.remove(3);
        assertEquals(new OrderCheck(5, 1, 0, 0, 0, 20), OrderCheck.of(entries, PLAN));
        assertFalse(OrderCheck.of(entries, PLAN).isKept());
    }

    @Test
    void aDuplicateIsNoticed() {
        List<LedgerEntry> entries = whole();
        entries.add(new LedgerEntry(65, "debit", 9, PLAN.id(2)));
        assertEquals(new OrderCheck(7, 0, 1, 0, 0, 10), OrderCheck.of(entries, PLAN));
        assertFalse(OrderCheck.of(entries, PLAN).isKept());
    }

    @Test
    void anOrderThatNobodyPlannedIsNoticed() {
        List<LedgerEntry> entries = whole();
        entries.add(new LedgerEntry(61, "debit", 5, "period-3:customer-0"));
        assertEquals(1, OrderCheck.of(entries, PLAN).strangers());
        assertFalse(OrderCheck.of(entries, PLAN).isKept());
    }

    @Test
    void aFenceThatWasLowerThanOneBeforeIsNoticed() {
        List<LedgerEntry> entries = whole();
        entries.add(2, new LedgerEntry(20, "debit", 9, ""));
        assertEquals(5, OrderCheck.of(entries, PLAN).fencesLowered());
    }

    @Test
    void aPlanIsReadAsItWasWritten() {
        Plan plan = new Plan(1_700_000_000_000L, 125, 960, 4);
        assertEquals(plan, Plan.parse(plan.toString()));
        assertEquals("period-2:customer-1", plan.id(9));
        assertEquals(plan.beginMillis() + 250, plan.dueMillis(9));
    }
}
