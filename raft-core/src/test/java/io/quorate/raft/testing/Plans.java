package io.quorate.raft.testing;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.RandomDistribution;

/**
 * Plans as generated values, which jqwik shrinks as such: to fewer nodes, fewer faults, earlier, shorter and simpler ones. Every kind of
 * fault that a group has to cope with is among them.
 */
final class Plans {

    private final int nodes;
    private final long t;          // an election timeout
    private final long end;

    private Plans(int nodes, long t, long end) {
        this.nodes = nodes;
        this.t = t;
        this.end = end;
    }

    /** Of groups of 1 to 5 nodes, for 5 to 40 election timeouts. */
    static Arbitrary<FaultPlan> plans() {
        Arbitrary<Integer> nodes = Arbitraries.of(3, 5, 4, 2, 1);
        Arbitrary<Long> t = Arbitraries.of(Duration.ofSeconds(1).toNanos(), Duration.ofMillis(150).toNanos());
        Arbitrary<Integer> timeouts = Arbitraries.integers().between(5, 40).shrinkTowards(5);
        return Combinators.combine(nodes, t, timeouts).as((n, nanos, number) -> new Plans(n, nanos, number * nanos))
            .flatMap(Plans::plan);
    }

    private Arbitrary<FaultPlan> plan() {
        return Combinators.combine(faults(), wipes(), nanos(t / 10), nanos(t / 2), Arbitraries.of(false, true))
            .as((faults, wipes, delayMax, diskMax, isCramped) -> {
                List<Fault> all = new ArrayList<>(faults);
                all.addAll(wipes);
                return new FaultPlan(nodes, t, end, delayMax, diskMax, isCramped, all);
            });
    }

    /** Fewer than half of the nodes lose their disks. */
    private Arbitrary<List<Fault.Wipe>> wipes() {
        return Combinators.combine(at(), node(), down()).as(Fault.Wipe::new).list().uniqueElements(Fault.Wipe::node)
            .ofMaxSize(nodes > 2 ? (nodes - 1) / 2 : 0);
    }

    private Arbitrary<List<Fault>> faults() {
        Arbitrary<Boolean> yesNo = Arbitraries.of(false, true);
        List<Arbitrary<? extends Fault>> kinds = new ArrayList<>();
        kinds.add(Combinators.combine(at(), down(), node(), node())
            .as((at, time, from, to) -> new Fault.Cut(at, time, Links.link(from, to))));
        kinds.add(Combinators.combine(at(), down(), Arbitraries.longs().between(0, (1L << nodes) - 1))
            .as((at, time, set) -> new Fault.Cut(at, time, Links.halves(nodes, set))));
        kinds.add(Combinators.combine(at(), down(), shape()).as(Fault.Cut::new));
        kinds.add(Combinators.combine(at(), nanos(10 * t), permille(300), permille(300), permille(100), nanos(8 * t), permille(30))
            .as(Fault.Noise::new));
        kinds.add(Combinators.combine(at(), node()).as(Fault.Stray::new));
        kinds.add(Combinators.combine(at(), node(), down(), yesNo).as(Fault.Crash::new));
        kinds.add(Combinators.combine(at(), node(), Arbitraries.integers().between(0, 40), down()).as(Fault.CrashInFlush::new));
        kinds.add(Combinators.combine(at(), node(), nanos(20 * t)).as(Fault.Pause::new));
        kinds.add(Combinators.combine(at(), node(), Arbitraries.longs().between(-2 * t, 10 * t)).as(Fault.ClockJump::new));
        kinds.add(Combinators.combine(Arbitraries.just(0L), node(), Arbitraries.longs()).as(Fault.ClockJump::new));
        kinds.add(Combinators.combine(at(), node(), Arbitraries.integers().between(800, 1250).shrinkTowards(1000))
            .as(Fault.ClockRate::new));
        kinds.add(Combinators.combine(at(), node(), nanos(10 * t), nanos(5 * t)).as(Fault.SlowDisk::new));
        kinds.add(Combinators.combine(at(), node(), nanos(10 * t)).as(Fault.HangDisk::new));
        kinds.add(Combinators.combine(at(), node(), down()).as(Fault.FailDisk::new));
        kinds.add(Combinators.combine(at(), node(), Arbitraries.longs().greaterOrEqual(0)).as(Fault.DamageEntry::new));
        kinds.add(Combinators.combine(at(), node(), Arbitraries.longs().greaterOrEqual(0)).as(Fault.DamageDisk::new));
        kinds.add(Combinators.combine(at(), node(), nanos(10 * t), yesNo).as(Fault.FullDisk::new));
        kinds.add(Combinators.combine(at(), node(), nanos(10 * t), nanos(t)).as(Fault.SlowApply::new));
        kinds.add(Combinators.combine(at(), node(), down()).as(Fault.ThrowInApply::new));
        kinds.add(Combinators.combine(at(), node(), Arbitraries.integers().between(1, 60)).as(Fault.Flood::new));
        kinds.add(Combinators.combine(at(), Arbitraries.integers().between(0, nodes)).as(Fault.HandOver::new));
        kinds.add(Combinators.combine(at(), Arbitraries.longs()).as(Fault.ChangeMembership::new));
        // Twice, for these find most.
        for (int i = 0; i < 2; i++) {
            kinds.add(Combinators.combine(at(), nanos(20 * t), Arbitraries.of(Fault.Balance.class), Arbitraries.longs())
                .as(Fault.Strike::new));
        }
        return Arbitraries.oneOf(kinds).map(Fault.class::cast).list().ofMaxSize(25);
    }

    private Arbitrary<Long> shape() {
        return node().flatMap(node -> Arbitraries.of(Links.around(nodes, node), Links.into(nodes, node), Links.outOf(nodes, node),
            Links.chain(nodes, node), Links.hub(nodes, node), Links.bridge(nodes, node)));
    }

    private Arbitrary<Long> at() {
        return nanos(end);
    }

    private Arbitrary<Long> down() {
        return Arbitraries.oneOf(nanos(t / 10), nanos(10 * t));
    }

    private Arbitrary<Integer> node() {
        return Arbitraries.integers().between(1, nodes);
    }

    private static Arbitrary<Integer> permille(int max) {
        return Arbitraries.oneOf(Arbitraries.just(0), Arbitraries.integers().between(0, max));
    }

    /** Evenly spread whole microseconds. */
    private static Arbitrary<Long> nanos(long max) {
        return Arbitraries.longs().between(0, max / 1000).withDistribution(RandomDistribution.uniform())
            .map(micros -> 1000 * micros);
    }
}
