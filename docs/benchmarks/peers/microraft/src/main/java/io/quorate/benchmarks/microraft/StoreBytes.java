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

    @Override
    public Serializer<RaftGroupMembersView> raftGroupMembersViewSerializer() {
        return new OneWay<>(Codec::write);
    }

    @Override
    public Serializer<RaftEndpoint> raftEndpointSerializer() {
        return new OneWay<>(Codec::write);
    }

    @Override
    public Serializer<LogEntry> logEntrySerializer() {
        return new OneWay<>(Codec::write);
    }

    @Override
    public Serializer<SnapshotChunk> snapshotChunkSerializer() {
        return new OneWay<>(Codec::write);
    }

    @Override
    public Serializer<RaftEndpointPersistentState> raftEndpointPersistentStateSerializer() {
        return new OneWay<>((out, state) -> {
            Codec.write(out, state.getLocalEndpoint());
            out.writeBoolean(state.isVoting());
        });
    }

    @Override
    public Serializer<RaftTermPersistentState> raftTermPersistentState() {
        return new OneWay<>((out, state) -> {
            out.writeInt(state.getTerm());
            Codec.write(out, state.getVotedFor());
        });
    }
}
