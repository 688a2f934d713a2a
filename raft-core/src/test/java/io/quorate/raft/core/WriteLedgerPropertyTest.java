package io.quorate.raft.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

/** The ledger against a disk: what it calls durable is exactly the prefix on which the disk and the log in memory are the same. */
class WriteLedgerPropertyTest {

    /** Replaces the log from an index on, or all of it by what a snapshot covers. */
    private record Write(long id, int firstIndex, List<Integer> entries) { }

    @Property(tries = 1000)
    void durableIsWhatDiskAndMemoryShare(@ForAll long seed) {
        Random random = new Random(seed);
        List<Integer> memory = new ArrayList<>();   // each entry a number of its own
        List<Integer> disk = new ArrayList<>();
        ArrayDeque<Write> pending = new ArrayDeque<>();
        int nextEntry = 0;
        for (int i = random.nextInt(5); i > 0; i--) {
            memory.add(++nextEntry);
        }
        disk.addAll(memory);
        WriteLedger ledger = new WriteLedger(memory.size());
        long lastDone = 0;
        int committed = 0;    // everything up to here is in all that will ever be installed
        for (int step = 0; step < 200; step++) {
            if (random.nextInt(3) > 0) {
                // One flush: perhaps the log is cut, then it grows; or only the hard state is written; or a snapshot replaces it.
                if (random.nextInt(8) == 0) {
                    ledger.truncate(committed + 1);
                    memory.subList(committed, memory.size()).clear();
                    for (int i = 1 + random.nextInt(9); i > 0; i--) {
                        memory.add(++nextEntry);
                    }
                    committed = memory.size();
                    pending.addLast(new Write(ledger.issue(committed, step), 1, List.copyOf(memory)));
                    continue;
                }
                int firstIndex = memory.size() + 1;
                committed = Math.max(committed, (int) Math.min(common(memory, disk), random.nextInt(memory.size() + 1)));
                if (random.nextInt(3) == 0 && memory.size() > committed) {
                    firstIndex = committed + 1 + random.nextInt(memory.size() - committed);
                    ledger.truncate(firstIndex);
                    memory.subList(firstIndex - 1, memory.size()).clear();
                    memory.add(++nextEntry);
                }
                for (int i = random.nextInt(3); i > 0; i--) {
                    memory.add(++nextEntry);
                }
                long id = ledger.issue(memory.size(), step);
                pending.addLast(new Write(id, firstIndex, List.copyOf(memory.subList(firstIndex - 1, memory.size()))));
                assertEquals(id, pending.peekLast().id);
            } else if (!pending.isEmpty()) {
                for (int i = 1 + random.nextInt(pending.size()); i > 0; i--) {
                    Write write = pending.removeFirst();
                    disk.subList(write.firstIndex - 1, disk.size()).clear();
                    disk.addAll(write.entries);
                    lastDone = write.id;
                }
                ledger.written(lastDone, step);
                ledger.written(Math.max(0, lastDone - 1), step);   // told again, late
            }
            assertEquals(common(memory, disk), ledger.durableIndex());
            for (long id = 0; id <= lastDone; id++) {
                assertEquals(true, ledger.isDurable(id));
            }
            for (Write write : pending) {
                assertEquals(false, ledger.isDurable(write.id));
            }
        }
        long never = lastDone + pending.size() + 1;
        assertEquals(false, ledger.isDurable(never));
        assertThrows(InvariantViolation.class, () -> ledger.written(never, 0));
    }

    private static long common(List<Integer> memory, List<Integer> disk) {
        int index = 0;
        while (index < memory.size() && index < disk.size() && memory.get(index).equals(disk.get(index))) {
            index++;
        }
        return index;
    }
}
