package io.quorate.raft.testing;

import io.quorate.raft.Storage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.LogView;
import io.quorate.raft.core.SnapshotId;
import io.quorate.raft.testing.StorageContractTest.Memory;
import io.quorate.raft.testing.StorageContractTest.Wrapped;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Who breaks one sentence that the contract of storages says of snapshots is caught by that sentence. */
@Timeout(120)
class StorageSnapshotChecksTest {

    private static void assertCaught(String sentence, UnaryOperator<Storage> wrapper) {
        StorageContractTest.assertCaught(sentence, Memory.device(wrapper));
    }

    /** Passes everything on to an output. */
    private static class WrappedOutput implements Storage.SnapshotOutput {

        final Storage.SnapshotOutput inner;

        WrappedOutput(Storage.SnapshotOutput inner) {
            this.inner = inner;
        }

        @Override
        public OutputStream state() {
            return inner.state();
        }

        @Override
        public void commit() {
            inner.commit();
        }

        @Override
        public void close() {
            inner.close();
        }
    }

    /** An output that goes nowhere. */
    private static final class NoOutput implements Storage.SnapshotOutput {

        @Override
        public OutputStream state() {
            return OutputStream.nullOutputStream();
        }

        @Override
        public void commit() {
            // Nothing is kept.
        }

        @Override
        public void close() {
            // Nothing is held.
        }
    }

    /** Passes everything on to an input. */
    private static class WrappedInput implements Storage.SnapshotInput {

        final Storage.SnapshotInput inner;

        WrappedInput(Storage.SnapshotInput inner) {
            this.inner = inner;
        }

        @Override
        public long received() {
            return inner.received();
        }

        @Override
        public void write(long offset, byte[] bytes) {
            inner.write(offset, bytes);
        }

        @Override
        public boolean complete() {
            return inner.complete();
        }

        @Override
        public void close() {
            inner.close();
        }
    }

    /** Passes everything on to what is stored. */
    private static class WrappedStored implements Storage.StoredSnapshot {

        final Storage.StoredSnapshot inner;

        WrappedStored(Storage.StoredSnapshot inner) {
            this.inner = inner;
        }

        @Override
        public SnapshotId id() {
            return inner.id();
        }

        @Override
        public InputStream state() throws IOException {
            return inner.state();
        }

        @Override
        public long stateBytes() {
            return inner.stateBytes();
        }

        @Override
        public long transferBytes() {
            return inner.transferBytes();
        }

        @Override
        public byte[] read(long offset, int bytesMax) {
            return inner.read(offset, bytesMax);
        }

        @Override
        public void close() {
            inner.close();
        }
    }

    // ------------------------------------------------------------------------------------------------------------------- taking

    @Test
    void theStateIsForgotten() {
        assertCaught(StorageSnapshotChecks.TAKEN, storage -> new Wrapped(storage) {
            @Override
            public SnapshotOutput beginSnapshot(SnapshotId snapshot) {
                return new WrappedOutput(inner.beginSnapshot(snapshot)) {
                    @Override
                    public OutputStream state() {
                        return OutputStream.nullOutputStream();
                    }
                };
            }
        });
    }

    @Test
    void theReplicatedTimeIsForgotten() {
        assertCaught(StorageSnapshotChecks.TAKEN, storage -> new Wrapped(storage) {
            @Override
            public SnapshotOutput beginSnapshot(SnapshotId snapshot) {
                return inner.beginSnapshot(new SnapshotId(snapshot.last(), snapshot.membership(), 0));
            }
        });
    }

    @Test
    void whatIsGivenUpIsKept() {
        assertCaught(StorageSnapshotChecks.GIVEN_UP, storage -> new Wrapped(storage) {
            @Override
            public SnapshotOutput beginSnapshot(SnapshotId snapshot) {
                return new WrappedOutput(inner.beginSnapshot(snapshot)) {
                    @Override
                    public void close() {
                        commit();
                        inner.close();
                    }
                };
            }
        });
    }

    @Test
    void aReaderIsMovedOnToTheNewest() {
        assertCaught(StorageSnapshotChecks.READ, storage -> new Wrapped(storage) {
            @Override
            public @Nullable StoredSnapshot snapshot() {
                StoredSnapshot stored = inner.snapshot();
                return stored == null ? null : new WrappedStored(stored) {
                    @Override
                    public byte[] read(long offset, int bytesMax) {
                        StoredSnapshot newest = Objects.requireNonNull(storage.snapshot());
                        return newest.read(Math.min(offset, newest.transferBytes()), bytesMax);
                    }
                };
            }
        });
    }

    @Test
    void theLengthOfTheStateIsThatOfWhatTravels() {
        assertCaught(StorageSnapshotChecks.TAKEN, storage -> new Wrapped(storage) {
            @Override
            public @Nullable StoredSnapshot snapshot() {
                StoredSnapshot stored = inner.snapshot();
                return stored == null ? null : new WrappedStored(stored) {
                    @Override
                    public long stateBytes() {
                        return inner.transferBytes();
                    }
                };
            }
        });
    }

    /** Takes the snapshots too that it should refuse so, and keeps them nowhere. */
    private static Storage takingAll(Storage storage, Class<? extends RuntimeException> refusal) {
        return new Wrapped(storage) {
            @Override
            public SnapshotOutput beginSnapshot(SnapshotId snapshot) {
                try {
                    return inner.beginSnapshot(snapshot);
                } catch (RuntimeException e) {
                    if (refusal.isInstance(e)) {
                        return new NoOutput();
                    }
                    throw e;
                }
            }
        };
    }

    @Test
    void anOlderSnapshotIsTakenAndKeptNowhere() {
        assertCaught(StorageSnapshotChecks.OWN, storage -> takingAll(storage, IllegalArgumentException.class));
    }

    @Test
    void aSnapshotIsTakenOfWhatTheLogDoesNotHold() {
        assertCaught(StorageSnapshotChecks.OWN, storage -> takingAll(storage, IllegalStateException.class));
    }

    @Test
    void whatAReplicaIsGivenToBeginWithIsForgotten() {
        assertCaught(StorageSnapshotChecks.BEGIN, storage -> new Wrapped(storage) {
            @Override
            public SnapshotOutput beginSnapshot(SnapshotId snapshot) {
                return end() == 0 ? new NoOutput() : inner.beginSnapshot(snapshot);
            }
        });
    }

    // ------------------------------------------------------------------------------------------------------------------ the log

    @Test
    void onlyTheLastMembershipIsHandedOver() {
        assertCaught(StorageSnapshotChecks.MEMBERSHIPS, storage -> new Wrapped(storage) {
            @Override
            public Recovered recover() {
                Recovered recovered = inner.recover();
                LogView log = recovered.log();
                List<Entry> all = log.memberships();
                return new Recovered(recovered.hardState(), new LogView(log.snapshot(), log.terms(), log.tail(),
                    all.subList(Math.max(0, all.size() - 1), all.size())));
            }
        });
    }

    @Test
    void compactingGoesTooFar() {
        assertCaught(StorageSnapshotChecks.COMPACTED, storage -> new Wrapped(storage) {
            private long floor;

            @Override
            public void compact(long wantedIndex) {
                inner.compact(wantedIndex);
                SnapshotId newest = ((InMemoryStorage) inner).disk().snapshotId();
                floor = newest == null ? 0 : newest.index() + 3;
            }

            @Override
            public long firstIndex() {
                return Math.max(floor, inner.firstIndex());
            }

            @Override
            public List<Entry> read(long firstIndex, long lastIndex, int bytesMax) {
                return firstIndex < floor ? List.of() : inner.read(firstIndex, lastIndex, bytesMax);
            }
        });
    }

    @Test
    void whatWasLetGoOfIsSaidToBeThere() {
        assertCaught(StorageSnapshotChecks.COMPACTED, storage -> new Wrapped(storage) {
            @Override
            public long firstIndex() {
                return 1;
            }
        });
    }

    @Test
    void theLogIsAlwaysSaidToBeOfOneLength() {
        assertCaught(StorageSnapshotChecks.LOG_BYTES, storage -> new Wrapped(storage) {
            @Override
            public long logBytes() {
                return 100;
            }
        });
    }

    @Test
    void theWholeLogIsCountedAlsoBehindASnapshot() {
        assertCaught(StorageSnapshotChecks.LOG_BYTES, storage -> new Wrapped(storage) {
            @Override
            public long logBytes() {
                return ((InMemoryStorage) inner).disk().log().stream().mapToLong(Entry::size).sum();
            }
        });
    }

    @Test
    void aWriteToWhatASnapshotCoversIsPassedOver() {
        assertCaught(StorageSnapshotChecks.COVERED, storage -> new Wrapped(storage) {
            @Override
            public void write(List<Write> batch) {
                SnapshotId newest = ((InMemoryStorage) inner).disk().snapshotId();
                long covered = newest == null ? 0 : newest.index();
                inner.write(batch.stream().filter(write -> write.firstIndex() > covered).toList());
            }
        });
    }

    // ---------------------------------------------------------------------------------------------------------------- receiving

    @Test
    void whatTravelsIsDamaged() {
        assertCaught(StorageSnapshotChecks.MOVED, storage -> new Wrapped(storage) {
            @Override
            public @Nullable StoredSnapshot snapshot() {
                StoredSnapshot stored = inner.snapshot();
                return stored == null ? null : new WrappedStored(stored) {
                    @Override
                    public byte[] read(long offset, int bytesMax) {
                        byte[] read = inner.read(offset, bytesMax);
                        if (offset == 0) {
                            read[0]++;
                        }
                        return read;
                    }
                };
            }
        });
    }

    @Test
    void whatIsReceivedIsAlwaysBegunAnew() {
        assertCaught(StorageSnapshotChecks.RESUMED, storage -> new Wrapped(storage) {
            @Override
            public SnapshotInput receiveSnapshot(SnapshotId snapshot) {
                SnapshotInput input = inner.receiveSnapshot(snapshot);
                if (input.received() > 0) {
                    input.write(input.received(), new byte[1]);
                    input.complete();       // which it is not, so that all of it goes
                }
                return inner.receiveSnapshot(snapshot);
            }
        });
    }

    @Test
    void whateverArrivesIsComplete() {
        assertCaught(StorageSnapshotChecks.OTHERWISE, storage -> new Wrapped(storage) {
            @Override
            public SnapshotInput receiveSnapshot(SnapshotId snapshot) {
                return new WrappedInput(inner.receiveSnapshot(snapshot)) {
                    @Override
                    public boolean complete() {
                        inner.complete();
                        return true;
                    }
                };
            }
        });
    }

    @Test
    void whatIsCompleteIsForgottenForAnother() {
        assertCaught(StorageSnapshotChecks.FORGOTTEN, storage -> new Wrapped(storage) {
            private @Nullable SnapshotId complete;

            @Override
            public SnapshotInput receiveSnapshot(SnapshotId snapshot) {
                complete = null;
                return new WrappedInput(inner.receiveSnapshot(snapshot)) {
                    @Override
                    public boolean complete() {
                        complete = snapshot;
                        return inner.complete();
                    }
                };
            }

            @Override
            public void write(List<Write> batch) {
                for (Write write : batch) {
                    if (write.install() != null && !write.install().equals(complete)) {
                        throw new IllegalStateException("not complete");
                    }
                }
                inner.write(batch);
            }
        });
    }

    // --------------------------------------------------------------------------------------------------------------- installing

    @Test
    void theLogAlwaysGoes() {
        assertCaught(StorageSnapshotChecks.KEPT, storage -> new Wrapped(storage) {
            private long floor;

            @Override
            public void write(List<Write> batch) {
                inner.write(batch);
                for (Write write : batch) {
                    floor = write.install() == null ? floor : end() + 1;
                }
            }

            @Override
            public List<Entry> read(long firstIndex, long lastIndex, int bytesMax) {
                return firstIndex < floor ? List.of() : inner.read(firstIndex, lastIndex, bytesMax);
            }
        });
    }

    @Test
    void theLogNeverGoes() {
        assertCaught(StorageSnapshotChecks.GONE, storage -> new Wrapped(storage) {
            private final List<Entry> old = new ArrayList<>();

            @Override
            public void write(List<Write> batch) {
                inner.write(batch);
                batch.forEach(write -> old.addAll(write.entries()));
            }

            @Override
            public List<Entry> read(long firstIndex, long lastIndex, int bytesMax) {
                return firstIndex < inner.firstIndex() && firstIndex <= old.size() && !old.isEmpty()
                    ? List.of(old.get((int) firstIndex - 1)) : inner.read(firstIndex, lastIndex, bytesMax);
            }
        });
    }

    @Test
    void whatStandsBehindAnInstallationIsLost() {
        assertCaught(StorageSnapshotChecks.BATCH, storage -> new Wrapped(storage) {
            @Override
            public void write(List<Write> batch) {
                for (int i = 0; i < batch.size(); i++) {
                    if (batch.get(i).install() != null) {
                        inner.write(batch.subList(0, i + 1));
                        return;
                    }
                }
                inner.write(batch);
            }
        });
    }

    @Test
    void anInstallationThatCannotBeIsPassedOver() {
        assertCaught(StorageSnapshotChecks.READY, storage -> new Wrapped(storage) {
            @Override
            public void write(List<Write> batch) {
                try {
                    inner.write(batch);
                } catch (IllegalStateException e) {
                    inner.write(batch.stream().filter(write -> write.install() == null).toList());
                }
            }
        });
    }

    @Test
    void theOlderOfTwoSnapshotsIsTheNewest() {
        assertCaught(StorageSnapshotChecks.OVERTAKEN, storage -> new Wrapped(storage) {
            private @Nullable SnapshotId committed;

            @Override
            public SnapshotOutput beginSnapshot(SnapshotId snapshot) {
                return new WrappedOutput(inner.beginSnapshot(snapshot)) {
                    @Override
                    public void commit() {
                        inner.commit();
                        committed = snapshot;
                    }
                };
            }

            @Override
            public @Nullable StoredSnapshot snapshot() {
                StoredSnapshot stored = inner.snapshot();
                SnapshotId last = committed;
                return stored == null || last == null ? stored : new WrappedStored(stored) {
                    @Override
                    public SnapshotId id() {
                        return last;
                    }
                };
            }
        });
    }

    @Test
    void aSnapshotIsDurableOnlyWithTheNextWrite() {
        assertCaught(StorageSnapshotChecks.CRASH, storage -> new Wrapped(storage) {
            private @Nullable SnapshotOutput pending;

            @Override
            public SnapshotOutput beginSnapshot(SnapshotId snapshot) {
                return new WrappedOutput(inner.beginSnapshot(snapshot)) {
                    @Override
                    public void commit() {
                        pending = inner;
                    }
                };
            }

            @Override
            public @Nullable StoredSnapshot snapshot() {
                if (pending != null) {
                    pending.commit();
                }
                return inner.snapshot();
            }
        });
    }
}
