package io.quorate.benchmarks.micro;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** The algorithm alone, of all nodes of a group together, for each entry that is committed and applied everywhere. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class CoreBenchmark {

    private static final int COMMAND_BYTES = 256;

    /** How many replicas. */
    @Param({"3", "5"})
    public int replicas;

    private final byte[] command = new byte[COMMAND_BYTES];
    private Nodes nodes = new Nodes(1);

    /** Elects a leader. */
    @Setup
    public void elect() {
        nodes = new Nodes(replicas);
    }

    /** One entry at a time. */
    @Benchmark
    public long batchOf1() {
        return nodes.commit(command, 1);
    }

    /** Eight at a time. */
    @Benchmark
    @OperationsPerInvocation(8)
    public long batchOf8() {
        return nodes.commit(command, 8);
    }

    /** Sixty-four at a time. */
    @Benchmark
    @OperationsPerInvocation(64)
    public long batchOf64() {
        return nodes.commit(command, 64);
    }
}
