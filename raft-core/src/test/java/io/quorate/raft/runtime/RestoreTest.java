package io.quorate.raft.runtime;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.quorate.raft.ClusterId;
import io.quorate.raft.Command;
import io.quorate.raft.FoundingRecord;
import io.quorate.raft.NotLeaderException;
import io.quorate.raft.OutcomeUnknownException;
import io.quorate.raft.RaftObserver;
import io.quorate.raft.SnapshotPolicy;
import io.quorate.raft.StateMachine;
import io.quorate.raft.Storage;
import io.quorate.raft.StorageException;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Event;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.InvariantViolation;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.core.SnapshotId;
import io.quorate.raft.core.TermTable;
import io.quorate.raft.testing.InMemoryStorage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Another replica's snapshot takes the place of what was to be applied next. */
class RestoreTest {

    private static final Membership MEMBERS = Membership.of(1, List.of(new Member(new ReplicaId(1, 11), "a")));

    /** Remembers what it was given; of a state it reads five bytes. */
    private static final class FiveBytes implements StateMachine {

        private final List<Long> commands = new ArrayList<>();
        private byte[] state = new byte[0];

        @Override
        public byte[] apply(Command command) {
            commands.add(command.index());
            return new byte[0];
        }

        @Override
        public byte[] query(byte[] query) {
            return state;
        }

        @Override
        public void restore(InputStream in) throws IOException {
            commands.clear();
            state = in.readNBytes(5);
        }
    }

    private final InMemoryStorage storage = InMemoryStorage.blank(1, 11);
    private final Mailbox mailbox = new Mailbox();
    private final FiveBytes machine = new FiveBytes();
    private final Budget budget = new Budget(1 << 20);
    private Storage read = storage;
    private long writes;

    @Test
    void theStateIsThatOfTheSnapshotAndApplyingGoesOnBehindIt() {
        Applier applier = applier();
        apply(applier, 1, 1);
        SnapshotId snapshot = install(10, 3, "state");
        applier.add(List.of(new Work.Restore(snapshot)));
        Recorder reader = new Recorder();
        budget.take(Call.bytesOf(new byte[0]));
        Call read = new Call(Call.Kind.READ, new byte[0], 1000, budget, reader);
        read.readable(10, Long.MAX_VALUE);
        applier.add(List.of(read));
        applier.turn(0);
        assertArrayEquals("state".getBytes(), machine.state);
        assertEquals("state at 10", reader.outcome());
        assertEquals(10, applier.appliedIndex());
        assertEquals(List.of(new Event.Applied(10)), applied());

        apply(applier, 11, 3);
        assertEquals(List.of(11L), machine.commands);
    }

    @Test
    void proposalsThatTheSnapshotMayHoldAreUnknownAndTheOthersHaveFailedOrWait() {
        Applier applier = applier();
        apply(applier, 1, 1);
        Recorder ofAnEarlierTerm = propose(applier, 2, 1);
        Recorder ofAnEarlierTermBehind = propose(applier, 12, 1);
        Recorder ofItsTerm = propose(applier, 9, 3);
        Recorder ofItsTermBehind = propose(applier, 13, 3);
        Recorder ofALaterTerm = propose(applier, 10, 4);
        Recorder ofALaterTermBehind = propose(applier, 14, 4);
        applier.add(List.of(new Work.Restore(install(10, 3, "state"))));
        applier.turn(0);
        assertEquals("OutcomeUnknownException", ofAnEarlierTerm.outcome());
        assertEquals(new EntryId(1, 2), ((OutcomeUnknownException) ofAnEarlierTerm.failure()).entry());
        assertEquals("OutcomeUnknownException", ofItsTerm.outcome());
        assertEquals("NotLeaderException", ofAnEarlierTermBehind.outcome(), "an entry of a later term stands before it");
        assertEquals("NotLeaderException", ofALaterTerm.outcome(), "another entry stands there");
        assertEquals("open", ofItsTermBehind.outcome());
        assertEquals("open", ofALaterTermBehind.outcome());
    }

    @Test
    void damageBehindWhatTheMachineReadsIsFound() {
        read = reading(new SequenceInputStream(new ByteArrayInputStream(new byte[] {1, 0, 0, 0, 0, 0, 0, 0, 9, 's', 't', 'a', 't', 'e'}),
            new InputStream() {
                @Override
                public int read() throws IOException {
                    throw new IOException("a block is damaged");
                }
            }));
        Applier applier = applier();
        apply(applier, 1, 1);
        applier.add(List.of(new Work.Restore(install(10, 3, "state"))));
        assertThrows(StorageException.class, () -> applier.turn(0));
    }

    @Test
    void aStateOfALaterFormatIsRefused() {
        read = reading(new ByteArrayInputStream(new byte[] {2, 0, 0, 0, 0, 0, 0, 0, 9}));
        Applier applier = applier();
        applier.add(List.of(new Work.Restore(install(10, 3, "state"))));
        assertThrows(StorageException.class, () -> applier.turn(0));
    }

    @Test
    void anotherSnapshotThanTheOneThatWasInstalledIsNotRestored() {
        Applier applier = applier();
        install(10, 3, "state");
        applier.add(List.of(new Work.Restore(new SnapshotId(new EntryId(3, 11), MEMBERS, 0))));
        assertThrows(InvariantViolation.class, () -> applier.turn(0));
        Applier other = applier();
        other.add(List.of(new Work.Restore(new SnapshotId(new EntryId(4, 10), MEMBERS, 0))));
        assertThrows(InvariantViolation.class, () -> other.turn(0));
    }

    @Test
    void aSnapshotBehindWhatIsAppliedIsNotRestored() {
        Applier applier = applier();
        for (long index = 1; index <= 10; index++) {
            apply(applier, index, 3);
        }
        applier.add(List.of(new Work.Restore(install(10, 3, "state"))));
        assertThrows(InvariantViolation.class, () -> applier.turn(0));
    }

    /** It was installed before this thread came to begin; the machine is ahead until it gets to hear of that. */
    @Test
    void aSnapshotThatWasInstalledBeforeTheFirstWasRestoredIsRestoredAtOnce() {
        foundWithTerm(3);
        SnapshotId first = take(5, 3);
        SnapshotId second = take(10, 3);
        Applier applier = new Applier(machine, storage, mailbox, () -> 0, () -> new NotLeaderException(7, "seven"), desk(), new Waker());
        applier.add(List.of(new Work.Begin(first, new TermTable(first.last()))));
        applier.turn(0);
        assertEquals(5, applier.appliedIndex());
        assertArrayEquals("state".getBytes(), machine.state);
        Recorder reader = new Recorder();
        budget.take(Call.bytesOf(new byte[0]));
        Call read = new Call(Call.Kind.READ, new byte[0], 1000, budget, reader);
        read.readable(5, Long.MAX_VALUE);
        applier.add(List.of(read));
        applier.turn(0);
        assertEquals("state at 10", reader.outcome(), "it is told of what it holds");
        machine.state = new byte[0];
        applier.add(List.of(new Work.Restore(second)));
        applier.turn(0);
        assertEquals(10, applier.appliedIndex());
        assertEquals(0, machine.state.length, "not twice");
    }

    // ---- help

    private Applier applier() {
        if (storage.identity().isBlank()) {
            foundWithTerm(1);
        }
        Applier applier = new Applier(machine, read, mailbox, () -> 0, () -> new NotLeaderException(7, "seven"), desk(), new Waker());
        applier.add(List.of(new Work.Begin(SnapshotId.ofFounding(MEMBERS), new TermTable(EntryId.ZERO))));
        applier.turn(0);
        return applier;
    }

    private SnapshotDesk desk() {
        return new SnapshotDesk(SnapshotPolicy.DEFAULT, new SplittableRandom(1), storage, new SnapshotTaker(storage, mailbox),
            RaftObserver.NONE);
    }

    private void foundWithTerm(long term) {
        storage.found(new FoundingRecord(new ClusterId(1, 1), 0, MEMBERS));
        storage.write(List.of(new Storage.Write(++writes, new HardState(term, null, 0), 1, List.of())));
    }

    /** Puts the disk's log on a snapshot of another's. */
    private SnapshotId install(long index, long term, String state) {
        SnapshotId snapshot = new SnapshotId(new EntryId(term, index), MEMBERS, 0);
        InMemoryStorage other = InMemoryStorage.blank(2, 22);
        other.found(new FoundingRecord(new ClusterId(1, 1), 0, MEMBERS));
        write(other, snapshot, state);
        try (Storage.StoredSnapshot stored = other.snapshot(); Storage.SnapshotInput input = storage.receiveSnapshot(snapshot)) {
            input.write(0, stored.read(0, 10_000));
            assertEquals(true, input.complete());
        }
        storage.write(List.of(new Storage.Write(++writes, new HardState(term, null, 0), index + 1, List.of(), snapshot)));
        return snapshot;
    }

    private SnapshotId take(long index, long term) {
        List<io.quorate.raft.core.Entry> entries = new ArrayList<>();
        for (long i = storage.recover().log().terms().lastIndex() + 1; i <= index; i++) {
            entries.add(Recorder.command(i, term, "x"));
        }
        storage.write(List.of(new Storage.Write(++writes, new HardState(term, null, 0), entries.get(0).index(), entries)));
        SnapshotId snapshot = new SnapshotId(new EntryId(term, index), MEMBERS, 0);
        write(storage, snapshot, "state");
        return snapshot;
    }

    private static void write(Storage to, SnapshotId snapshot, String state) {
        try (Storage.SnapshotOutput output = to.beginSnapshot(snapshot)) {
            new StateHeader(snapshot.index()).writeTo(output.state());
            output.state().write(state.getBytes());
            output.commit();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** The storage, of whose snapshot something else is read. */
    private Storage reading(InputStream state) {
        return (Storage) Proxy.newProxyInstance(getClass().getClassLoader(), new Class<?>[] {Storage.class}, (proxy, method, arguments) -> {
            Object result = invoke(storage, method, arguments);
            return !method.getName().equals("snapshot") || result == null ? result
                : Proxy.newProxyInstance(getClass().getClassLoader(), new Class<?>[] {Storage.StoredSnapshot.class},
                    (stored, asked, values) -> asked.getName().equals("state") ? state : invoke(result, asked, values));
        });
    }

    private static Object invoke(Object target, java.lang.reflect.Method method, Object[] arguments) throws Throwable {
        try {
            return method.invoke(target, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    private void apply(Applier applier, long index, long term) {
        applier.add(List.of(new Work.Apply(index, index, List.of(Recorder.command(index, term, "x")))));
        applier.turn(0);
        applied();
    }

    private Recorder propose(Applier applier, long index, long term) {
        Recorder caller = new Recorder();
        budget.take(Call.bytesOf(new byte[0]));
        Call call = new Call(Call.Kind.PROPOSE, new byte[0], 1000, budget, caller);
        call.accepted(new EntryId(term, index));
        applier.add(List.of(call));
        applier.turn(0);
        return caller;
    }

    private List<Event> applied() {
        List<Event> events = new ArrayList<>();
        mailbox.fill();
        for (Mail mail = mailbox.poll(); mail != null; mail = mailbox.poll()) {
            if (((Mail.OfEvent) mail).event() instanceof Event.Applied event) {
                events.add(event);
            }
        }
        return events;
    }
}
