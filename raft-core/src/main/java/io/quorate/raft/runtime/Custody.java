package io.quorate.raft.runtime;

import io.quorate.raft.Command;
import io.quorate.raft.StateMachine;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Says whose the applier's tables are: the apply thread's, but while that is out.
 *
 * <p>It is out whenever it runs what is not ours and may take for ever: the state machine, what callers chain to their futures, an
 * observer, a read of the disk. The calls that wait in the tables have deadlines all the same. So it leaves the tables in order and
 * unlocked when it goes, and another thread may look after them; if it stays out for long, that thread gives up what has waited too long,
 * and tells the callers itself. For the same reason callers are never told in the middle of something: whoever is to be told stands in a
 * queue first.
 *
 * <p>It goes out for each command and for each caller. So going costs a store, and coming back one compare-and-set, which fails only while
 * the other thread is at the tables, once in a long while and for a moment. With a lock each of these took 20 to 30 ns more.
 */
final class Custody {

    private static final int HELD = 0;         // by the apply thread
    private static final int OUT = 1;          // that is out, and nobody has the tables
    private static final int LENT = 2;         // likewise, and the other thread has them
    private static final long MOMENT_NANOS = 20_000;

    private final AtomicInteger state = new AtomicInteger(HELD);
    private final Queue<Told> waiting = new ArrayDeque<>();     // whoever has the tables has this, and all that follows
    private long outings;
    private long outingSeen;       // by the other thread, the last time

    /** The tables are the other thread's until {@link #give}, if the apply thread is out; else false. */
    boolean takeIfOut() {
        return state.compareAndSet(OUT, LENT);
    }

    void give() {
        state.setRelease(OUT);
    }

    /** The apply thread, which has the tables in order, goes out. */
    void goOut() {
        outings++;
        state.setRelease(OUT);
    }

    /** It is back. */
    void comeBack() {
        while (!state.compareAndSet(OUT, HELD)) {
            LockSupport.parkNanos(this, MOMENT_NANOS);
        }
    }

    /** Whether it is out since the last time that this was asked, at least. Asked by the other thread, which has taken the tables. */
    boolean isOutStill() {
        boolean isStill = outings == outingSeen;
        outingSeen = outings;
        return isStill;
    }

    /** Its caller is to be told when there is time. */
    void tellLater(Told over) {
        waiting.add(over);
    }

    /** The apply thread tells all who are to be told. */
    void tellAll() {
        for (Told over = waiting.poll(); over != null; over = waiting.poll()) {
            goOut();
            try {
                over.tell();
            } finally {
                comeBack();
            }
        }
    }

    /** Takes over all who are to be told: whoever takes them tells them when he has given the tables back. */
    List<Told> takeWaiting() {
        List<Told> taken = new ArrayList<>(waiting);
        waiting.clear();
        return taken;
    }

    /** The apply thread runs this outside. */
    void outside(Runnable work) {
        goOut();
        try {
            work.run();
        } finally {
            comeBack();
        }
    }

    /** The same machine, which the apply thread goes out to; what only looks up a number is no outing. */
    StateMachine outside(StateMachine machine) {
        return new Outside(machine);
    }

    private final class Outside implements StateMachine {

        private final StateMachine machine;

        Outside(StateMachine machine) {
            this.machine = machine;
        }

        @Override
        public byte[] apply(Command command) {
            goOut();
            try {
                return machine.apply(command);
            } finally {
                comeBack();
            }
        }

        @Override
        public byte[] query(byte[] query) {
            goOut();
            try {
                return machine.query(query);
            } finally {
                comeBack();
            }
        }

        @Override
        public long wakeUpNanos() {
            return machine.wakeUpNanos();
        }

        @Override
        public void onTime(long index, long timeNanos) {
            goOut();
            try {
                machine.onTime(index, timeNanos);
            } finally {
                comeBack();
            }
        }

        @Override
        public long appliedIndex() {
            return machine.appliedIndex();
        }

        @Override
        public @Nullable Snapshot snapshot() {
            goOut();
            try {
                return machine.snapshot();
            } finally {
                comeBack();
            }
        }

        @Override
        public void restore(InputStream in) throws IOException {
            goOut();
            try {
                machine.restore(in);
            } finally {
                comeBack();
            }
        }
    }
}
