package io.quorate.raft.runtime;

import io.quorate.raft.Command;
import io.quorate.raft.StateMachine;
import io.quorate.raft.core.Entry;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Test values of this package, and completions that remember. */
final class Recorder implements Completion {

    private @Nullable byte[] result;
    private long index;
    private @Nullable Throwable failure;
    private int times;

    static Call call(Call.Kind kind, long deadlineNanos) {
        return new Call(kind, new byte[1], deadlineNanos, new Budget(1000), new Recorder());
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static String text(byte @Nullable [] bytes) {
        return bytes == null ? "-" : new String(bytes, StandardCharsets.UTF_8);
    }

    static Entry command(long index, long term, String payload) {
        return Entry.of(index, term, Entry.Kind.COMMAND, 0, bytes(payload));
    }

    static Entry noOp(long index, long term) {
        return Entry.of(index, term, Entry.Kind.NO_OP, 0, new byte[0]);
    }

    @Override
    public void done(byte[] theResult, long theIndex) {
        times++;
        result = theResult;
        index = theIndex;
    }

    @Override
    public void failed(Throwable why) {
        times++;
        failure = why;
    }

    /** What has become of the call, as text. */
    String outcome() {
        if (times == 0) {
            return "open";
        }
        if (times > 1) {
            return "completed " + times + " times";
        }
        return failure == null ? text(result) + " at " + index : failure.getClass().getSimpleName();
    }

    @Nullable Throwable failure() {
        return failure;
    }

    /** A state machine that keeps all commands and answers with them. */
    static final class Journal implements StateMachine {

        final List<String> commands = new ArrayList<>();

        @Override
        public byte[] apply(Command command) {
            String text = text(command.bytes());
            if (text.equals("bad")) {
                throw new IllegalStateException("cannot apply this");
            }
            commands.add(command.index() + ":" + text);
            return bytes("did " + text);
        }

        @Override
        public byte[] query(byte[] query) {
            if (text(query).equals("bad")) {
                throw new IllegalArgumentException("no such query");
            }
            return bytes(String.join(",", commands));
        }
    }
}
