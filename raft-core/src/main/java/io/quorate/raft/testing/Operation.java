package io.quorate.raft.testing;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One call of one client: what it asked, when, and what came of it. The arrays are shared and never changed.
 *
 * <p>Times are positions in the one order of all events of a {@link History}, so no two are equal: an operation that completed at 7 was
 * over before one that was invoked at 8, and nothing else is known about how long either took.
 *
 * @param client      who asked; a client has one operation at a time
 * @param kind        what was asked for
 * @param input       the command or the query, as the client gave it
 * @param invokedAt   the position of the call, 0 or more
 * @param completedAt the position of the return, after {@code invokedAt}; {@link #NEVER} if the outcome is unknown
 * @param outcome     what the client may believe
 * @param output      the answer; null unless {@code DONE}
 */
public record Operation(int client, Kind kind, byte[] input, long invokedAt, long completedAt, Outcome outcome,
                        byte @Nullable [] output) {

    /** What was asked for. */
    public enum Kind {
        /** A command, which may change the state. */
        PROPOSE,
        /** A query, which does not. */
        READ
    }

    /** What the client may believe. */
    public enum Outcome {
        /** It took effect once, between call and return, and this is its answer. */
        DONE,
        /** It was refused: it has not happened, and never will. */
        FAILED,
        /** Nobody told. It may have taken effect at any time since the call, may do so at any time to come, or never. */
        UNKNOWN
    }

    /** Where an operation completes of which nobody knows whether it did: behind everything else. */
    public static final long NEVER = Long.MAX_VALUE;

    private static final int SHOWN_BYTES_MAX = 64;

    /** Checks that outcome, output and times go together. */
    public Operation {
        Objects.requireNonNull(kind, "kind");
        Objects.requireNonNull(input, "input");
        Objects.requireNonNull(outcome, "outcome");
        if (invokedAt < 0 || completedAt <= invokedAt) {
            throw new IllegalArgumentException("an operation cannot be invoked at " + invokedAt + " and complete at " + completedAt);
        }
        if ((outcome == Outcome.UNKNOWN) != (completedAt == NEVER)) {
            throw new IllegalArgumentException("an operation that is " + outcome + " cannot complete at " + completedAt
                + "; those that are UNKNOWN, and no others, complete at Operation.NEVER");
        }
        if ((outcome == Outcome.DONE) != (output != null)) {
            throw new IllegalArgumentException("an operation has an output when it is DONE, and only then; this one is " + outcome);
        }
    }

    /** Two operations are equal when all they say is, the bytes of their arrays included. */
    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Operation that && client == that.client && kind == that.kind && invokedAt == that.invokedAt
            && completedAt == that.completedAt && outcome == that.outcome && Arrays.equals(input, that.input)
            && Arrays.equals(output, that.output);
    }

    @Override
    public int hashCode() {
        return 31 * Long.hashCode(invokedAt) + Arrays.hashCode(input);
    }

    @Override
    public String toString() {
        return interval() + " client " + client + " " + kind + " " + text(input) + switch (outcome) {
            case DONE -> " -> " + text(Objects.requireNonNull(output));
            case FAILED -> " refused";
            case UNKNOWN -> " -> ?";
        };
    }

    /** From call to return, both included, as people write it. */
    String interval() {
        return completedAt == NEVER ? "[" + invokedAt + "..]" : "[" + invokedAt + ".." + completedAt + "]";
    }

    /** Text if the bytes are some, otherwise their hexadecimal digits. */
    static String text(byte[] bytes) {
        int shown = Math.min(bytes.length, SHOWN_BYTES_MAX);
        boolean isText = true;
        for (int i = 0; i < shown; i++) {
            isText &= bytes[i] >= ' ' && bytes[i] <= '~';
        }
        String begin = isText ? '"' + new String(bytes, 0, shown, StandardCharsets.US_ASCII) + '"'
            : "0x" + HexFormat.of().formatHex(bytes, 0, shown);
        return shown == bytes.length ? begin : begin + "... (" + bytes.length + " bytes)";
    }
}
