package io.quorate.benchmarks.microraft;

import io.microraft.RaftEndpoint;

/** A replica by its number. */
record Endpoint(int number) implements RaftEndpoint {

    @Override
    public Object getId() {
        return number;
    }
}
