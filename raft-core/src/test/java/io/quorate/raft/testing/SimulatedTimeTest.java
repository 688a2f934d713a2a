package io.quorate.raft.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.Command;
import io.quorate.raft.StateMachine;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongUnaryOperator;
import org.junit.jupiter.api.Test;

/** Machines that wait for times, in whole groups: they are told, everywhere alike, and it shows when they do not do the same then. */
class SimulatedTimeTest {

    private static final long PERIOD_NANOS = 50_000_000;

    /** Sums up what it is told. */
    private static final class Sum implements StateMachine {

        private final LongUnaryOperator summand;
        private long dueNanos = PERIOD_NANOS;
        private long sum;
        private long told;

        private Sum(LongUnaryOperator summand) {
            this.summand = summand;
        }

        @Override
        public byte[] apply(Command command) {
            return new byte[0];
        }

        @Override
        public byte[] query(byte[] query) {
            return new byte[0];
        }

        @Override
        public long wakeUpNanos() {
            return dueNanos;
        }

        @Override
        public void onTime(long index, long timeNanos) {
            sum = sum * 31 + summand.applyAsLong(timeNanos);
            dueNanos = timeNanos + PERIOD_NANOS;
            told++;
        }
    }

    private static Simulation<Sum> simulation(LongUnaryOperator summand) {
        return Simulation.of(() -> new Sum(summand)).workload(() -> (client, random) -> Workload.Request.propose(new byte[] {1}))
            .digest(machine -> machine.sum).timeouts(40);
    }

    @Test
    void machinesAreToldTheTimeWhileNobodyAsksAnything() {
        AtomicLong told = new AtomicLong();
        Simulation<Sum> simulation = simulation(timeNanos -> timeNanos)
            .check("Told", machine -> told.accumulateAndGet(machine.told, Math::max));
        for (long seed = 1; seed <= 10; seed++) {
            simulation.run(seed);
        }
        assertTrue(told.get() > 50, "told " + told + " times at most");
    }

    @Test
    void machinesThatDoNotDoTheSameWhenTheyAreToldAreCaught() {
        AtomicLong calls = new AtomicLong();
        SimulationFailure failure = assertThrows(SimulationFailure.class,
            () -> simulation(timeNanos -> calls.incrementAndGet()).nodes(3).unexplained().run(1));
        assertEquals("SameState", failure.invariant());
    }
}
