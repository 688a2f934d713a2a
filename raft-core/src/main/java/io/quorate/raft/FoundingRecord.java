package io.quorate.raft;

import io.quorate.raft.core.Membership;

/**
 * How a group began: the same on each of its first members, and durable there before it votes, campaigns or answers an append.
 *
 * @param clusterId  which group
 * @param epoch      0 for a founded group; each recovery from a lost quorum begins the next
 * @param membership version 1, naming the incarnation of every first member
 */
public record FoundingRecord(ClusterId clusterId, int epoch, Membership membership) {

    public FoundingRecord {
        if (epoch < 0 || epoch > 0xFFFF) {
            throw new IllegalArgumentException("An epoch is between 0 and 65535, not " + epoch);
        }
    }
}
