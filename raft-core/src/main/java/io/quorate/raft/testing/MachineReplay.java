package io.quorate.raft.testing;

import io.quorate.raft.testing.MachineLog.Step;
import java.io.IOException;
import java.util.function.Supplier;

/** Takes one instance along the log and stops at the first outcome that differs from what is expected. */
final class MachineReplay implements MachineLog.Visitor {

    /** An instance of the machine: here, or one whose outcomes were recorded elsewhere. */
    interface Subject {
        Outcome apply(Step step) throws IOException;

        Outcome wakeUp() throws IOException;

        Outcome ask(byte[] query) throws IOException;
    }

    private final MachineCheck check;
    private final MachinePromise promise;
    private final Supplier<String> who;          // which instance this is, for whoever reads the failure
    private final Subject subject;

    MachineReplay(MachineCheck check, MachinePromise promise, Supplier<String> who, Subject subject) {
        this.check = check;
        this.promise = promise;
        this.who = who;
        this.subject = subject;
    }

    /** From this state to that, asking some queries after each command and all of them at the end. */
    void go(int from, int to) throws IOException {
        check.log().visit(from, to, this);
    }

    /** The commands alone. */
    void goSilently(int from, int to) throws IOException {
        for (int step = from; step < to; step++) {
            apply(step);
            wakeUp(step + 1);
        }
    }

    /** Goes nowhere: asks all queries at this state. */
    void stay(int state) throws IOException {
        go(state, state);
    }

    @Override
    public void apply(int step) throws IOException {
        Outcome outcome = subject.apply(check.log().steps().get(step));
        Outcome expected = check.expected().result(step);
        if (!outcome.equals(expected)) {
            throw differs(step + 1, "the result of the last of these", outcome, expected);
        }
    }

    @Override
    public void wakeUp(int state) throws IOException {
        Outcome outcome = subject.wakeUp();
        Outcome expected = check.expected().wakeUp(state);
        if (!outcome.equals(expected)) {
            throw differs(state, "the time at which the machine wants to be woken up, wakeUpNanos,", outcome, expected);
        }
    }

    @Override
    public void ask(int state, int query) throws IOException {
        byte[] asked = check.log().queries().get(query);
        Outcome outcome = subject.ask(asked);
        Outcome expected = check.expected().answer(state, query);
        if (!outcome.equals(expected)) {
            throw differs(state, "the answer to query " + query + ", " + Outcome.shown(asked, asked.length) + ",", outcome, expected);
        }
    }

    private ContractBroken differs(int state, String what, Outcome outcome, Outcome expected) {
        return check.broken(promise, state, what + " is\n  " + outcome + "\nfrom " + who.get() + "\nand was\n  " + expected
            + "\nfrom an instance that met the same commands before", outcome.cause());
    }
}
