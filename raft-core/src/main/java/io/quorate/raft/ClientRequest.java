package io.quorate.raft;

/** What a client may ask of a replica. */
public sealed interface ClientRequest {

    /** Replicate this command and answer with its result. */
    record Propose(byte[] command) implements ClientRequest {
        @Override
        public String toString() {
            return "Propose[" + command.length + " bytes]";
        }
    }

    /** Answer this query from a state that includes everything acknowledged before it was asked. */
    record Read(byte[] query) implements ClientRequest {
        @Override
        public String toString() {
            return "Read[" + query.length + " bytes]";
        }
    }

    /**
     * Answer this query from this replica's state as it is, which may be old.
     *
     * @param minIndex wait until this index is applied; 0 for at once
     */
    record LocalRead(byte[] query, long minIndex) implements ClientRequest {
        @Override
        public String toString() {
            return "LocalRead[" + query.length + " bytes, from " + minIndex + "]";
        }
    }

    /** How is this replica? */
    record Status() implements ClientRequest { }
}
