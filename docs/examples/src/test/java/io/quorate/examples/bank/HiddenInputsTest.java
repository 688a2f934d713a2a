package io.quorate.examples.bank;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.Command;
import io.quorate.raft.StateMachine;
import io.quorate.raft.testing.ContractBroken;
import io.quorate.raft.testing.Operation;
import io.quorate.raft.testing.Simulation;
import io.quorate.raft.testing.SimulationFailure;
import io.quorate.raft.testing.StateMachineContract;
import io.quorate.raft.testing.Workload;
import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

/** State machines that depend on more than their commands are caught by the contract check and by the replay check. */
class HiddenInputsTest {

    /** Adds up what it is given, and something else. */
    private abstract static class Sum implements StateMachine {

        private long sum;

        abstract long something();

        @Override
        public byte[] apply(Command command) {
            sum += command.payload().get(0) + something();
            return query(new byte[0]);
        }

        @Override
        public byte[] query(byte[] query) {
            return ByteBuffer.allocate(Long.BYTES).putLong(sum).array();
        }
    }

    private static final class NothingElse extends Sum {

        @Override
        long something() {
            return 0;
        }
    }

    private static final class Clock extends Sum {

        @Override
        long something() {
            return System.nanoTime();
        }
    }

    private static final class Dice extends Sum {

        private final Random random = new Random();

        @Override
        long something() {
            return random.nextInt(6);
        }
    }

    /** The order of objects that have no hash code of their own is that of where they happen to stand. */
    private static final class IdentityHash extends Sum {

        private final Set<Object> places = new HashSet<>();

        @Override
        long something() {
            Object newest = new Object();
            places.add(newest);
            int place = 0;
            for (Object each : places) {
                if (each == newest) {
                    break;
                }
                place++;
            }
            return place;
        }
    }

    @Test
    void aMachineThatAsksTheClockIsCaught() {
        assertCaught(Clock::new);
    }

    @Test
    void aMachineThatThrowsDiceIsCaught() {
        assertCaught(Dice::new);
    }

    @Test
    void aMachineThatGoesThroughAnIdentityHashIsCaught() {
        assertCaught(IdentityHash::new);
    }

    @Test
    void aMachineThatDoesNoneOfThatIsNot() {
        contract(NothingElse::new).check();
        assertTrue(simulation(NothingElse::new).checkReplay(1).readsServed() > 0);
    }

    @Test
    void aWorkloadWithDiceOfItsOwnIsCaught() {
        Random own = new Random();
        Simulation<StateMachine> simulation = simulation(NothingElse::new)
            .workload(() -> (client, random) -> Workload.Request.propose(new byte[] {(byte) own.nextInt(100)}));
        SimulationFailure failure = assertThrows(SimulationFailure.class, () -> simulation.checkReplay(1));
        assertEquals("Replay", failure.invariant());
    }

    /** What only a query shows is seen by no replica, but by whoever asks. */
    @Test
    void aClockThatOnlyAQueryShowsIsCaught() {
        Simulation<StateMachine> simulation = simulation(() -> new Sum() {
            @Override
            long something() {
                return 0;
            }

            @Override
            public byte[] query(byte[] query) {
                return ByteBuffer.allocate(Long.BYTES).putLong(query.length == 0 ? 0 : System.nanoTime()).array();
            }
        });
        SimulationFailure failure = assertThrows(SimulationFailure.class, () -> simulation.checkReplay(1));
        assertEquals("Replay", failure.invariant());
    }

    @Test
    void aWorkloadThatReadsByDiceOfItsOwnIsCaught() {
        Random own = new Random();
        Simulation<StateMachine> simulation = simulation(NothingElse::new)
            .workload(() -> (client, random) -> Workload.Request.read(new byte[] {(byte) own.nextInt(100)}));
        SimulationFailure failure = assertThrows(SimulationFailure.class, () -> simulation.checkReplay(1));
        assertEquals("Replay", failure.invariant());
    }

    private static void assertCaught(StateMachineContract.Factory factory) {
        ContractBroken broken = assertThrows(ContractBroken.class, () -> contract(factory).check());
        assertTrue(String.valueOf(broken.getMessage()).contains("SameCommandsSameResults"), broken::toString);
        SimulationFailure failure = assertThrows(SimulationFailure.class, () -> simulation(factory).checkReplay(1));
        assertTrue(Set.of("SameResults", "Replay").contains(failure.invariant()), failure::toString);
    }

    private static StateMachineContract contract(StateMachineContract.Factory factory) {
        return StateMachineContract.of(factory).commands(HiddenInputsTest::command).queries(random -> new byte[0]);
    }

    private static Simulation<StateMachine> simulation(StateMachineContract.Factory factory) {
        return Simulation.of(factory::create).nodes(3).timeouts(20).workload(() -> (client, random) ->
            new Workload.Request(random.nextBoolean() ? Operation.Kind.PROPOSE : Operation.Kind.READ, command(random)));
    }

    private static byte[] command(RandomGenerator random) {
        return new byte[] {(byte) random.nextInt(100)};
    }
}
