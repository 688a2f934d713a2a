package io.quorate.examples.election;

import io.quorate.examples.election.Holders.Holder;
import io.quorate.examples.launcher.LocalGroup;
import io.quorate.examples.launcher.ReplicaProcess;
import io.quorate.examples.launcher.ReplicaProgram;
import io.quorate.examples.launcher.ScratchGroup;
import io.quorate.examples.launcher.Signals;
import io.quorate.raft.client.RaftClient;
import io.quorate.raft.netty.NettyClientTransport;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/**
 * How quickly a named office changes hands, measured with processes: three of the group, and three candidates that are its clients. The
 * holder is killed, ends in good order, and is stopped for longer than its lease, each as often as is asked for; and in this process
 * hundred candidates stand for one office, and two for a thousand.
 */
public final class Figures {

    private static final String OFFICE = "office";
    private static final int CANDIDATES = 3;
    private static final long TTL_MILLIS = 2000;
    private static final long KILL_MILLIS_MAX = 3000;
    private static final long CLOSE_MILLIS_MAX = 100;
    private static final long PAUSE_MILLIS = 3000;
    private static final int HEAP_MIB = 128;
    private static final int CROWD = 100;
    private static final int OFFICES = 1000;
    private static final Duration ANSWER = Duration.ofSeconds(30);

    private final LocalGroup group;
    private final Path directory;
    private final int rounds;
    private final PrintStream out;
    private final Map<Integer, ReplicaProcess> candidates = new TreeMap<>();
    private final Holders holders = new Holders(List.of(1, 2, 3), number -> Objects.requireNonNull(candidates.get(number)));

    private Figures(LocalGroup group, Path directory, int rounds, PrintStream out) {
        this.group = group;
        this.directory = directory;
        this.rounds = rounds;
        this.out = out;
    }

    /**
     * Measures, and prints what it has measured.
     *
     * @param rounds how often each
     * @return whether all is as quick as it is to be
     */
    public static boolean run(int rounds, PrintStream out) {
        ScratchGroup scratch = new ScratchGroup();
        try {
            LocalGroup group = scratch.make("quorate-figures-", directory -> LocalGroup.ofScratch(directory, 3, List.of(),
                new ReplicaProgram(ElectionServer.Launched.class, HEAP_MIB)));
            Figures figures = new Figures(group, Objects.requireNonNull(scratch.directory()), rounds, out);
            try (group) {
                return figures.run();
            } catch (RuntimeException e) {
                if (!scratch.isRemoved()) {
                    out.println(group.report());
                    figures.candidates.values().forEach(each -> out.println(each.lines() + each.log()));
                }
                throw e;
            } finally {
                figures.candidates.values().forEach(ReplicaProcess::kill);
            }
        } catch (IOException | RuntimeException e) {
            if (!scratch.isRemoved()) {
                out.println("figures: failed: " + (e.getMessage() == null ? e : e.getMessage()));
            }
            return false;
        }
    }

    private boolean run() {
        group.startAll();
        for (int number = 1; number <= CANDIDATES; number++) {
            launch(number);
        }
        holders.awaitAfter(0);
        boolean isKept = judge("kill -9 of the holder, lease of " + TTL_MILLIS + " ms: the next one starts", times(this::kill),
            KILL_MILLIS_MAX);
        isKept &= judge("the holder closes: the next one starts", times(this::close), CLOSE_MILLIS_MAX);
        isKept &= pauses();
        try (RaftClient client = RaftClient.builder(new NettyClientTransport(), group.addresses()).build()) {
            long crowdMillis = Crowd.oneOffice(client, CROWD);
            out.println("figures: " + CROWD + " candidates for one name, each held it once and closed: " + crowdMillis + " ms in all");
            Crowd.Offices offices = Crowd.manyOffices(client, OFFICES);
            out.println("figures: " + OFFICES + " names in one group: all held after " + offices.heldMillis()
                + " ms, all with the other candidate " + offices.movedMillis() + " ms after the holder closed");
        }
        return isKept;
    }

    private interface Round {
        /** How long it took. */
        long millis();
    }

    private List<Long> times(Round round) {
        List<Long> times = new ArrayList<>();
        for (int i = 0; i < rounds; i++) {
            times.add(round.millis());
        }
        return times;
    }

    private boolean judge(String what, List<Long> times, long medianMax) {
        List<Long> sorted = times.stream().sorted().toList();
        long median = sorted.get((sorted.size() - 1) / 2 + (sorted.size() % 2 == 0 ? 1 : 0));     // the worse of two
        boolean isKept = median <= medianMax;
        out.println("figures: " + what + " after " + median + " ms (median of " + sorted.size() + ", from " + sorted.get(0) + " to "
            + sorted.get(sorted.size() - 1) + "; at most " + medianMax + ")" + (isKept ? "" : ": TOO LATE"));
        out.flush();
        return isKept;
    }

    private long kill() {
        Holder holder = holders.awaitAfter(0);
        long begin = System.nanoTime();
        process(holder.number()).kill();
        return replaced(holder, begin);
    }

    private long close() {
        Holder holder = holders.awaitAfter(0);
        ReplicaProcess process = process(holder.number());
        long begin = System.nanoTime();
        Thread stop = new Thread(process::stop, "stop");        // it waits for the end of the process, we for the next holder
        stop.start();
        return replaced(holder, begin);
    }

    private long replaced(Holder holder, long beginNanos) {
        Holder next = holders.awaitAfter(holder.fence());
        process(holder.number()).awaitExit(ANSWER);
        launch(holder.number());
        return TimeUnit.NANOSECONDS.toMillis(next.nanos() - beginNanos);
    }

    /** A pause that outlasts the lease: the first answer that began after it must be that the leadership is not valid. */
    private boolean pauses() {
        int falsely = 0;
        for (int i = 0; i < rounds; i++) {
            Holder holder = holders.awaitAfter(0);
            ReplicaProcess process = process(holder.number());
            Set<String> before = Set.copyOf(process.lines());
            Signals.stop(process.pid());
            try {
                Holders.pause(PAUSE_MILLIS);
            } finally {
                Signals.go(process.pid());
            }
            String woke = process.awaitLine(line -> line.contains(" woke after ") && !before.contains(line), ANSWER)
                .orElseThrow(() -> new IllegalStateException("candidate " + holder.number() + " does not say how it woke"));
            falsely += woke.endsWith("valid: false") ? 0 : 1;
            holders.awaitAfter(holder.fence());
        }
        out.println("figures: isValid() after a pause of " + PAUSE_MILLIS + " ms said false " + (rounds - falsely) + " times of " + rounds);
        out.flush();
        return falsely == 0;
    }

    private ReplicaProcess process(int number) {
        return Objects.requireNonNull(candidates.get(number));
    }

    private void launch(int number) {
        ReplicaProcess process = ReplicaProcess.start(new ReplicaProgram(CandidateMain.class, HEAP_MIB), directory,
            directory.resolve("candidate" + number + ".log"),
            List.of(String.valueOf(number), OFFICE, String.valueOf(TTL_MILLIS), String.join(",", group.addresses())), () -> { });
        candidates.put(number, process);
        if (process.awaitLine(line -> line.endsWith(" stands"), ANSWER).isEmpty()) {
            throw new IllegalStateException("Candidate " + number + " did not start: " + process.log().strip());
        }
    }
}
