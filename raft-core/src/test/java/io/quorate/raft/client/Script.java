package io.quorate.raft.client;

import io.quorate.raft.ClientRequest;
import io.quorate.raft.ClientResponse;
import io.quorate.raft.ServerStatus;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.ReplicaId;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Answers as told, address by address; the last answer stays. What a client wants to know on its own, how a replica is and who the members
 * are, is no part of that: it is answered from {@link #members}, by whoever answers at all.
 */
final class Script implements ClientTransport {

    private final Map<String, Queue<Function<ClientRequest, CompletableFuture<ClientResponse>>>> answers = new HashMap<>();
    private final List<String> asked = new ArrayList<>();
    private final List<ClientRequest> requests = new ArrayList<>();
    private final List<String> looked = new ArrayList<>();
    private boolean isLookedAt;                        // whether status is answered apart from the rest
    private @Nullable Membership members;
    private int epoch;
    volatile boolean isClosed;

    /** From now on status is asked and answered apart from the rest: by whoever answers anything, with these as the members. */
    synchronized Script members(@Nullable Membership theMembers) {
        isLookedAt = true;
        members = theMembers;
        return this;
    }

    synchronized void epoch(int risen) {
        epoch = risen;
    }

    /** Who was asked for its status apart from the rest. */
    synchronized List<String> looked() {
        return List.copyOf(looked);
    }

    /** Forgets what this address was to answer: nobody is there any more. */
    synchronized void gone(String address) {
        answers.remove(address);
    }

    Script at(String address, ClientResponse response) {
        return at(address, request -> CompletableFuture.completedFuture(response));
    }

    Script failing(String address, Throwable failure) {
        return at(address, request -> CompletableFuture.failedFuture(failure));
    }

    synchronized Script at(String address, Function<ClientRequest, CompletableFuture<ClientResponse>> answer) {
        answers.computeIfAbsent(address, key -> new ArrayDeque<>()).add(answer);
        return this;
    }

    synchronized List<String> asked() {
        return List.copyOf(asked);
    }

    synchronized List<ClientRequest> requests() {
        return List.copyOf(requests);
    }

    @Override
    public CompletableFuture<ClientResponse> call(String address, ClientRequest request, long timeoutNanos) {
        Function<ClientRequest, CompletableFuture<ClientResponse>> answer;
        synchronized (this) {
            if (isLookedAt && request instanceof ClientRequest.Status) {
                looked.add(address);
                return answers.containsKey(address) ? CompletableFuture.completedFuture(status())
                    : CompletableFuture.failedFuture(new NotSentException("refused", new TimeoutException()));
            }
            asked.add(address);
            requests.add(request);
            Queue<Function<ClientRequest, CompletableFuture<ClientResponse>>> queue = answers.get(address);
            if (queue == null) {
                return CompletableFuture.failedFuture(new NotSentException("refused", new TimeoutException()));
            }
            answer = queue.size() > 1 ? queue.remove() : queue.element();
        }
        return answer.apply(request);
    }

    private ClientResponse status() {
        return new ClientResponse.Status(new ServerStatus(new ReplicaId(1, 1), 1, null, ServerStatus.State.LEADER, 0, null, null, 0, 0, 0,
            0, 0, List.of(), null, members, List.of(), null, null, null));
    }

    @Override
    public synchronized int epoch() {
        return epoch;
    }

    @Override
    public synchronized void close() {
        isClosed = true;
    }
}
