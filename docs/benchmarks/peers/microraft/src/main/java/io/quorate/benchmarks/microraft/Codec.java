package io.quorate.benchmarks.microraft;

import io.microraft.RaftEndpoint;
import io.microraft.model.RaftModelFactory;
import io.microraft.model.log.LogEntry;
import io.microraft.model.message.AppendEntriesFailureResponse;
import io.microraft.model.message.AppendEntriesRequest;
import io.microraft.model.message.AppendEntriesSuccessResponse;
import io.microraft.model.message.PreVoteRequest;
import io.microraft.model.message.PreVoteResponse;
import io.microraft.model.message.RaftMessage;
import io.microraft.model.message.VoteRequest;
import io.microraft.model.message.VoteResponse;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * MicroRaft's messages and entries as bytes, which it leaves to its user. Flat and without any library, so that the measurement is of
 * MicroRaft. Snapshots are not sent: nobody falls so far behind here; if one did, its replicas would be found to differ.
 */
final class Codec {

    private static final int APPEND = 1;
    private static final int APPENDED = 2;
    private static final int REJECTED = 3;
    private static final int VOTE = 4;
    private static final int VOTED = 5;
    private static final int PRE_VOTE = 6;
    private static final int PRE_VOTED = 7;

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
        } else {
            throw new IOException("Not needed here, and not sent: " + message);
        }
    }

    private static void head(DataOutput out, int type, RaftMessage message) throws IOException {
        out.writeByte(type);
        out.writeInt((Integer) message.getSender().getId());
        out.writeInt(message.getTerm());
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
