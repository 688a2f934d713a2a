package io.quorate.examples.bank;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.quorate.raft.Command;
import io.quorate.raft.testing.Simulation;
import io.quorate.raft.testing.StateMachineContract;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;

class ForgetfulBankTest {

    private final Simulation<ForgetfulBank> simulation = Simulation.of(ForgetfulBank::new)
        .workload(Transfers::new)
        .check("MoneyIsConserved", bank -> assertEquals(20_000, bank.total()))
        .model(new BankModel())
        .nodes(3)
        .pictures(Path.of("target"));

    @Example
    void whoAsksTwiceMovesMoneyOnce() {
        ForgetfulBank bank = new ForgetfulBank();
        byte[] transfer = new Transfer(3, 17, 42, 30).encode();
        assertEquals("done: 70 and 130", new String(bank.apply(new Command(1, ByteBuffer.wrap(transfer)))));
        assertEquals("done: 70 and 130", new String(bank.apply(new Command(2, ByteBuffer.wrap(transfer)))));
    }

    @Example
    void keepsTheContract() {
        StateMachineContract.of(ForgetfulBank::new)
            .commands(random -> random.nextInt(10) == 0 ? new byte[3] : Transfers.transfer(random.nextInt(5), random.nextInt(50), random))
            .queries(Transfers::balances)
            .check();
    }

    @Property(tries = 500, shrinking = ShrinkingMode.OFF, edgeCases = EdgeCasesMode.NONE)
    void holdsInAFaultyCluster(@ForAll long seed) {
        simulation.run(seed);
    }
}
