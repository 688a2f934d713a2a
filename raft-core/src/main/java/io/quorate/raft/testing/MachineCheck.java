package io.quorate.raft.testing;

import io.quorate.raft.StateMachine;
import io.quorate.raft.testing.MachineLog.Step;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What all checks of one run have in common.
 *
 * @param factory  makes the instances
 * @param seed     that repeats the run
 * @param log      that all instances are fed
 * @param expected what they must say
 */
record MachineCheck(StateMachineContract.Factory factory, long seed, MachineLog log, ExpectedOutcomes expected) {

    StateMachine create() {
        StateMachine machine = factory.create();
        if (machine == null) {
            throw new IllegalArgumentException("the factory given to StateMachineContract.of returned null");
        }
        return machine;
    }

    MachineReplay replay(MachinePromise promise, String who, StateMachine machine) {
        return replay(promise, () -> who, machine);
    }

    MachineReplay replay(MachinePromise promise, Supplier<String> who, StateMachine machine) {
        return new MachineReplay(this, promise, who, new LiveMachine(machine));
    }

    /** Says what was seen, at which command, and how to see it again. */
    ContractBroken broken(MachinePromise promise, int state, String seen, @Nullable Throwable cause) {
        String where = state == 0 ? "before any command" : "after " + state + " of " + log.size() + " commands, the last being "
            + log.steps().get(state - 1);
        return promise.broken(where + ":\n" + seen + "\nto see it again: .seed(" + seed + "L).commandCount("
            + Math.max(1, state == 0 ? 1 : log.steps().get(state - 1).drawn()) + ")", cause);
    }

    /** A command that threw, or returned null. */
    void requireApplied(int step, Outcome outcome, String how) {
        if (outcome.hasThrown()) {
            Step command = log.steps().get(step);
            throw broken(command.older() < 0 ? MachinePromise.EVERY_COMMAND_APPLIES : MachinePromise.OLDER_COMMANDS_STILL_APPLY, step + 1,
                "apply of the last of these" + how + " " + outcome, outcome.cause());
        }
        requireNotNull(step + 1, outcome, "apply of the last of these");
    }

    void requireNotNull(int state, Outcome outcome, String what) {
        if (outcome.isNull()) {
            throw broken(MachinePromise.RESULTS_ARE_NOT_NULL, state, what + " returned null", null);
        }
    }
}
