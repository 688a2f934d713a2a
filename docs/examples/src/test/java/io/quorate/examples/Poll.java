package io.quorate.examples;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Looks again and again, a little later each time, until what is awaited is there. */
public final class Poll {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final int PAUSE_MILLIS = 20;

    private Poll() { }

    /** What to look at; null means not yet. */
    public interface Look<T> {
        @Nullable T look();
    }

    /** Waits for a value. */
    public static <T> T until(String what, Look<T> look) {
        long begin = System.nanoTime();
        while (System.nanoTime() - begin < PATIENCE.toNanos()) {
            T found = look.look();
            if (found != null) {
                return found;
            }
            CompletableFuture.runAsync(() -> { }, CompletableFuture.delayedExecutor(PAUSE_MILLIS, TimeUnit.MILLISECONDS)).join();
        }
        throw new AssertionError("Not within " + PATIENCE.toSeconds() + " s: " + what);
    }

    /** Waits for this text, and returns the text it is in. */
    public static String untilContains(String part, Look<String> look) {
        String[] last = {""};
        try {
            return until(part, () -> {
                String text = look.look();
                last[0] = String.valueOf(text);
                return text != null && text.contains(part) ? text : null;
            });
        } catch (AssertionError e) {
            throw new AssertionError(e.getMessage() + "; the last was: " + last[0], e);
        }
    }
}
