package io.quorate.examples.election;

import io.quorate.examples.launcher.ReplicaProcess;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.IntFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Who holds an office, as the candidates' processes say: each prints {@code ... leads with fence 123} when its work starts. */
public final class Holders {

    private static final Pattern LEADS = Pattern.compile(".* leads with fence (\\d+)");
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final long LOOK_MILLIS = 1;

    /**
     * That a candidate began a term of office.
     *
     * @param number which candidate
     * @param nanos  when this was first seen here, on this process's monotonic clock
     */
    public record Holder(int number, long fence, long nanos) { }

    private final List<Integer> numbers;
    private final IntFunction<ReplicaProcess> processes;

    /**
     * Of these candidates.
     *
     * @param processes the one that has this number now
     */
    public Holders(List<Integer> numbers, IntFunction<ReplicaProcess> processes) {
        this.numbers = List.copyOf(numbers);
        this.processes = processes;
    }

    /**
     * Waits until one of them holds the office with a higher fence than this.
     *
     * @throws IllegalStateException if the time is up before
     */
    public Holder awaitAfter(long fence) {
        long begin = System.nanoTime();
        while (System.nanoTime() - begin < PATIENCE.toNanos()) {
            Holder newest = newest();
            if (newest.fence() > fence) {
                return newest;
            }
            pause(LOOK_MILLIS);
        }
        throw new IllegalStateException("Nobody holds the office with a fence after " + fence + " within " + PATIENCE);
    }

    private Holder newest() {
        Holder newest = new Holder(0, 0, System.nanoTime());
        for (int number : numbers) {
            for (String line : processes.apply(number).lines()) {
                Matcher leads = LEADS.matcher(line);
                if (leads.matches() && Long.parseLong(leads.group(1)) > newest.fence()) {
                    newest = new Holder(number, Long.parseLong(leads.group(1)), System.nanoTime());
                }
            }
        }
        return newest;
    }

    /** Lets some time pass. */
    public static void pause(long millis) {
        try {
            TimeUnit.MILLISECONDS.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }
}
