package io.quorate.simulation;

import io.quorate.raft.netty.SimulatedWire;
import io.quorate.raft.testing.Registers;
import io.quorate.raft.testing.Simulation;

/** Runs some seeds, with and without a wire, and prints what hashes their traces have. */
final class TraceHashes {

    /** How many runs there are: ten seeds, each of them twice. */
    static final int RUNS = 20;

    private static final int TIMEOUTS = 30;

    private TraceHashes() { }

    public static void main(String[] arguments) {
        for (int number = 0; number < RUNS; number++) {
            System.out.println(line(number, run(number).traceHash()));
        }
    }

    /** Runs the first half of the numbers without a wire, the second half with it. */
    static Simulation.Report run(int number) {
        Simulation<Registers> simulation = Registers.simulation().timeouts(TIMEOUTS);
        return (number < RUNS / 2 ? simulation : simulation.wire(new SimulatedWire())).run(number % (RUNS / 2));
    }

    static String line(int number, long traceHash) {
        return number + " " + Long.toHexString(traceHash);
    }
}
