package io.quorate.raft.netty;

/** Bytes that are no frame, or a frame that says something impossible. Nothing of it was delivered. */
public final class MalformedFrameException extends RuntimeException {

    private static final long serialVersionUID = 1;

    MalformedFrameException(String message) {
        super(message);
    }

    MalformedFrameException(String message, Throwable cause) {
        super(message, cause);
    }
}
