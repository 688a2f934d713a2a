package io.quorate.raft.testing;

/** The clock of one node: it may run fast or slow, leap, and come close to its overflow. */
final class SimulatedClock {

    /**
     * What may be counted on it: time that it has shown before it leapt back is not counted a second time.
     *
     * @param leaps how often it has leapt back
     * @param nanos how far it has gone since its latest leap back, beyond what it had shown before; not positive while it repeats that
     */
    record Steady(int leaps, long nanos) { }

    private final Agenda agenda;
    private long base;              // what it showed
    private long baseAt;            // at this real time
    private int permille = 1000;
    private long latest;            // of what it has shown; it may have leapt back since
    private int leaps;              // back
    private long steadyFrom;        // what it had shown at most before the last of them

    SimulatedClock(Agenda agenda) {
        this.agenda = agenda;
    }

    /** What it shows; may wrap around. */
    long nanos() {
        long shown = base + scale(agenda.now() - baseAt);
        if (shown - latest > 0) {
            latest = shown;
        }
        return shown;
    }

    /** The latest that it has ever shown: who has seen that will not believe that it is earlier. */
    long latest() {
        nanos();
        return latest;
    }

    /** How much real time must pass until it has advanced by so much; not a nanosecond less, or a sleeper would wake again and again. */
    long realNanos(long nanos) {
        return nanos / permille * 1000 + (nanos % permille * 1000 + permille - 1) / permille;
    }

    Steady steady() {
        return new Steady(leaps, nanos() - steadyFrom);
    }

    void jump(long byNanos) {
        base = nanos() + byNanos;
        baseAt = agenda.now();
        if (baseAt == 0) {
            latest = base;      // where it begins, which is no leap
            steadyFrom = base;
        } else if (byNanos < 0) {
            leaps++;
            steadyFrom = latest;
        }
    }

    /** From now on it runs at this rate; 1000 is right. */
    void rate(int newPermille) {
        jump(0);
        permille = newPermille;
    }

    private long scale(long nanos) {
        return nanos / 1000 * permille + nanos % 1000 * permille / 1000;
    }
}
