package io.quorate.benchmarks;

import java.util.Arrays;
import java.util.Collection;
import java.util.Locale;

/** Some values in order. */
record Quantiles(double... sorted) {

    static Quantiles of(Collection<Double> values) {
        return of(values.stream().mapToDouble(Double::doubleValue).toArray());
    }

    static Quantiles of(double... values) {
        return new Quantiles(Arrays.stream(values).sorted().toArray());
    }

    /** The value that this share of them do not exceed; between two of them, as far from each: the median of two is their mean. */
    double at(double share) {
        if (sorted.length == 0) {
            return Double.NaN;
        }
        double place = share * (sorted.length - 1);
        int below = (int) place;
        double above = sorted[Math.min(below + 1, sorted.length - 1)];
        return sorted[below] + (place - below) * (above - sorted[below]);
    }

    double median() {
        return at(0.5);
    }

    /** The least, the median and the greatest, each in this format. */
    String range(String format) {
        return String.format(Locale.ROOT, format + " / **" + format + "** / " + format, at(0), median(), at(1));
    }

    /** How they are spread. */
    String distribution(String format) {
        return String.format(Locale.ROOT, String.join(" | ", format, format, format, format, format, format), at(0), median(), at(0.75),
            at(0.9), at(0.99), at(1));
    }
}
