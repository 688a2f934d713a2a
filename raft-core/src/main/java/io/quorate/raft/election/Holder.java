package io.quorate.raft.election;

import java.util.Arrays;
import java.util.Objects;

/**
 * Who holds a named office.
 *
 * @param value        what it has proclaimed last, or campaigned with; not changed by anybody
 * @param fencingToken that of its leadership, also when the group was recovered from a lost quorum since. Of one that is first and has not begun
 *                     yet, the token that it will have; it is higher then if the group was recovered after it came
 */
public record Holder(byte[] value, long fencingToken) {

    @Override
    public boolean equals(Object object) {
        return object instanceof Holder other && fencingToken == other.fencingToken && Arrays.equals(value, other.value);
    }

    @Override
    public int hashCode() {
        return Objects.hash(fencingToken, Arrays.hashCode(value));
    }

    @Override
    public String toString() {
        return "Holder[" + FencingToken.toString(fencingToken) + ", " + value.length + " bytes]";
    }
}
