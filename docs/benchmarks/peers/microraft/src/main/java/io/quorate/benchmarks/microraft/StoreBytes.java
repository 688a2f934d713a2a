package io.quorate.benchmarks.microraft;

import io.microraft.RaftEndpoint;
import io.microraft.model.log.LogEntry;
import io.microraft.model.log.RaftGroupMembersView;
import io.microraft.model.log.SnapshotChunk;
import io.microraft.model.persistence.RaftEndpointPersistentState;
import io.microraft.model.persistence.RaftTermPersistentState;
import io.microraft.persistence.RaftStoreSerializer;
import java.io.ByteArrayOutputStream;
import java.io.DataOutput;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Collection;
import org.jspecify.annotations.Nullable;

/** What MicroRaft's store keeps, as bytes: all that a restart would need. Nothing is read back, since no replica is restarted here. */
final class StoreBytes implements RaftStoreSerializer {

    private static final int ENTRY_HEAD_BYTES = 16;

    private interface Writer<T> {

        void write(DataOutput out, T value) throws IOException;
    }

    private record OneWay<T>(Writer<T> writer) implements Serializer<T> {

        @Override
        public byte[] serialize(T value) {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream(
                value instanceof LogEntry entry ? ENTRY_HEAD_BYTES + ((byte[]) entry.getOperation()).length : 64);
            try {
                writer.write(new DataOutputStream(bytes), value);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            return bytes.toByteArray();
        }

        @Override
        public T deserialize(byte[] bytes) {
            throw new UnsupportedOperationException("No replica is restarted here");
        }
    }

    private static void write(DataOutput out, @Nullable RaftEndpoint endpoint) throws IOException {
        out.writeInt(endpoint == null ? -1 : (Integer) endpoint.getId());
    }

    private static void write(DataOutput out, Collection<RaftEndpoint> endpoints) throws IOException {
        out.writeInt(endpoints.size());
        for (RaftEndpoint endpoint : endpoints) {
            write(out, endpoint);
        }
    }

    private static void write(DataOutput out, RaftGroupMembersView view) throws IOException {
        out.writeLong(view.getLogIndex());
        write(out, view.getMembers());
        write(out, view.getVotingMembers());
    }

    @Override
    public Serializer<RaftGroupMembersView> raftGroupMembersViewSerializer() {
        return new OneWay<>(StoreBytes::write);
    }

    @Override
    public Serializer<RaftEndpoint> raftEndpointSerializer() {
        return new OneWay<>(StoreBytes::write);
    }

    @Override
    public Serializer<LogEntry> logEntrySerializer() {
        return new OneWay<>(Codec::write);
    }

    @Override
    public Serializer<SnapshotChunk> snapshotChunkSerializer() {
        return new OneWay<>((out, chunk) -> {
            out.writeLong(chunk.getIndex());
            out.writeInt(chunk.getTerm());
            out.writeInt(chunk.getSnapshotChunkIndex());
            out.writeInt(chunk.getSnapshotChunkCount());
            write(out, chunk.getGroupMembersView());
            long[] state = (long[]) chunk.getOperation();
            out.writeLong(state[0]);
            out.writeLong(state[1]);
        });
    }

    @Override
    public Serializer<RaftEndpointPersistentState> raftEndpointPersistentStateSerializer() {
        return new OneWay<>((out, state) -> {
            write(out, state.getLocalEndpoint());
            out.writeBoolean(state.isVoting());
        });
    }

    @Override
    public Serializer<RaftTermPersistentState> raftTermPersistentState() {
        return new OneWay<>((out, state) -> {
            out.writeInt(state.getTerm());
            write(out, state.getVotedFor());
        });
    }
}
