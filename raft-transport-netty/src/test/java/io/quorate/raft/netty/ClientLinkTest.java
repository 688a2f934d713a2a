package io.quorate.raft.netty;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.ClientRequest;
import io.quorate.raft.client.ClientTransport.NotSentException;
import io.quorate.raft.netty.wire.Role;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** What a caller meets who got hold of a link before it was over. */
class ClientLinkTest {

    private final IoThreads io = new IoThreads("link", IoThreads.LOOPS);
    private final List<Boolean> wasOver = new ArrayList<>();
    private final ClientLink link = new ClientLink(new ClientLink.Way("127.0.0.1:1", Role.ROLE_CLIENT), new ClientGroup(null, 0, risen -> { }),
        io, new Tally(), new PatientLog(LoggerFactory.getLogger(ClientLinkTest.class)), Timing.DEFAULT, over -> wasOver.add(over.isOver()));

    @AfterEach
    void end() {
        io.close(true);
    }

    @Test
    void itIsForgottenBeforeItIsOverSoThatNobodyFindsItOver() {
        link.close().syncUninterruptibly();
        assertEquals(List.of(false), wasOver);
        assertTrue(link.isOver());
        link.close().syncUninterruptibly();
        assertEquals(1, wasOver.size(), "told once");
    }

    @Test
    void whatIsSentOverItAfterwardsFailsWithTheReason() {
        link.close().syncUninterruptibly();
        ClientLink.Call call = new ClientLink.Call(new ClientRequest.Status(), Node.millis(20_000));
        link.send(call, Node.millis(20_000));
        Throwable failure = assertThrows(CompletionException.class, call.answer()::join).getCause();
        assertInstanceOf(NotSentException.class, failure);
        assertEquals("Nothing was sent to 127.0.0.1:1: the client was closed", failure.getMessage());
    }
}
