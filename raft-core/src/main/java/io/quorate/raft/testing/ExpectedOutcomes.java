package io.quorate.raft.testing;

/**
 * What the first instances said, and all others must say: the result of each command; at each state, the answer to each query and the time
 * at which the machine wants to be woken up.
 */
final class ExpectedOutcomes {

    private final Outcome[] results;
    private final Outcome[] wakeUps;
    private final Outcome[][] answers;

    ExpectedOutcomes(MachineLog log) {
        results = new Outcome[log.size()];
        wakeUps = new Outcome[log.size() + 1];
        answers = new Outcome[log.size() + 1][log.queries().size()];
    }

    Outcome result(int step) {
        return results[step];
    }

    void setResult(int step, Outcome outcome) {
        results[step] = outcome;
    }

    Outcome wakeUp(int state) {
        return wakeUps[state];
    }

    void setWakeUp(int state, Outcome outcome) {
        wakeUps[state] = outcome;
    }

    Outcome answer(int state, int query) {
        return answers[state][query];
    }

    void setAnswer(int state, int query, Outcome outcome) {
        answers[state][query] = outcome;
    }
}
