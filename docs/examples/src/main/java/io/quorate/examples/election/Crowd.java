package io.quorate.examples.election;

import io.quorate.raft.client.RaftClient;
import io.quorate.raft.election.Elections;
import io.quorate.raft.election.LeaderTask;
import io.quorate.raft.election.Leadership;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Many candidates for one office, and many offices with two candidates each, all of them clients of one group from this process. */
final class Crowd {

    private static final Duration TTL = Duration.ofSeconds(10);     // nothing here is to end by time
    private static final Duration PATIENCE = Duration.ofSeconds(120);

    private Crowd() { }

    /**
     * What was measured of many offices.
     *
     * @param heldMillis  until all were held
     * @param movedMillis from when their holder closed until all were held by the other candidate
     */
    record Offices(long heldMillis, long movedMillis) { }

    /** Who holds which office; sees that no two of one office are valid at once, and that fences grow. */
    private static final class Register {

        private final Map<String, Leadership> newest = new HashMap<>();      // by office; guarded by this, as all below
        private final Map<Integer, Integer> begun = new HashMap<>();         // how many terms of office each candidate began
        private @Nullable String broken;

        /** A task of this candidate. */
        LeaderTask<Leadership> task(String office, int candidate) {
            return new LeaderTask<>() {
                @Override
                public void start(Leadership leadership) {
                    began(office, candidate, leadership);
                }

                @Override
                public void stop(Leadership leadership, Leadership.Reason why) { }
            };
        }

        private synchronized void began(String office, int candidate, Leadership leadership) {
            Leadership before = newest.put(office, leadership);
            if (before != null && before.isValid()) {
                broken = "two hold " + office + " at once: " + before + " and " + leadership;
            }
            if (before != null && before.fencingToken() >= leadership.fencingToken()) {
                broken = "the fence of " + office + " did not grow: " + before + " and " + leadership;
            }
            begun.merge(candidate, 1, Integer::sum);
            notifyAll();
        }

        /** Waits until this candidate has begun so many terms of office. */
        synchronized void await(int candidate, int terms) {
            long until = System.nanoTime() + PATIENCE.toNanos();
            while (begun.getOrDefault(candidate, 0) < terms) {
                long left = TimeUnit.NANOSECONDS.toMillis(until - System.nanoTime());
                if (left <= 0) {
                    throw new IllegalStateException("Candidate " + candidate + " began " + begun.getOrDefault(candidate, 0) + " of " + terms
                        + " terms of office within " + PATIENCE);
                }
                waitFor(left);
            }
            requireSound();
        }

        /** Waits until somebody holds the office who did not before. */
        synchronized int awaitAnybodyBut(Set<Integer> candidates) {
            long until = System.nanoTime() + PATIENCE.toNanos();
            while (candidates.containsAll(begun.keySet())) {
                long left = TimeUnit.NANOSECONDS.toMillis(until - System.nanoTime());
                if (left <= 0) {
                    throw new IllegalStateException("After " + candidates.size() + " candidates nobody held the office within " + PATIENCE);
                }
                waitFor(left);
            }
            requireSound();
            return begun.keySet().stream().filter(each -> !candidates.contains(each)).findFirst().orElseThrow();
        }

        private void requireSound() {
            if (broken != null) {
                throw new IllegalStateException(broken);
            }
        }

        private void waitFor(long millis) {
            try {
                wait(millis);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted", e);
            }
        }
    }

    /** So many stand for one office; each that gets it closes, until all have had it. Returns how long that took. */
    static long oneOffice(RaftClient client, int candidates) {
        Register register = new Register();
        ExecutorService executor = Threads.daemons(4, "leader-task");
        List<Elections> open = new ArrayList<>();
        long begin = System.nanoTime();
        try {
            for (int i = 0; i < candidates; i++) {
                Elections own = Elections.open(client, Elections.Options.DEFAULT.withTtl(TTL));
                open.add(own);
                own.election("crowded").campaign(bytes("candidate " + i), register.task("crowded", i), executor);
            }
            Set<Integer> done = new HashSet<>();
            while (done.size() < candidates) {
                int holder = register.awaitAnybodyBut(done);
                done.add(holder);
                open.get(holder).close();
            }
            return millisSince(begin);
        } finally {
            open.forEach(Elections::closeAsync);
            executor.shutdown();
        }
    }

    /** One candidate holds so many offices; it closes, and another that waited for each holds them all. */
    static Offices manyOffices(RaftClient client, int offices) {
        Register register = new Register();
        ExecutorService executor = Threads.daemons(4, "leader-task");
        Elections first = Elections.open(client, Elections.Options.DEFAULT.withTtl(TTL));
        Elections second = Elections.open(client, Elections.Options.DEFAULT.withTtl(TTL));
        try {
            long begin = System.nanoTime();
            for (int i = 0; i < offices; i++) {
                first.election("office-" + i).campaign(bytes("first"), register.task("office-" + i, 1), executor);
            }
            register.await(1, offices);
            long heldMillis = millisSince(begin);
            for (int i = 0; i < offices; i++) {
                second.election("office-" + i).campaign(bytes("second"), register.task("office-" + i, 2), executor);
            }
            begin = System.nanoTime();
            first.close();
            register.await(2, offices);
            return new Offices(heldMillis, millisSince(begin));
        } finally {
            first.closeAsync();
            second.close();
            executor.shutdown();
        }
    }

    private static long millisSince(long nanos) {
        return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - nanos);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
