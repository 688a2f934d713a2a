package io.quorate.raft.election;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.RequestFailedException;
import io.quorate.raft.client.Session;
import io.quorate.raft.election.KeysClient.Outcome;
import io.quorate.raft.election.VirtualGroup.Process;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;

/** The primitives, one by one, and watches. */
class KeysClientTest {

    private VirtualGroup group = new VirtualGroup();
    private Process process = group.new Process();
    private KeysClient keys = get(KeysClient.open(process, Session.Options.DEFAULT));
    private final List<KeyChange> told = new ArrayList<>();
    private int missed;

    private final KeyWatch.Listener listener = new KeyWatch.Listener() {
        @Override
        public void onChanges(List<KeyChange> changes) {
            told.addAll(changes);
        }

        @Override
        public void onMissed() {
            missed++;
        }
    };

    @Test
    void whatIsPutIsThereUntilItIsDeletedAndWhoeverKnowsAnOldVersionIsToldTheNew() {
        Outcome put = get(keys.putIfAbsent("a", bytes(1), null));
        assertTrue(put.isDone());
        KeyEntry entry = new KeyEntry("a", bytes(1), put.version(), put.version(), null);
        assertEquals(entry, get(keys.get("a")).orElseThrow());
        assertEquals(new Outcome(false, 0, entry, 0), get(keys.putIfAbsent("a", bytes(2), null)));
        Outcome set = get(keys.compareAndSet("a", put.version(), bytes(2), null));
        assertTrue(set.isDone() && set.version() > put.version());
        KeyEntry changed = new KeyEntry("a", bytes(2), put.version(), set.version(), null);
        assertEquals(new Outcome(false, 0, changed, 0), get(keys.delete("a", put.version(), null)));
        assertEquals(new Outcome(true, 0, null, 0), get(keys.delete("a", set.version(), null)));
        assertTrue(get(keys.get("a")).isEmpty());
    }

    @Test
    void whoHasPutOrChangedAKeyHasATokenUnlessTheGroupWasRecoveredMeanwhile() {
        group.epoch = 2;
        Outcome put = get(keys.putIfAbsent("a", bytes(1), null));
        assertEquals(FencingToken.of(2, put.version()), put.fencingToken().orElseThrow());
        Outcome set = get(keys.compareAndSet("a", put.version(), bytes(2), null));
        assertEquals(FencingToken.of(2, set.version()), set.fencingToken().orElseThrow());
        assertTrue(get(keys.compareAndSet("a", put.version(), bytes(3), null)).fencingToken().isEmpty(), "nothing was done");
        CompletableFuture<Outcome> late = keys.compareAndSet("a", set.version(), bytes(3), null);
        group.epoch = 3;
        assertTrue(get(late).isDone());
        assertEquals(-1, late.join().epoch());
        assertTrue(late.join().fencingToken().isEmpty(), "before the recovery, or after?");
        Outcome again = get(keys.compareAndSet("a", late.join().version(), bytes(3), null));
        assertEquals(3, FencingToken.epoch(again.fencingToken().orElseThrow()));
        assertTrue(get(keys.delete("a", again.version(), null)).fencingToken().isEmpty(), "there is nothing any more that one could hold");
    }

    @Test
    void aLeaseIsRefreshedAndRevokedByHandAndItsKeysGoWithIt() {
        KeysClient.Lease lease = get(keys.grant(Duration.ofHours(2)));
        assertEquals(Duration.ofHours(1), lease.ttl());
        KeysClient.Lease brief = get(keys.grant(Duration.ofSeconds(5)));
        get(keys.putIfAbsent("a", bytes(1), brief.id()));
        group.pass(Duration.ofSeconds(3));
        assertTrue(get(keys.refresh(brief.id())));
        group.pass(Duration.ofSeconds(3));
        assertTrue(get(keys.get("a")).isPresent());
        group.pass(Duration.ofSeconds(3));
        assertTrue(get(keys.get("a")).isEmpty());
        assertFalse(get(keys.refresh(brief.id())));
        get(keys.putIfAbsent("b", bytes(1), lease.id()));
        assertTrue(get(keys.revoke(lease.id())));
        assertFalse(get(keys.revoke(lease.id())));
        assertTrue(get(keys.get("b")).isEmpty());
    }

    @Test
    void whatIsRefusedHasNotHappenedAndSaysWhy() {
        LeaseId none = new LeaseId(1, 1);
        Throwable failure = assertThrows(CompletionException.class, () -> get(keys.putIfAbsent("a", bytes(1), none))).getCause();
        assertTrue(failure instanceof RequestFailedException && failure.getMessage().contains("lease has ended"), failure::toString);
        for (String bad : List.of("", "a\0", "k".repeat(1001))) {
            assertThrows(IllegalArgumentException.class, () -> keys.putIfAbsent(bad, bytes(1), null));
        }
        assertThrows(IllegalArgumentException.class, () -> keys.delete("a", 0, null));
        assertEquals(0, group.machine().keys());
    }

    @Test
    void aListHasAllKeysInTheirOrderHoweverManyThereAre() {
        for (int i = 0; i < 2500; i++) {
            group.command(new KeyCommand.PutIfAbsent(String.format("k/%05d", i), ByteBuffer.allocate(0), null));
        }
        group.command(new KeyCommand.PutIfAbsent("l", ByteBuffer.allocate(0), null));
        KeysClient.Listing listing = get(keys.list("k/"));
        assertEquals(2500, listing.entries().size());
        assertEquals("k/02499", listing.entries().get(2499).key());
    }

    // -------------------------------------------------------------------------------------------------------------------- watches

    @Test
    void aWatchTellsWhatWasAndWhatComesAndGoesOnElsewhereFromItsLastIndex() {
        KeyWatch watch = keys.watch("a", 0, listener, process.executor());
        get(keys.putIfAbsent("a1", bytes(1), null));
        get(keys.putIfAbsent("b", bytes(1), null));
        Outcome last = get(keys.putIfAbsent("a2", bytes(1), null));
        group.passMillis(100);
        assertEquals(List.of("a1", "a2"), told.stream().map(KeyChange::key).toList());
        assertEquals(last.version(), told.get(1).index());
        watch.close();
        get(keys.putIfAbsent("a3", bytes(1), null));
        group.passMillis(100);
        assertEquals(2, told.size());
        Process other = group.new Process();
        get(KeysClient.open(other, Session.Options.DEFAULT)).watch("a", last.version(), listener, other.executor());
        group.passMillis(100);
        assertEquals(List.of("a1", "a2", "a3"), told.stream().map(KeyChange::key).toList());
        assertEquals(0, missed);
    }

    @Test
    void aWatchThatComesTooLateIsToldSoOnceAndTheKeysTellTheRest() {
        group = new VirtualGroup(new LeasedKeys.Options(Duration.ofHours(1), 1000, 1 << 20, 300));
        process = group.new Process();
        keys = get(KeysClient.open(process, Session.Options.DEFAULT));
        for (int i = 0; i < 5; i++) {
            get(keys.putIfAbsent("a" + i, bytes(1), null));
        }
        keys.watch("", 0, listener, process.executor());
        group.passMillis(500);
        assertEquals(1, missed);
        assertEquals(List.of(), told);
        KeysClient.Listing listing = get(keys.list(""));
        assertEquals(5, listing.entries().size());
        keys.watch("", listing.index(), listener, process.executor());
        get(keys.putIfAbsent("b", bytes(1), null));
        group.passMillis(100);
        assertEquals(List.of("b"), told.stream().map(KeyChange::key).toList());
    }

    /** Indexes of the group that was lost may stand for something else in the one that was recovered. */
    @Test
    void aWatchEndsWhenTheGroupWasRecovered() {
        keys.watch("", 0, listener, process.executor());
        get(keys.putIfAbsent("a", bytes(1), null));
        group.passMillis(100);
        group.epoch = 1;
        get(keys.putIfAbsent("b", bytes(1), null));
        group.pass(Duration.ofSeconds(1));
        assertEquals(List.of("a"), told.stream().map(KeyChange::key).toList());
        assertEquals(1, missed);
    }

    /** What it does not take waits at the group, and not here. */
    @Test
    void aSlowListenerIsNotAskedForMoreBeforeItHasReturned() {
        List<Runnable> waiting = new ArrayList<>();
        keys.watch("", 0, listener, waiting::add);
        get(keys.putIfAbsent("a", bytes(1), null));
        group.passMillis(100);
        int reads = group.reads;
        for (int i = 0; i < 20; i++) {
            get(keys.putIfAbsent("b" + i, bytes(1), null));
        }
        assertEquals(1, waiting.size());
        assertEquals(reads, group.reads);
        waiting.remove(0).run();
        group.passMillis(100);
        waiting.remove(0).run();
        assertEquals(21, told.size());
    }

    @Test
    void anExecutorThatRefusesIsAskedAgainAndNothingIsMissed() {
        boolean[] isShut = {true};
        keys.watch("", 0, listener, task -> {
            if (isShut[0]) {
                throw new RejectedExecutionException("shut");
            }
            task.run();
        });
        get(keys.putIfAbsent("a", bytes(1), null));
        group.pass(Duration.ofSeconds(3));
        assertEquals(0, told.size());
        isShut[0] = false;
        get(keys.putIfAbsent("b", bytes(1), null));
        group.pass(Duration.ofSeconds(2));
        assertEquals(List.of("a", "b"), told.stream().map(KeyChange::key).toList());
    }

    /** With leases about, a group is never silent for long; an idle one is. */
    @Test
    void anIdleGroupIsHardlyAskedAndABusyOneNotMoreOftenThanOncePerPause() {
        keys.watch("", 0, listener, process.executor());
        group.passMillis(100);
        int reads = group.reads;
        group.pass(Duration.ofSeconds(50));
        assertTrue(group.reads - reads < 50, () -> group.reads - reads + " reads of an idle group");
        int before = group.reads;
        for (int i = 0; i < 1000; i++) {
            group.command(new KeyCommand.PutIfAbsent("a" + i, ByteBuffer.allocate(0), null));
            group.passMillis(1);
        }
        assertTrue(group.reads - before <= 51, () -> group.reads - before + " reads in a second");
        group.passMillis(100);
        assertEquals(1000, told.size());
    }

    private <T> T get(CompletableFuture<T> future) {
        group.passMillis(20);
        assertTrue(future.isDone(), "not yet");
        return future.join();
    }

    private static byte[] bytes(int value) {
        return new byte[] {(byte) value};
    }
}
