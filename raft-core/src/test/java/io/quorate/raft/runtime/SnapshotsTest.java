package io.quorate.raft.runtime;

import static io.quorate.raft.runtime.Recorder.bytes;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.Command;
import io.quorate.raft.ForwardingStorage;
import io.quorate.raft.FoundingMessage;
import io.quorate.raft.OutcomeUnknownException;
import io.quorate.raft.OverloadedException;
import io.quorate.raft.RaftObserver;
import io.quorate.raft.RepairMessage;
import io.quorate.raft.ServerStoppedException;
import io.quorate.raft.SnapshotInfo;
import io.quorate.raft.SnapshotMessage;
import io.quorate.raft.SnapshotPolicy;
import io.quorate.raft.StateMachine;
import io.quorate.raft.Storage;
import io.quorate.raft.StorageException;
import io.quorate.raft.Transport;
import io.quorate.raft.core.InvariantViolation;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.RaftConfig;
import io.quorate.raft.core.SnapshotId;
import io.quorate.raft.testing.InMemoryDisk;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A server alone takes snapshots, lets go of its log, and starts from them; turned step by step from one thread in virtual time. */
class SnapshotsTest {

    private static final long T = RaftConfig.DEFAULT.electionTimeoutNanos();
    /** A log of a few commands is long enough. */
    private static final SnapshotPolicy OFTEN = SnapshotPolicy.DEFAULT.withLogBytesMin(200).withRetryPause(Duration.ofNanos(10 * T));
    private static final SnapshotPolicy NEVER = SnapshotPolicy.DEFAULT;

    /** Keeps its commands' text, and is captured as that. */
    private static class Text implements StateMachine {

        final List<String> commands = new ArrayList<>();
        int captures;
        int restores;
        @Nullable Exception failure;        // of the next snapshot that is written

        @Override
        public byte[] apply(Command command) {
            commands.add(new String(command.bytes(), StandardCharsets.UTF_8));
            return new byte[0];
        }

        @Override
        public byte[] query(byte[] query) {
            return String.join(",", commands).getBytes(StandardCharsets.UTF_8);
        }

        @Override
        public @Nullable Snapshot snapshot() {
            captures++;
            byte[] captured = String.join(",", commands).getBytes(StandardCharsets.UTF_8);
            return out -> {
                Exception broken = failure;
                failure = null;
                if (broken instanceof IOException e) {
                    throw e;
                } else if (broken instanceof RuntimeException e) {
                    throw e;
                }
                out.write(captured);
            };
        }

        @Override
        public void restore(InputStream in) throws IOException {
            restores++;
            commands.clear();
            commands.addAll(List.of(new String(in.readAllBytes(), StandardCharsets.UTF_8).split(",")));
        }
    }

    /** Keeps its state on a disk of its own. */
    private static final class OnDisk extends Text {

        long index;

        @Override
        public long appliedIndex() {
            return index;
        }

        @Override
        public byte[] apply(Command command) {
            index = command.index();
            return super.apply(command);
        }
    }

    /** What came of a wish for a snapshot. */
    private static final class Wish implements SnapshotCompletion {

        @Nullable SnapshotInfo info;
        @Nullable Throwable failure;

        @Override
        public void done(SnapshotInfo snapshot) {
            assertNull(info);
            info = snapshot;
        }

        @Override
        public void failed(Throwable why) {
            assertNull(failure);
            failure = why;
        }
    }

    private static final class NoWire implements Transport {

        @Override
        public void start(Local local, Map<Integer, String> peers, Receiver receiver) { }

        @Override
        public void founded(Local local) { }

        @Override
        public void peers(Map<Integer, String> peers) { }

        @Override
        public void send(Message message) { }

        @Override
        public void send(FoundingMessage message) { }

        @Override
        public void send(SnapshotMessage message) { }

        @Override
        public void send(RepairMessage message) { }

        @Override
        public String advertisedAddress() {
            return "a";
        }

        @Override
        public @Nullable String trouble(int nodeId) {
            return null;
        }

        @Override
        public void close() { }
    }

    private final InMemoryDisk disk = new InMemoryDisk(1, 11);
    private final List<String> observed = new ArrayList<>();
    private long now;
    private Text machine = new Text();
    private PassiveServer server = start(machine, NEVER);
    private boolean isWriterStuck;

    @Test
    void aLogThatIsLongEnoughIsReplacedByASnapshot() {
        server = start(machine, OFTEN);
        propose("a", "b", "c", "d", "e", "f", "g", "h");
        assertNotNull(disk.snapshotId());
        assertTrue(disk.log().get(0).index() > disk.snapshotId().index() - 1, "the log before it is gone");
        assertTrue(disk.log().size() < 8);
        assertEquals(List.of("taken"), observed.stream().distinct().toList());
    }

    @Test
    void aRestartedServerBeginsWithTheSnapshotAndAppliesOnlyWhatIsBehindIt() {
        propose("a", "b");
        assertEquals(3, take().info.index());
        propose("c");
        Text restarted = new Text();
        server = start(restarted, NEVER);
        settle();
        assertEquals(1, restarted.restores);
        assertEquals(List.of("a", "b", "c"), restarted.commands);
    }

    @Test
    void nothingIsReadBeforeTheSnapshotIsRestored() {
        propose("a", "b");
        take();
        server = start(new Text(), NEVER);
        Recorder reader = new Recorder();
        assertNull(server.read(bytes("all"), io.quorate.raft.Freshness.local(), T, reader));
        settle();
        assertEquals("a,b at 3", reader.outcome());
    }

    @Test
    void theLogIsKeptUntilTheSnapshotIsDurable() {
        propose("a", "b", "c");
        Wish wish = new Wish();
        assertNull(server.takeSnapshot(T, wish));
        server.applier().turn(now);
        server.taker().turn();         // written, not durable
        loopAndDisk();
        assertNull(disk.snapshotId());
        assertEquals(1, disk.log().get(0).index());
        assertNull(wish.info);

        server.taker().turn();
        assertNotNull(disk.snapshotId());
        assertEquals(1, disk.log().get(0).index(), "the disk thread lets go of it, when the node has heard");
        loopAndDisk();
        assertTrue(disk.log().isEmpty());
        assertNull(wish.info);
        server.applier().turn(now);
        assertEquals(4, wish.info.index());
    }

    @Test
    void aSnapshotIsLabelledWithThePointAtWhichItWasCaptured() {
        propose("a", "b");
        assertNull(server.takeSnapshot(T, new Wish()));
        server.applier().turn(now);    // captured
        isWriterStuck = true;
        propose("c", "d");
        isWriterStuck = false;
        settle();
        assertEquals(3, disk.snapshotId().index());
        Text restarted = new Text();
        server = start(restarted, NEVER);
        server.applier().turn(now);
        assertEquals(List.of("a", "b"), restarted.commands);
        settle();
        assertEquals(List.of("a", "b", "c", "d"), restarted.commands);
    }

    @Test
    void aSnapshotThatBecomesDueWhileOneIsWrittenIsTakenWhenThatIsDone() {
        server = start(machine, OFTEN);
        isWriterStuck = true;
        for (int i = 0; i < 40; i++) {
            propose("a");
        }
        assertEquals(1, machine.captures, "one at a time");
        isWriterStuck = false;
        settle();
        settle();
        assertEquals(2, machine.captures, "nothing is applied any more, and yet the next is taken");
        assertEquals(server.applier().appliedIndex(), disk.snapshotId().index());
    }

    @Test
    void whoAsksWhileOneIsWrittenGetsOneThatCoversWhatHeHasSeen() {
        propose("a");
        Wish first = new Wish();
        Wish second = new Wish();
        server.takeSnapshot(T, first);
        server.applier().turn(now);
        isWriterStuck = true;
        propose("b");
        server.takeSnapshot(T, second);
        settle();
        isWriterStuck = false;
        settle();
        settle();
        assertEquals(2, first.info.index());
        assertEquals(3, second.info.index());
        Wish third = take();
        assertEquals(second.info, third.info, "nothing is new");
        assertEquals(2, machine.captures);
    }

    /** A storage that says of its newest snapshot that it is damaged, until another one has taken its place. */
    private static final class Damaged extends ForwardingStorage {

        private final InMemoryDisk disk;
        private boolean isDamaged;
        private @Nullable IOException failure;      // of the next replacement
        private int replaced;

        Damaged(InMemoryDisk disk) {
            super(disk.open());
            this.disk = disk;
        }

        @Override
        public @Nullable StoredSnapshot snapshot() {
            StoredSnapshot whole = super.snapshot();
            if (whole == null || !isDamaged) {
                return whole;
            }
            return (StoredSnapshot) Proxy.newProxyInstance(Storage.class.getClassLoader(), new Class<?>[] {StoredSnapshot.class},
                (self, method, arguments) -> {
                    if (method.getName().equals("state")) {
                        throw new StorageException("a block of it is damaged");
                    }
                    return method.invoke(whole, arguments);
                });
        }

        @Override
        public Scrubbed scrub(int bytesMax) {
            return new Scrubbed(1, List.of(), isDamaged, true);
        }

        @Override
        public SnapshotOutput beginSnapshot(SnapshotId snapshot) {
            if (!snapshot.equals(disk.snapshotId()) || !isDamaged) {
                return super.beginSnapshot(snapshot);
            }
            return new SnapshotOutput() {
                @Override
                public OutputStream state() {
                    IOException broken = failure;
                    failure = null;
                    return broken == null ? OutputStream.nullOutputStream() : new OutputStream() {
                        @Override
                        public void write(int value) throws IOException {
                            throw broken;
                        }
                    };
                }

                @Override
                public void commit() {
                    isDamaged = false;
                    replaced++;
                }

                @Override
                public void close() { }
            };
        }
    }

    @Test
    void aDamagedSnapshotIsReplacedThoughNothingIsNew() {
        Damaged storage = new Damaged(disk);
        server = start(machine, OFTEN, storage);
        propose("a", "b");
        SnapshotInfo first = take().info;
        observed.clear();
        server.scrubAll();
        settle();
        assertEquals(0, storage.replaced, "nothing is wrong with it");
        storage.isDamaged = true;
        storage.failure = new IOException("no space left");
        server.scrubAll();
        settle();
        assertEquals(List.of("failed: no space left"), observed);
        assertEquals(0, storage.replaced);
        now += 20 * T;
        settle();
        assertEquals(1, storage.replaced);
        assertEquals(List.of("failed: no space left", "taken"), observed);
        assertEquals(first.last(), disk.snapshotId().last());
        settle();
        now += 100 * T;
        settle();
        assertEquals(1, storage.replaced, "once");
        assertEquals(first, take().info, "nothing is new");
    }

    /** Otherwise he would get what cannot be read. */
    @Test
    void whoAsksForASnapshotWhileTheNewestIsDamagedGetsAnother() {
        Damaged storage = new Damaged(disk);
        server = start(machine, NEVER, storage);
        propose("a", "b");
        take();
        storage.isDamaged = true;
        server.scrubAll();
        assertEquals(3, take().info.index());
        assertEquals(1, storage.replaced);
    }

    /** The state itself is in memory, and whole. */
    @Test
    void aBackupOfADamagedSnapshotFailsAndAnotherIsTakenAndTheServerGoesOn(@TempDir Path directory) throws IOException {
        Damaged storage = new Damaged(disk);
        server = start(machine, NEVER, storage);
        propose("a", "b");
        take();
        storage.isDamaged = true;
        Wish wish = new Wish();
        assertNull(server.backup(directory.resolve("first"), T, wish));
        settle();
        settle();
        assertInstanceOf(StorageException.class, wish.failure);
        assertEquals(1, storage.replaced);
        propose("c");
        Wish again = new Wish();
        assertNull(server.backup(directory.resolve("second"), T, again));
        settle();
        settle();
        assertNotNull(again.info);
        assertTrue(Files.exists(directory.resolve("second")));
    }

    @Test
    void aStorageThatKnowsNothingOfTheDamageKeepsItsSnapshotAndIsNotAskedAgain() {
        propose("a", "b");
        take();
        server.applier().add(List.of(new Work.RenewSnapshot(true)));
        int captures = machine.captures;
        settle();
        settle();
        assertEquals(captures + 1, machine.captures);
        assertNull(server.loop().status().problem());
    }

    @Test
    void aMachineWithoutSnapshotsKeepsItsLogWhole() {
        Text without = new Text() {
            @Override
            public @Nullable Snapshot snapshot() {
                captures++;
                return null;
            }
        };
        server = start(without, OFTEN);
        propose("a", "b", "c", "d", "e", "f", "g", "h");
        assertEquals(1, without.captures, "asked once");
        assertEquals(1, disk.log().get(0).index());
        assertInstanceOf(UnsupportedOperationException.class, take().failure);
        now += 2 * T;
        settle();
        assertEquals(Long.MAX_VALUE, server.applier().nanosUntilDeadline(now), "nothing is waited for");
    }

    @Test
    void aSnapshotThatFailsChangesNothingIsReportedAndTriedAgainAfterAPause() {
        server = start(machine, OFTEN);
        machine.failure = new IOException("no space left");
        propose("a", "b", "c", "d", "e", "f");
        assertNull(disk.snapshotId());
        assertEquals(1, disk.log().get(0).index());
        assertTrue(server.loop().status().problem().contains("no space left"), server.loop().status().problem());
        assertEquals(List.of("failed: no space left"), observed);
        int captures = machine.captures;
        propose("g", "h");
        assertEquals(captures, machine.captures, "not before the pause is over");
        assertTrue(server.applier().nanosUntilDeadline(now) > 0);

        now += 20 * T;
        settle();
        assertNotNull(disk.snapshotId());
        assertNull(server.loop().status().problem());
        assertEquals(Long.MAX_VALUE, server.applier().nanosUntilDeadline(now));
    }

    @Test
    void whoAsksForASnapshotThatFailsIsToldWhy() {
        propose("a");
        RuntimeException broken = new IllegalStateException("a bug in writeTo");
        machine.failure = broken;
        assertEquals(broken, take().failure);
        assertEquals(2, take().info.index(), "who asks again is not held up by the pause");
    }

    @Test
    void aWriterThatSwallowsItsExceptionsDoesNotMakeHalfASnapshotPassForAWholeOne() {
        Storage full = new FullStorage(disk.open());
        Text swallowing = new Text() {
            @Override
            public Snapshot snapshot() {
                return out -> {
                    java.io.PrintStream swallows = new java.io.PrintStream(out, false);
                    swallows.flush();
                    swallows.write(new byte[100_000], 0, 100_000);
                };
            }
        };
        server = new PassiveServer(Map.of(1, "a"), RaftConfig.DEFAULT, NEVER, full, new NoWire(), swallowing, observer(),
            new SplittableRandom(1), () -> now);
        propose("a");
        assertInstanceOf(IOException.class, take().failure);
        assertNull(disk.snapshotId());
    }

    @Test
    void beforeAnythingIsAppliedThereIsNothingToTake() {
        assertInstanceOf(IllegalStateException.class, take().failure);
    }

    @Test
    void aStoppedServerTellsWhoStillWaitsForASnapshot() {
        propose("a");
        Wish captured = new Wish();
        server.takeSnapshot(T, captured);
        server.applier().turn(now);
        Wish waiting = new Wish();
        server.takeSnapshot(T, waiting);
        server.taker().cancel();
        server.taker().turn();
        server.closeLoop(null);
        server.closeApplier(null);
        server.closeSnapshots(null);
        assertInstanceOf(ServerStoppedException.class, captured.failure);
        assertInstanceOf(ServerStoppedException.class, waiting.failure);
        assertInstanceOf(ServerStoppedException.class, server.takeSnapshot(T, new Wish()));
        assertNull(disk.snapshotId());
    }

    // ---- deadlines

    @Test
    void whoWaitsForASnapshotIsToldInTimeWhetherItMayBeTakenYet() {
        propose("a");
        Wish captured = new Wish();
        assertNull(server.takeSnapshot(T, captured));
        server.applier().turn(now);        // captured, and nobody writes it
        Wish waiting = new Wish();
        assertNull(server.takeSnapshot(T, waiting));
        server.applier().turn(now + T - 1);
        assertNull(captured.failure);
        server.applier().turn(now + T);
        assertInstanceOf(OutcomeUnknownException.class, captured.failure, "it is being written");
        assertInstanceOf(OverloadedException.class, waiting.failure, "nothing was begun for it");
        now += T;
        settle();
        assertNotNull(disk.snapshotId(), "what was captured is written all the same");
        assertNull(captured.info);
        assertNull(waiting.info);
        assertEquals(1, machine.captures, "nobody waits for another");
    }

    @Test
    void aCopyThatIsNotFinishedInTimeIsGivenUp(@TempDir Path directory) {
        propose("a");
        take();
        Path target = directory.resolve("copy");
        Wish copied = new Wish();
        assertNull(server.backup(target, T, copied));
        server.applier().turn(now);        // the snapshot is there; copying it is the other thread's, which does not come to it
        assertNull(copied.failure);
        server.applier().turn(now + T);
        assertInstanceOf(OutcomeUnknownException.class, copied.failure);
        now += T;
        settle();
        assertFalse(Files.exists(target));
        assertNull(copied.info);
    }

    @Test
    void onlySoManyWaitForSnapshots(@TempDir Path directory) {
        propose("a");
        server.takeSnapshot(T, new Wish());
        server.applier().turn(now);
        List<Wish> waiting = new ArrayList<>();
        for (int i = 1; i < SnapshotDesk.WISHES_MAX; i++) {
            waiting.add(new Wish());
            assertNull(i % 2 == 0 ? server.takeSnapshot(T, waiting.get(i - 1))
                : server.backup(directory.resolve("copy" + i), T, waiting.get(i - 1)));
        }
        assertInstanceOf(OverloadedException.class, server.takeSnapshot(T, new Wish()));
        assertInstanceOf(OverloadedException.class, server.backup(directory.resolve("one too many"), T, new Wish()));
        for (int i = 0; i < SnapshotDesk.WISHES_MAX; i++) {
            settle();
        }
        waiting.forEach(wish -> assertNotNull(wish.info));
        assertNotNull(take().info, "there is room again");
        server.takeSnapshot(T, new Wish());
        server.applier().turn(now + T);
        assertNull(server.takeSnapshot(T, new Wish()), "whoever was told in vain has left too");
    }

    // ---- machines that keep their state on disk

    @Test
    void aMachineThatHasWhatTheSnapshotHoldsIsNotGivenItAgainNorTheCommandsBehind() {
        OnDisk kept = new OnDisk();
        server = start(kept, NEVER);
        propose("a", "b");
        take();
        propose("c");
        server = start(kept, NEVER);
        settle();
        assertEquals(0, kept.restores);
        assertEquals(List.of("a", "b", "c"), kept.commands);
        propose("d");
        assertEquals(List.of("a", "b", "c", "d"), kept.commands);
    }

    /** The snapshot ends with the no-op of a new term, which such a machine never sees. */
    @Test
    void aMachineHasAllOfASnapshotIfItHasItsLastCommand() {
        OnDisk kept = new OnDisk();
        server = start(kept, NEVER);
        propose("a");
        server = start(kept, NEVER);
        lead(4);
        assertEquals(3, take().info.index());
        assertEquals(2, kept.index);
        server = start(kept, NEVER);
        settle();
        assertEquals(0, kept.restores);
    }

    @Test
    void aMachineThatLacksSomethingOfTheSnapshotIsGivenAllOfIt() {
        propose("a", "b");
        take();
        OnDisk kept = new OnDisk();
        kept.index = 2;
        kept.commands.add("a");
        server = start(kept, NEVER);
        settle();
        assertEquals(1, kept.restores);
        assertEquals(List.of("a", "b"), kept.commands);
    }

    /** Its label would be lower than what it holds, and whoever installed it would apply commands twice. */
    @Test
    void aMachineThatIsAheadOfTheLogIsNotCaptured() {
        OnDisk kept = new OnDisk();
        server = start(kept, NEVER);
        propose("a", "b", "c");
        server = start(kept, NEVER);
        Wish wish = new Wish();
        server.takeSnapshot(T, wish);
        server.applier().turn(now);
        assertNull(wish.failure);
        assertEquals(0, kept.captures);
        settle();
        assertTrue(wish.info.index() >= 4, "taken when the log has been caught up with");
        assertEquals(List.of("a", "b", "c"), kept.commands);
    }

    @Test
    void aMachineThatHasMoreThanTheLogIsAnothersAndStopsTheServer() {
        propose("a");
        OnDisk foreign = new OnDisk();
        foreign.index = 100;
        server = start(foreign, NEVER);
        assertThrows(InvariantViolation.class, () -> server.applier().turn(now));
    }

    // ---- help

    private PassiveServer start(Text theMachine, SnapshotPolicy policy) {
        return start(theMachine, policy, disk.open());
    }

    private PassiveServer start(Text theMachine, SnapshotPolicy policy, Storage storage) {
        machine = theMachine;
        return new PassiveServer(Map.of(1, "a"), RaftConfig.DEFAULT, policy, storage, new NoWire(), theMachine, observer(),
            new SplittableRandom(1), () -> now);
    }

    private RaftObserver observer() {
        return new RaftObserver() {
            @Override
            public void onSnapshotTaken(SnapshotInfo snapshot) {
                observed.add("taken");
            }

            @Override
            public void onSnapshotFailed(Throwable why) {
                observed.add("failed: " + why.getMessage());
            }
        };
    }

    private Wish take() {
        Wish wish = new Wish();
        assertNull(server.takeSnapshot(T, wish));
        settle();
        return wish;
    }

    private void propose(String... commands) {
        lead(1);
        for (String command : commands) {
            Recorder caller = new Recorder();
            assertNull(server.propose(bytes(command), T, caller));
            settle();
            assertTrue(caller.outcome().contains(" at "), caller.outcome());
        }
    }

    private void lead(long appliedIndex) {
        for (int i = 0; i < 50 && !(server.loop().node() != null && server.loop().node().leader() != null); i++) {
            settle();
            now += T / 10;
        }
        settle();
    }

    private void settle() {
        for (int i = 0; i < 10; i++) {
            loopAndDisk();
            server.applier().turn(now);
            if (!isWriterStuck) {
                server.taker().turn();
            }
            server.transfer().turn(now);
        }
    }

    private void loopAndDisk() {
        server.loop().turn(now);
        server.reader().turn();
        List<Storage.Write> batch = server.writer().take();
        if (!batch.isEmpty()) {
            server.writer().write(batch);
        }
        server.compactor().turn();
    }

    /** Its disk has no room for what is large. */
    private static final class FullStorage extends ForwardingStorage {

        FullStorage(Storage inner) {
            super(inner);
        }

        @Override
        public SnapshotOutput beginSnapshot(io.quorate.raft.core.SnapshotId snapshot) {
            SnapshotOutput output = inner.beginSnapshot(snapshot);
            return new SnapshotOutput() {
                @Override
                public OutputStream state() {
                    return new OutputStream() {
                        @Override
                        public void write(int value) { }

                        @Override
                        public void write(byte[] bytes, int from, int length) throws IOException {
                            if (length > 1000) {
                                throw new IOException("no space left");
                            }
                        }
                    };
                }

                @Override
                public void commit() {
                    output.commit();
                }

                @Override
                public void close() {
                    output.close();
                }
            };
        }
    }
}
