package io.quorate.benchmarks;

import java.util.Collection;
import java.util.Locale;

/** Some values in order. */
record Quantiles(double... sorted) {

    static Quantiles of(Collection<Double> values) {
        return new Quantiles(values.stream().mapToDouble(Double::doubleValue).sorted().toArray());
    }

    /** The value that this share of them do not exceed. */
    double at(double share) {
        return sorted.length == 0 ? Double.NaN : sorted[(int) Math.round(share * (sorted.length - 1))];
    }

    /** The least, the median and the greatest, each in this format. */
    String range(String format) {
        return String.format(Locale.ROOT, format + " / **" + format + "** / " + format, at(0), at(0.5), at(1));
    }

    /** How they are spread. */
    String distribution(String format) {
        return String.format(Locale.ROOT, String.join(" | ", format, format, format, format, format, format), at(0), at(0.5), at(0.75),
            at(0.9), at(0.99), at(1));
    }
}
