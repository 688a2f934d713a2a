package io.quorate.raft.netty;

/** A frame in good form that its sender's part of the conversation does not allow. */
final class ForbiddenFrameException extends RuntimeException {

    private static final long serialVersionUID = 1;

    ForbiddenFrameException(String message) {
        super(message);
    }
}
