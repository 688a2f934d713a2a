package io.quorate.raft.testing;

import java.util.SplittableRandom;

/** What is wrong with one node at the moment: a slow or hanging disk, a slow state machine, a death that is due. */
final class Ailments {

    private final SimulatedGroup group;
    private final SplittableRandom random;
    private long hangsUntil;            // the disk answers nothing before
    private long slowUntil;             // writes are slow before
    private long writeNanosMax;
    private long slowApplyUntil;
    private long applyNanosMax;
    private int sendsLeft = -1;         // the process dies after so many; never if negative
    private boolean throwsInApply;
    private long downNanos;             // for how long the node is down when that, or a failing disk, has stopped it

    Ailments(SimulatedGroup group, SplittableRandom random) {
        this.group = group;
        this.random = random;
    }

    // ---- they begin

    void slowDisk(long forNanos, long nanosMax) {
        slowUntil = group.now() + forNanos;
        writeNanosMax = nanosMax;
    }

    void hangDisk(long forNanos) {
        hangsUntil = Math.max(hangsUntil, group.now() + forNanos);
    }

    void slowApply(long forNanos, long nanosMax) {
        slowApplyUntil = group.now() + forNanos;
        applyNanosMax = nanosMax;
    }

    void throwInApply() {
        throwsInApply = true;
    }

    void dieAfterSends(int sends) {
        sendsLeft = sends;
    }

    /** For how long it is down once one of these has ended its process. */
    void downFor(long nanos) {
        downNanos = nanos;
    }

    // ---- they end

    /** With the process goes what was to befall it. */
    void onProcessEnded() {
        hangsUntil = 0;
        sendsLeft = -1;
        throwsInApply = false;
    }

    void heal() {
        onProcessEnded();
        slowUntil = 0;
        slowApplyUntil = 0;
    }

    // ---- they show

    /** Until when the disk answers nothing; past if it answers. */
    long hangsUntil() {
        return hangsUntil;
    }

    /** How long the disk takes for what it is given now. */
    long diskDelay() {
        if (group.isHealing()) {
            return random.nextLong(group.plan().electionTimeoutNanos() / 1000);
        }
        long nanos = random.nextLong((group.now() < slowUntil ? writeNanosMax : group.plan().diskNanosMax()) + 1);
        if (nanos > group.plan().electionTimeoutNanos()) {
            group.count(Happening.SLOW_WRITE);
        }
        return nanos;
    }

    /** How long the state machine takes for what it is given now. */
    long applyDelay() {
        if (group.now() >= slowApplyUntil) {
            return 0;
        }
        group.count(Happening.SLOW_APPLY);
        return random.nextLong(applyNanosMax + 1);
    }

    /** Whether this apply throws; asked once for each. */
    boolean throwsInApply() {
        boolean isDue = throwsInApply;
        throwsInApply = false;
        return isDue;
    }

    /** Whether the process dies in place of this send; asked once for each. */
    boolean diesBeforeSend() {
        return sendsLeft >= 0 && sendsLeft-- == 0;
    }

    long downNanos() {
        return downNanos;
    }
}
