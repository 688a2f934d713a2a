package io.quorate.raft.testing;

/** What may happen in a simulated run. It is counted, for a fault that never occurs proves nothing, and nobody would notice. */
enum Happening {
    MESSAGE_LOST, MESSAGE_LATE, MESSAGE_REPEATED, MESSAGE_CUT_OFF, MESSAGE_CUT_OFF_ONE_WAY,
    /** Sent to an earlier process of the same replica. */
    MESSAGE_OVER_A_RESTART,
    CRASH_WRITE_KEPT, CRASH_WRITE_LOST, CRASH_WITHIN_FLUSH,
    /** Of a leader with entries that are not committed. */
    CRASH_OF_BUSY_LEADER,
    /** Longer than an election timeout. */
    LONG_PAUSE, SLOW_WRITE,
    DISK_LOST, ENTRIES_READ_FROM_DISK, FOUNDING_FAILED,
    ELECTION_WON, ELECTION_LOST,
    /** A leader hears no quorum. */
    STEP_DOWN_FOR_SILENCE, STEP_DOWN_FOR_HIGHER_TERM,
    /** A suffix that conflicts is cut. */
    TRUNCATION,
    /** A leader begins with entries of earlier terms that nobody knows to be committed. */
    INHERITANCE,
    /** An entry of an earlier term stands on a quorum, and nobody knows it to be committed (figure 8). */
    INHERITANCE_ON_A_QUORUM
}
