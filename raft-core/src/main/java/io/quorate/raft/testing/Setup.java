package io.quorate.raft.testing;

import io.quorate.raft.Sessions;
import io.quorate.raft.SnapshotPolicy;
import io.quorate.raft.StateMachine;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * What a simulated group is made of, besides seed and plan.
 *
 * @param machines  makes the user's state machine, once for each start of a node
 * @param workloads makes what clients ask, once for each run
 * @param clients   how many ask
 * @param model     what the history of a run is held against, or null
 * @param wire      what messages are sent through, or null
 * @param checks    of a machine's state, after each command
 * @param digest    of a machine's state, or null
 * @param snapshots when nodes take them
 * @param sessions  in which clients ask, or null if they ask without
 * @param disks     makes the nodes' disks
 * @param companions makes, for each run, what makes the companions of its processes
 */
record Setup(Supplier<? extends StateMachine> machines, Supplier<? extends Workload> workloads, int clients,
             @Nullable SequentialModel<?> model, @Nullable Wire wire, List<Check> checks,
             @Nullable ToLongFunction<StateMachine> digest, SnapshotPolicy snapshots, @Nullable InSessions sessions,
             SimulatedDisk.Maker disks, Supplier<? extends Companion.Maker> companions) {

    /**
     * What must hold of the user's state machine.
     *
     * @param name   of the check
     * @param asserts throws if it does not hold
     */
    record Check(String name, Consumer<StateMachine> asserts) { }

    /**
     * Clients ask in sessions.
     *
     * @param options of them
     * @param around  makes of the user's state machine one with sessions
     */
    record InSessions(Sessions.Options options, UnaryOperator<StateMachine> around) { }

    /** Holds a machine on this node to all checks; {@code where} says which command it has just applied. */
    void check(StateMachine machine, int node, Supplier<String> where) {
        for (Check check : checks) {
            try {
                check.asserts.accept(machine);
            } catch (RuntimeException | AssertionError e) {
                throw new InvariantBroken(check.name, node, where.get() + ": " + e, e);
            }
        }
    }
}
