package io.quorate.raft.testing;

import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * What the clients of a simulated run ask of the state machine. Each client asks one thing at a time. Every run has a workload of its
 * own, so it may keep state, such as what a client wants to try again.
 */
@FunctionalInterface
public interface Workload {

    /**
     * One thing to ask.
     *
     * @param kind  a command to propose or a query to read
     * @param input the command or query; a command of at most 8 bytes less than {@link io.quorate.raft.core.Entry#PAYLOAD_BYTES_MAX}, for
     *              the simulation adds a number to it; larger ones are refused
     */
    record Request(Operation.Kind kind, byte[] input) {

        /** A command. */
        public static Request propose(byte[] command) {
            return new Request(Operation.Kind.PROPOSE, command);
        }

        /** A query. */
        public static Request read(byte[] query) {
            return new Request(Operation.Kind.READ, query);
        }
    }

    /**
     * What this client asks next.
     *
     * @param client which, from 0
     * @param random the only source of chance, so that a run can be repeated
     */
    Request next(int client, RandomGenerator random);

    /**
     * What became of it. After {@link Operation.Outcome#FAILED} nothing happened; after {@link Operation.Outcome#UNKNOWN} perhaps it did,
     * and may yet.
     *
     * @param client  which asked
     * @param request what
     * @param outcome how it ended
     * @param output  the answer if it is done, or null
     */
    default void onOutcome(int client, Request request, Operation.Outcome outcome, byte @Nullable [] output) { }
}
