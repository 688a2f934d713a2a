package io.quorate.raft.testing;

/** What may happen in a simulated run. It is counted, for a fault that never occurs proves nothing, and nobody would notice. */
enum Happening {
    MESSAGE_LOST, MESSAGE_LATE, MESSAGE_REPEATED, MESSAGE_CUT_OFF, MESSAGE_CUT_OFF_ONE_WAY,
    /** The decoder refused it. */
    MESSAGE_DAMAGED,
    /** The damage made no difference. */
    MESSAGE_DAMAGED_IN_VAIN,
    /** Sent to an earlier process of the same replica. */
    MESSAGE_OVER_A_RESTART,
    /** Meant for another incarnation. */
    MESSAGE_ASTRAY,
    CRASH_WRITE_KEPT, CRASH_WRITE_LOST, CRASH_WITHIN_FLUSH,
    /** Of a leader with entries that are not committed. */
    CRASH_OF_BUSY_LEADER,
    PAUSE,
    /** Longer than ten election timeouts. */
    LONG_PAUSE,
    CLOCK_JUMP, CLOCK_RATE,
    /** Longer than an election timeout. */
    SLOW_WRITE,
    DISK_HANGS, DISK_NEARLY_FULL, DISK_FAILED, DISK_LOST, DISK_ROLLED_BACK, DISK_CLONED,
    ENTRY_DAMAGED,
    /** A damaged entry was put back as another replica had it. */
    ENTRY_REPAIRED,
    /** A process found damage in its log at the start, and its node began when that was healed. */
    STARTED_WITH_DAMAGE, BEGAN_REPAIRED,
    /** A log with damage was cut off, for others had replaced its end, or was put on another's snapshot, before its node began. */
    DAMAGE_REPLACED,
    /** Nobody who was left could give an entry back, when the group was healed. */
    DAMAGE_BEYOND_REPAIR,
    SLOW_APPLY, APPLY_THREW, QUERY_THREW, FLOOD,
    ENTRIES_READ_FROM_DISK, FOUNDING_FAILED,
    /** A replica has made a snapshot of its own state durable. */
    SNAPSHOT_TAKEN,
    /** Another's snapshot came whole, or came to nothing. */
    SNAPSHOT_FETCHED, SNAPSHOT_FETCH_FAILED,
    /** A log was put on another's snapshot, durably. */
    SNAPSHOT_INSTALLED,
    /** A state machine was given a state, at a start or in place of commands. */
    SNAPSHOT_RESTORED,
    /** A process died between writing a snapshot out and making it durable. */
    CRASH_WHILE_TAKING,
    /** An operator was told that another leads, that his goal is committed, or that neither will be. */
    LEADERSHIP_TRANSFERRED, MEMBERSHIP_CHANGED, OPERATOR_REFUSED,
    /** A membership that is joint has come into force at a replica. */
    JOINT_MEMBERSHIP,
    /** All that an operator had taken out or lost left no quorum that could be healed. */
    QUORUM_LOST,
    ELECTION_WON, ELECTION_LOST,
    /** A leader hears no quorum. */
    STEP_DOWN_FOR_SILENCE, STEP_DOWN_FOR_HIGHER_TERM,
    /** A suffix that conflicts is cut. */
    TRUNCATION,
    /** A leader begins with entries of earlier terms that nobody knows to be committed. */
    INHERITANCE,
    /** An entry of an earlier term stands on a quorum, and nobody knows it to be committed (figure 8). */
    INHERITANCE_ON_A_QUORUM,
    /** A quorum was held not to be disturbed by a minority's faults. */
    QUORUM_IS_HEALTHY,
    /** A group was held to its term, and when idle to heartbeats, for nothing went wrong at all. */
    NOTHING_GOES_WRONG,
    /** A request whose outcome its client does not know. */
    OUTCOME_UNKNOWN,
    /** A request that was refused. */
    REFUSED,
    /** A read was answered that asked for no less than everything: by the leader, or by another replica. */
    READ_BY_LEADER, READ_BY_ANOTHER,
    /** A read was answered that a lease sufficed for, by a leader that had one. */
    READ_BY_LEASE,
    /** A read was answered that might be so stale, or of any age. */
    READ_AT_MOST, READ_LOCAL,
    /** The answer to such a read did lack what somebody had been told before. */
    READ_WAS_STALE,
    /** A read was answered at a replica that had not applied, when it was asked, what its client had seen. */
    READ_AWAITED,
    /** A replica has opened a session, closed one as it was told, or forgotten one of which nothing was heard for its timeout. */
    SESSION_OPENED, SESSION_CLOSED, SESSION_EXPIRED,
    /** A command of a session was asked for while another of it was outstanding. */
    SESSION_OUTSTANDING,
    /** A replica has answered a repeated command as the first copy was, which it had executed itself, or known from a snapshot only. */
    SESSION_REPEATED, SESSION_REPEATED_AFTER_RESTORE,
    /** A replica has refused a command: its session is gone, it was acknowledged, or there was no room for its reply. */
    SESSION_GONE, SESSION_ACKNOWLEDGED, SESSION_FULL
}
