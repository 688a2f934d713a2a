package io.quorate.benchmarks.micro;

import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.netty.MessageCodec;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** An append of 64 entries of 256 bytes, for each entry: to a frame, and from a frame, its checksums verified. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class CodecBenchmark {

    private static final int ENTRIES = 64;
    private static final int COMMAND_BYTES = 256;

    private final Message append = append();
    private final byte[] frame = MessageCodec.encode(append);

    private static Message append() {
        List<Entry> entries = new ArrayList<>();
        for (int index = 1; index <= ENTRIES; index++) {
            entries.add(Entry.of(index, 1, Entry.Kind.COMMAND, 0, new byte[COMMAND_BYTES]));
        }
        return new Message.AppendEntries(new ReplicaId(1, 1), new ReplicaId(2, 2), 1, EntryId.ZERO, entries, 0, 0, 1);
    }

    /** To bytes. */
    @Benchmark
    @OperationsPerInvocation(ENTRIES)
    public byte[] encode() {
        return MessageCodec.encode(append);
    }

    /** From bytes. */
    @Benchmark
    @OperationsPerInvocation(ENTRIES)
    public Message decode() {
        return MessageCodec.decode(frame);
    }
}
