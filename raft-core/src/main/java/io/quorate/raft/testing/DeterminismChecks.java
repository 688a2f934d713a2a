package io.quorate.raft.testing;

import io.quorate.raft.StateMachine;
import io.quorate.raft.testing.MachineLog.Step;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Holds instances of a machine that are fed the same log against each other.
 *
 * <p>Each check differs from one before it in one thing, and they come in such an order that the first one to fail names the reason as well
 * as can be: a machine that asks the clock fails as one that does not repeat itself, before anything is said about its queries.
 */
final class DeterminismChecks {

    /** Far apart in what they do to letters, digits and dates: Turkish has its own I, Arabic its own digits; the zones are a day apart. */
    private static final String[][] PLACES = {{"tr-TR-u-ca-buddhist", "Pacific/Kiritimati"}, {"ar-EG-u-nu-arab", "Pacific/Pago_Pago"}};

    private static final int OTHER_OBJECTS = 1000;

    /** What was returned after so many commands, and must stay what it was. */
    private record Returned(int state, String what, Outcome then, byte @Nullable [] array) { }

    private final MachineCheck check;
    private final MachineLog log;
    private long firstEndedSecond;     // of the clock, when the first instance was done

    DeterminismChecks(MachineCheck check) {
        this.check = check;
        log = check.log();
    }

    void run() throws IOException {
        recordResults();
        MachineReplay silent = check.replay(MachinePromise.SAME_COMMANDS_SAME_RESULTS, "another instance", check.create());
        silent.goSilently(0, log.size());
        silent.stay(log.size());
        recordAnswers();
        check.replay(MachinePromise.SAME_COMMANDS_SAME_RESULTS, "another instance", check.create()).go(0, log.size());
        besideAnotherInstance();
        withAnotherPast();
        for (String[] place : PLACES) {
            inAnotherPlace(place[0], place[1]);
        }
        new MachineReplay(check, MachinePromise.PAYLOAD_IS_NOT_KEPT, () -> "an instance whose payloads are overwritten after each call",
            new LiveMachine(check.create(), true)).go(0, log.size());
    }

    /** Waits for another second of the clock, since many machines that ask for the time keep no more than that of it. */
    void later() throws IOException {
        while (second() <= firstEndedSecond) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
        }
        check.replay(MachinePromise.SAME_LATER, "an instance that met them later", check.create()).go(0, log.size());
    }

    private static long second() {
        return TimeUnit.MILLISECONDS.toSeconds(System.currentTimeMillis());
    }

    /** The first instance meets the commands alone, and the queries only in the end. */
    private void recordResults() {
        LiveMachine machine = new LiveMachine(check.create());
        List<Returned> returned = new ArrayList<>();
        check.expected().setWakeUp(0, wakeUp(machine, 0));
        for (int step = 0; step < log.size(); step++) {
            Outcome outcome = machine.apply(log.steps().get(step));
            check.requireApplied(step, outcome, "");
            check.expected().setResult(step, outcome);
            check.expected().setWakeUp(step + 1, wakeUp(machine, step + 1));
            returned.add(new Returned(step + 1, "the result of the last of these", outcome, machine.lastReturned()));
        }
        for (int query = 0; query < log.queries().size(); query++) {
            check.expected().setAnswer(log.size(), query, ask(machine, log.size(), query));
        }
        firstEndedSecond = second();
        requireUnchanged(returned);
    }

    private Outcome wakeUp(LiveMachine machine, int state) {
        Outcome wakeUp = machine.wakeUp();
        if (wakeUp.hasThrown()) {
            throw check.broken(MachinePromise.EVERY_COMMAND_APPLIES, state, "wakeUpNanos " + wakeUp, wakeUp.cause());
        }
        if (machine.wantsThePast()) {
            throw check.broken(MachinePromise.WAKE_UPS_LIE_AHEAD, state, "onTime was called for the last of these, and wakeUpNanos then "
                + "wanted no later time", null);
        }
        return wakeUp;
    }

    /** The only instance that is asked everything after each command, twice. */
    private void recordAnswers() throws IOException {
        LiveMachine machine = new LiveMachine(check.create());
        MachineReplay replay = new MachineReplay(check, MachinePromise.QUERY_CHANGES_NOTHING,
            () -> "an instance that is asked every query twice after each command", machine);
        List<Returned> returned = new ArrayList<>();
        for (int state = 0; state <= log.size(); state++) {
            if (state > 0) {
                replay.apply(state - 1);
            }
            for (int query = 0; query < log.queries().size(); query++) {
                Outcome answer = ask(machine, state, query);
                if (state < log.size()) {
                    check.expected().setAnswer(state, query, answer);     // the first instance has answered at the last state alone
                }
                if (query == state % log.queries().size()) {
                    returned.add(new Returned(state, named(query), answer, machine.lastReturned()));
                }
            }
            replay.stay(state);
        }
        requireUnchanged(returned);
    }

    private Outcome ask(LiveMachine machine, int state, int query) {
        byte[] given = log.queries().get(query).clone();
        Outcome answer = machine.ask(given);
        check.requireNotNull(state, answer, "query");
        if (!Arrays.equals(given, log.queries().get(query))) {
            throw check.broken(MachinePromise.QUERY_CHANGES_NOTHING, state, "the machine wrote into the array of query " + query + ": "
                + Outcome.shown(log.queries().get(query), given.length) + "\nis now " + Outcome.shown(given, given.length), null);
        }
        return answer;
    }

    private String named(int query) {
        byte[] asked = log.queries().get(query);
        return "the answer to query " + query + ", " + Outcome.shown(asked, asked.length) + ",";
    }

    private void requireUnchanged(List<Returned> all) {
        for (Returned returned : all) {
            Outcome now = returned.then().hasThrown() ? returned.then() : Outcome.returned(returned.array());
            if (!now.equals(returned.then())) {
                throw check.broken(MachinePromise.RESULTS_STAY, returned.state(), returned.what() + " was\n  " + returned.then()
                    + "\nand the same array holds in the end\n  " + now, null);
            }
        }
    }

    /** One instance is fed the log, and another one, in turns with it, something else. */
    private void besideAnotherInstance() throws IOException {
        StateMachine other = check.create();
        MachineReplay replay = check.replay(MachinePromise.INSTANCES_SHARE_NOTHING,
            "an instance that took turns with one that was fed the commands in the opposite order", check.create());
        for (int step = 0; step < log.size(); step++) {
            applyOpposite(other, step);
            replay.go(step, step + 1);
        }
    }

    /** The process has done something else before, and a new thread applies. */
    private void withAnotherPast() throws IOException {
        StateMachine past = check.create();
        for (int step = 0; step < log.size(); step++) {
            applyOpposite(past, step);
        }
        for (int i = 0; i < OTHER_OBJECTS; i++) {
            System.identityHashCode(new Object());     // the sequence that they are drawn from moves on
        }
        MachineReplay replay = check.replay(MachinePromise.SAME_ON_ANY_THREAD, "an instance that another thread applied to",
            check.create());
        OnAnotherThread.run("contract-apply", () -> replay.go(0, log.size()));
    }

    private void inAnotherPlace(String languageTag, String zone) throws IOException {
        try (JvmDefaults defaults = new JvmDefaults()) {
            defaults.change(languageTag, zone);
            check.replay(MachinePromise.SAME_IN_ANY_PLACE, "an instance under default locale " + languageTag + " and time zone " + zone,
                check.create()).go(0, log.size());
        }
    }

    private void applyOpposite(StateMachine machine, int step) {
        int opposite = log.size() - 1 - step;
        Step command = log.steps().get(opposite);
        Step moved = command.at(log.steps().get(step).index(), log.steps().get(step).timeNanos());
        check.requireApplied(opposite, new LiveMachine(machine).apply(moved), " (by an instance that is fed them in the opposite order)");
    }
}
