package io.quorate.raft;

/**
 * Which session: where in the log it was opened, and a number that its client drew for it.
 *
 * <p>The index alone would do within one group: no index comes back. But a group that is restored from a backup goes on from the backup's
 * index, and opens sessions where the lost group has opened others. A client of the lost one would then be taken for a client of the new
 * one, and answered with what somebody else has done. It does not know the other's number, and is told that its session is none.
 *
 * @param index  of the command that opened it
 * @param number drawn by the client at random, of all 64 bits, each time it opens a session
 */
public record SessionId(long index, long number) {

    public SessionId {
        if (index < 1) {
            throw new IllegalArgumentException("No session is opened at " + index);
        }
    }

    /** For people: such as {@code 42-9c03f1e2}, with half of the number. */
    @Override
    public String toString() {
        return index + "-" + Long.toHexString(number >>> 32);
    }
}
