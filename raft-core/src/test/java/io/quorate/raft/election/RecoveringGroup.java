package io.quorate.raft.election;

import io.quorate.raft.Command;
import io.quorate.raft.Freshness;
import io.quorate.raft.NotLeaderException;
import io.quorate.raft.Sessions;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * A group as its clients see it, and no more of it: one log, replicas that have come further or less far in it, at most one of which leads,
 * and all that may come to pass of that. Now and then it is recovered from a lost quorum: all goes on from what one replica has, indexes
 * are used again, and the epoch is higher. For a while others still answer as members of the group that was left behind.
 */
final class RecoveringGroup implements SimulatedElections.World {

    private static final int NODES = 3;

    private record Due(long atNanos, long order, Runnable task) { }

    /** What stands in the log; null for the time alone. */
    private record Entry(long index, byte @Nullable [] command, long timeNanos) { }

    private record Reader(long minIndex, byte[] query, SimulatedElections.Caller caller) { }

    /** What has come to the log of one epoch. */
    private static final class Log {
        private final int epoch;
        private final List<Entry> entries = new ArrayList<>();

        private Log(int epoch) {
            this.epoch = epoch;
        }
    }

    private final class Replica {
        private Log log;
        private int applied;      // so many entries of it
        private long index;
        private long appliedNanos;       // of the last entry
        private Sessions<LeasedKeys> machine = Sessions.around(new LeasedKeys());
        private final List<Reader> readers = new ArrayList<>();

        private Replica(Log log) {
            this.log = log;
        }

        private byte @Nullable [] applyNext() {
            Entry entry = log.entries.get(applied++);
            index = entry.index;
            appliedNanos = entry.timeNanos;
            byte[] result = null;
            if (entry.command == null) {
                machine.onTime(index, entry.timeNanos);
            } else {
                result = machine.apply(new Command(index, ByteBuffer.wrap(entry.command).asReadOnlyBuffer(), entry.timeNanos));
            }
            List<Reader> ready = readers.stream().filter(reader -> reader.minIndex <= index).toList();
            readers.removeAll(ready);
            ready.forEach(this::answer);
            return result;
        }

        private void catchUp() {
            while (applied < log.entries.size()) {
                applyNext();
            }
        }

        private void answer(Reader reader) {
            byte[] result = machine.query(reader.query);
            reader.caller.done(lostWakeUps != null && KeyAnswer.decode(result) instanceof KeyAnswer.Changes told
                ? withoutWakeUps(told, lostWakeUps) : result, index);
        }

        /** Goes on with what another one has, of another group perhaps. */
        private void take(Replica other, byte[] snapshot) {
            List<Reader> asking = List.copyOf(readers);
            readers.clear();
            log = other.log;
            applied = other.applied;
            index = other.index;
            appliedNanos = other.appliedNanos;
            machine = Sessions.around(new LeasedKeys());
            try {
                machine.restore(new ByteArrayInputStream(snapshot));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            asking.forEach(reader -> reader.caller.failed(null, 0));
        }

        private byte[] snapshot() {
            ByteArrayOutputStream copy = new ByteArrayOutputStream();
            try {
                machine.snapshot().writeTo(copy);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            return copy.toByteArray();
        }
    }

    private final SplittableRandom random;
    private final long t;
    private final long calmFromNanos;
    private final PriorityQueue<Due> agenda = new PriorityQueue<>((a, b) -> a.atNanos != b.atNanos
        ? Long.compare(a.atNanos, b.atNanos) : Long.compare(a.order, b.order));
    private final List<Replica> replicas = new ArrayList<>();
    private Log log = new Log(0);
    private long now;
    private long order;
    private int leader;                      // 0 while there is none
    private long reign;                      // a number of each
    private long lastIndex = 100;
    private long timeNanos;                  // replicated, at the moment below
    private long timeAt;
    private long recoveries;
    private @Nullable String lostWakeUps;    // a planted fault: replicas keep the deletions of such keys from those who watch

    RecoveringGroup(long seed, long t, long calmFromNanos) {
        random = new SplittableRandom(seed);
        this.t = t;
        this.calmFromNanos = calmFromNanos;
        for (int i = 0; i < NODES; i++) {
            replicas.add(new Replica(log));
        }
        elect();
        changeLeaders();
    }

    /** From now on nobody is told that a key of this prefix has gone. */
    void loseWakeUps(String prefix) {
        lostWakeUps = prefix;
    }

    long recoveries() {
        return recoveries;
    }

    /** The machine that has come furthest. */
    LeasedKeys latest() {
        Replica latest = replicas.get(0);
        for (Replica replica : replicas) {
            if (replica.log == log && (latest.log != log || replica.index > latest.index)) {
                latest = replica;
            }
        }
        return latest.machine.machine();
    }

    void runUntil(long nanos) {
        while (!agenda.isEmpty() && agenda.peek().atNanos <= nanos) {
            Due due = agenda.remove();
            now = due.atNanos;
            due.task.run();
        }
        now = nanos;
    }

    // ------------------------------------------------------------------------------------------------------------------ its own life

    private boolean isCalm() {
        return now >= calmFromNanos;
    }

    private long timeNanos() {
        return leader == 0 ? timeNanos : timeNanos + now - timeAt;
    }

    private void changeLeaders() {
        after(random.nextLong(2 * t, 15 * t), () -> {
            if (!isCalm()) {
                depose();
                after(random.nextLong(3 * t), this::elect);
                changeLeaders();
            }
        });
    }

    private void depose() {
        timeNanos = timeNanos();
        leader = 0;
        reign++;
    }

    private void elect() {
        if (leader > 0) {
            return;
        }
        int node = 1 + random.nextInt(NODES);
        while (replica(node).log != log) {
            node = 1 + random.nextInt(NODES);
        }
        replica(node).catchUp();
        timeAt = now;
        leader = node;
        reign++;
        tick(reign);
    }

    private Replica replica(int node) {
        return replicas.get(node - 1);
    }

    /** What a leader does when a time is waited for. */
    private void tick(long ticking) {
        if (ticking != reign) {
            return;
        }
        if (timeNanos() >= replica(leader).machine.wakeUpNanos()) {
            append(null);
        }
        after(t / 50, () -> tick(ticking));
    }

    private byte @Nullable [] append(byte @Nullable [] command) {
        lastIndex += random.nextInt(10) == 0 ? 2 : 1;
        log.entries.add(new Entry(lastIndex, command, timeNanos()));
        for (Replica replica : replicas) {
            Log of = replica.log;
            if (of == log && replica != replica(leader)) {
                long lag = random.nextInt(20) == 0 && !isCalm() ? random.nextLong(4 * t) : random.nextLong(t / 20);
                after(lag, () -> {
                    if (replica.log == of) {
                        replica.catchUp();
                    }
                });
            }
        }
        return replica(leader).applyNext();
    }

    /** All goes on from what one has that may not have all; the others are restarted with that, sooner or later. */
    void recover() {
        recoveries++;
        depose();
        Replica survivor = replica(1 + random.nextInt(NODES));
        while (survivor.log != log) {
            survivor = replica(1 + random.nextInt(NODES));
        }
        Replica source = survivor;
        byte[] snapshot = source.snapshot();
        log = new Log(log.epoch + 1);
        lastIndex = source.index;
        source.log = log;
        source.applied = 0;
        timeNanos = source.appliedNanos;
        List<Reader> asking = List.copyOf(source.readers);
        source.readers.clear();
        asking.forEach(reader -> reader.caller.failed(null, 0));
        Log recovered = log;
        for (Replica other : replicas) {
            if (other != source) {
                after(random.nextLong(4 * t), () -> {
                    if (log == recovered) {
                        other.take(source, source.snapshot());
                    }
                });
            }
        }
        after(random.nextLong(2 * t), this::elect);
    }

    private static byte[] withoutWakeUps(KeyAnswer.Changes told, String prefix) {
        return new KeyAnswer.Changes(told.index(), told.changes().stream().filter(change -> !change.isDeletion()
            || !change.key().startsWith(prefix)).toList()).encode();
    }

    // -------------------------------------------------------------------------------------------------------------------- for clients

    @Override
    public long now() {
        return now;
    }

    @Override
    public void after(long nanos, Runnable task) {
        agenda.add(new Due(now + nanos, order++, task));
    }

    @Override
    public int nodes() {
        return NODES;
    }

    @Override
    public boolean isOver() {
        return false;
    }

    @Override
    public int epoch(int node) {
        return replica(node).log.epoch;
    }

    @Override
    public void propose(int node, byte[] command, SimulatedElections.Caller caller) {
        if (leader != node) {
            caller.failed(new NotLeaderException("Nothing happened"), replica(node).log == log ? leader : 0);
            return;
        }
        long proposedIn = reign;
        Log to = log;
        after(random.nextLong(t / 50), () -> {
            if (reign != proposedIn) {
                if (log == to && leader > 0 && random.nextBoolean()) {
                    append(command);      // the next leader had it in its log
                }
                caller.failed(null, 0);
                return;
            }
            if (timeNanos() >= replica(leader).machine.wakeUpNanos()) {
                append(null);
            }
            byte[] result = append(command);
            assert result != null;
            caller.done(result, lastIndex);
        });
    }

    @Override
    public void read(int node, byte[] query, Freshness freshness, SimulatedElections.Caller caller) {
        Replica asked = replica(node);
        Reader reader = new Reader(freshness.minIndex(), query, caller);
        if (reader.minIndex <= asked.index) {
            asked.answer(reader);
        } else {
            asked.readers.add(reader);
        }
    }
}
