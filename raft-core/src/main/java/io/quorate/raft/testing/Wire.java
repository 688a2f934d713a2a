package io.quorate.raft.testing;

import io.quorate.raft.FoundingMessage;
import io.quorate.raft.RepairMessage;
import io.quorate.raft.SnapshotMessage;
import io.quorate.raft.core.Message;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Carries every message of a simulated run through a real encoder and decoder, so that what the wire's format does to a message is part of
 * the run: a field that is forgotten, a limit that is hit, a damage that is not noticed.
 *
 * <p>What arrives is equal to what was sent, or nothing arrives and the connection is lost with it, as a transport closes one whose bytes
 * are damaged. An implementation throws an {@link AssertionError} when something else comes out; it keeps no state of its own, so that
 * the same random numbers give the same run.
 */
public interface Wire {

    /**
     * Carries a message between two replicas.
     *
     * @param isDamaged whether its bytes are damaged on their way, as {@code random} decides
     * @param random    asked only if they are
     * @return what arrives, or null if the decoder refused it and so the connection is lost
     */
    @Nullable Message carry(Message message, boolean isDamaged, RandomGenerator random);

    /**
     * Carries a message between two nodes of which one is blank.
     *
     * @param isDamaged whether its bytes are damaged on their way, as {@code random} decides
     * @param random    asked only if they are
     * @return what arrives, or null if the decoder refused it and so the connection is lost
     */
    @Nullable FoundingMessage carry(FoundingMessage message, boolean isDamaged, RandomGenerator random);

    /**
     * Carries a question for a piece of a snapshot, or the answer to one.
     *
     * @param isDamaged whether its bytes are damaged on their way, as {@code random} decides
     * @param random    asked only if they are
     * @return what arrives, or null if the decoder refused it and so the connection is lost
     */
    @Nullable SnapshotMessage carry(SnapshotMessage message, boolean isDamaged, RandomGenerator random);

    /**
     * Carries a question for entries that are damaged at the asker, or the answer to one.
     *
     * @param isDamaged whether its bytes are damaged on their way, as {@code random} decides
     * @param random    asked only if they are
     * @return what arrives, or null if the decoder refused it and so the connection is lost
     */
    @Nullable RepairMessage carry(RepairMessage message, boolean isDamaged, RandomGenerator random);
}
