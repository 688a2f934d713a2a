package io.quorate.benchmarks.microraft;

import io.microraft.RaftEndpoint;
import io.microraft.model.RaftModelFactory;
import io.microraft.model.log.LogEntry;
import io.microraft.model.log.RaftGroupMembersView;
import io.microraft.model.log.SnapshotChunk;
import io.microraft.model.message.AppendEntriesFailureResponse;
import io.microraft.model.message.AppendEntriesRequest;
import io.microraft.model.message.AppendEntriesSuccessResponse;
import io.microraft.model.message.InstallSnapshotRequest;
import io.microraft.model.message.InstallSnapshotResponse;
import io.microraft.model.message.PreVoteRequest;
import io.microraft.model.message.PreVoteResponse;
import io.microraft.model.message.RaftMessage;
import io.microraft.model.message.VoteRequest;
import io.microraft.model.message.VoteResponse;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * MicroRaft's messages and entries as bytes, which it leaves to its user. Flat and without any library, so that the measurement is of
 * MicroRaft. All but the message that hands leadership over, which nobody here asks for.
 */
final class Codec {

    private static final int APPEND = 1;
    private static final int APPENDED = 2;
    private static final int REJECTED = 3;
    private static final int VOTE = 4;
    private static final int VOTED = 5;
    private static final int PRE_VOTE = 6;
    private static final int PRE_VOTED = 7;
    private static final int INSTALL = 8;
    private static final int INSTALLED = 9;
    private static final int NOBODY = -1;

    private final RaftModelFactory models;
    private final Object groupId;

    Codec(RaftModelFactory models, Object groupId) {
        this.models = models;
        this.groupId = groupId;
    }

    void write(DataOutput out, RaftMessage message) throws IOException {
        if (message instanceof AppendEntriesRequest append) {
            head(out, APPEND, message);
            out.writeInt(append.getPreviousLogTerm());
            out.writeLong(append.getPreviousLogIndex());
            out.writeLong(append.getCommitIndex());
            out.writeLong(append.getQuerySequenceNumber());
            out.writeLong(append.getFlowControlSequenceNumber());
            List<LogEntry> entries = append.getLogEntries();
            out.writeInt(entries.size());
            for (LogEntry entry : entries) {
                write(out, entry);
            }
        } else if (message instanceof AppendEntriesSuccessResponse appended) {
            head(out, APPENDED, message);
            out.writeLong(appended.getLastLogIndex());
            out.writeLong(appended.getQuerySequenceNumber());
            out.writeLong(appended.getFlowControlSequenceNumber());
        } else if (message instanceof AppendEntriesFailureResponse rejected) {
            head(out, REJECTED, message);
            out.writeLong(rejected.getExpectedNextIndex());
            out.writeLong(rejected.getQuerySequenceNumber());
            out.writeLong(rejected.getFlowControlSequenceNumber());
        } else if (message instanceof VoteRequest vote) {
            head(out, VOTE, message);
            out.writeInt(vote.getLastLogTerm());
            out.writeLong(vote.getLastLogIndex());
            out.writeBoolean(vote.isSticky());
        } else if (message instanceof VoteResponse voted) {
            head(out, VOTED, message);
            out.writeBoolean(voted.isGranted());
        } else if (message instanceof PreVoteRequest preVote) {
            head(out, PRE_VOTE, message);
            out.writeInt(preVote.getLastLogTerm());
            out.writeLong(preVote.getLastLogIndex());
        } else if (message instanceof PreVoteResponse preVoted) {
            head(out, PRE_VOTED, message);
            out.writeBoolean(preVoted.isGranted());
        } else if (message instanceof InstallSnapshotRequest install) {
            head(out, INSTALL, message);
            writeInstall(out, install);
        } else if (message instanceof InstallSnapshotResponse installed) {
            head(out, INSTALLED, message);
            out.writeLong(installed.getSnapshotIndex());
            out.writeInt(installed.getRequestedSnapshotChunkIndex());
            out.writeLong(installed.getQuerySequenceNumber());
            out.writeLong(installed.getFlowControlSequenceNumber());
        } else {
            throw new IOException("Not needed here, and not sent: " + message);
        }
    }

    private static void head(DataOutput out, int type, RaftMessage message) throws IOException {
        out.writeByte(type);
        out.writeInt((Integer) message.getSender().getId());
        out.writeInt(message.getTerm());
    }

    private static void writeInstall(DataOutput out, InstallSnapshotRequest install) throws IOException {
        out.writeBoolean(install.isSenderLeader());
        out.writeInt(install.getSnapshotTerm());
        out.writeLong(install.getSnapshotIndex());
        out.writeInt(install.getTotalSnapshotChunkCount());
        SnapshotChunk chunk = install.getSnapshotChunk();
        out.writeBoolean(chunk != null);
        if (chunk != null) {
            write(out, chunk);
        }
        write(out, install.getSnapshottedMembers());
        write(out, install.getGroupMembersView());
        out.writeLong(install.getQuerySequenceNumber());
        out.writeLong(install.getFlowControlSequenceNumber());
    }

    static void write(DataOutput out, @Nullable RaftEndpoint endpoint) throws IOException {
        out.writeInt(endpoint == null ? NOBODY : (Integer) endpoint.getId());
    }

    private static void write(DataOutput out, Collection<RaftEndpoint> endpoints) throws IOException {
        out.writeInt(endpoints.size());
        for (RaftEndpoint endpoint : endpoints) {
            write(out, endpoint);
        }
    }

    static void write(DataOutput out, RaftGroupMembersView view) throws IOException {
        out.writeLong(view.getLogIndex());
        write(out, view.getMembers());
        write(out, view.getVotingMembers());
    }

    static void write(DataOutput out, SnapshotChunk chunk) throws IOException {
        out.writeLong(chunk.getIndex());
        out.writeInt(chunk.getTerm());
        out.writeInt(chunk.getSnapshotChunkIndex());
        out.writeInt(chunk.getSnapshotChunkCount());
        write(out, chunk.getGroupMembersView());
        long[] state = (long[]) chunk.getOperation();
        out.writeLong(state[0]);
        out.writeLong(state[1]);
    }

    RaftMessage read(DataInput in) throws IOException {
        int type = in.readByte();
        RaftEndpoint sender = new Endpoint(in.readInt());
        int term = in.readInt();
        return switch (type) {
            case APPEND -> readAppend(in, sender, term);
            case APPENDED -> models.createAppendEntriesSuccessResponseBuilder().setGroupId(groupId).setSender(sender).setTerm(term)
                .setLastLogIndex(in.readLong()).setQuerySequenceNumber(in.readLong()).setFlowControlSequenceNumber(in.readLong()).build();
            case REJECTED -> models.createAppendEntriesFailureResponseBuilder().setGroupId(groupId).setSender(sender).setTerm(term)
                .setExpectedNextIndex(in.readLong()).setQuerySequenceNumber(in.readLong()).setFlowControlSequenceNumber(in.readLong())
                .build();
            case VOTE -> models.createVoteRequestBuilder().setGroupId(groupId).setSender(sender).setTerm(term)
                .setLastLogTerm(in.readInt()).setLastLogIndex(in.readLong()).setSticky(in.readBoolean()).build();
            case VOTED -> models.createVoteResponseBuilder().setGroupId(groupId).setSender(sender).setTerm(term)
                .setGranted(in.readBoolean()).build();
            case PRE_VOTE -> models.createPreVoteRequestBuilder().setGroupId(groupId).setSender(sender).setTerm(term)
                .setLastLogTerm(in.readInt()).setLastLogIndex(in.readLong()).build();
            case PRE_VOTED -> models.createPreVoteResponseBuilder().setGroupId(groupId).setSender(sender).setTerm(term)
                .setGranted(in.readBoolean()).build();
            case INSTALL -> readInstall(in, sender, term);
            case INSTALLED -> models.createInstallSnapshotResponseBuilder().setGroupId(groupId).setSender(sender).setTerm(term)
                .setSnapshotIndex(in.readLong()).setRequestedSnapshotChunkIndex(in.readInt()).setQuerySequenceNumber(in.readLong())
                .setFlowControlSequenceNumber(in.readLong()).build();
            default -> throw new IOException("There is no message " + type);
        };
    }

    private RaftMessage readAppend(DataInput in, RaftEndpoint sender, int term) throws IOException {
        AppendEntriesRequest.AppendEntriesRequestBuilder append = models.createAppendEntriesRequestBuilder().setGroupId(groupId)
            .setSender(sender).setTerm(term).setPreviousLogTerm(in.readInt()).setPreviousLogIndex(in.readLong())
            .setCommitIndex(in.readLong()).setQuerySequenceNumber(in.readLong()).setFlowControlSequenceNumber(in.readLong());
        int count = in.readInt();
        List<LogEntry> entries = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            entries.add(readEntry(in));
        }
        return append.setLogEntries(entries).build();
    }

    private RaftMessage readInstall(DataInput in, RaftEndpoint sender, int term) throws IOException {
        InstallSnapshotRequest.InstallSnapshotRequestBuilder install = models.createInstallSnapshotRequestBuilder().setGroupId(groupId)
            .setSender(sender).setTerm(term).setSenderLeader(in.readBoolean()).setSnapshotTerm(in.readInt())
            .setSnapshotIndex(in.readLong()).setTotalSnapshotChunkCount(in.readInt());
        if (in.readBoolean()) {
            install.setSnapshotChunk(readChunk(in));
        }
        return install.setSnapshottedMembers(readEndpoints(in)).setGroupMembersView(readView(in))
            .setQuerySequenceNumber(in.readLong()).setFlowControlSequenceNumber(in.readLong()).build();
    }

    private static List<RaftEndpoint> readEndpoints(DataInput in) throws IOException {
        int count = in.readInt();
        List<RaftEndpoint> endpoints = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            endpoints.add(new Endpoint(in.readInt()));
        }
        return endpoints;
    }

    private RaftGroupMembersView readView(DataInput in) throws IOException {
        return models.createRaftGroupMembersViewBuilder().setLogIndex(in.readLong()).setMembers(readEndpoints(in))
            .setVotingMembers(readEndpoints(in)).build();
    }

    private SnapshotChunk readChunk(DataInput in) throws IOException {
        return models.createSnapshotChunkBuilder().setIndex(in.readLong()).setTerm(in.readInt()).setSnapshotChunkIndex(in.readInt())
            .setSnapshotChunkCount(in.readInt()).setGroupMembersView(readView(in))
            .setOperation(new long[] {in.readLong(), in.readLong()}).build();
    }

    static void write(DataOutput out, LogEntry entry) throws IOException {
        byte[] operation = (byte[]) entry.getOperation();
        out.writeLong(entry.getIndex());
        out.writeInt(entry.getTerm());
        out.writeInt(operation.length);
        out.write(operation);
    }

    LogEntry readEntry(DataInput in) throws IOException {
        long index = in.readLong();
        int term = in.readInt();
        byte[] operation = new byte[in.readInt()];
        in.readFully(operation);
        return models.createLogEntryBuilder().setIndex(index).setTerm(term).setOperation(operation).build();
    }
}
