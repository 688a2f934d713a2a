package io.quorate.raft.testing;

import io.quorate.raft.core.RaftConfig;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Draws plans. Each kind of fault is off in about half of them and has an intensity of its own in the others, for when everything goes
 * wrong all the time, little happens: the rare things need others to be absent (Groce and others, "Swarm testing", 2012).
 */
final class Swarm {

    private final SplittableRandom random;
    private final int nodes;
    private final long t;             // an election timeout
    private final long end;
    private int leaseDriftPermille;  // 0 without leases
    private final List<Fault> faults = new ArrayList<>();

    Swarm(long seed, int nodes, int timeouts) {
        if (nodes < 0 || nodes > FaultPlan.NODES_MAX || timeouts < 0) {
            throw new IllegalArgumentException("There are 1 to " + FaultPlan.NODES_MAX + " nodes, or 0 to draw their number, and 0 or more "
                + "timeouts; not " + nodes + " and " + timeouts);
        }
        random = new SplittableRandom(seed ^ 0x5DEECE66DL);
        int drawn = drawNodes();
        this.nodes = nodes == 0 ? drawn : nodes;
        t = random.nextBoolean() ? Duration.ofSeconds(1).toNanos() : Duration.ofMillis(150).toNanos();
        end = timeouts * t;
    }

    /** Mostly three and five; the others, even numbers among them, in their turn. */
    private int drawNodes() {
        return switch (random.nextInt(10)) {
            case 0, 1, 2, 3 -> 3;
            case 4, 5 -> 5;
            case 6 -> 1;
            case 7 -> 7;
            case 8 -> 4;
            default -> random.nextBoolean() ? 2 : 6;
        };
    }

    FaultPlan draw() {
        long delayMax = random.nextBoolean() ? t / 1000 : t / random.nextInt(10, 100);
        long diskMax = random.nextBoolean() ? t / 5000 : t / random.nextInt(2, 50);
        boolean isCramped = random.nextBoolean();
        leaseDriftPermille = random.nextBoolean() ? random.nextInt(2, RaftConfig.LEASE_DRIFT_PERMILLE_MAX + 1) : 0;
        drawNoise();
        drawCuts();
        drawCrashes();
        drawPauses();
        drawClocks();
        drawDisks();
        drawApplication();
        drawStrikes();
        drawOperators();
        drawDamage();
        drawFullDisks();
        drawDamagedDisks();
        return new FaultPlan(nodes, t, end, delayMax, diskMax, isCramped, leaseDriftPermille, faults);
    }

    // ------------------------------------------------------------------------------------------------------------------ messages

    private void drawNoise() {
        int loss = random.nextBoolean() ? random.nextInt(10, 300) : 0;
        int repeat = random.nextBoolean() ? random.nextInt(10, 300) : 0;
        int late = random.nextBoolean() ? random.nextInt(10, 100) : 0;
        int damage = random.nextBoolean() ? random.nextInt(1, 30) : 0;
        long lateMax = t * random.nextInt(1, 8);
        if (loss + repeat + late + damage > 0) {
            boolean isSteady = random.nextBoolean();
            for (long at = 0; at < end; at += 10 * t) {
                if (isSteady || random.nextBoolean()) {
                    faults.add(new Fault.Noise(micros(at), isSteady ? 10 * t : micros(random.nextLong(10 * t)), loss, repeat, late, lateMax,
                        damage));
                }
            }
        }
        if (random.nextBoolean()) {
            often(random.nextInt(5, 50), at -> faults.add(new Fault.Stray(at, anyone())));
        }
    }

    private void drawCuts() {
        if (random.nextBoolean() && nodes > 1) {
            int mean = random.nextInt(3, 20);
            often(mean, at -> faults.add(new Fault.Cut(at, micros(random.nextLong(2L * mean * t)), drawLinks())));
        }
    }

    private long drawLinks() {
        int one = anyone();
        return switch (random.nextInt(10)) {
            case 0 -> Links.halves(nodes, random.nextLong());
            case 1 -> Links.around(nodes, one);
            case 2 -> Links.into(nodes, one);
            case 3 -> Links.outOf(nodes, one);
            case 4 -> Links.into(nodes, one) & random.nextLong();       // half deaf
            case 5 -> Links.chain(nodes, one);
            case 6 -> Links.hub(nodes, one);
            case 7 -> Links.bridge(nodes, one);
            case 8 -> Links.link(one, anyone());
            default -> Links.halves(nodes, random.nextLong()) & random.nextLong() | Links.around(nodes, one) & random.nextLong();
        };
    }

    // ----------------------------------------------------------------------------------------------------------------- processes

    private void drawCrashes() {
        if (random.nextBoolean()) {
            often(random.nextInt(3, 20), at -> faults.add(new Fault.Crash(at, anyone(), drawDown(), random.nextInt(3) == 0)));
        }
        if (random.nextBoolean()) {
            often(random.nextInt(10, 40),
                at -> faults.add(new Fault.CrashInFlush(at, anyone(), random.nextInt(1, 40), drawDown())));
        }
        if (random.nextInt(4) == 0 && nodes > 2) {
            List<Integer> doomed = new ArrayList<>(IntStream.rangeClosed(1, nodes).boxed().toList());
            for (int i = random.nextInt((nodes - 1) / 2) + 1; i > 0; i--) {
                int node = doomed.remove(random.nextInt(doomed.size()));
                faults.add(new Fault.Wipe(micros(random.nextLong(end)), node, drawDown()));
            }
        }
    }

    /** At once, or after some elections. */
    private long drawDown() {
        return micros(random.nextBoolean() ? random.nextLong(t / 10) : random.nextLong(10 * t));
    }

    private void drawPauses() {
        if (random.nextInt(3) == 0) {
            often(random.nextInt(3, 20), at -> faults.add(new Fault.Pause(at, anyone(), drawPause())));
        }
    }

    /** From a tenth of an election timeout to a hundred: the short ones are as likely as the long ones. */
    private long drawPause() {
        return micros((long) (t / 10.0 * StrictMath.pow(1000, random.nextDouble())));
    }

    // -------------------------------------------------------------------------------------------------------------------- clocks

    /** With leases, clocks keep to what those rest on: any two differ by no more than the bound, and none leaps once it has begun. */
    private void drawClocks() {
        boolean hasLeases = leaseDriftPermille > 0;
        if (random.nextBoolean()) {
            for (int node = 1; node <= nodes; node++) {
                faults.add(new Fault.ClockRate(0, node, hasLeases ? drawRateForLeases() : random.nextInt(950, 1051)));
                faults.add(new Fault.ClockJump(0, node, random.nextBoolean() ? Long.MAX_VALUE - random.nextLong(2 * end)
                    : random.nextLong()));
            }
        }
        if (random.nextInt(4) == 0 && !hasLeases) {
            often(random.nextInt(5, 30), at -> faults.add(new Fault.ClockJump(at, anyone(),
                random.nextInt(3) > 0 ? random.nextLong(10 * t) : -random.nextLong(2 * t))));
        }
        if (random.nextInt(4) == 0) {
            often(random.nextInt(10, 40), at -> faults.add(new Fault.ClockRate(at, anyone(),
                hasLeases ? drawRateForLeases() : random.nextInt(800, 1250))));
        }
    }

    /** Half of the bound to either side: (1000 - d/2) / (1000 + d/2) is no less than 1 - d/1000. */
    private int drawRateForLeases() {
        return 1000 + random.nextInt(-leaseDriftPermille / 2, leaseDriftPermille / 2 + 1);
    }

    // --------------------------------------------------------------------------------------------------------------------- disks

    private void drawDisks() {
        if (random.nextBoolean()) {
            long slowest = t / random.nextInt(2, 20) * random.nextInt(1, 40);
            often(random.nextInt(3, 20),
                at -> faults.add(new Fault.SlowDisk(at, anyone(), micros(random.nextLong(10 * t)), slowest)));
        }
        if (random.nextBoolean()) {
            often(random.nextInt(5, 40), at -> faults.add(new Fault.HangDisk(at, anyone(),
                random.nextInt(5) == 0 ? end : micros(random.nextLong(8 * t)))));
        }
        if (random.nextInt(3) == 0) {
            often(random.nextInt(10, 60), at -> faults.add(new Fault.FailDisk(at, anyone(), drawDown())));
        }
    }

    // --------------------------------------------------------------------------------------------------------------- application

    private void drawApplication() {
        if (random.nextInt(4) == 0) {
            long slowest = t / random.nextInt(1, 20);
            often(random.nextInt(3, 20),
                at -> faults.add(new Fault.SlowApply(at, anyone(), micros(random.nextLong(10 * t)), slowest)));
        }
        if (random.nextInt(4) == 0) {
            often(random.nextInt(10, 60), at -> faults.add(new Fault.ThrowInApply(at, anyone(), drawDown())));
        }
        if (random.nextInt(3) == 0) {
            often(random.nextInt(5, 40), at -> faults.add(new Fault.Flood(at, anyone(), random.nextInt(5, 60))));
        }
    }

    // ----------------------------------------------------------------------------------------------------------------- operators

    private void drawOperators() {
        if (random.nextBoolean()) {
            often(random.nextInt(3, 20), at -> faults.add(new Fault.ChangeMembership(at, random.nextLong())));
        }
        if (random.nextInt(3) == 0) {
            often(random.nextInt(5, 30), at -> faults.add(new Fault.HandOver(at, random.nextInt(nodes + 1))));
        }
    }

    // ---------------------------------------------------------------------------------------------------------------- full disks

    /** One after another, or all at once, as when something else on all machines writes more and more. Drawn last. */
    private void drawFullDisks() {
        if (random.nextInt(3) > 0) {
            return;
        }
        boolean isShared = random.nextInt(4) == 0;
        often(random.nextInt(5, 40), at -> {
            long nanos = micros(random.nextLong(15 * t));
            boolean isToTheBrim = random.nextBoolean();
            int one = anyone();
            for (int node = isShared ? 1 : one; node <= (isShared ? nodes : one); node++) {
                faults.add(new Fault.FullDisk(at, node, nanos, isToTheBrim));
            }
        });
    }

    // ------------------------------------------------------------------------------------------------------------- disks that lie

    /** Mostly of fewer than half of the nodes, so that there is a quorum that has all that was acknowledged. Drawn last. */
    private void drawDamagedDisks() {
        if (random.nextInt(3) > 0) {
            return;
        }
        int first = anyone();
        int victims = random.nextInt(8) == 0 ? nodes : (nodes - 1) / 2;
        if (victims > 0) {
            often(random.nextInt(2, 15), at -> faults.add(new Fault.DamageDisk(at, 1 + (first + random.nextInt(victims)) % nodes,
                random.nextLong() >>> 1)));
        }
    }

    // ------------------------------------------------------------------------------------------------------------------- strikes

    private void drawStrikes() {
        if (random.nextBoolean()) {
            return;
        }
        int votes = random.nextInt(2, 12);
        int inheritance = random.nextInt(2, 12);
        int quorum = random.nextInt(1, 6);
        int entries = random.nextInt(3, 20);
        often(votes, at -> strike(at, votes, Fault.Balance.VOTES));
        often(inheritance, at -> strike(at, inheritance, Fault.Balance.INHERITANCE));
        often(quorum, at -> strike(at, 4 * quorum, Fault.Balance.INHERITANCE_ON_A_QUORUM));
        often(entries, at -> strike(at, entries, Fault.Balance.ENTRIES));
    }

    private void strike(long at, long timeouts, Fault.Balance balance) {
        faults.add(new Fault.Strike(at, timeouts * t, balance, random.nextLong()));
    }

    // -------------------------------------------------------------------------------------------------------------- damaged disks

    /** Last of all, so that a seed's other faults are what they were. */
    private void drawDamage() {
        if (random.nextInt(3) == 0) {
            often(random.nextInt(3, 30), at -> faults.add(new Fault.DamageEntry(at, anyone(), random.nextLong() >>> 1)));
        }
    }

    // ------------------------------------------------------------------------------------------------------- disks that forget

    static FaultPlan drawForgetful(long seed) {
        Swarm swarm = new Swarm(seed, new int[] {3, 5}[(int) (seed & 1)], 40);
        SplittableRandom random = swarm.random;
        long t = swarm.t;
        long at = swarm.micros(random.nextLong(15 * t, 25 * t));
        swarm.faults.add(random.nextBoolean()
            ? new Fault.RollBack(at, swarm.anyone(), at - swarm.micros(random.nextLong(2 * t, 8 * t)), swarm.micros(random.nextLong(t / 2)))
            : new Fault.CloneDisk(at, swarm.anyone()));
        return new FaultPlan(swarm.nodes, t, swarm.end, t / 1000, t / 1000, false, swarm.faults);
    }

    // --------------------------------------------------------------------------------------------------------- a single victim

    static FaultPlan drawMinority(long seed) {
        Swarm swarm = new Swarm(seed, new int[] {3, 5, 4}[(int) Math.floorMod(seed, 3L)], 150);
        SplittableRandom random = swarm.random;
        long t = swarm.t;
        int victim = swarm.anyone();
        for (long at = 15 * t + random.nextLong(5 * t); at < swarm.end; at += 6 * t + random.nextLong(10 * t)) {
            long micros = swarm.micros(at);
            long nanos = swarm.micros(random.nextLong(5 * t));
            swarm.faults.add(switch (random.nextInt(9)) {
                case 0 -> new Fault.Crash(micros, victim, nanos, random.nextBoolean());
                case 1 -> new Fault.Pause(micros, victim, nanos);
                case 2 -> new Fault.Cut(micros, nanos, Links.around(swarm.nodes, victim));
                case 3 -> new Fault.Cut(micros, nanos, Links.into(swarm.nodes, victim));
                case 4 -> new Fault.Cut(micros, nanos, Links.outOf(swarm.nodes, victim));
                case 5 -> new Fault.HangDisk(micros, victim, nanos);
                case 6 -> new Fault.ClockJump(micros, victim, nanos);
                case 7 -> new Fault.ClockRate(micros, victim, random.nextInt(800, 1250));
                default -> new Fault.SlowApply(micros, victim, nanos, t);
            });
        }
        swarm.faults.add(new Fault.Stray(swarm.end - 1000, victim));     // names the victim also if links alone were cut
        return new FaultPlan(swarm.nodes, t, swarm.end, t / 1000, t / 1000, false, swarm.faults);
    }

    // --------------------------------------------------------------------------------------------------------------------- drawing

    private interface At {
        void at(long nanos);
    }

    /** Again and again, after pauses around this many election timeouts. */
    private void often(int meanTimeouts, At fault) {
        for (long at = random.nextLong(2 * meanTimeouts * t); at < end; at += 1 + random.nextLong(2 * meanTimeouts * t)) {
            fault.at(micros(at));
        }
    }

    private int anyone() {
        return 1 + random.nextInt(nodes);
    }

    /** Whole microseconds, which read better. */
    private long micros(long nanos) {
        return nanos / 1000 * 1000;
    }
}
