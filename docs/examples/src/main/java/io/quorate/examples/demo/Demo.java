package io.quorate.examples.demo;

import io.quorate.examples.KvClient;
import io.quorate.examples.KvDigest;
import io.quorate.examples.launcher.LocalGroup;
import io.quorate.examples.launcher.ParentWatch;
import io.quorate.examples.launcher.ReadBack;
import io.quorate.examples.launcher.ScratchGroup;
import io.quorate.raft.client.ClientTransport;
import io.quorate.raft.netty.NettyClientTransport;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.SortedMap;

/**
 * Replicates a file to three processes, kills the leader's in the middle, and compares what was acknowledged with what each of the three
 * holds in the end. Leaves no process and no file behind: it stops the replicas and deletes their data itself if it is asked to end, and
 * the replicas do both if it is killed. (Killed in the moment before the first replica runs, it leaves an empty directory.)
 */
public final class Demo {

    private static final int COMMANDS_MIN = 20_000;
    private static final int REPLICAS = 3;
    private static final int PROGRESS_STEPS = 10;
    private static final Duration ELECTION = Duration.ofSeconds(30);
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final Duration CALL_TIMEOUT = Duration.ofSeconds(10);
    private static final List<String> OPTIONS = List.of("--election-timeout", "300", "--segment-mib", "16");

    private final PrintStream out;
    private final InputFile input;
    private final int commands;
    private final LocalGroup group;
    private final long begin = System.nanoTime();

    private Demo(PrintStream out, InputFile input, LocalGroup group) {
        this.out = out;
        this.input = input;
        this.group = group;
        this.commands = Math.max(COMMANDS_MIN, input.size());
    }

    /**
     * Runs the demo, and ends with 0 if nothing acknowledged is missing anywhere and all digests agree.
     *
     * @param arguments the input file; then, optionally, {@code --with-parent}: the demo ends when the process that started it does
     */
    public static void main(String[] arguments) {
        if (Arrays.asList(arguments).contains("--with-parent")) {
            ParentWatch.endWithParent();
        }
        System.exit(run(Path.of(arguments[0]), System.out));
    }

    private static int run(Path path, PrintStream out) {
        ScratchGroup scratch = new ScratchGroup();
        try {
            InputFile input = InputFile.read(path);
            LocalGroup group = scratch.make("quorate-demo-", directory -> LocalGroup.ofScratch(directory, REPLICAS, OPTIONS));
            out.println("demo: " + path.toAbsolutePath().normalize() + " has " + input.size() + " lines; replicating to " + REPLICAS
                + " processes, data in " + scratch.directory());
            return new Demo(out, input, group).run();
        } catch (DemoException | IOException | IllegalStateException e) {
            if (!scratch.isRemoved()) {      // else it was interrupted, and everything fails
                out.println("demo: failed: " + e.getMessage());
            }
            return 1;
        }
    }

    private int run() throws DemoException {
        group.startAll();
        for (int node = 1; node <= REPLICAS; node++) {
            tell("node " + node + " runs as process " + group.process(node).pid() + " at " + group.address(node));
        }
        LocalGroup.Leadership first = group.awaitLeaderAfter(0, ELECTION);
        tell("node " + first.nodeId() + " leads, in term " + first.term());
        try (KvClient client = new KvClient(group.addresses(), CALL_TIMEOUT);
             Workload workload = new Workload(client, input, commands);
             ClientTransport transport = new NettyClientTransport()) {
            workload.start();
            long leaderlessMillis = killTheLeaderInTheMiddle(workload);
            advance(workload, commands);
            tell("all " + commands + " commands are acknowledged; " + workload.repeated() + " were sent again because their outcome was"
                + " unknown or nobody took them");
            return compare(workload, new ReadBack(transport, PATIENCE), leaderlessMillis);
        }
    }

    private long killTheLeaderInTheMiddle(Workload workload) throws DemoException {
        advance(workload, commands / 2);
        LocalGroup.Leadership old = group.awaitLeaderAfter(0, ELECTION);
        workload.beginMeasuringPauses();
        tell("killing node " + old.nodeId() + ", the leader of term " + old.term() + ", with SIGKILL (process "
            + group.process(old.nodeId()).pid() + ")");
        group.kill(old.nodeId());
        int before = workload.acknowledged();
        LocalGroup.Leadership next = group.awaitLeaderAfter(old.term(), ELECTION);
        tell("node " + next.nodeId() + " leads now, in term " + next.term());
        workload.awaitAcknowledged(Math.min(commands, before + 1), PATIENCE);
        advance(workload, commands * 3 / 4);
        long leaderlessMillis = workload.longestPauseMillis();
        tell("writes went on; the longest time without an acknowledgement was " + leaderlessMillis + " ms");
        group.start(old.nodeId());
        tell("node " + old.nodeId() + " is started again, as process " + group.process(old.nodeId()).pid() + ", and catches up");
        return leaderlessMillis;
    }

    /** Waits until so many commands are acknowledged, and tells how it goes. */
    private void advance(Workload workload, int wanted) throws DemoException {
        int step = Math.max(1, commands / PROGRESS_STEPS);
        int now = workload.acknowledged();
        while (now < wanted) {
            int target = Math.min(wanted, (now / step + 1) * step);
            workload.awaitAcknowledged(target, PATIENCE);
            tell(target + " of " + commands + " commands acknowledged");
            now = workload.acknowledged();
        }
    }

    private int compare(Workload workload, ReadBack readBack, long leaderlessMillis) throws DemoException {
        SortedMap<byte[], byte[]> expected = workload.expected();
        byte[] digest = KvDigest.of(expected);
        long index = readBack.confirmedIndex(group.addresses());
        int lost = 0;
        boolean isEqual = true;
        for (int node = 1; node <= REPLICAS; node++) {
            SortedMap<byte[], byte[]> contents = readBack.contents(group.address(node), index);
            byte[] own = readBack.digest(group.address(node), index);
            int missing = ReadBack.missing(expected, contents);
            lost = Math.max(lost, missing);
            // Its own digest, and that of what it handed out.
            isEqual &= Arrays.equals(own, digest) && Arrays.equals(KvDigest.of(contents), digest);
            tell("node " + node + " has applied " + index + " or more: " + contents.size() + " keys, " + missing + " missing, digest "
                + HexFormat.of().formatHex(own, 0, 8));
        }
        tell("acknowledged: " + expected.size() + " keys, digest " + HexFormat.of().formatHex(digest, 0, 8));
        int acknowledged = workload.acknowledged();
        out.println("demo: commands=" + commands + " acknowledged=" + acknowledged + " lost=" + lost + " leaderless_ms=" + leaderlessMillis
            + " digests=" + (isEqual ? "equal" : "different"));
        return acknowledged == commands && lost == 0 && isEqual ? 0 : 1;
    }

    private void tell(String what) {
        out.printf("%6.1f s  %s%n", (System.nanoTime() - begin) / 1e9, what);
        out.flush();
    }
}
