package io.quorate.examples.chaos;

import io.quorate.examples.launcher.LocalGroup;
import io.quorate.examples.launcher.ReadBack;
import io.quorate.raft.ClientRequest;
import io.quorate.raft.ClientResponse;
import io.quorate.raft.Freshness;
import io.quorate.raft.client.ClientTransport;
import io.quorate.raft.client.RaftClient;
import io.quorate.raft.netty.NettyClientTransport;
import java.io.PrintStream;
import java.time.Duration;
import java.util.SortedMap;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.function.ToIntFunction;

/** A group that runs, and all that a scenario needs to load it, to trouble it and to look at it. */
final class Scene implements AutoCloseable {

    static final Duration ELECTION = Duration.ofSeconds(30);
    static final long PATIENCE_MILLIS = 30_000;
    private static final Duration CALL_TIMEOUT = Duration.ofSeconds(5);
    private static final int PAUSE_MILLIS = 50;

    private final PrintStream out;
    private final Settings settings;
    private final LocalGroup group;
    private final Wires wires;
    private final RaftClient client;
    private final Operator operator;
    private final ClientTransport transport = new NettyClientTransport();
    private final long begin = System.nanoTime();

    Scene(PrintStream out, Settings settings, LocalGroup group, Wires wires) {
        this.out = out;
        this.settings = settings;
        this.group = group;
        this.wires = wires;
        client = RaftClient.builder(new NettyClientTransport(), group.addresses()).callTimeout(CALL_TIMEOUT).build();
        operator = new Operator(group.addresses());
    }

    Settings settings() {
        return settings;
    }

    LocalGroup group() {
        return group;
    }

    Wires wires() {
        return wires;
    }

    RaftClient client() {
        return client;
    }

    Operator operator() {
        return operator;
    }

    long seconds() {
        return (System.nanoTime() - begin) / 1_000_000_000L;
    }

    void tell(String what) {
        out.printf("%6.1f s  %s%n", (System.nanoTime() - begin) / 1e9, what);
        out.flush();
    }

    /**
     * Prints the closing line; before it, if what was promised was not kept, what the replicas printed and logged.
     *
     * @return whether it was kept
     */
    boolean conclude(boolean isKept, String line) {
        if (!isKept) {
            out.println(group.report());
        }
        out.println("chaos: " + line);
        out.flush();
        return isKept;
    }

    /** Kills a node that runs, as its machine's end does. */
    void kill(int node) {
        group.requireAllRun();      // one that has ended by itself would pass for one that was killed
        group.kill(node);
    }

    /** The most of these keys and values that any replica has not, though it has applied all that was acknowledged. */
    int missing(SortedMap<byte[], byte[]> acknowledged) {
        group.requireAllRun();
        ReadBack readBack = new ReadBack(transport, Duration.ofMillis(PATIENCE_MILLIS));
        long index = readBack.confirmedIndex(group.addresses());
        int most = 0;
        for (String address : group.addresses()) {
            int missing = ReadBack.missing(acknowledged, readBack.contents(address, index));
            tell(address + " has applied " + index + " or more; " + missing + " of " + acknowledged.size() + " acknowledged keys missing");
            most = Math.max(most, missing);
        }
        return most;
    }

    /** The most that are missing in the contents of any replica, once each has applied all that was acknowledged. */
    int missing(long patienceMillis, ToIntFunction<SortedMap<byte[], byte[]>> missingIn) {
        group.requireAllRun();
        ReadBack readBack = new ReadBack(transport, Duration.ofMillis(patienceMillis));
        long index = readBack.confirmedIndex(group.addresses());
        int most = 0;
        for (String address : group.addresses()) {
            int missing = missingIn.applyAsInt(readBack.contents(address, index));
            if (missing > 0) {
                tell(address + " has applied " + index + " or more; " + missing + " acknowledged keys missing");
            }
            most = Math.max(most, missing);
        }
        return most;
    }

    /** What the replica at this address says of its own state, as old as that may be. */
    byte[] askLocally(String address, byte[] query) throws ChaosException {
        return ask(address, new ClientRequest.Read(query, Freshness.local()), CALL_TIMEOUT);
    }

    /** What the replica at this address answers from its own state, once it runs and has applied this index. */
    byte[] awaitAnswer(String address, long index, byte[] query) throws ChaosException {
        long until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(PATIENCE_MILLIS);
        while (true) {
            try {
                return ask(address, new ClientRequest.Read(query, Freshness.local().notBefore(index)), CALL_TIMEOUT);
            } catch (ChaosException e) {
                if (System.nanoTime() - until > 0) {
                    throw e;
                }
            }
            try {
                TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new ChaosException("interrupted");
            }
        }
    }

    private byte[] ask(String address, ClientRequest read, Duration timeout) throws ChaosException {
        try {
            ClientResponse response = transport.call(address, read, timeout.toNanos()).join();
            if (response instanceof ClientResponse.Done done) {
                return done.result();
            }
            throw new ChaosException(address + " answers " + response);
        } catch (CompletionException e) {
            throw new ChaosException(address + " does not answer: " + e.getMessage());
        }
    }

    @Override
    public void close() {
        client.close();
        operator.close();
        transport.close();
    }
}
