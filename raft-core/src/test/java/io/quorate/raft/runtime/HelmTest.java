package io.quorate.raft.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.FoundingMessage;
import io.quorate.raft.Helm;
import io.quorate.raft.Helm.Reign;
import io.quorate.raft.RaftObserver;
import io.quorate.raft.RepairMessage;
import io.quorate.raft.SnapshotMessage;
import io.quorate.raft.Storage;
import io.quorate.raft.Transport;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.RaftConfig;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.testing.InMemoryDisk;
import io.quorate.raft.testing.InMemoryStorage;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What other threads see of who leads: one server of a group of two, turned step by step, the other played by the test. */
class HelmTest {

    private static final int DRIFT = 100;
    private static final RaftConfig CONFIG = RaftConfig.DEFAULT.withLeases(DRIFT);
    private static final long T = CONFIG.electionTimeoutNanos();
    private static final Map<Integer, String> TWO = Map.of(1, "a", 2, "b");
    private static final ReplicaId PEER = new ReplicaId(2, 22);

    private final InMemoryDisk disk = new InMemoryDisk(1, 11);
    private final InMemoryStorage storage = disk.open();
    private final List<Message> sent = new ArrayList<>();
    private final List<String> leaseWhenLetGo = new ArrayList<>();     // seen at each message that lets the other campaign
    private long now = Long.MAX_VALUE - T;                             // the clock wraps around
    private final PassiveServer server = new PassiveServer(TWO, CONFIG, storage, new Wire(), new Recorder.Journal(), RaftObserver.NONE,
        new SplittableRandom(1), () -> now);
    private final Helm helm = server.helm();
    private int news;
    private @Nullable Reign watched;

    private final class Wire implements Transport {

        @Override
        public void start(Local local, Map<Integer, String> peers, Receiver receiver) { }

        @Override
        public void founded(Local local) { }

        @Override
        public void peers(Map<Integer, String> peers) { }

        @Override
        public void send(Message message) {
            sent.add(message);
            Reign own = watched;
            if (message instanceof Message.TimeoutNow && own != null) {
                leaseWhenLetGo.add(own.leaseEndNanos() == Reign.NONE && !own.isOn() ? "none" : "until " + own.leaseEndNanos());
            }
        }

        @Override
        public void send(FoundingMessage message) { }

        @Override
        public void send(SnapshotMessage message) { }

        @Override
        public void send(RepairMessage message) { }

        @Override
        public String advertisedAddress() {
            return "a";
        }

        @Override
        public @Nullable String trouble(int nodeId) {
            return null;
        }

        @Override
        public void close() { }
    }

    @Test
    void nothingIsKeptUnlessSomebodyWatches() {
        lead(() -> server.applier().appliedIndex() == 1);

        assertEquals(new Helm.View(0, null, null, null), helm.view());

        Runnable watcher = () -> news++;
        helm.watch(watcher);
        settle();
        Reign own = reign();
        assertEquals(new Helm.View(server.loop().node().term(), disk.replica(), "a", own), helm.view());
        assertTrue(news > 0);

        helm.unwatch(watcher);
        settle();
        assertFalse(own.isOn());
        assertEquals(Reign.NONE, own.leaseEndNanos());
        assertEquals(new Helm.View(0, null, null, null), helm.view());
    }

    /** Else a leader of a group that has nothing to do would hold its office no sooner than the next message comes. */
    @Test
    @Timeout(30)
    void whatIsAppliedWakesTheRaftThreadWhileSomebodyWatches() throws InterruptedException {
        helm.watch(() -> news++);
        lead(() -> helm.view().reign() != null && server.loop().node().commitIndex() == 1);
        server.loop().turn(now);
        Thread raftThread = new Thread(() -> server.mailbox().sleep(TimeUnit.HOURS.toNanos(1)));
        raftThread.start();
        while (raftThread.getState() != Thread.State.TIMED_WAITING) {
            Thread.onSpinWait();
        }
        server.applier().turn(now);
        raftThread.join();
        assertEquals(1, server.applier().appliedIndex());
    }

    @Test
    void aReignHasAnIndexWhenItsFirstEntryIsAppliedAndEachOnce() {
        helm.watch(() -> news++);
        lead(() -> helm.view().reign() != null && server.loop().node().commitIndex() == 1);
        Reign own = reign();
        server.loop().turn(now);
        assertEquals(0, own.takeIndex(), "it is committed, and not applied");
        assertFalse(own.isUsedUp());

        settle();
        assertEquals(1, own.takeIndex());
        assertEquals(0, own.takeIndex());
        assertTrue(own.isUsedUp());

        helm.mark();
        helm.mark();
        int before = news;
        exchange();
        assertTrue(news > before);
        assertFalse(own.isUsedUp());
        assertEquals(2, own.takeIndex());
        assertTrue(own.isUsedUp(), "one entry for both");
    }

    @Test
    void anIndexThatWasTakenIsNotGivenOutAgainToWhoWatchesNext() {
        Runnable watcher = () -> news++;
        helm.watch(watcher);
        lead(() -> server.applier().appliedIndex() == 1);
        settle();
        assertEquals(1, reign().takeIndex());
        helm.unwatch(watcher);
        exchange();

        helm.watch(watcher);
        exchange();
        assertEquals(0, reign().takeIndex(), "another took it in this term");
        helm.mark();
        exchange();
        assertEquals(2, reign().takeIndex());
    }

    @Test
    void theLeaseEndsBeforeThePromisesItRestsOn() {
        Reign own = leadWatched();
        now += T / 10;
        exchange();

        long end = own.leaseEndNanos();
        assertEquals(end, own.lastLeaseEndNanos());
        assertTrue(end - now > 0 && end - now < T * (1000 - DRIFT) / 1000, "ends in " + (end - now));

        while (end - now > 1) {
            now = end - now > T / 10 ? now + T / 10 : end - 1;
            server.loop().turn(now);
        }
        assertEquals(end, own.leaseEndNanos());
        now = end;
        server.loop().turn(now);
        assertEquals(Reign.NONE, own.leaseEndNanos());
        assertTrue(own.isOn());
    }

    @Test
    void theLeaseIsTakenBackBeforeTheMessageLeavesThatLetsAnotherCampaign() {
        Reign own = leadWatched();
        exchange();
        assertNotEquals(Reign.NONE, own.leaseEndNanos());

        assertNull(server.transfer(2, T, new Recorder()));
        settle();

        assertEquals(List.of("none"), leaseWhenLetGo);
        assertEquals(Reign.NONE, own.lastLeaseEndNanos());
    }

    @Test
    void afterAPauseTheLeaseIsInDoubtUntilTheOthersHaveAnswered() {
        Reign own = leadWatched();
        exchange();
        long end = own.leaseEndNanos();

        now += T * 7 / 10;
        server.loop().turn(now);
        assertEquals(Reign.NONE, own.leaseEndNanos());
        assertEquals(end, own.lastLeaseEndNanos());

        int before = news;
        exchange();
        assertTrue(own.leaseEndNanos() - end > 0);
        assertTrue(news > before, "it has one again");
    }

    @Test
    void whoIsDeposedReignsNoMore() {
        Reign own = leadWatched();
        exchange();
        int before = news;

        server.mailbox().post(new Message.AppendEntries(PEER, disk.replica(), own.term() + 1, EntryId.ZERO, List.of(), 0, 0, 1));
        server.loop().turn(now);

        assertFalse(own.isOn());
        assertEquals(Reign.NONE, own.leaseEndNanos());
        assertEquals(Reign.NONE, own.lastLeaseEndNanos());
        assertEquals(new Helm.View(own.term() + 1, PEER, "b", null), helm.view());
        assertTrue(news > before);
    }

    @Test
    void whoeverWatchesCannotStopTheServer() {
        helm.watch(() -> {
            throw new IllegalStateException("the watcher is broken");
        });
        Reign own = leadWatched();

        assertTrue(own.isOn());
        assertTrue(news > 0, "the other watcher is told");
    }

    @Test
    void whatHasStoppedReignsNoMore() {
        Reign own = leadWatched();
        exchange();

        server.closeLoop(null);
        server.closeApplier(null);

        assertFalse(own.isOn());
        assertEquals(Reign.NONE, own.leaseEndNanos());
        assertNull(helm.view().leader());
    }

    private Reign reign() {
        Reign own = helm.view().reign();
        if (own == null) {
            throw new AssertionError("it does not lead: " + helm.view());
        }
        return own;
    }

    private Reign leadWatched() {
        helm.watch(() -> news++);
        lead(() -> helm.view().reign() != null && server.applier().appliedIndex() == 1);
        Reign own = reign();
        assertSame(own, helm.view().reign());
        watched = own;
        return own;
    }

    private interface Condition {
        boolean holds();
    }

    /** Until then the other votes for it, and takes what it is sent. */
    private void lead(Condition until) {
        server.loop().turn(now);
        server.mailbox().post(new FoundingMessage(2, 22, 1, 11, Founding.digest(TWO), null, false));
        for (int i = 0; i < 200; i++) {
            server.loop().turn(now);
            writeAll();
            answer();
            server.loop().turn(now);
            if (until.holds()) {
                return;
            }
            if (server.loop().node() != null && server.loop().node().leadIndex() > 0) {
                writeAll();
                server.loop().turn(now);
                if (until.holds()) {
                    return;
                }
                server.applier().turn(now);
            } else {
                now += T / 10;
            }
        }
        throw new AssertionError("no leader: " + server.loop().node());
    }

    /** A round trip, or two: the next heartbeat and what it brings. */
    private void exchange() {
        settle();
        answer();
        settle();
        answer();
        settle();
    }

    private void answer() {
        for (Message message : List.copyOf(sent)) {
            if (message instanceof Message.PreVote question) {
                server.mailbox().post(new Message.PreVoteAnswer(PEER, disk.replica(), question.term(), null, question.round(), 0));
            } else if (message instanceof Message.RequestVote request) {
                server.mailbox().post(new Message.Vote(PEER, disk.replica(), request.term(), null));
            } else if (message instanceof Message.AppendEntries append) {
                server.mailbox().post(new Message.AppendAccepted(PEER, disk.replica(), append.term(), append.lastIndex(),
                    append.lastIndex(), append.round(), T, 0));
            }
        }
        sent.clear();
    }

    private void writeAll() {
        List<Storage.Write> batch = server.writer().take();
        if (!batch.isEmpty()) {
            server.writer().write(batch);
        }
    }

    private void settle() {
        for (int i = 0; i < 10; i++) {
            server.loop().turn(now);
            writeAll();
            server.applier().turn(now);
        }
    }
}
