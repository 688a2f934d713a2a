package io.quorate.raft.client;

/** The time as a session's client knows it; tests have one of their own. */
interface SessionTimer {

    /** The JDK's clock, and a daemon thread of all sessions. */
    SessionTimer OF_THE_JDK = new SessionTimer() {

        @Override
        public long nanoTime() {
            return System.nanoTime();
        }

        @Override
        public Runnable after(long nanos, Runnable task) {
            return SessionThread.after(nanos, task);
        }
    };

    /** A monotonic clock's reading. */
    long nanoTime();

    /**
     * Runs this later, once, on some thread.
     *
     * @return what makes it unnecessary; it may run all the same if it is due
     */
    Runnable after(long nanos, Runnable task);
}
