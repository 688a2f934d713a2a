package io.quorate.examples.launcher;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A group of replicas of the key-value store on this machine, each in a process of its own, with its data in a directory of its own.
 * Thread-safe.
 */
public final class LocalGroup implements AutoCloseable {

    private static final Duration START_TIMEOUT = Duration.ofSeconds(60);
    private static final Pattern LEADS = Pattern.compile("node \\d+ leads in term (\\d+)");
    private static final Pattern HAS_LEADER = Pattern.compile("node \\d+ (?:leads|follows node \\d+) in term (\\d+)");

    private final ReplicaProgram program;
    private final Path directory;
    private final @Nullable Path scratch;
    private final Map<Integer, String> listens;        // where each listens, by node id
    private final Map<Integer, String> members;        // where each is reached, by node id
    private final List<String> options;
    private final Map<Integer, ReplicaProcess> running = new TreeMap<>();      // guarded by itself, which is notified of every line
    private boolean isClosed;                                                  // guarded by running

    private LocalGroup(ReplicaProgram program, Path directory, @Nullable Path scratch, Map<Integer, String> listens,
                       Map<Integer, String> members, List<String> options) {
        this.program = program;
        this.directory = directory;
        this.scratch = scratch;
        this.listens = listens;
        this.members = members;
        this.options = List.copyOf(options);
    }

    /**
     * A group of nodes 1, 2, ..., of which none runs yet.
     *
     * @param directory for the data and the logs; must exist
     * @param size      how many nodes
     * @param options   more options of {@link io.quorate.examples.KvServer}
     */
    public static LocalGroup of(Path directory, int size, List<String> options) {
        Map<Integer, String> addresses = addresses(size);
        return new LocalGroup(ReplicaProgram.STORE, directory, null, addresses, addresses, options);
    }

    /** The same in a directory that is worth nothing without this process: if it is killed, the replicas delete the directory. */
    public static LocalGroup ofScratch(Path directory, int size, List<String> options) {
        return ofScratch(directory, size, options, ReplicaProgram.STORE);
    }

    /** The same of another program than the store. */
    public static LocalGroup ofScratch(Path directory, int size, List<String> options, ReplicaProgram program) {
        Map<Integer, String> addresses = addresses(size);
        return new LocalGroup(program, directory, directory, addresses, addresses, options);
    }

    /** The same, each node reached by the others and by clients only through a forwarder of its own. */
    public static LocalGroup behind(List<Forwarder> forwarders, Path directory, List<String> options) {
        return behind(forwarders, directory, null, options, ReplicaProgram.STORE);
    }

    /** The same in a directory that is worth nothing without this process. */
    public static LocalGroup ofScratchBehind(List<Forwarder> forwarders, Path directory, List<String> options) {
        return ofScratchBehind(forwarders, directory, options, ReplicaProgram.STORE);
    }

    /** The same of another program than the store. */
    public static LocalGroup ofScratchBehind(List<Forwarder> forwarders, Path directory, List<String> options, ReplicaProgram program) {
        return behind(forwarders, directory, directory, options, program);
    }

    private static LocalGroup behind(List<Forwarder> forwarders, Path directory, @Nullable Path scratch, List<String> options,
                                     ReplicaProgram program) {
        Map<Integer, String> listens = addresses(forwarders.size());
        Map<Integer, String> members = new TreeMap<>();
        for (int i = 0; i < forwarders.size(); i++) {
            forwarders.get(i).forwardTo(listens.get(i + 1));
            members.put(i + 1, forwarders.get(i).address());
        }
        return new LocalGroup(program, directory, scratch, listens, members, options);
    }

    /**
     * A blank node that is to come into this group, as a group of its own processes: it is started with the group's addresses and its own,
     * and waits to be let in.
     *
     * @param nodeId  which the group does not have
     * @param address where it listens
     */
    public static LocalGroup joining(Path directory, int nodeId, String address, LocalGroup group, List<String> options) {
        Map<Integer, String> members = new TreeMap<>(group.members);
        members.put(nodeId, address);
        return new LocalGroup(ReplicaProgram.STORE, directory, null, Map.of(nodeId, address), members, options);
    }

    private static Map<Integer, String> addresses(int size) {
        Map<Integer, String> addresses = new TreeMap<>();
        for (int port : FreePorts.find(size)) {
            addresses.put(addresses.size() + 1, "127.0.0.1:" + port);
        }
        return addresses;
    }

    /** Where the nodes are reached. */
    public List<String> addresses() {
        return List.copyOf(members.values());
    }

    /** Where this node is reached. */
    public String address(int nodeId) {
        return known(members.get(nodeId), nodeId);
    }

    /** Where this node keeps its data. */
    public Path dataOf(int nodeId) {
        return directory.resolve("node" + nodeId);
    }

    /** The running process of this node. */
    public ReplicaProcess process(int nodeId) {
        synchronized (running) {
            return known(running.get(nodeId), nodeId);
        }
    }

    /** Starts all nodes, and waits until each listens. */
    public void startAll() {
        members.keySet().forEach(this::launch);
        members.keySet().forEach(this::awaitListening);
    }

    /** Starts one node, and waits until it listens. */
    public ReplicaProcess start(int nodeId) {
        ReplicaProcess process = launch(nodeId);
        awaitListening(nodeId);
        return process;
    }

    /** Starts one node, and waits for nothing. */
    public ReplicaProcess launch(int nodeId) {
        synchronized (running) {
            if (isClosed) {
                throw new IllegalStateException("This group has been closed");
            }
            ReplicaProcess before = running.get(nodeId);
            if (before != null && before.isAlive()) {
                throw new IllegalStateException("Node " + nodeId + " runs already, as process " + before.pid());
            }
            ReplicaProcess process = ReplicaProcess.start(program, scratch, directory.resolve("node" + nodeId + ".log"),
                arguments(nodeId), this::wake);
            running.put(nodeId, process);
            return process;
        }
    }

    /** The command line of this node. */
    public List<String> arguments(int nodeId) {
        List<String> arguments = new ArrayList<>(List.of("--id", String.valueOf(nodeId), "--members",
            members.entrySet().stream().map(member -> member.getKey() + "=" + member.getValue()).collect(Collectors.joining(",")),
            "--data", dataOf(nodeId).toString(), "--listen", known(listens.get(nodeId), nodeId)));
        arguments.addAll(options);
        return arguments;
    }

    private void awaitListening(int nodeId) {
        ReplicaProcess process = process(nodeId);
        if (process.awaitLine(line -> line.contains(" listens at "), START_TIMEOUT).isEmpty()) {
            throw new IllegalStateException("Node " + nodeId + (process.isAlive() ? " did not start in time" : " did not start") + ": "
                + process.log().strip());
        }
    }

    /**
     * Sees that every node that was started still runs. A replica whose disk fails, or that finds an invariant broken, stops by itself.
     *
     * @throws IllegalStateException if one has ended, by itself or otherwise
     */
    public void requireAllRun() {
        Map<Integer, ReplicaProcess> nodes;
        synchronized (running) {
            nodes = new TreeMap<>(running);
        }
        nodes.forEach((nodeId, process) -> {
            if (!process.isAlive()) {
                throw new IllegalStateException("node " + nodeId + " has ended, and nobody asked it to");
            }
        });
    }

    /** Kills a node as {@code kill -9} does, and returns when it is gone. */
    public void kill(int nodeId) {
        process(nodeId).kill();
    }

    /** Lets a node stop in good order, and returns when it has: with its exit code. */
    public int stop(int nodeId) {
        return process(nodeId).stop();
    }

    /**
     * Waits until a running node says that it leads, in a term after this one, and is the last of the running ones to have said so.
     *
     * @throws IllegalStateException if the time is up before; it tells what the nodes said
     */
    public Leadership awaitLeaderAfter(long term, Duration timeout) {
        return await("No leader after term " + term, timeout, () -> {
            Leadership newest = newestLeadership();
            return newest != null && newest.term() > term ? newest : null;
        });
    }

    /** Waits until this running node says that it leads or follows a leader, in this term or a later one. */
    public void awaitMemberFrom(int nodeId, long term, Duration timeout) {
        await("Node " + nodeId + " found no leader of term " + term + " or later", timeout, () -> process(nodeId).lines().stream()
            .map(HAS_LEADER::matcher).anyMatch(line -> line.matches() && Long.parseLong(line.group(1)) >= term) ? nodeId : null);
    }

    private @Nullable Leadership newestLeadership() {
        Leadership newest = null;
        for (Map.Entry<Integer, ReplicaProcess> node : running.entrySet()) {
            if (!node.getValue().isAlive()) {
                continue;
            }
            for (String line : node.getValue().lines()) {
                Matcher leads = LEADS.matcher(line);
                if (leads.matches() && (newest == null || Long.parseLong(leads.group(1)) > newest.term())) {
                    newest = new Leadership(node.getKey(), Long.parseLong(leads.group(1)));
                }
            }
        }
        return newest;
    }

    /** That a node leads a term. */
    public record Leadership(int nodeId, long term) { }

    private interface Look<T> {
        @Nullable T look();
    }

    private <T> T await(String otherwise, Duration timeout, Look<T> what) {
        long deadline = System.nanoTime() + timeout.toNanos();
        synchronized (running) {
            while (true) {
                T found = what.look();
                if (found != null) {
                    return found;
                }
                long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
                if (left <= 0 || isClosed) {
                    throw new IllegalStateException(otherwise + (isClosed ? ": the group was closed" : " within " + timeout) + ". "
                        + report());
                }
                try {
                    running.wait(left);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new IllegalStateException("Interrupted while the group was waited for", e);
                }
            }
        }
    }

    private void wake() {
        synchronized (running) {
            running.notifyAll();
        }
    }

    /** What the nodes printed and logged, for a report of a failure. */
    public String report() {
        StringBuilder report = new StringBuilder();
        Map<Integer, ReplicaProcess> nodes;
        synchronized (running) {
            nodes = Map.copyOf(running);
        }
        nodes.forEach((nodeId, process) -> report.append("\nnode ").append(nodeId).append(process.isAlive() ? " runs" : " has ended")
            .append("\n  ").append(String.join("\n  ", process.lines())).append("\n  log: ").append(process.log().strip()));
        return report.toString();
    }

    /** Kills what still runs, and returns when it is gone. Directories stay. */
    @Override
    public void close() {
        List<ReplicaProcess> all;
        synchronized (running) {
            isClosed = true;
            all = List.copyOf(running.values());
            running.notifyAll();
        }
        all.forEach(ReplicaProcess::kill);
    }

    private static <T> T known(@Nullable T value, int nodeId) {
        if (value == null) {
            throw new IllegalArgumentException("There is no node " + nodeId);
        }
        return value;
    }
}
