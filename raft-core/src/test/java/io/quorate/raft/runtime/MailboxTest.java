package io.quorate.raft.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.FoundingMessage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Event;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.ReplicaId;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class MailboxTest {

    private static final ReplicaId ONE = new ReplicaId(1, 11);
    private static final ReplicaId TWO = new ReplicaId(2, 22);

    @Test
    void everythingComesInItsOrder() {
        Mailbox mailbox = new Mailbox();
        Message vote = new Message.Vote(TWO, ONE, 1, null);
        mailbox.post(vote);
        mailbox.complete(new Event.Written(3));
        Call call = Recorder.call(Call.Kind.READ, 0);
        mailbox.submit(call);

        List<Mail> mails = drain(mailbox);
        assertEquals(vote, ((Mail.OfEvent) mails.get(0)).event());
        assertEquals(new Event.Written(3), ((Mail.OfEvent) mails.get(1)).event());
        assertEquals(call, mails.get(2));
    }

    @Test
    void peersMessagesBeyondTheBoundAreDroppedAndCounted() {
        Mailbox mailbox = new Mailbox(5000, new Waker());
        mailbox.post(append(3000));
        mailbox.post(append(3000));
        assertEquals(1, mailbox.dropped());
        mailbox.post(new FoundingMessage(2, 22, 1, 0, 0, null, true));
        assertEquals(1, mailbox.dropped());
        assertEquals(2, drain(mailbox).size());
    }

    @Test
    void completionsAndCallsPassAFullMailbox() {
        Mailbox mailbox = new Mailbox(100, new Waker());
        mailbox.post(append(3000));
        mailbox.post(append(10));
        assertEquals(1, mailbox.dropped());
        mailbox.complete(new Event.Written(1));
        assertTrue(mailbox.submit(Recorder.call(Call.Kind.READ, 0)));
        assertEquals(3, drain(mailbox).size());
    }

    @Test
    void whatIsAppliedWakesTheRaftThreadOnlyIfItWaitsForThat() {
        Waker waker = new Waker();
        Mailbox mailbox = new Mailbox(100, waker);
        mailbox.awaitApplying(true);
        assertTrue(Wakers.isWoken(waker, () -> mailbox.applied(1)));
        mailbox.awaitApplying(false);
        assertFalse(Wakers.isWoken(waker, () -> mailbox.applied(2)));
        assertEquals(List.of(new Event.Applied(1), new Event.Applied(2)),
            drain(mailbox).stream().map(mail -> ((Mail.OfEvent) mail).event()).toList());
    }

    @Test
    void aClosedMailboxTakesNothing() {
        Mailbox mailbox = new Mailbox();
        mailbox.close();
        mailbox.post(append(10));
        mailbox.complete(new Event.Written(1));
        assertFalse(mailbox.submit(Recorder.call(Call.Kind.READ, 0)));
        assertFalse(mailbox.ask(status -> { }));
        assertEquals(0, mailbox.peerBytes());
        assertFalse(mailbox.hasMail());
    }

    private static Message append(int payloadBytes) {
        Entry entry = Entry.of(1, 1, Entry.Kind.COMMAND, 0, new byte[payloadBytes]);
        return new Message.AppendEntries(TWO, ONE, 1, EntryId.ZERO, List.of(entry), 0, 0, 1);
    }

    private static List<Mail> drain(Mailbox mailbox) {
        List<Mail> mails = new ArrayList<>();
        mailbox.fill();
        for (Mail mail = mailbox.poll(); mail != null; mail = mailbox.poll()) {
            assertNotNull(mail);
            mails.add(mail);
        }
        return mails;
    }
}
