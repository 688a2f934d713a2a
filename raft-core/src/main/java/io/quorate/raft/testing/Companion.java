package io.quorate.raft.testing;

import io.quorate.raft.core.Message;

/**
 * What runs in a simulated process beside its server: on the same clock, paused with it, and gone with it. It plans its own work by {@link
 * SimulatedProcess#after}, and must not do any of it while the process is paused.
 */
interface Companion {

    /** Nothing does. */
    Companion NONE = new Companion() { };

    /** Makes the companions of one run. */
    @FunctionalInterface
    interface Maker {

        /** There are none. */
        Maker NONE = (group, replica, process) -> Companion.NONE;

        /** Of a process that is about to begin. */
        Companion beside(SimulatedGroup group, SimulatedReplica replica, SimulatedProcess process);
    }

    /** The server has digested a batch. */
    default void onTurn() { }

    /** The server is sending this: it has not left yet. */
    default void onSend(Message message) { }

    /** The process goes on after a pause. */
    default void onResumed() { }
}
