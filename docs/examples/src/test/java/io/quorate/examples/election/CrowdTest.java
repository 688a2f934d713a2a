package io.quorate.examples.election;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.client.RaftClient;
import io.quorate.raft.netty.NettyClientTransport;
import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the profile measures with hundred candidates and a thousand names, in small. The loads see that nobody holds beside another. */
@Timeout(180)
final class CrowdTest {

    @Test
    void candidatesTakeTurnsAndNamesAreHeldSideBySide() throws IOException {
        try (SmallGroup group = new SmallGroup();
             RaftClient client = RaftClient.builder(new NettyClientTransport(), group.addresses()).build()) {
            assertTrue(Crowd.oneOffice(client, 10) > 0);
            assertTrue(Crowd.manyOffices(client, 100).movedMillis() > 0);
        }
    }
}
