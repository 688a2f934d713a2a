package io.quorate.raft.election;

import io.quorate.raft.Helm;
import io.quorate.raft.core.ReplicaId;
import java.time.Duration;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.IntFunction;
import java.util.function.LongSupplier;
import java.util.function.LongUnaryOperator;

/** A candidacy as the simulation of another package turns it: what {@link GroupElection} is without its thread. */
public final class OpenCandidacy {

    private final Candidacy candidacy;

    /** One that patience of so long is had with. */
    public OpenCandidacy(ReplicaId self, Helm helm, IntFunction<CompletionStage<?>> handOver, Runnable wake,
                         LeaderTask<GroupLeadership> task, Executor executor, Duration patience, LongUnaryOperator random,
                         LongSupplier nanoClock) {
        candidacy = new Candidacy(self, helm, handOver::apply, wake::run, task, executor, new Office.Patience(patience, patience), random,
            nanoClock);
    }

    public void turn() {
        candidacy.turn();
    }

    public long nanosUntilDeadline() {
        return candidacy.nanosUntilDeadline();
    }

    public LeaderState state() {
        return candidacy.board().state();
    }

    @Override
    public String toString() {
        return candidacy.toString();
    }
}
