package io.quorate.raft.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class TransportContractTest {

    @Test
    void theNetworkInMemoryKeepsTheContract() {
        InMemoryNetwork network = new InMemoryNetwork();
        assertEquals(23, TransportContract.of((nodeId, address) -> network.transport()).withClients(network::clientTransport).check().size());
    }
}
