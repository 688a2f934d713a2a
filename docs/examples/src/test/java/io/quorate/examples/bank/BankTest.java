package io.quorate.examples.bank;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.Command;
import io.quorate.raft.testing.Simulation;
import io.quorate.raft.testing.StateMachineContract;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;

/** The mended bank. More clusters than in an ordinary build: {@code -Djqwik.tries.default=500}. */
class BankTest {

    private final Simulation<Bank> simulation = Simulation.of(Bank::new)
        .workload(Transfers::new)
        .check("MoneyIsConserved", bank -> assertEquals(20_000, bank.total()))
        .model(new BankModel())
        .nodes(3)
        .pictures(Path.of("target"));

    @Example
    void whoAsksAgainMovesMoneyOnceAlsoAfterAnotherTransfer() {
        Bank bank = new Bank();
        List<String> answers = List.of("done: 70 and 130", "done: 60 and 140", "done: 70 and 130", "refused: 60 and 140");
        List<Transfer> transfers = List.of(new Transfer(3, 17, 42, 30), new Transfer(3, 18, 42, 10), new Transfer(3, 17, 42, 30),
            new Transfer(3, 19, 42, 61));
        for (int i = 0; i < transfers.size(); i++) {
            byte[] answer = bank.apply(new Command(i + 1, ByteBuffer.wrap(transfers.get(i).encode())));
            assertEquals(answers.get(i), new String(answer, StandardCharsets.US_ASCII));
        }
    }

    @Example
    void keepsTheContract() {
        StateMachineContract.of(Bank::new)
            .commands(random -> random.nextInt(10) == 0 ? new byte[3] : Transfers.transfer(random.nextInt(5), random.nextInt(50), random))
            .queries(Transfers::balances)
            .inAnotherJvm()
            .check();
    }

    @Property(shrinking = ShrinkingMode.OFF, edgeCases = EdgeCasesMode.NONE)
    void holdsInAFaultyCluster(@ForAll long seed) {
        simulation.run(seed);
    }

    @Example
    void dependsOnNothingButItsCommands() {
        assertTrue(simulation.checkReplay(1).isLinearizable());
    }
}
