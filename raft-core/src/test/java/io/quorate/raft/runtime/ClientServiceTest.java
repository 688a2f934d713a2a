package io.quorate.raft.runtime;

import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.quorate.raft.ClientRequest;
import io.quorate.raft.ClientResponse;
import io.quorate.raft.Freshness;
import org.junit.jupiter.api.Test;

class ClientServiceTest {

    @Test
    void noClientIsWaitedForForEver() {
        PassiveGroup group = new PassiveGroup(3);
        PassiveGroup.Node leader = group.leader();
        ClientRequest never = new ClientRequest.Read(new byte[0], Freshness.local().notBefore(Long.MAX_VALUE));
        PassiveGroup.Answer answer = leader.ask(never, Long.MAX_VALUE - 1);
        group.leap(ClientService.WAIT_NANOS_MAX - PassiveGroup.T);
        assertNull(answer.response());
        group.leap(PassiveGroup.T);
        assertInstanceOf(ClientResponse.Overloaded.class, answer.response());
    }
}
