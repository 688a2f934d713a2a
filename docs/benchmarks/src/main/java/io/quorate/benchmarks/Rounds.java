package io.quorate.benchmarks;

import java.util.Locale;

/**
 * How much of a bare loop's rate the storage reaches, measured in rounds in each of which both ran by turns: what else the machine did
 * slowed both.
 */
final class Rounds {

    private final String what;
    private final int perRound;
    private final double target;
    private final Clock[] times;
    private final Clock[] bareTimes;
    private int count;

    /**
     * No rounds yet.
     *
     * @param what     is measured, as a piece of the line that is printed
     * @param perRound how much of it is done in a round
     * @param target   what the median of the ratios should be, or more; 0 if nothing is asked
     * @param rounds   so many are to come
     */
    Rounds(String what, int perRound, double target, int rounds) {
        this.what = what;
        this.perRound = perRound;
        this.target = target;
        times = new Clock[rounds];
        bareTimes = new Clock[rounds];
    }

    /** One round: what it took, and what it took with nothing around it. */
    void add(Clock time, Clock bareTime) {
        times[count] = time;
        bareTimes[count] = bareTime;
        count++;
    }

    /** Prints the line; whether the target was reached. */
    boolean print(String unit) {
        double[] ratios = new double[count];
        double[] cpuRatios = new double[count];
        double[] rates = new double[count];
        double[] bareRates = new double[count];
        double[] extraMicros = new double[count];
        Clock all = Clock.ZERO;
        Clock allBare = Clock.ZERO;
        for (int i = 0; i < count; i++) {
            all = all.plus(times[i]);
            allBare = allBare.plus(bareTimes[i]);
            rates[i] = perRound * 1e9 / times[i].nanos();
            bareRates[i] = perRound * 1e9 / bareTimes[i].nanos();
            ratios[i] = rates[i] / bareRates[i];
            cpuRatios[i] = (double) bareTimes[i].cpuNanos() / times[i].cpuNanos();
            extraMicros[i] = (times[i].cpuNanos() - bareTimes[i].cpuNanos()) / 1e3 / perRound;
        }
        Quantiles spread = Quantiles.of(ratios);
        double median = spread.median();
        boolean isReached = median >= target;
        System.out.println(String.format(Locale.ROOT, "bench: %s rounds=%d %s=%.0f bare_%s=%.0f ratio=%.3f quartiles=%.3f..%.3f total=%.3f"
            + " cpu_ratio=%.3f extra_cpu_us=%.3f%s", what, count, unit, Quantiles.of(rates).median(), unit, Quantiles.of(bareRates).median(),
            median, spread.at(0.25), spread.at(0.75), (double) allBare.nanos() / all.nanos(), Quantiles.of(cpuRatios).median(),
            Quantiles.of(extraMicros).median(),
            target == 0 ? "" : String.format(Locale.ROOT, " target=%.2f reached=%s", target, isReached ? "yes" : "no")));
        return isReached;
    }
}
