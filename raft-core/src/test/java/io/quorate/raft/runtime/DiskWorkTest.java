package io.quorate.raft.runtime;

import static io.quorate.raft.runtime.Recorder.command;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.ClusterId;
import io.quorate.raft.FoundingRecord;
import io.quorate.raft.Storage;
import io.quorate.raft.StorageException;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Event;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.testing.InMemoryStorage;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The log writer and the log reader. */
class DiskWorkTest {

    private final InMemoryStorage storage = InMemoryStorage.blank(1, 11);
    private final Mailbox mailbox = new Mailbox();
    private final LogWriter writer = new LogWriter(storage, mailbox, new Waker(), new Meters(), () -> 0);
    private final LogReader reader = new LogReader(storage, mailbox, new Waker());

    DiskWorkTest() {
        storage.found(new FoundingRecord(new ClusterId(1, 1), 0, Membership.of(1, List.of(new Member(storage.identity().replica(), "a")))));
    }

    @Test
    void allThatWaitsIsOneBatchAndIsToldOnce() {
        writer.add(write(1, 1, command(1, 1, "a")));
        writer.add(write(2, 2, command(2, 1, "b")));
        List<Storage.Write> batch = writer.take();
        writer.add(write(3, 3, command(3, 1, "c")));
        assertEquals(2, batch.size());

        writer.write(batch);
        assertEquals(List.of(new Event.Written(2)), completions());
        assertEquals(2, storage.disk().log().size());
        assertEquals(1, storage.disk().writes());

        assertTrue(writer.hasWork());
        writer.write(writer.take());
        assertEquals(List.of(new Event.Written(3)), completions());
        assertFalse(writer.hasWork());
        assertEquals(List.of(), writer.take());
    }

    @Test
    void aBatchIsBoundedInBytesAndTheRestIsTheNext() {
        String large = "x".repeat((int) LogWriter.BATCH_BYTES / 2);
        for (int i = 1; i <= 3; i++) {
            writer.add(write(i, i, command(i, 1, large)));
        }
        assertEquals(List.of(1L, 2L), writer.take().stream().map(Storage.Write::id).toList());
        assertTrue(writer.hasWork());
        assertEquals(List.of(3L), writer.take().stream().map(Storage.Write::id).toList());
    }

    @Test
    void takingABatchAndNotWritingItTellsNothing() {
        writer.add(write(1, 1, command(1, 1, "a")));
        writer.take();
        assertEquals(List.of(), completions());
        assertEquals(List.of(), storage.disk().log());
    }

    @Test
    void aFailedWriteIsNotTold() {
        writer.add(write(1, 1, command(1, 1, "a")));
        storage.disk().failWrites("no space left");
        List<Storage.Write> batch = writer.take();
        assertEquals("no space left", assertThrows(StorageException.class, () -> writer.write(batch)).getMessage());
        assertEquals(List.of(), completions());
    }

    @Test
    void aReadThatACutOvertookIsAnsweredShorter() {
        writer.add(write(1, 1, command(1, 1, "a"), command(2, 1, "b")));
        writer.write(writer.take());
        reader.add(new ReplicaId(2, 22), 1, 1, 2, 1000);
        writer.add(new Storage.Write(2, new HardState(2, null, 0), 2, List.of()));
        writer.write(writer.take());    // before the reader's turn
        completions();
        reader.turn();
        assertEquals(List.of(new Event.EntriesRead(new ReplicaId(2, 22), 1, 1, List.of(command(1, 1, "a")))), completions());
    }

    @Test
    void oldEntriesAreReadForAPeerWithinTheBound() {
        writer.add(write(1, 1, command(1, 1, "a"), command(2, 1, "b"), command(3, 2, "c")));
        writer.write(writer.take());
        completions();
        ReplicaId peer = new ReplicaId(2, 22);
        reader.add(peer, 2, 2, 3, 1);
        reader.add(peer, 2, 2, 3, 1000);
        assertTrue(reader.hasWork());
        reader.turn();
        assertEquals(List.of(new Event.EntriesRead(peer, 2, 2, List.of(command(2, 1, "b"))),
            new Event.EntriesRead(peer, 2, 2, List.of(command(2, 1, "b"), command(3, 2, "c")))), completions());
        assertFalse(reader.hasWork());
    }

    @Test
    void aDamagedEntryIsReportedAndReadWhenItIsBack() {
        writer.add(write(1, 1, command(1, 1, "a"), command(2, 1, "b")));
        writer.write(writer.take());
        completions();
        storage.disk().damage(2);
        ReplicaId peer = new ReplicaId(2, 22);
        reader.add(peer, 2, 2, 2, 1000);
        reader.turn();
        mailbox.fill();
        assertEquals(new Mail.OfDamage(List.of(new EntryId(1, 2))), mailbox.poll());
        assertFalse(reader.hasWork());
        storage.repair(List.of(command(2, 1, "b")));
        reader.retry();
        assertTrue(reader.hasWork());
        reader.turn();
        assertEquals(List.of(new Event.EntriesRead(peer, 2, 2, List.of(command(2, 1, "b")))), completions());
    }

    private static Storage.Write write(long id, long firstIndex, Entry... entries) {
        return new Storage.Write(id, new HardState(2, null, 0), firstIndex, List.of(entries));
    }

    private List<Event> completions() {
        List<Event> events = new ArrayList<>();
        mailbox.fill();
        for (Mail mail = mailbox.poll(); mail != null; mail = mailbox.poll()) {
            events.add(((Mail.OfEvent) mail).event());
        }
        return events;
    }
}
