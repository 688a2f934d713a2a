package io.quorate.raft;

import java.util.UUID;

/**
 * Which group this is: 128 random bits drawn once, at its founding.
 *
 * @param high the upper half
 * @param low  the lower half
 */
public record ClusterId(long high, long low) {

    public ClusterId {
        if (high == 0 && low == 0) {
            throw new IllegalArgumentException("A cluster id is not 0");
        }
    }

    @Override
    public String toString() {
        return new UUID(high, low).toString();
    }
}
