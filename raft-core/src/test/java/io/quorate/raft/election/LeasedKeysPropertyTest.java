package io.quorate.raft.election;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.Command;
import io.quorate.raft.election.KeyResult.Done;
import io.quorate.raft.election.KeyResult.Otherwise;
import io.quorate.raft.election.KeyResult.Reason;
import io.quorate.raft.election.KeyResult.Refused;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.jspecify.annotations.Nullable;

/** The keys against a model that keeps everything and computes nothing ahead, and the codec against whatever bytes there are. */
class LeasedKeysPropertyTest {

    private static final LeasedKeys.Options OPTIONS = new LeasedKeys.Options(Duration.ofNanos(3000), 100, 3000, 1500);

    /** A lease as one would think of it. */
    private static final class ModelLease {
        private final LeaseId id;
        private final long ttl;
        private long refreshed;
        private boolean isRevoked;

        private ModelLease(LeaseId id, long ttl, long refreshed) {
            this.id = id;
            this.ttl = ttl;
            this.refreshed = refreshed;
        }
    }

    private static final class Model {
        private final Map<LeaseId, ModelLease> leases = new HashMap<>();
        private final Map<String, KeyEntry> keys = new HashMap<>();
        private final List<KeyChange> history = new ArrayList<>();

        /** Leases end one after the other, the first to end first. */
        private void tell(long index, long now) {
            leases.values().stream().filter(lease -> !lease.isRevoked && lease.refreshed + lease.ttl <= now)
                .sorted(Comparator.<ModelLease>comparingLong(lease -> lease.refreshed + lease.ttl)
                    .thenComparingLong(lease -> lease.id.index()))
                .forEach(lease -> end(lease, index));
        }

        private void end(ModelLease lease, long index) {
            lease.isRevoked = true;
            keys.values().stream().filter(entry -> lease.id.equals(entry.lease())).sorted(Comparator.comparing(KeyEntry::key)).toList()
                .forEach(entry -> delete(entry, index));
        }

        private void delete(KeyEntry entry, long index) {
            keys.remove(entry.key());
            history.add(KeyChange.deleted(index, entry));
        }

        private void put(KeyEntry entry) {
            keys.put(entry.key(), entry);
            history.add(KeyChange.to(entry));
        }

        private boolean isFull() {
            long bytes = leases.values().stream().filter(lease -> !lease.isRevoked).count() * KeyTable.LEASE_BYTES + keys.values().stream()
                .mapToLong(entry -> KeyTable.KEY_BYTES + 2L * entry.key().length() + entry.value().length).sum();
            return bytes >= OPTIONS.bytesMax();
        }

        private @Nullable ModelLease alive(@Nullable LeaseId id) {
            ModelLease lease = leases.get(id);
            return lease == null || lease.isRevoked ? null : lease;
        }

        private KeyResult apply(long index, long now, KeyCommand command) {
            if (command instanceof KeyCommand.Grant grant) {
                if (isFull()) {
                    return new Refused(Reason.FULL);
                }
                LeaseId id = new LeaseId(index, grant.number());
                long ttl = Math.min(grant.ttlNanos(), 3000);
                leases.put(id, new ModelLease(id, ttl, now));
                return new KeyResult.Granted(id, ttl);
            } else if (command instanceof KeyCommand.Refresh || command instanceof KeyCommand.Revoke) {
                LeaseId id = command instanceof KeyCommand.Refresh refresh ? refresh.lease() : ((KeyCommand.Revoke) command).lease();
                ModelLease lease = alive(id);
                if (lease == null) {
                    return new Refused(Reason.NO_SUCH_LEASE);
                } else if (command instanceof KeyCommand.Refresh) {
                    lease.refreshed = now;
                } else {
                    end(lease, index);
                }
                return new Done(index);
            } else if (command instanceof KeyCommand.PutIfAbsent put) {
                KeyEntry present = keys.get(put.key());
                if (put.lease() != null && alive(put.lease()) == null) {
                    return new Refused(Reason.NO_SUCH_LEASE);
                } else if (present != null) {
                    return new Otherwise(present);
                } else if (put.value().remaining() > 100) {
                    return new Refused(Reason.TOO_LARGE);
                } else if (isFull()) {
                    return new Refused(Reason.FULL);
                }
                put(new KeyEntry(put.key(), put.value().array(), index, index, put.lease()));
                return new Done(index);
            } else if (command instanceof KeyCommand.CompareAndSet set) {
                KeyEntry present = keys.get(set.key());
                if (present == null || present.version() != set.version()) {
                    return new Otherwise(present);
                } else if (!Objects.equals(present.lease(), set.lease())) {
                    return new Refused(Reason.NOT_THE_LEASES);
                } else if (set.value().remaining() > 100) {
                    return new Refused(Reason.TOO_LARGE);
                } else if (isFull() && set.value().remaining() > present.value().length) {
                    return new Refused(Reason.FULL);
                }
                put(new KeyEntry(set.key(), set.value().array(), present.createIndex(), index, present.lease()));
                return new Done(index);
            }
            KeyCommand.Delete delete = (KeyCommand.Delete) command;
            KeyEntry present = keys.get(delete.key());
            if (present == null || present.version() != delete.version()) {
                return new Otherwise(present);
            } else if (!Objects.equals(present.lease(), delete.lease())) {
                return new Refused(Reason.NOT_THE_LEASES);
            }
            delete(present, index);
            return new Done(index);
        }
    }

    /** One replica, fed as the server feeds it, which begins anew from a snapshot now and then. */
    private static final class Replica {
        private LeasedKeys machine = new LeasedKeys(OPTIONS);

        private void time(long index, long now) {
            if (now >= machine.wakeUpNanos()) {
                machine.onTime(index, now);
                assertTrue(machine.wakeUpNanos() > now);
            }
        }

        private byte[] apply(long index, long now, byte[] payload) {
            time(index, now);
            return machine.apply(new Command(index, ByteBuffer.wrap(payload).asReadOnlyBuffer(), now));
        }

        private byte[] state() throws IOException {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            machine.snapshot().writeTo(out);
            return out.toByteArray();
        }

        private void restart() throws IOException {
            byte[] state = state();
            machine = new LeasedKeys(OPTIONS);
            machine.restore(new ByteArrayInputStream(state));
        }
    }

    /** A watcher that asks whichever replica, late and in pieces, and starts over when it is told to. */
    private static final class Watcher {
        private final List<String> prefixes;
        private long index;
        private long told;
        private long timesCompacted;

        private Watcher(List<String> prefixes) {
            this.prefixes = prefixes;
        }

        private void look(Replica replica, Model model) {
            KeyQuery.Changes query = new KeyQuery.Changes(index, prefixes);
            KeyAnswer answer = KeyAnswer.decode(replica.machine.query(query.encode()));
            if (answer instanceof KeyAnswer.Compacted compacted) {
                timesCompacted++;
                index = compacted.index();
                return;
            }
            KeyAnswer.Changes changes = (KeyAnswer.Changes) answer;
            assertEquals(model.history.stream().filter(change -> change.index() > index && change.index() <= changes.index())
                .filter(change -> query.matters(change.key())).toList(), changes.changes());
            told += changes.changes().size();
            index = changes.index();
        }
    }

    /** Grants, refreshes, expiries, versions known and not; two replicas that restart from snapshots, and watchers who go between them. */
    @Property(tries = 120)
    void eachReplicaAnswersAsTheModelAndEachWatcherHearsItsHistory(@ForAll long seed) throws IOException {
        Random random = new Random(seed);
        Replica one = new Replica();
        Replica other = new Replica();
        Model model = new Model();
        List<Watcher> watchers = List.of(new Watcher(List.of()), new Watcher(List.of("b")), new Watcher(List.of("a", "c")));
        long index = 0;
        long now = 0;
        for (int step = 0; step < 250; step++) {
            index++;
            now += random.nextInt(3) > 0 ? random.nextInt(100) : random.nextInt(30) == 0 ? 3000 : 0;
            model.tell(index, now);
            if (random.nextInt(10) == 0) {
                one.time(index, now);     // an entry of another kind
                other.time(index, now);
                continue;
            }
            KeyCommand command = draw(random, model, index);
            KeyResult expected = model.apply(index, now, command);
            byte[] answer = one.apply(index, now, command.encode());
            assertEquals(expected, KeyResult.decode(answer), () -> "for " + command);
            assertArrayEquals(answer, other.apply(index, now, command.encode()));
            if (random.nextInt(15) == 0) {
                one.restart();
            }
            if (random.nextInt(15) == 0) {
                other.restart();
            }
            if (random.nextInt(5) == 0) {
                assertArrayEquals(one.state(), other.state());
                assertEquals(one.machine.wakeUpNanos(), other.machine.wakeUpNanos());
                assertEquals(model.keys.values().stream().sorted(Comparator.comparing(KeyEntry::key)).toList(),
                    ((KeyAnswer.Entries) KeyAnswer.decode(one.machine.query(new KeyQuery.Range("", "", 1000).encode()))).entries());
            }
            for (Watcher watcher : watchers) {
                if (random.nextInt(12) == 0) {
                    watcher.look(random.nextBoolean() ? one : other, model);
                }
            }
        }
        assertTrue(watchers.stream().anyMatch(watcher -> watcher.told > 0));
    }

    private static KeyCommand draw(Random random, Model model, long index) {
        LeaseId[] leases = model.leases.keySet().stream().sorted().toArray(LeaseId[]::new);
        LeaseId lease = leases.length == 0 ? new LeaseId(index, 5) : leases[Math.max(0, leases.length - 1 - random.nextInt(6))];
        String key = "" + (char) ('a' + random.nextInt(3)) + random.nextInt(2);
        KeyEntry known = model.keys.get(key);
        long version = known == null || random.nextInt(6) == 0 ? 1 + random.nextInt((int) index) : known.version();
        LeaseId claimed = random.nextInt(5) == 0 ? random.nextBoolean() ? null : lease : known == null ? lease : known.lease();
        ByteBuffer value = ByteBuffer.wrap(new byte[random.nextInt(110)]);
        return switch (random.nextInt(10)) {
            case 0, 1 -> new KeyCommand.Grant(1 + random.nextInt(4000), random.nextLong());
            case 2, 3 -> new KeyCommand.Refresh(lease);
            case 4 -> random.nextInt(3) > 0 ? new KeyCommand.Refresh(lease) : new KeyCommand.Revoke(lease);
            case 5 -> new KeyCommand.Delete(key, version, claimed);
            case 6 -> new KeyCommand.CompareAndSet(key, version, value, claimed);
            default -> new KeyCommand.PutIfAbsent(key, value, random.nextInt(5) == 0 ? null : lease);
        };
    }

    // -------------------------------------------------------------------------------------------------------------------------- codec

    @Property(tries = 300)
    void whatIsEncodedIsDecoded(@ForAll long seed) {
        Random random = new Random(seed);
        byte[] bytes = new byte[random.nextInt(20)];
        random.nextBytes(bytes);
        String key = "key \u00e9\u4e2d\ud83d\ude00 " + random.nextInt();
        long low = 1 + (random.nextLong() >>> 2 + random.nextInt(60));
        long high = low + random.nextInt(100);
        LeaseId lease = new LeaseId(high, random.nextLong());
        LeaseId orNone = random.nextBoolean() ? lease : null;
        KeyEntry entry = new KeyEntry(key, bytes, low, high, orNone);
        ByteBuffer value = ByteBuffer.wrap(bytes);
        for (KeyCommand command : List.of(new KeyCommand.Grant(low, random.nextLong()), new KeyCommand.Refresh(lease),
            new KeyCommand.Revoke(lease), new KeyCommand.PutIfAbsent(key, value, orNone),
            new KeyCommand.CompareAndSet(key, high, value, orNone), new KeyCommand.Delete(key, low, orNone))) {
            assertEquals(command, KeyCommand.decode(ByteBuffer.wrap(command.encode()).asReadOnlyBuffer()));
        }
        for (KeyResult result : List.of(new KeyResult.Granted(lease, low), new Done(high), new Otherwise(entry), new Otherwise(null),
            new Refused(Reason.values()[random.nextInt(Reason.values().length)]))) {
            assertEquals(result, KeyResult.decode(result.encode()));
        }
        for (KeyQuery query : List.of(new KeyQuery.Get(key), new KeyQuery.Range(key, "x", 3), new KeyQuery.Line("", key),
            new KeyQuery.Changes(KeyQuery.NOW, List.of()), new KeyQuery.Changes(low, List.of(key, "")))) {
            assertEquals(query, KeyQuery.decode(query.encode()));
        }
        for (KeyAnswer answer : List.of(new KeyAnswer.Entries(low, true, List.of(entry, entry)), new KeyAnswer.Compacted(low),
            new KeyAnswer.Line(low, entry, entry, null), new KeyAnswer.Line(low, null, null, entry),
            new KeyAnswer.Changes(low, List.of(KeyChange.to(entry), KeyChange.deleted(high, entry))))) {
            assertEquals(answer, KeyAnswer.decode(answer.encode()));
        }
    }

    /** It is the payload of an entry that is committed: whatever stands there, replicas must go on. */
    @Property(tries = 500)
    void noBytesDoMoreThanBeRefused(@ForAll byte[] bytes) {
        for (byte kind = 0; kind < 8; kind++) {
            byte[] likely = Arrays.copyOf(new byte[] {kind}, 1 + bytes.length);
            System.arraycopy(bytes, 0, likely, 1, bytes.length);
            readOrRefused(() -> assertArrayEquals(likely, KeyCommand.decode(ByteBuffer.wrap(likely)).encode()));
            readOrRefused(() -> assertArrayEquals(likely, KeyResult.decode(likely).encode()));
            readOrRefused(() -> assertArrayEquals(likely, KeyQuery.decode(likely).encode()));
            readOrRefused(() -> assertArrayEquals(likely, KeyAnswer.decode(likely).encode()));
        }
    }

    private static void readOrRefused(Runnable reading) {
        try {
            reading.run();
        } catch (IllegalArgumentException e) {
            assertTrue(e.getMessage() != null && !e.getMessage().isEmpty());
        }
    }
}
