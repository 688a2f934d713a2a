package io.quorate.raft.election;

import java.nio.ByteBuffer;

/**
 * What stands in the key of a place in a line: the recovery epoch of the fencing token that goes with the place, and what the candidate has
 * to say. The token's other part is where the key was put, so that whoever reads the key knows the token that its holder has, also when
 * the group has been recovered since.
 *
 * @param epoch of the group when the key was put; or when the candidate was seen to be first, if that is another
 * @param value the candidate's; not changed by anybody
 */
record Proclaimed(int epoch, byte[] value) {

    /** How much longer this is than the candidate's value. */
    static final int EPOCH_BYTES = Short.BYTES;

    ByteBuffer encode() {
        return ByteBuffer.allocate(EPOCH_BYTES + value.length).putShort((short) epoch).put(value).flip();
    }

    /** Of a key that no candidate has put, all is its value. */
    static Proclaimed of(KeyEntry entry) {
        byte[] bytes = entry.value();
        if (bytes.length < EPOCH_BYTES) {
            return new Proclaimed(0, bytes);
        }
        byte[] value = new byte[bytes.length - EPOCH_BYTES];
        int epoch = ByteBuffer.wrap(bytes).get(EPOCH_BYTES, value).getShort() & FencingToken.EPOCH_MAX;
        return new Proclaimed(epoch, value);
    }

    /** The token of who holds the office with this key. */
    static long token(KeyEntry entry) {
        return FencingToken.of(of(entry).epoch, entry.createIndex());
    }
}
