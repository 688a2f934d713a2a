package io.quorate.examples.launcher;

import java.io.IOException;

/** Stops a process in its tracks, and lets it go on, as an operating system does that has no time for it. */
public final class Signals {

    private Signals() { }

    /** Stops it; returns when that is done. */
    public static void stop(long pid) {
        send("-STOP", pid);
    }

    /** Lets it go on. */
    public static void go(long pid) {
        send("-CONT", pid);
    }

    private static void send(String signal, long pid) {
        try {
            int code = new ProcessBuilder("kill", signal, String.valueOf(pid)).inheritIO().start().waitFor();
            if (code != 0) {
                throw new IllegalStateException("kill " + signal + " " + pid + " ended with " + code);
            }
        } catch (IOException e) {
            throw new IllegalStateException("there is no kill command here: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }
}
