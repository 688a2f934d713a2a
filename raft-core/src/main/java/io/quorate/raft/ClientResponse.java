package io.quorate.raft;

import org.jspecify.annotations.Nullable;

/**
 * What a replica answers a client. The first two say that it is done, {@code Unknown} that perhaps it is, the others that nothing
 * happened.
 */
public sealed interface ClientResponse {

    /**
     * The command was applied, or the query answered.
     *
     * @param index of the command's entry, or an index whose effects the answer contains
     */
    record Done(byte[] result, long index) implements ClientResponse {
        @Override
        public String toString() {
            return "Done[" + result.length + " bytes, at " + index + "]";
        }
    }

    /** How the replica is. */
    record Status(ServerStatus status) implements ClientResponse { }

    /**
     * Nothing happened: this replica does not lead.
     *
     * @param leaderNodeId  who does, or 0 if this replica does not know
     * @param leaderAddress where, or null
     */
    record NotLeader(int leaderNodeId, @Nullable String leaderAddress) implements ClientResponse { }

    /** Nothing happened: too much is waiting. Try again after a pause. */
    record Overloaded(String why) implements ClientResponse { }

    /** Nothing happened, and nothing will if it is tried again like this: the request is bad, or the query failed. */
    record Failed(String why) implements ClientResponse { }

    /** Nothing happened: this replica cannot serve now (it stops, or is blank). Another may. */
    record Unavailable(String why) implements ClientResponse { }

    /** Perhaps it happened: the replica cannot tell. */
    record Unknown(String why) implements ClientResponse { }
}
