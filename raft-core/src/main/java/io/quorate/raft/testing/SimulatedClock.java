package io.quorate.raft.testing;

/** The clock of one node: it may run fast or slow, leap, and come close to its overflow. */
final class SimulatedClock {

    private final Agenda agenda;
    private long base;              // what it showed
    private long baseAt;            // at this real time
    private int permille = 1000;
    private long latest;            // of what it has shown; it may have leapt back since

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

    void jump(long byNanos) {
        base = nanos() + byNanos;
        baseAt = agenda.now();
        if (baseAt == 0) {
            latest = base;      // where it begins, which is no leap
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
