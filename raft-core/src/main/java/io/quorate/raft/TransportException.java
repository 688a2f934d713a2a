package io.quorate.raft;

/** The transport cannot do its work, for instance because its port is in use. The message names the address and what to do. */
public non-sealed class TransportException extends RaftException {

    private static final long serialVersionUID = 1;

    public TransportException(String message) {
        super(message);
    }

    public TransportException(String message, Throwable cause) {
        super(message, cause);
    }
}
