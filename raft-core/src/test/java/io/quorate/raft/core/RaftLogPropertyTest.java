package io.quorate.raft.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/** The log against a plain list: appended to, cut, written, partly forgotten, put on a snapshot. */
class RaftLogPropertyTest {

    @Property(tries = 500)
    void theLogBehavesLikeAList(@ForAll long seed, @ForAll @IntRange(max = 40) int recovered, @ForAll @IntRange(max = 40) int handedOver) {
        Random random = new Random(seed);
        List<Entry> list = new ArrayList<>();
        TermTable terms = new TermTable(EntryId.ZERO);
        for (int i = 1; i <= recovered; i++) {
            list.add(Cluster.entry(i, 1 + i / 10));
            terms.append(1 + i / 10, i);
        }
        List<Entry> tail = list.subList(Math.max(0, recovered - Math.max(1, handedOver)), recovered);
        RaftLog log = new RaftLog(new LogView(SnapshotId.ofFounding(Cluster.voters(3)), terms, tail, List.of()));
        long inMemoryFrom = recovered - tail.size() + 1;
        long unwrittenFrom = recovered + 1;
        int base = 0;   // what the log stands on; the list keeps something for every index
        long newestNanos = 0;

        for (int step = 0; step < 400; step++) {
            switch (random.nextInt(200) == 0 ? 8 : random.nextInt(8)) {
                case 0 -> {   // cut
                    if (list.size() > base) {
                        int kept = Math.max(base, list.size() - random.nextInt(20));
                        log.truncate(kept + 1);
                        list.subList(kept, list.size()).clear();
                        inMemoryFrom = Math.min(inMemoryFrom, kept + 1);
                        unwrittenFrom = Math.min(unwrittenFrom, kept + 1);
                    }
                }
                case 1 -> {   // write
                    assertEquals(unwrittenFrom, log.unwrittenFirst());
                    assertEquals(unwrittenFrom <= list.size(), log.hasUnwritten());
                    assertEquals(list.subList((int) unwrittenFrom - 1, list.size()), log.takeUnwritten());
                    unwrittenFrom = list.size() + 1;
                    assertFalse(log.hasUnwritten());
                }
                case 2 -> {   // forget
                    long mayGo = Math.min(unwrittenFrom - 1, random.nextInt(list.size() + 1));
                    long bytesMax = random.nextInt(4000);
                    log.evict(mayGo, bytesMax);
                    while (inMemoryFrom <= mayGo && bytes(list, inMemoryFrom) > bytesMax) {
                        inMemoryFrom++;
                    }
                }
                case 8 -> {   // a snapshot replaces all
                    long term = (list.isEmpty() ? 1 : list.get(list.size() - 1).term()) + random.nextInt(2);
                    base = Math.max(1, list.size() + random.nextInt(15) - 7);
                    list.clear();
                    for (int i = 1; i <= base; i++) {
                        list.add(Cluster.entry(i, term));
                    }
                    newestNanos = Math.max(newestNanos, random.nextInt(10));
                    log.install(new SnapshotId(new EntryId(term, base), Cluster.voters(3), newestNanos));
                    inMemoryFrom = base + 1;
                    unwrittenFrom = base + 1;
                }
                default -> {   // append
                    long last = list.isEmpty() ? 1 : list.get(list.size() - 1).term();
                    Entry entry = Cluster.entry(list.size() + 1, last + (random.nextInt(5) == 0 ? 1 : 0));
                    log.append(entry);
                    list.add(entry);
                }
            }
            assertEquals(list.size(), log.lastIndex());
            assertEquals(inMemoryFrom, log.firstInMemory());
            assertEquals(base + 1, log.firstIndex());
            assertEquals(newestNanos, log.newestNanos());
            assertTrue(log.ringLength() >= list.size() - inMemoryFrom + 1);
            assertEquals(list.isEmpty() ? EntryId.ZERO : list.get(list.size() - 1).id(), log.last());
        }

        for (int i = 1; i < base; i++) {
            assertFalse(log.covers(i));
            assertFalse(log.contains(list.get(i - 1).id()));
        }
        for (Entry entry : list.subList(Math.max(0, base - 1), list.size())) {
            assertEquals(entry.id(), log.idAt(entry.index()));
            assertTrue(log.contains(entry.id()));
            assertFalse(log.contains(new EntryId(entry.term() + 1, entry.index())));
            assertEquals(entry.index() >= inMemoryFrom, log.isInMemory(entry.index()));
            if (entry.index() >= inMemoryFrom) {
                assertEquals(entry, log.inMemory(entry.index()));
            } else {
                assertThrows(IllegalArgumentException.class, () -> log.inMemory(entry.index()));
            }
        }
        assertFalse(log.contains(new EntryId(1, list.size() + 1)));
        for (int i = 0; i < 50 && inMemoryFrom <= list.size(); i++) {
            int first = (int) inMemoryFrom + random.nextInt(list.size() - (int) inMemoryFrom + 1);
            int last = first + random.nextInt(list.size() - first + 1);
            int bytesMax = random.nextInt(2000);
            assertEquals(page(list, first, last, bytesMax), log.entries(first, last, bytesMax));
        }
    }

    private static long bytes(List<Entry> list, long first) {
        return list.subList((int) first - 1, list.size()).stream().mapToLong(entry -> entry.size() + Entry.OBJECT_BYTES).sum();
    }

    private static List<Entry> page(List<Entry> list, int first, int last, int bytesMax) {
        List<Entry> page = new ArrayList<>();
        int bytes = 0;
        for (Entry entry : list.subList(first - 1, last)) {
            bytes += entry.size();
            if (!page.isEmpty() && bytes > bytesMax) {
                break;
            }
            page.add(entry);
        }
        return page;
    }
}
