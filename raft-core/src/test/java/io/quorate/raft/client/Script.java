package io.quorate.raft.client;

import io.quorate.raft.ClientRequest;
import io.quorate.raft.ClientResponse;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;

/** Answers as told, address by address; the last answer stays. */
final class Script implements ClientTransport {

    private final Map<String, Queue<Function<ClientRequest, CompletableFuture<ClientResponse>>>> answers = new HashMap<>();
    private final List<String> asked = new ArrayList<>();
    private final List<ClientRequest> requests = new ArrayList<>();
    volatile boolean isClosed;

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

    @Override
    public int epoch() {
        return 0;
    }

    @Override
    public synchronized void close() {
        isClosed = true;
    }
}
