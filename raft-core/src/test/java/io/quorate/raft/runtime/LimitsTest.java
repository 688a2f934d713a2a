package io.quorate.raft.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.MembershipTarget;
import io.quorate.raft.RaftServer;
import io.quorate.raft.RepairMessage;
import io.quorate.raft.SnapshotMessage;
import io.quorate.raft.SnapshotPolicy;
import io.quorate.raft.client.RaftAdmin;
import io.quorate.raft.client.RaftClient;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.RaftConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Every bound that a user can meet stands in one table of the documentation, with the value that the code has. */
class LimitsTest {

    private static final Path PAGE = Path.of("..", "docs", "limits.md");
    private static final long HEAP = 256L << 20;

    @Test
    void theDocumentationsTableIsThisList() throws IOException {
        List<String> lines = Files.readAllLines(PAGE);
        List<String> missing = new ArrayList<>();
        for (Limit limit : all()) {
            if (!lines.contains(limit.row())) {
                missing.add(limit.row());
            }
        }
        assertEquals(List.of(), missing, () -> "docs/limits.md should have these lines:\n"
            + all().stream().map(Limit::row).collect(Collectors.joining("\n")));
    }

    @Test
    void noLimitIsNamedTwice() {
        List<String> names = all().stream().map(Limit::name).toList();
        assertEquals(names.stream().distinct().toList(), names);
    }

    @Test
    void theDefaultsGoTogetherInASmallHeap() {
        assertEquals(List.of(), Limits.check(RaftConfig.DEFAULT, HEAP));
    }

    @Test
    void budgetsThatTheHeapDoesNotHoldAreWarnedOf() {
        RaftConfig greedy = new RaftConfig(1_000_000_000, 200L << 20, 64L << 20, 4L << 20, 512 << 10, 32L << 20);
        assertEquals(1, Limits.check(greedy, HEAP).size());
        assertTrue(Limits.check(greedy, HEAP).get(0).contains("may run out of memory"), Limits.check(greedy, HEAP).get(0));
        RaftConfig boundless = new RaftConfig(1_000_000_000, Long.MAX_VALUE, Long.MAX_VALUE, 4L << 20, 512 << 10, 32L << 20);
        assertEquals(1, Limits.check(boundless, HEAP).size(), "the sum overflows");
    }

    @Test
    void aWindowSmallerThanAMessageIsWarnedOf() {
        RaftConfig narrow = new RaftConfig(1_000_000_000, 64L << 20, 64L << 20, 1000, 512 << 10, 32L << 20);
        assertTrue(Limits.check(narrow, HEAP).get(0).contains("one message under way at a time"), Limits.check(narrow, HEAP).get(0));
    }

    // ---- the list

    /**
     * One bound.
     *
     * @param name     where it stands
     * @param value    the default, with its unit
     * @param isOption whether it can be chosen
     * @param effect   what happens there
     */
    private record Limit(String name, String value, boolean isOption, String effect) {

        /** One line of the table. */
        String row() {
            return "| `" + name + "` | " + value + " | " + (isOption ? "yes" : "no") + " | " + effect + " |";
        }
    }

    private static List<Limit> all() {
        RaftConfig config = RaftConfig.DEFAULT;
        SnapshotPolicy policy = SnapshotPolicy.DEFAULT;
        List<Limit> all = new ArrayList<>();
        all.add(option("RaftConfig.electionTimeoutNanos", millis(config.electionTimeoutNanos()), "a leader that is silent for so long is"
            + " given up; one that hears no quorum for so long takes no commands, and after twice as long it steps down"));
        all.add(option("RaftConfig.uncommittedBytesMax", bytes(config.uncommittedBytesMax()), "a leader refuses further commands:"
            + " `OverloadedException`; one command passes when nothing else waits"));
        all.add(option("RaftConfig.unappliedBytesMax", bytes(config.unappliedBytesMax()), "committed entries are handed to the state"
            + " machine"
            + " only as it applies those before"));
        all.add(option("RaftConfig.inflightBytesMax", bytes(config.inflightBytesMax()), "nothing more is sent to a peer until it has made"
            + " some of that durable; one entry passes when nothing is under way"));
        all.add(option("RaftConfig.appendBytesMax", bytes(config.appendBytesMax()), "a message to a peer ends there; a larger entry goes"
            + " alone"));
        all.add(option("RaftConfig.cachedBytesMax", bytes(config.cachedBytesMax()), "older entries are read from disk for peers that lag"));
        all.add(option("RaftConfig.leaseDriftPermille", config.leaseDriftPermille() + " (no leases)", "lease reads ask a quorum, as"
            + " linearizable"
            + " ones do"));
        all.add(option("RaftServer.Builder.callTimeout", millis(RaftServer.CALL_TIMEOUT), "a call fails: a command with"
            + " `OutcomeUnknownException` if it may have happened, anything else with what says that nothing happened"));
        all.add(fixed("ClientService.WAIT_NANOS_MAX", ClientService.WAIT_NANOS_MAX / 1_000_000_000 + " s", "a client that wants to wait"
            + " longer is answered after that, as one whose time is up"));
        all.add(fixed("Entry.PAYLOAD_BYTES_MAX", bytes(Entry.PAYLOAD_BYTES_MAX),
            "a larger command is refused: `CommandTooLargeException`"));
        all.add(fixed("PassiveServer.CALL_BYTES_MAX", bytes(PassiveServer.CALL_BYTES_MAX), "a server refuses further calls:"
            + " `OverloadedException`; each open call counts " + Call.CALL_BYTES + " bytes and its payload"));
        all.add(fixed("PassiveServer.CONTROL_BYTES_MAX", bytes(PassiveServer.CONTROL_BYTES_MAX), "the same for changes of the membership"
            + " and"
            + " transfers, which have room of their own"));
        all.add(fixed("ReadQueue.WAITING_MAX", "65536 reads", "a leader, or a replica that asks it, refuses further reads:"
            + " `OverloadedException`"));
        all.add(fixed("Mailbox.PEER_BYTES_MAX", bytes(Mailbox.PEER_BYTES_MAX), "peers' messages are dropped, counted and logged; they are"
            + " sent"
            + " again"));
        all.add(fixed("EventLoop.TURN_BYTES", bytes(EventLoop.TURN_BYTES), "the raft thread writes and sends what it has before it takes in"
            + " more"));
        all.add(fixed("LogWriter.BATCH_BYTES", bytes(LogWriter.BATCH_BYTES), "one write to disk ends there, and the next begins"));
        all.add(fixed("RepairMessage.WANTED_MAX", RepairMessage.WANTED_MAX + " entries", "a replica whose entries are damaged asks for so"
            + " many at once"));
        all.add(fixed("RepairMessage.ANSWER_BYTES_MAX", bytes(RepairMessage.ANSWER_BYTES_MAX), "an answer to that ends there; a larger"
            + " entry goes alone"));
        all.add(fixed("Repair.POOL_BYTES_MAX", bytes(Repair.POOL_BYTES_MAX), "entries that can only be put back together wait in memory;"
            + " what comes beyond is asked for again"));
        all.add(fixed("Mender.QUESTIONS_MAX", Mender.QUESTIONS_MAX + " questions", "further questions for damaged entries are dropped; they"
            + " are asked again"));
        all.add(option("RaftServer.Builder.scrubbing", bytes(RaftServer.SCRUB_BYTES_PER_SECOND) + " a second", "what was written long ago is"
            + " read again no faster; once all has been, the next round begins " + millis(Scrubber.ROUND_NANOS_MIN) + " after this one"
            + " began, at the earliest"));
        all.add(fixed("Applier.CHUNK_BYTES", bytes(Applier.CHUNK_BYTES), "the apply thread looks after reads and timeouts before it applies"
            + " more"));
        all.add(fixed("MembershipTarget.MEMBERS_MAX", MembershipTarget.MEMBERS_MAX + " members", "a larger group is refused:"
            + " `RequestFailedException`"));
        all.add(fixed("MembershipTarget.ADDRESS_BYTES_MAX", bytes(MembershipTarget.ADDRESS_BYTES_MAX), "a longer address is refused"
            + " likewise"));
        all.add(fixed("Strangers.KEPT_MAX", Strangers.KEPT_MAX + " replicas", "of blank replicas that ask, the status lists those that"
            + " asked"
            + " last; each for " + millis(Strangers.KEPT_NANOS)));
        all.add(option("SnapshotPolicy.logBytesMin", bytes(policy.logBytesMin()), "a snapshot is taken when the log behind the last one is"
            + " longer than this and than the next line says, and up to a quarter more by chance"));
        all.add(option("SnapshotPolicy.logToSnapshotRatio", policy.logToSnapshotRatio() + " times the last snapshot", "likewise"));
        all.add(option("SnapshotPolicy.fetchBytesPerSecond", bytes(policy.fetchBytesPerSecond()) + " a second", "another's snapshot is"
            + " asked for no faster; nor is the own given to whoever copies it over the network"));
        all.add(option("SnapshotPolicy.retryPause", millis(policy.retryPause()), "after a snapshot failed, none is tried for so long, and"
            + " the log"
            + " grows"));
        all.add(fixed("SnapshotMessage.PIECE_BYTES_MAX", bytes(SnapshotMessage.PIECE_BYTES_MAX), "a snapshot travels in pieces of this"
            + " length"));
        all.add(fixed("SnapshotSource.OPEN_MAX", SnapshotSource.OPEN_MAX + " snapshots", "whoever fetches yet another waits"));
        all.add(fixed("BackupSource.OPEN_MAX", BackupSource.OPEN_MAX + " snapshots", "whoever copies yet another over the network is"
            + " refused:"
            + " `OverloadedException`; one that nobody asks for is closed after " + millis(BackupSource.IDLE_NANOS_MAX)));
        all.add(fixed("RaftClient.CALL_BYTES_MAX", bytes(RaftClient.CALL_BYTES_MAX), "a client refuses further calls:"
            + " `OverloadedException`"));
        all.add(option("RaftClient.Builder.callTimeout", millis(RaftClient.CALL_TIMEOUT), "a client's call fails, as a server's does"));
        all.add(option("RaftAdmin.Builder.callTimeout", millis(RaftAdmin.CALL_TIMEOUT), "an administrator's call fails likewise"));
        return List.copyOf(all);
    }

    private static Limit option(String name, String value, String effect) {
        return new Limit(name, value, true, effect);
    }

    private static Limit fixed(String name, String value, String effect) {
        return new Limit(name, value, false, effect);
    }

    private static String bytes(long bytes) {
        return bytes >= 1 << 20 && bytes % (1 << 20) == 0 ? (bytes >> 20) + " MiB"
            : bytes >= 1 << 10 && bytes % (1 << 10) == 0 ? (bytes >> 10) + " KiB" : bytes + " bytes";
    }

    private static String millis(Duration duration) {
        return millis(duration.toNanos());
    }

    private static String millis(long nanos) {
        long millis = nanos / 1_000_000;
        return millis >= 1000 && millis % 1000 == 0 ? millis / 1000 + " s" : millis + " ms";
    }
}
