package io.quorate.examples.election;

import io.quorate.raft.ClientRequest;
import io.quorate.raft.ClientResponse;
import io.quorate.raft.client.ClientTransport;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/** A client's transport that reaches some addresses by a way of its own: through a wire that can be cut for this client alone. */
public final class WiredTransport implements ClientTransport {

    private final ClientTransport transport;
    private final Map<String, String> wires;

    /**
     * Through these wires.
     *
     * @param wires the near end of each, by the address that it leads to; what is not named is reached as it is
     */
    public WiredTransport(ClientTransport transport, Map<String, String> wires) {
        this.transport = transport;
        this.wires = Map.copyOf(wires);
    }

    @Override
    public CompletableFuture<ClientResponse> call(String address, ClientRequest request, long timeoutNanos) {
        return transport.call(wires.getOrDefault(address, address), request, timeoutNanos);
    }

    @Override
    public int epoch() {
        return transport.epoch();
    }

    @Override
    public void close() {
        transport.close();
    }
}
