package io.quorate.raft.netty;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.quorate.raft.ClientRequest;
import io.quorate.raft.ClientResponse;
import org.junit.jupiter.api.Test;

class PeersTest {

    @Test
    void threeNodesOnFreePortsReachEachOther() {
        try (Node one = Node.start(Node.member(1)); Node two = Node.start(Node.member(2)); Node three = Node.start(Node.member(3))) {
            one.peers(two, three);
            two.peers(one, three);
            three.peers(one, two);
            one.reach(two);
            two.reach(one);
            one.reach(three);
            three.reach(two);
            assertEquals(null, one.transport.trouble(2));
        }
    }

    @Test
    void aClientIsAnswered() throws Exception {
        try (Node one = Node.start(Node.member(1)); NettyClientTransport client = new NettyClientTransport()) {
            one.service = (request, reply) -> reply.accept(new ClientResponse.Done(((ClientRequest.Propose) request).command(), 5));
            ClientResponse answer = client.call(one.address(), new ClientRequest.Propose(new byte[] {1, 2}), Node.millis(5000)).get();
            assertEquals(2, ((ClientResponse.Done) answer).result().length);
        }
    }
}
