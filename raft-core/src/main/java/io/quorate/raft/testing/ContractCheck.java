package io.quorate.raft.testing;

import java.util.ArrayList;
import java.util.List;

/**
 * One sentence of an interface's contract, and how to find out whether an implementation keeps it.
 *
 * @param sentence what is promised
 * @param trial    throws a {@link ContractBroken} if it is not kept; whatever else it throws means the same
 */
record ContractCheck(String sentence, Trial trial) {

    /** Holds an implementation against one sentence. */
    interface Trial {

        /** @return whether it could be tried; false if the author did not supply what it takes */
        boolean run() throws Exception;
    }

    /** Runs all, up to the first that fails, and returns the sentences that were tried. */
    static List<String> runAll(List<ContractCheck> checks) {
        List<String> tried = new ArrayList<>();
        for (ContractCheck check : checks) {
            if (check.isTried()) {
                tried.add(check.sentence());
            }
        }
        return List.copyOf(tried);
    }

    private boolean isTried() {
        try {
            return trial.run();
        } catch (ContractBroken e) {
            throw e;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("Interrupted while checking: " + sentence, e);
        } catch (Exception | AssertionError e) {
            ContractBroken broken = new ContractBroken(sentence, "there came " + e);
            broken.initCause(e);
            throw broken;
        }
    }
}
