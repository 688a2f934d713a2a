package io.quorate.raft;

/**
 * What a query was answered, and from which state.
 *
 * @param result as the state machine gave it; not changed by anybody
 * @param index  of the last entry whose effects the result holds. A later read {@linkplain Freshness#notBefore not before} this index sees
 *               no older state, whichever replica answers it
 */
public record Answer(byte[] result, long index) {

    @Override
    public String toString() {
        return "Answer[" + result.length + " bytes, at " + index + "]";
    }
}
