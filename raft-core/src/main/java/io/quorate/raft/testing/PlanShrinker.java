package io.quorate.raft.testing;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * Cuts a failing plan down to a small one that still fails: first its end, then groups of faults, halves, quarters and so on down to single
 * ones (Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input", 2002), then how long each lasts.
 *
 * <p>It runs the plan some hundred times at most, so the result is small, but perhaps not the smallest.
 */
final class PlanShrinker {

    static final int RUNS_MAX = 400;

    private final Predicate<FaultPlan> fails;
    private int runs;

    PlanShrinker(Predicate<FaultPlan> fails) {
        this.fails = fails;
    }

    FaultPlan shrink(FaultPlan failing) {
        FaultPlan small = shortened(failing);
        small = thinned(small);
        small = simplified(small);
        return thinned(shortened(small));
    }

    /** Heals as early as possible, by bisection; what fails while faults go on does not need the rest. */
    private FaultPlan shortened(FaultPlan failing) {
        FaultPlan small = failing;
        long fails = failing.faultyNanos();
        long passes = 0;
        while (fails - passes > failing.electionTimeoutNanos() / 2 && mayRun()) {
            long middle = passes + (fails - passes) / 2;
            FaultPlan earlier = failing.until(middle);
            if (stillFails(earlier)) {
                small = earlier;
                fails = middle;
            } else {
                passes = middle;
            }
        }
        return small;
    }

    private FaultPlan thinned(FaultPlan failing) {
        FaultPlan small = failing;
        int chunk = Math.max(1, small.faults().size() / 2);
        while (mayRun() && !small.faults().isEmpty()) {
            boolean hasShrunk = false;
            for (int from = small.faults().size() - chunk; from > -chunk && mayRun(); from -= chunk) {
                List<Fault> others = new ArrayList<>(small.faults());
                int first = Math.max(0, from);
                if (first >= others.size()) {
                    continue;
                }
                others.subList(first, Math.min(others.size(), from + chunk)).clear();
                FaultPlan fewer = small.withFaults(others);
                if (stillFails(fewer)) {
                    small = fewer;
                    hasShrunk = true;
                }
            }
            if (chunk == 1 && !hasShrunk) {
                break;
            }
            chunk = Math.max(1, Math.min(chunk / 2, small.faults().size() / 2));
        }
        return small;
    }

    /** Makes what lasts shorter, and what is several things at once fewer. */
    private FaultPlan simplified(FaultPlan failing) {
        FaultPlan small = failing;
        for (int i = 0; i < small.faults().size(); i++) {
            for (Fault simpler : simpler(small.faults().get(i))) {
                List<Fault> others = new ArrayList<>(small.faults());
                others.set(i, simpler);
                FaultPlan candidate = small.withFaults(others);
                if (mayRun() && stillFails(candidate)) {
                    small = candidate;
                }
            }
        }
        return small;
    }

    private static List<Fault> simpler(Fault fault) {
        if (fault instanceof Fault.Noise n) {
            return List.of(
                new Fault.Noise(n.atNanos(), n.forNanos(), n.lossPermille(), 0, 0, n.lateNanosMax(), 0),
                new Fault.Noise(n.atNanos(), n.forNanos(), 0, n.repeatPermille(), 0, n.lateNanosMax(), 0),
                new Fault.Noise(n.atNanos(), n.forNanos(), 0, 0, n.latePermille(), n.lateNanosMax(), 0));
        } else if (fault instanceof Fault.Crash crash) {
            return List.of(new Fault.Crash(crash.atNanos(), crash.node(), 0, crash.keepsWrite()));
        } else if (fault instanceof Fault.Cut cut) {
            return List.of(new Fault.Cut(cut.atNanos(), cut.forNanos() / 2, cut.links()));
        } else if (fault instanceof Fault.Pause pause) {
            return List.of(new Fault.Pause(pause.atNanos(), pause.node(), pause.forNanos() / 2));
        }
        return List.of();
    }

    private boolean mayRun() {
        return runs < RUNS_MAX;
    }

    private boolean stillFails(FaultPlan plan) {
        runs++;
        return fails.test(plan);
    }
}
