package io.quorate.raft.runtime;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.ClientRequest;
import io.quorate.raft.ClientResponse;
import io.quorate.raft.Freshness;
import io.quorate.raft.MembershipTarget;
import io.quorate.raft.core.Membership;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class ClientServiceTest {

    @Test
    void membersSayWhetherTheMembershipIsCommitted() {
        PassiveGroup group = new PassiveGroup(3);
        PassiveGroup.Node leader = group.leader();
        assertTrue(isCommitted(group, leader));
        group.isolate(leader.id);
        Membership membership = Objects.requireNonNull(leader.status().membership());
        int other = leader.id % 3 + 1;
        leader.ask(new ClientRequest.ChangeMembership(membership.version(), MembershipTarget.from(membership).without(other).goal()),
            PassiveGroup.T);
        group.settle();
        assertFalse(isCommitted(group, leader));
    }

    private static boolean isCommitted(PassiveGroup group, PassiveGroup.Node node) {
        PassiveGroup.Answer answer = node.ask(new ClientRequest.Members(true), PassiveGroup.T);
        group.settle();
        return assertInstanceOf(ClientResponse.Members.class, answer.response()).isCommitted();
    }

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
