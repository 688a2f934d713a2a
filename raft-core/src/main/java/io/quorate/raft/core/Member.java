package io.quorate.raft.core;

/**
 * A replica and where to reach it.
 *
 * @param id      the replica
 * @param address its advertised address, as {@code host:port}; opaque to the algorithm
 */
public record Member(ReplicaId id, String address) {

    @Override
    public String toString() {
        return id + "=" + address;
    }
}
