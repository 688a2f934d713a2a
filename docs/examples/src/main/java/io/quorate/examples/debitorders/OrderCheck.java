package io.quorate.examples.debitorders;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What a ledger's file says of a plan: whether each order was created exactly once.
 *
 * @param orders        how many were created
 * @param missing       how many should be there and are not
 * @param duplicates    how many are there that were there already
 * @param strangers     how many nobody planned
 * @param fencesLowered how often a line has a lower fence than an earlier one of its scheduler
 * @param gapMaxMillis  the longest time in which the ledger took in nothing, between its first line and its last
 */
record OrderCheck(long orders, long missing, long duplicates, long strangers, long fencesLowered, long gapMaxMillis) {

    static OrderCheck of(List<LedgerEntry> entries, Plan plan) {
        Set<String> planned = new HashSet<>();
        for (int i = 0; i < plan.orders(); i++) {
            planned.add(plan.id(i));
        }
        Set<String> created = new HashSet<>();
        Map<String, Long> fences = new HashMap<>();
        long orders = 0;
        long duplicates = 0;
        long strangers = 0;
        long fencesLowered = 0;
        long gapMaxMillis = 0;
        for (int i = 0; i < entries.size(); i++) {
            LedgerEntry entry = entries.get(i);
            if (entry.fence() < fences.getOrDefault(entry.scheduler(), Long.MIN_VALUE)) {
                fencesLowered++;
            }
            fences.merge(entry.scheduler(), entry.fence(), Math::max);
            if (i > 0) {
                gapMaxMillis = Math.max(gapMaxMillis, entry.atMillis() - entries.get(i - 1).atMillis());
            }
            if (entry.isOrder()) {
                orders++;
                duplicates += created.add(entry.orderId()) ? 0 : 1;
                strangers += planned.contains(entry.orderId()) ? 0 : 1;
            }
        }
        planned.removeAll(created);
        return new OrderCheck(orders, planned.size(), duplicates, strangers, fencesLowered, gapMaxMillis);
    }

    /** Whether each planned order was created exactly once, and none besides. */
    boolean isKept() {
        return missing == 0 && duplicates == 0 && strangers == 0;
    }
}
