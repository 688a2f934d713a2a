package io.quorate.examples.chaos;

import java.io.IOException;

/** Stops a process in its tracks, and lets it go on, as an operating system does that has no time for it. */
final class Signals {

    private Signals() { }

    static void stop(long pid) throws ChaosException {
        send("-STOP", pid);
    }

    static void go(long pid) throws ChaosException {
        send("-CONT", pid);
    }

    private static void send(String signal, long pid) throws ChaosException {
        try {
            int code = new ProcessBuilder("kill", signal, String.valueOf(pid)).inheritIO().start().waitFor();
            if (code != 0) {
                throw new ChaosException("kill " + signal + " " + pid + " ended with " + code);
            }
        } catch (IOException e) {
            throw new ChaosException("there is no kill command here: " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ChaosException("interrupted");
        }
    }
}
