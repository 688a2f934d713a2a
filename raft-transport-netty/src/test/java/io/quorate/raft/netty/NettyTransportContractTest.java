package io.quorate.raft.netty;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.quorate.raft.testing.TransportContract;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(300)
class NettyTransportContractTest {

    private static final int SENTENCES = 31;

    @Test
    void theTransportOverTcpKeepsTheContract() {
        TransportContract contract = TransportContract.of((nodeId, address) ->
            transport(address, 2)).withClients(NettyClientTransport::new);
        assertEquals(SENTENCES, contract.check().size());
    }

    @Test
    void aTransportThatIsCarriedByItsUserKeepsTheContract() {
        TransportContract contract = TransportContract.of((nodeId, address) ->
            new Carried(transport(address, 0))).withClients(NettyClientTransport::new);
        assertEquals(SENTENCES, contract.check().size());
    }

    private static NettyTransport transport(String address, int ioThreads) {
        return NettyTransport.builder().bind(address == null ? "127.0.0.1:0" : address).ioThreads(ioThreads).build();
    }
}
