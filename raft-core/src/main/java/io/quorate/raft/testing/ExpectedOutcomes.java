package io.quorate.raft.testing;

/** What the first instances said, and all others must say: the result of each command, the answer to each query at each state. */
final class ExpectedOutcomes {

    private final Outcome[] results;
    private final Outcome[][] answers;

    ExpectedOutcomes(MachineLog log) {
        results = new Outcome[log.size()];
        answers = new Outcome[log.size() + 1][log.queries().size()];
    }

    Outcome result(int step) {
        return results[step];
    }

    void setResult(int step, Outcome outcome) {
        results[step] = outcome;
    }

    Outcome answer(int state, int query) {
        return answers[state][query];
    }

    void setAnswer(int state, int query, Outcome outcome) {
        answers[state][query] = outcome;
    }
}
