package io.quorate.raft.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.Storage;
import io.quorate.raft.core.EntryId;
import java.lang.reflect.Proxy;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import org.junit.jupiter.api.Test;

/** How fast the disk is read again, and who hears of what was found. */
class ScrubberTest {

    private static final long SECOND = 1_000_000_000L;

    private final Queue<Storage.Scrubbed> found = new ArrayDeque<>();
    private final List<Work> applier = new ArrayList<>();
    private final Mailbox mailbox = new Mailbox();
    private final Meters meters = new Meters();
    private int reads;
    private long now = 5;

    @Test
    void noMoreIsReadThanIsAllowedInASecond() {
        Scrubber scrubber = scrubber(10L * Scrubber.PIECE_BYTES);
        for (int i = 0; i < 1000; i++) {
            scrubber.turn(now);
            long nanos = scrubber.nanosUntil(now);
            assertTrue(nanos > 0 && nanos <= SECOND / 10 + 1, "" + nanos);
            now += 10_000_000;
        }
        assertTrue(reads >= 85 && reads <= 103, "" + reads);
        assertEquals((long) reads * Scrubber.PIECE_BYTES, meters.bytesScrubbed.read());
    }

    @Test
    void theNextRoundBeginsAnHourAfterThisOne() {
        Scrubber scrubber = scrubber(1 << 20);
        found.add(new Storage.Scrubbed(100, List.of(), false, true));
        scrubber.turn(now);
        assertEquals(Scrubber.ROUND_NANOS_MIN, scrubber.nanosUntil(now));
        now += Scrubber.ROUND_NANOS_MIN - 1;
        scrubber.turn(now);
        assertEquals(1, reads);
        now++;
        scrubber.turn(now);
        assertEquals(2, reads);
    }

    @Test
    void nothingIsReadIfNothingIsToBe() {
        Scrubber scrubber = scrubber(0);
        scrubber.turn(now);
        assertEquals(Long.MAX_VALUE, scrubber.nanosUntil(now));
        assertEquals(0, reads);
    }

    @Test
    void damagedEntriesAreReportedAndADamagedSnapshotIsReplaced() {
        Scrubber scrubber = scrubber(1 << 20);
        found.add(new Storage.Scrubbed(100, List.of(new EntryId(1, 7)), true, true));
        scrubber.turn(now);
        mailbox.fill();
        assertEquals(new Mail.OfDamage(List.of(new EntryId(1, 7))), mailbox.poll());
        assertEquals(List.of(new Work.RenewSnapshot(true)), applier);
        assertEquals(1, meters.snapshotsDamaged.read());
    }

    @Test
    void aProblemThatNobodyElseCanSolveIsToldOnceAndASnapshotTakenAndItsEndIsTold() {
        Scrubber scrubber = scrubber(1 << 20);
        for (int i = 0; i < 2; i++) {
            found.add(new Storage.Scrubbed(100, List.of(), false, false, "the header in the file x is damaged"));
            found.add(new Storage.Scrubbed(100, List.of(), false, true));
            scrubber.readAll();
        }
        assertEquals(List.of(new Work.RenewSnapshot(false)), applier);
        found.add(new Storage.Scrubbed(100, List.of(), false, true));
        scrubber.readAll();
        mailbox.fill();
        assertEquals(new Mail.OfDiskProblem("the header in the file x is damaged"), mailbox.poll());
        assertEquals(new Mail.OfDiskProblem(null), mailbox.poll());
        assertNull(mailbox.poll());
    }

    private Scrubber scrubber(long bytesPerSecond) {
        Storage storage = (Storage) Proxy.newProxyInstance(Storage.class.getClassLoader(), new Class<?>[] {Storage.class},
            (self, method, arguments) -> {
                reads++;
                Storage.Scrubbed next = found.poll();
                return next == null ? new Storage.Scrubbed(Scrubber.PIECE_BYTES, List.of(), false, false) : next;
            });
        return new Scrubber(storage, mailbox, meters, applier::addAll, bytesPerSecond, now);
    }
}
