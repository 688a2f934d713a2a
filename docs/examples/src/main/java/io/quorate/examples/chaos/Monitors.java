package io.quorate.examples.chaos;

/** Waiting for what another thread does to an object. */
final class Monitors {

    private Monitors() { }

    /**
     * Waits until somebody notifies whoever waits for this object, or for so long.
     *
     * @param held whose monitor the caller holds
     */
    static void await(Object held, long millis) throws ChaosException {
        try {
            held.wait(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ChaosException("interrupted");
        }
    }
}
