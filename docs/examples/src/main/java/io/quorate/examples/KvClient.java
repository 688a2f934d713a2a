package io.quorate.examples;

import io.quorate.raft.ServerStatus;
import io.quorate.raft.client.RaftClient;
import io.quorate.raft.netty.NettyClientTransport;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * The store as its users see it. Every future completes within the timeout, and fails as {@link RaftClient} says: only an {@link
 * io.quorate.raft.OutcomeUnknownException} leaves open whether a command was applied, and since putting the same value again is harmless,
 * the caller may simply repeat it. Thread-safe; what is chained to the futures must not block.
 */
public final class KvClient implements AutoCloseable {

    private final RaftClient client;

    /**
     * A client of the group at these addresses.
     *
     * @param addresses of its replicas, or some of them
     * @param timeout   how long one call may take
     */
    public KvClient(List<String> addresses, Duration timeout) {
        client = RaftClient.builder(new NettyClientTransport(), addresses).callTimeout(timeout).build();
    }

    /** Lets this key have this value; completes with whether it had one before. */
    public CompletableFuture<Boolean> put(byte[] key, byte[] value) {
        return client.propose(new KvRequest.Put(key, value).encode()).thenApply(KvClient::hadValue);
    }

    /** Takes this key's value away; completes with whether it had one. */
    public CompletableFuture<Boolean> delete(byte[] key) {
        return client.propose(new KvRequest.Delete(key).encode()).thenApply(KvClient::hadValue);
    }

    /** This key's value, if it has one. It is no older than this call. */
    public CompletableFuture<Optional<byte[]>> get(byte[] key) {
        return client.read(new KvRequest.Get(key).encode()).thenApply(bytes -> {
            KvAnswer answer = answer(bytes);
            return answer.kind() == KvAnswer.Kind.NONE ? Optional.empty() : Optional.of(answer.bytes());
        });
    }

    /** How the replica at this address is. */
    public CompletableFuture<ServerStatus> status(String address) {
        return client.status(address);
    }

    @Override
    public void close() {
        client.close();
    }

    private static boolean hadValue(byte[] bytes) {
        return answer(bytes).kind() == KvAnswer.Kind.VALUE;
    }

    private static KvAnswer answer(byte[] bytes) {
        KvAnswer answer = KvAnswer.decode(bytes);
        if (answer.kind() == KvAnswer.Kind.BAD_REQUEST) {
            throw new IllegalArgumentException(answer.toString());
        }
        return answer;
    }
}
