package io.quorate.raft.client;

import io.quorate.raft.ClientRequest;
import io.quorate.raft.ClientResponse;
import io.quorate.raft.NotLeaderException;
import io.quorate.raft.OutcomeUnknownException;
import io.quorate.raft.RequestFailedException;
import io.quorate.raft.RequestRefusedException;
import io.quorate.raft.ServerStatus;
import io.quorate.raft.ServerStoppedException;
import io.quorate.raft.core.Refusal;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Has leadership handed over, once: looks who leads, asks him to go, and looks who leads then.
 *
 * <p>A leader that has told another to lead, and hears nothing of it, cannot say what came of it; somebody leads soon all the same. To ask
 * whoever that is would be a second hand-over, and might bring back the first leader, whose machine was about to be switched off. So a
 * leader is asked only while it is certain that nothing has happened yet; after that there is nothing left but to look.
 */
final class HandOver {

    private static final long POLL_NANOS = Duration.ofMillis(50).toNanos();
    private static final long LOOK_NANOS = Duration.ofSeconds(2).toNanos();

    /** Who leads, as he says himself. */
    private record Office(String address, int nodeId, long term) { }

    private final Calls calls;
    private final int targetNodeId;
    private final long timeoutNanos;
    private final long deadlineNanos;
    private final CompletableFuture<Void> clock = new CompletableFuture<>();     // fails when the time is up, or all is closed
    private final CompletableFuture<Void> done = new CompletableFuture<>();
    private @Nullable Office asked;          // the last one; of the client's one thread, as all steps are
    private volatile boolean isPerhaps;      // it was asked, and has not said that nothing happened

    /** @param targetNodeId who shall lead; 0 for anybody else than now */
    HandOver(Calls calls, int targetNodeId, long timeoutNanos) {
        this.calls = calls;
        this.targetNodeId = targetNodeId;
        this.timeoutNanos = timeoutNanos;
        deadlineNanos = System.nanoTime() + timeoutNanos;
    }

    CompletableFuture<Void> start() {
        clock.whenComplete((never, failure) -> done.completeExceptionally(failure));
        calls.after(timeoutNanos, () -> clock.completeExceptionally(new NotLeaderException("Nothing happened: no leader has handed over "
            + "within " + Duration.ofNanos(timeoutNanos).toMillis() + " ms; see whether a majority of the group runs and can be reached from "
            + "here")), clock);
        calls.after(0, this::look, done);
        return done.handle((nothing, failure) -> {
            if (failure != null) {
                throw certain(Calls.causeOf(failure));
            }
            return nothing;
        });
    }

    /** What says that nothing happened is believed only as long as that is known. */
    private RuntimeException certain(Throwable failure) {
        if (failure instanceof RequestRefusedException refused) {
            return refused;
        } else if (isPerhaps) {
            return new OutcomeUnknownException("Perhaps another leads: the leader was asked to hand over, and "
                + (failure instanceof NotLeaderException ? "nobody was found in time who leads since" : "then: " + Calls.describe(failure))
                + "; see who leads before you ask again");
        }
        return failure instanceof RuntimeException known ? known : new IllegalStateException(failure);
    }

    private void look() {
        if (done.isDone()) {
            return;
        }
        calls.start(new ClientRequest.Members(true), 0, Calls.Manner.REPEATED_AT_LEADER, ClientResponse.Members.class, left())
            .whenComplete((members, failure) -> {
                String address = calls.leader();
                if (failure != null) {
                    done.completeExceptionally(Calls.causeOf(failure));
                } else if (address == null) {
                    lookAgain();     // somebody else's call has found meanwhile that it leads no more
                } else {
                    calls.ask(address, new ClientRequest.Status(), ClientResponse.Status.class, Math.min(LOOK_NANOS, left()))
                        .whenComplete((answer, none) -> next(() -> onStatus(address, answer == null ? null : answer.status())));
                }
            });
    }

    private void onStatus(String address, @Nullable ServerStatus status) {
        if (status == null || status.state() != ServerStatus.State.LEADER) {
            lookAgain();
        } else {
            onLeader(new Office(address, status.replica().nodeId(), status.term()));
        }
    }

    private void onLeader(Office now) {
        Office before = asked;
        if (before == null) {
            ask(now);
        } else if (now.term < before.term || isPerhaps && now.term == before.term) {
            lookAgain();     // who does not know yet that another leads, or is still about to hand over
        } else if (targetNodeId == 0 ? now.nodeId != before.nodeId : now.nodeId == targetNodeId) {
            done.complete(null);
        } else if (!isPerhaps) {
            ask(now);
        } else {
            done.completeExceptionally(new RequestRefusedException(Refusal.Reason.TRANSFER_FAILED, "Node " + before.nodeId
                + " has handed over and left its office, but node " + now.nodeId + " leads" + (now.nodeId == before.nodeId ? " again" : "")
                + ", in term " + now.term + ": whoever was told to lead was not heard or not elected. See what is wrong with it, "
                + "and ask again"));
        }
    }

    private void ask(Office leader) {
        asked = leader;
        isPerhaps = true;     // until it is known better
        calls.call(leader.address, new ClientRequest.Transfer(targetNodeId), left())
            .whenComplete((response, failure) -> next(() -> onAnswer(leader, response, failure)));
    }

    private void onAnswer(Office leader, @Nullable ClientResponse response, @Nullable Throwable failure) {
        if (response instanceof ClientResponse.Transferred) {
            look();
            return;
        }
        Throwable cause = failure == null ? null : Calls.causeOf(failure);
        isPerhaps = response instanceof ClientResponse.Unknown
            || cause != null && !(cause instanceof ClientTransport.NotSentException) && !(cause instanceof ServerStoppedException);
        if (response instanceof ClientResponse.Refused refused && !isCuredByAMoment(refused.reason())) {
            done.completeExceptionally(new RequestRefusedException(refused.reason(), refused.why()));
        } else if (response instanceof ClientResponse.Failed failed) {
            done.completeExceptionally(new RequestFailedException("Nothing happened: the replica at " + leader.address + " says: "
                + failed.why()));
        } else {
            lookAgain();
        }
    }

    private static boolean isCuredByAMoment(Refusal.Reason reason) {
        return switch (reason) {
            case NOT_LEADER, NO_QUORUM, TOO_EARLY, OVERLOADED -> true;
            case DISK_FULL, TOO_LARGE, OTHER_VERSION, CHANGE_PENDING, TRANSFER_PENDING, NO_TARGET, TRANSFER_FAILED -> false;
        };
    }

    private void lookAgain() {
        calls.after(POLL_NANOS, this::look, done);
    }

    private void next(Runnable step) {
        calls.after(0, step, done);
    }

    private long left() {
        return Math.max(1, deadlineNanos - System.nanoTime());
    }
}
