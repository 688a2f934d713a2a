package io.quorate.raft.testing;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.ForwardingStorage;
import io.quorate.raft.FoundingRecord;
import io.quorate.raft.Identity;
import io.quorate.raft.Storage;
import io.quorate.raft.StorageException;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.LogView;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.core.TermTable;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The storage in memory keeps the contract, and who breaks one sentence of it is caught by that sentence. */
@Timeout(120)
class StorageContractTest {

    private static final AtomicLong INCARNATIONS = new AtomicLong();

    /** A directory on a disk in memory, whose storage may be wrapped. */
    record Memory(InMemoryDisk disk, UnaryOperator<Storage> wrapper) implements StorageContract.Directory {

        static StorageContract.Device device(UnaryOperator<Storage> wrapper) {
            return nodeId -> new Memory(new InMemoryDisk(nodeId, INCARNATIONS.incrementAndGet(), 7), wrapper);
        }

        @Override
        public Storage open() {
            return wrapper.apply(disk.open());
        }

        @Override
        public StorageContract.Directory crash() {
            disk.crash(InMemoryDisk.Unreturned.LOST);
            return this;
        }

        @Override
        public boolean damage(long index) {
            disk.damage(index);
            return true;
        }
    }

    @Test
    void theStorageInMemoryKeepsTheContract() {
        List<String> checked = StorageContract.of(Memory.device(storage -> storage)).withLives(100).check();
        assertTrue(checked.contains(StorageContract.CRASH) && checked.contains(StorageContract.LIFE), checked::toString);
        assertTrue(checked.contains(StorageDamageChecks.RUNNING), checked::toString);
    }

    @Test
    void whatCannotDieIsNotSaidToHaveBeenChecked() {
        StorageContract.Device device = nodeId -> new InMemoryDisk(nodeId, INCARNATIONS.incrementAndGet())::open;
        List<String> checked = StorageContract.of(device).withLives(1).check();
        assertFalse(checked.contains(StorageContract.CRASH), checked::toString);
        assertFalse(checked.contains(StorageDamageChecks.NAMED), checked::toString);
        assertTrue(checked.contains(StorageContract.LIFE), checked::toString);
    }

    /** Passes everything on; each test overrides what it breaks. */
    static class Wrapped extends ForwardingStorage {

        Wrapped(Storage inner) {
            super(inner);
        }

        long end() {
            return inner instanceof InMemoryStorage memory ? memory.disk().lastIndex() : 0;
        }

        HardState lastHardState() {
            return inner instanceof InMemoryStorage memory ? memory.disk().hardState() : HardState.INITIAL;
        }
    }

    // ---------------------------------------------------------------------------------------------------------------- who it is

    @Test
    void oneIncarnationForAll() {
        assertCaught(StorageContract.INCARNATION, nodeId -> new Memory(new InMemoryDisk(nodeId, 5), storage -> storage));
    }

    @Test
    void anotherNodesDirectory() {
        assertCaught(StorageContract.INCARNATION,
            nodeId -> new Memory(new InMemoryDisk(nodeId + 1, INCARNATIONS.incrementAndGet()), storage -> storage));
    }

    @Test
    void aBootThatStaysTheSame() {
        assertCaught(StorageContract.IDENTITY, Memory.device(storage -> new Wrapped(storage) {
            @Override
            public Identity identity() {
                return new Identity(inner.identity().replica(), 1, inner.identity().founding());
            }
        }));
    }

    @Test
    void anIncarnationDrawnAtEachOpening() {
        assertCaught(StorageContract.IDENTITY, Memory.device(storage -> new Wrapped(storage) {
            private final long incarnation = INCARNATIONS.incrementAndGet();

            @Override
            public Identity identity() {
                Identity identity = inner.identity();
                return new Identity(new ReplicaId(identity.replica().nodeId(), incarnation), identity.boot(), identity.founding());
            }
        }));
    }

    @Test
    void aSecondFounding() {
        assertCaught(StorageContract.FOUNDING, Memory.device(storage -> new Wrapped(storage) {
            @Override
            public void found(FoundingRecord record) {
                if (inner.identity().isBlank()) {
                    inner.found(record);
                }
            }
        }));
    }

    @Test
    void aFoundingRecordThatLosesTheEpoch() {
        assertCaught(StorageContract.FOUNDING, Memory.device(storage -> new Wrapped(storage) {
            @Override
            public void found(FoundingRecord record) {
                inner.found(new FoundingRecord(record.clusterId(), 0, record.membership()));
            }
        }));
    }

    @Test
    void aFoundingThatIsForgotten() {
        assertCaught(StorageContract.FOUNDING, nodeId -> {
            InMemoryDisk disk = new InMemoryDisk(nodeId, INCARNATIONS.incrementAndGet());
            return () -> new Wrapped(disk.open()) {
                private @Nullable FoundingRecord founding;

                @Override
                public Identity identity() {
                    return new Identity(inner.identity().replica(), inner.identity().boot(), founding);
                }

                @Override
                public void found(FoundingRecord record) {
                    if (founding != null) {
                        throw new IllegalStateException("founded");
                    }
                    founding = record;
                }
            };
        });
    }

    @Test
    void aBlankThatRecovers() {
        assertCaught(StorageContract.BLANK, Memory.device(storage -> new Wrapped(storage) {
            @Override
            public Recovered recover() {
                Membership alone = Membership.of(1, List.of(new Member(inner.identity().replica(), "a")));
                return inner.identity().isBlank() ? new Recovered(HardState.INITIAL, LogView.empty(alone)) : inner.recover();
            }
        }));
    }

    @Test
    void aBlankThatTakesWrites() {
        assertCaught(StorageContract.BLANK, Memory.device(storage -> new Wrapped(storage) {
            @Override
            public void write(List<Write> batch) {
                if (!inner.identity().isBlank()) {
                    inner.write(batch);
                }
            }
        }));
    }

    @Test
    void aTermOutOfNothing() {
        assertCaught(StorageContract.BLANK, Memory.device(storage -> new Wrapped(storage) {
            @Override
            public Recovered recover() {
                Recovered recovered = inner.recover();
                return end() > 0 ? recovered : new Recovered(new HardState(1, null, 0), recovered.log());
            }
        }));
    }

    // ------------------------------------------------------------------------------------------------------------------- writing

    @Test
    void theLastWriteIsLostWhenItIsOpenedAgain() {
        assertCaught(StorageContract.ENTRIES, Memory.device(storage -> new Wrapped(storage) {
            private @Nullable List<Write> kept;

            @Override
            public void write(List<Write> batch) {
                List<Write> before = inner.identity().isBlank() ? batch : kept;
                kept = batch;
                if (before != null) {
                    inner.write(before);
                }
            }
        }));
    }

    @Test
    void aHardStateWithoutEntriesIsForgotten() {
        assertCaught(StorageContract.HARD_STATE, Memory.device(storage -> new Wrapped(storage) {
            @Override
            public void write(List<Write> batch) {
                inner.write(batch.stream().map(write -> write.entries().isEmpty() && write.firstIndex() > end()
                    ? new Write(write.id(), lastHardState(), write.firstIndex(), write.entries()) : write).toList());
            }
        }));
    }

    @Test
    void aVoteIsForgotten() {
        assertCaught(StorageContract.HARD_STATE, Memory.device(storage -> new Wrapped(storage) {
            @Override
            public void write(List<Write> batch) {
                inner.write(batch.stream().map(write -> new Write(write.id(), new HardState(write.hardState().term(), null,
                    write.hardState().commitIndex()), write.firstIndex(), write.entries())).toList());
            }
        }));
    }

    @Test
    void aHardStateThatComesWithEntriesIsForgotten() {
        assertCaught(StorageContract.HARD_STATE_RIDES, Memory.device(storage -> new Wrapped(storage) {
            @Override
            public void write(List<Write> batch) {
                inner.write(batch.stream().map(write -> write.entries().isEmpty() ? write
                    : new Write(write.id(), lastHardState(), write.firstIndex(), write.entries())).toList());
            }
        }));
    }

    @Test
    void aReplacementIsMergedWithWhatItReplaces() {
        assertCaught(StorageContract.REPLACED, Memory.device(storage -> new Wrapped(storage) {
            @Override
            public void write(List<Write> batch) {
                inner.write(batch.stream().map(this::merged).toList());
            }

            private Write merged(Write write) {
                List<Entry> entries = new ArrayList<>(write.entries());
                for (long index = write.firstIndex() + entries.size(); index <= end(); index++) {
                    Entry old = inner.read(index, index, 1).get(0);
                    long term = entries.isEmpty() ? old.term() : Math.max(old.term(), entries.get(entries.size() - 1).term());
                    entries.add(Entry.of(index, term, old.kind(), 0, old.payload()));
                }
                return new Write(write.id(), write.hardState(), write.firstIndex(), entries);
            }
        }));
    }

    @Test
    void aCutIsNotMade() {
        assertCaught(StorageContract.CUT, Memory.device(storage -> new Wrapped(storage) {
            @Override
            public void write(List<Write> batch) {
                inner.write(batch.stream().map(write -> write.entries().isEmpty()
                    ? new Write(write.id(), write.hardState(), end() + 1, write.entries()) : write).toList());
            }
        }));
    }

    @Test
    void ofABatchOnlyTheLastHardStateCountsAndItWasTheFirst() {
        assertCaught(StorageContract.BATCH, Memory.device(storage -> new Wrapped(storage) {
            @Override
            public void write(List<Write> batch) {
                inner.write(batch.stream().map(write -> new Write(write.id(), batch.get(0).hardState(), write.firstIndex(),
                    write.entries())).toList());
            }
        }));
    }

    @Test
    void aKindIsForgotten() {
        assertCaught(StorageContract.BYTES, Memory.device(storage -> new Wrapped(storage) {
            @Override
            public List<Entry> read(long firstIndex, long lastIndex, int bytesMax) {
                return inner.read(firstIndex, lastIndex, bytesMax).stream().map(entry ->
                    Entry.of(entry.index(), entry.term(), Entry.Kind.COMMAND, entry.timeNanos(), entry.payload())).toList();
            }
        }));
    }

    @Test
    void theLargestEntryIsRefused() {
        assertCaught(StorageContract.BYTES, Memory.device(storage -> new Wrapped(storage) {
            @Override
            public void write(List<Write> batch) {
                for (Write write : batch) {
                    if (write.entries().stream().anyMatch(entry -> entry.size() > 16 << 20)) {
                        throw new StorageException("too large");
                    }
                }
                inner.write(batch);
            }
        }));
    }

    @Test
    void aBatchIsCutAtAThousandEntries() {
        assertCaught(StorageContract.MANY, Memory.device(storage -> new Wrapped(storage) {
            @Override
            public void write(List<Write> batch) {
                inner.write(batch.size() > 10 ? batch.subList(0, 10) : batch);
            }
        }));
    }

    @Test
    void theTailIsOfAnotherTerm() {
        assertCaught(StorageContract.TAIL, Memory.device(storage -> new Wrapped(storage) {
            @Override
            public Recovered recover() {
                Recovered recovered = inner.recover();
                LogView log = recovered.log();
                if (log.terms().lastIndex() != 40) {
                    return recovered;
                }
                List<Entry> tail = new ArrayList<>(log.tail());
                tail.set(3, StorageTrial.entry(tail.get(3).index(), tail.get(3).term(), 1));
                return new Recovered(recovered.hardState(), new LogView(log.snapshot(), log.terms(), tail, log.memberships()));
            }
        }));
    }

    @Test
    void termsAreTakenFromTheLastEntry() {
        assertCaught(StorageContract.REPLACED, Memory.device(storage -> new Wrapped(storage) {
            @Override
            public Recovered recover() {
                Recovered recovered = inner.recover();
                LogView log = recovered.log();
                TermTable flat = new TermTable(EntryId.ZERO);
                for (long index = 1; index <= log.terms().lastIndex(); index++) {
                    flat.append(log.terms().last().term(), index);
                }
                return new Recovered(recovered.hardState(), new LogView(log.snapshot(), flat, log.tail(), log.memberships()));
            }
        }));
    }

    // ------------------------------------------------------------------------------------------------------------------- reading

    @Test
    void aReadGoesBehindTheLastWanted() {
        assertCaught(StorageContract.READ_RANGE, Memory.device(storage -> new Wrapped(storage) {
            @Override
            public List<Entry> read(long firstIndex, long lastIndex, int bytesMax) {
                return inner.read(firstIndex, bytesMax > 1 ? lastIndex + 1 : lastIndex, bytesMax);
            }
        }));
    }

    @Test
    void aReadStopsBeforeTheLastWanted() {
        assertCaught(StorageContract.READ_RANGE, Memory.device(storage -> new Wrapped(storage) {
            @Override
            public List<Entry> read(long firstIndex, long lastIndex, int bytesMax) {
                return firstIndex == lastIndex && firstIndex == 10 ? List.of() : inner.read(firstIndex, lastIndex, bytesMax);
            }
        }));
    }

    @Test
    void aReadExceedsItsBytes() {
        assertCaught(StorageContract.READ_BYTES, Memory.device(storage -> new Wrapped(storage) {
            @Override
            public List<Entry> read(long firstIndex, long lastIndex, int bytesMax) {
                return inner.read(firstIndex, lastIndex, bytesMax == Integer.MAX_VALUE ? bytesMax : bytesMax + 1);
            }
        }));
    }

    @Test
    void aReadGivesNothingIfTheFirstEntryIsTooLarge() {
        assertCaught(StorageContract.BYTES, Memory.device(storage -> new Wrapped(storage) {
            @Override
            public List<Entry> read(long firstIndex, long lastIndex, int bytesMax) {
                List<Entry> read = inner.read(firstIndex, lastIndex, bytesMax);
                return read.size() == 1 && read.get(0).size() > bytesMax ? List.of() : read;
            }
        }));
    }

    @Test
    void aReadThatGivesFewerThanWouldFitIsAllowed() {
        StorageContract contract = StorageContract.of(Memory.device(storage -> new Wrapped(storage) {
            @Override
            public List<Entry> read(long firstIndex, long lastIndex, int bytesMax) {
                List<Entry> read = inner.read(firstIndex, lastIndex, bytesMax);
                return read.subList(0, Math.min(2, read.size()));
            }
        }));
        for (String sentence : List.of(StorageContract.READ_RANGE, StorageContract.READ_BYTES, StorageContract.LIFE)) {
            assertDoesNotThrow(() -> contract.check(sentence));
        }
    }

    @Test
    void aReadBeyondTheEndFails() {
        assertCaught(StorageContract.READ_BEYOND, Memory.device(storage -> new Wrapped(storage) {
            @Override
            public List<Entry> read(long firstIndex, long lastIndex, int bytesMax) {
                List<Entry> read = inner.read(firstIndex, lastIndex, bytesMax);
                if (read.isEmpty() && firstIndex > 20) {
                    throw new IndexOutOfBoundsException();
                }
                return read;
            }
        }));
    }

    @Test
    void aReadIsPutTogetherFromTwoLogs() {
        assertCaught(StorageContract.READ_BESIDE, Memory.device(storage -> new Wrapped(storage) {
            @Override
            public List<Entry> read(long firstIndex, long lastIndex, int bytesMax) {
                List<Entry> read = new ArrayList<>();
                int bytes = 0;
                for (long index = firstIndex; index <= lastIndex; index++) {
                    awaitChange();
                    List<Entry> one = inner.read(index, index, 1);
                    if (one.isEmpty() || !read.isEmpty() && bytes + one.get(0).size() > bytesMax) {
                        break;
                    }
                    bytes += one.get(0).size();
                    read.addAll(one);
                }
                return read;
            }

            private void awaitChange() {
                HardState before = lastHardState();
                for (int i = 0; i < 200 && before == lastHardState(); i++) {
                    Thread.yield();
                }
            }
        }));
    }

    // ------------------------------------------------------------------------------------------------------------- all the rest

    @Test
    void maintenanceNeverEnds() {
        assertCaught(StorageContract.MAINTAIN, Memory.device(storage -> new Wrapped(storage) {
            @Override
            public boolean maintain() {
                return true;
            }
        }));
    }

    @Test
    void maintenanceThrowsOldEntriesAway() {
        assertCaught(StorageContract.MAINTAIN, Memory.device(storage -> new Wrapped(storage) {
            private long floor;

            @Override
            public boolean maintain() {
                floor = 3;
                return false;
            }

            @Override
            public List<Entry> read(long firstIndex, long lastIndex, int bytesMax) {
                return firstIndex < floor ? List.of() : inner.read(firstIndex, lastIndex, bytesMax);
            }
        }));
    }

    @Test
    void aGapIsWritten() {
        assertCaught(StorageContract.GAP, Memory.device(storage -> new Wrapped(storage) {
            @Override
            public void write(List<Write> batch) {
                inner.write(batch.stream().map(write -> batch.size() == 1 && write.firstIndex() > end() + 1 && write.entries().isEmpty()
                    ? new Write(write.id(), write.hardState(), end() + 1, write.entries()) : write).toList());
            }
        }));
    }

    @Test
    void whatStandsBeforeAGapIsWrittenAllTheSame() {
        assertCaught(StorageContract.GAP, Memory.device(storage -> new Wrapped(storage) {
            @Override
            public void write(List<Write> batch) {
                batch.forEach(write -> inner.write(List.of(write)));
            }
        }));
    }

    @Test
    void entriesAreWrittenWhateverTheirIndex() {
        assertCaught(StorageContract.ORDER, Memory.device(storage -> new Wrapped(storage) {
            @Override
            public void write(List<Write> batch) {
                inner.write(batch.stream().map(this::renumbered).toList());
            }

            private Write renumbered(Write write) {
                List<Entry> entries = new ArrayList<>();
                for (Entry entry : write.entries()) {
                    entries.add(Entry.of(write.firstIndex() + entries.size(), entry.term(), entry.kind(), entry.timeNanos(),
                        entry.payload()));
                }
                return new Write(write.id(), write.hardState(), write.firstIndex(), entries);
            }
        }));
    }

    @Test
    void idsAreNotLookedAt() {
        assertCaught(StorageContract.IDS, Memory.device(storage -> new Wrapped(storage) {
            private long id;

            @Override
            public void write(List<Write> batch) {
                inner.write(batch.stream().map(write -> new Write(++id, write.hardState(), write.firstIndex(), write.entries())).toList());
            }
        }));
    }

    @Test
    void anEmptyBatchPasses() {
        assertCaught(StorageContract.NOTHING, Memory.device(storage -> new Wrapped(storage) {
            @Override
            public void write(List<Write> batch) {
                if (!batch.isEmpty()) {
                    inner.write(batch);
                }
            }
        }));
    }

    @Test
    void aSecondCloseFails() {
        assertCaught(StorageContract.CLOSED, Memory.device(storage -> new Wrapped(storage) {
            private boolean isClosed;

            @Override
            public void close() {
                if (isClosed) {
                    throw new IllegalStateException("closed");
                }
                isClosed = true;
                inner.close();
            }
        }));
    }

    @Test
    void aClosedStorageSwallowsWrites() {
        assertCaught(StorageContract.CLOSED, Memory.device(storage -> new Wrapped(storage) {
            private boolean isClosed;

            @Override
            public void write(List<Write> batch) {
                if (!isClosed) {
                    inner.write(batch);
                }
            }

            @Override
            public void close() {
                isClosed = true;
                inner.close();
            }
        }));
    }

    @Test
    void twoOpeningsWriteBesideEachOther() {
        assertCaught(StorageContract.ONCE, nodeId -> {
            InMemoryDisk disk = new InMemoryDisk(nodeId, INCARNATIONS.incrementAndGet());
            InMemoryStorage[] newest = new InMemoryStorage[1];
            return () -> {
                newest[0] = disk.open();
                return new Wrapped(newest[0]) {
                    private final InMemoryStorage own = newest[0];
                    private boolean isClosed;

                    @Override
                    public void write(List<Write> batch) {
                        (isClosed ? own : newest[0]).write(batch);
                    }

                    @Override
                    public void close() {
                        isClosed = true;
                        inner.close();
                    }
                };
            };
        });
    }

    @Test
    void aDeadProcessTakesItsLastWriteWithIt() {
        assertCaught(StorageContract.CRASH, nodeId -> new Memory(new InMemoryDisk(nodeId, INCARNATIONS.incrementAndGet()),
            storage -> new Wrapped(storage) {
                private @Nullable List<Write> kept;

                @Override
                public void write(List<Write> batch) {
                    flush();
                    kept = batch;
                    if (batch.isEmpty() || batch.size() > 1 || batch.get(0).firstIndex() != end() + 1
                            || !batch.get(0).entries().isEmpty()) {
                        flush();
                    }
                }

                @Override
                public void close() {
                    flush();
                    inner.close();
                }

                private void flush() {
                    List<Write> waiting = kept;
                    kept = null;
                    if (waiting != null) {
                        inner.write(waiting);
                    }
                }
            }));
    }

    @Test
    void whatOnlyALongLifeShowsIsCaughtWithItsSeedAndItsSteps() {
        ContractBroken broken = assertCaught(StorageContract.LIFE, Memory.device(storage -> new Wrapped(storage) {
            @Override
            public void write(List<Write> batch) {
                // Forgets the vote of a write in the middle of a batch that cuts: nobody thinks of that.
                inner.write(batch.size() == 3 && batch.get(2).entries().isEmpty() && batch.get(2).hardState().votedFor() != null
                    ? List.of(batch.get(0), batch.get(1), new Write(batch.get(2).id(), new HardState(batch.get(2).hardState().term(), null,
                        batch.get(2).hardState().commitIndex()), batch.get(2).firstIndex(), List.of())) : batch);
            }
        }));
        assertTrue(broken.getMessage().contains("(seed ") && broken.getMessage().contains("the last steps: "), broken.getMessage());
    }

    @Test
    void aLifeIsLivedAgainFromItsSeed() {
        StorageContract.Device forgetful = Memory.device(storage -> new Wrapped(storage) {
            @Override
            public void write(List<Write> batch) {
                inner.write(batch.size() == 4 ? batch.subList(0, 3) : batch);
            }
        });
        String first = brokenLife(forgetful, 77);
        String again = brokenLife(forgetful, 77);
        assertEquals(first, again);
        assertNotEquals(first, brokenLife(forgetful, 1078));
    }

    private static String brokenLife(StorageContract.Device device, long seed) {
        StorageContract contract = StorageContract.of(device).withSeed(seed);
        return assertThrows(ContractBroken.class, () -> contract.check(StorageContract.LIFE)).getMessage();
    }

    static ContractBroken assertCaught(String sentence, StorageContract.Device device) {
        ContractBroken broken = assertThrows(ContractBroken.class, () -> StorageContract.of(device).withLives(200).check(sentence));
        assertTrue(broken.getMessage().startsWith(sentence), broken.getMessage());
        return broken;
    }
}
