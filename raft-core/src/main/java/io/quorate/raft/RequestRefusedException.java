package io.quorate.raft;

import io.quorate.raft.core.Refusal;

/**
 * Nothing happened: the leader cannot do this now, or not any more. The {@linkplain #reason reason} tells which. The one exception is a
 * transfer that went astray, of which {@code RaftAdmin} tells with {@link Refusal.Reason#TRANSFER_FAILED}: the message says who leads now.
 */
public final class RequestRefusedException extends RaftException {

    private static final long serialVersionUID = 1;

    private final Refusal.Reason reason;

    /**
     * @param reason  what stood in the way
     * @param message says that nothing happened, why, and what to do
     */
    public RequestRefusedException(Refusal.Reason reason, String message) {
        super(message);
        this.reason = reason;
    }

    /** What stood in the way. */
    public Refusal.Reason reason() {
        return reason;
    }
}
