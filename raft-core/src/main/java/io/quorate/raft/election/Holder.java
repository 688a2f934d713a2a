package io.quorate.raft.election;

import java.util.Arrays;
import java.util.Objects;

/**
 * Who holds a named office.
 *
 * @param value        what it has proclaimed last, or campaigned with; not changed by anybody
 * @param fencingToken that of its leadership. Of one that was granted before the group was recovered from a lost quorum, the token that it
 *                     would have been granted since, which is higher
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
