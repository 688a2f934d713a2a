package io.quorate.raft.runtime;

import static io.quorate.raft.runtime.Recorder.command;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.ClusterId;
import io.quorate.raft.FoundingMessage;
import io.quorate.raft.FoundingRecord;
import io.quorate.raft.RepairMessage;
import io.quorate.raft.RepairMessage.EntryAnswer;
import io.quorate.raft.RepairMessage.EntryRequest;
import io.quorate.raft.RepairMessage.Missing;
import io.quorate.raft.RepairMessage.Why;
import io.quorate.raft.SnapshotMessage;
import io.quorate.raft.SnapshotPolicy;
import io.quorate.raft.Storage;
import io.quorate.raft.Transport;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.RaftConfig;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.core.SnapshotId;
import io.quorate.raft.RaftObserver;
import io.quorate.raft.testing.InMemoryDisk;
import io.quorate.raft.testing.InMemoryStorage;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What the disk thread answers those who have lost entries, and what the raft thread adds to that. */
class MenderTest {

    private static final ReplicaId SELF = new ReplicaId(1, 11);
    private static final ReplicaId PEER = new ReplicaId(2, 22);
    private static final Membership MEMBERS = Membership.of(1, List.of(new Member(SELF, "a"), new Member(PEER, "b")));

    /** Keeps answers. */
    private static final class Wire implements Transport {
        final List<RepairMessage> sent = new ArrayList<>();

        @Override
        public void start(Local local, Map<Integer, String> peers, Receiver receiver) { }

        @Override
        public void founded(Local local) { }

        @Override
        public void peers(Map<Integer, String> peers) { }

        @Override
        public void send(Message message) { }

        @Override
        public void send(FoundingMessage message) { }

        @Override
        public void send(SnapshotMessage message) { }

        @Override
        public void send(RepairMessage message) {
            sent.add(message);
        }

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

    private final InMemoryDisk disk = new InMemoryDisk(1, 11);
    private final Wire wire = new Wire();
    private InMemoryStorage storage = disk.open();

    MenderTest() {
        storage.found(new FoundingRecord(new ClusterId(1, 1), 0, MEMBERS));
    }

    @Test
    void whatIsHereIsGivenAndOfTheRestIsSaidWhyNot() throws IOException {
        write(command(1, 1, "a"), command(2, 1, "b"), command(3, 1, "c"), command(4, 1, "d"), command(5, 2, "e"));
        SnapshotId snapshot = new SnapshotId(new EntryId(1, 2), MEMBERS, 0);
        try (Storage.SnapshotOutput output = storage.beginSnapshot(snapshot)) {
            output.state().write(1);
            output.commit();
        }
        storage.compact(Long.MAX_VALUE);
        disk.damage(4);
        EntryAnswer answer = answer(Set.of(new EntryId(3, 7)), MEMBERS,
            id(1, 2), id(1, 3), id(1, 4), id(1, 5), id(1, 6), id(3, 7));
        assertEquals(new EntryAnswer(SELF, PEER, 5, List.of(command(3, 1, "c")), List.of(new Missing(id(1, 2), Why.COVERED),
            new Missing(id(1, 4), Why.DAMAGED), new Missing(id(1, 5), Why.UNKNOWN), new Missing(id(1, 6), Why.UNKNOWN),
            new Missing(id(3, 7), Why.REPLACED)), snapshot, MEMBERS), answer);
    }

    @Test
    void anotherEntryThatIsDamagedHereProvesNothing() {
        write(command(1, 1, "a"), command(2, 2, "b"));
        disk.damage(2);
        assertEquals(List.of(new Missing(id(1, 2), Why.UNKNOWN)), answer(Set.of(), null, id(1, 2)).missing());
    }

    @Test
    void anAnswerIsBoundedButTheLargestEntryPassesAlone() {
        String large = "x".repeat(RepairMessage.ANSWER_BYTES_MAX + 1);
        String half = "x".repeat(RepairMessage.ANSWER_BYTES_MAX / 2);
        write(command(1, 1, large), command(2, 1, half), command(3, 1, half), command(4, 1, "d"));
        assertEquals(List.of(1L), indexes(answer(Set.of(), null, id(1, 1), id(1, 2))));
        assertEquals(List.of(2L), indexes(answer(Set.of(), null, id(1, 2), id(1, 3), id(1, 4))));
        assertEquals(List.of(3L, 4L), indexes(answer(Set.of(), null, id(1, 3), id(1, 4))));
    }

    @Test
    void moreQuestionsThanMayWaitAreDropped() {
        write(command(1, 1, "a"));
        Mender mender = mender();
        for (int i = 0; i < Mender.QUESTIONS_MAX + 5; i++) {
            mender.answer(new EntryRequest(PEER, SELF, i, List.of(id(1, 1))), Set.of(), null);
        }
        int turns = 0;
        while (mender.turn()) {
            turns++;
        }
        assertEquals(Mender.QUESTIONS_MAX, turns);
        mender.answer(new EntryRequest(PEER, SELF, 99, List.of(id(1, 1))), Set.of(), null);
        assertTrue(mender.turn());
        assertFalse(mender.turn());
    }

    // ---- what the raft thread knows

    @Test
    void onlyWhatIsCommittedShowsThatAnEntryWasReplaced() {
        PassiveServer server = server();
        append(server, 3, new EntryId(0, 0), 2, command(1, 1, "a"), command(2, 2, "b"), command(3, 2, "not committed"));
        // Another entry is committed at that index; a later term is committed before; neither; not even at an index that is here.
        assertEquals(List.of(new Missing(id(1, 2), Why.REPLACED)), ask(server, id(1, 2)).missing());
        assertEquals(List.of(new Missing(id(5, 2), Why.REPLACED)), ask(server, id(5, 2)).missing());
        assertEquals(List.of(new Missing(id(1, 9), Why.REPLACED)), ask(server, id(1, 9)).missing());
        assertEquals(List.of(new Missing(id(2, 9), Why.UNKNOWN)), ask(server, id(2, 9)).missing());
        assertEquals(List.of(new Missing(id(3, 3), Why.UNKNOWN)), ask(server, id(3, 3)).missing());
        assertEquals(List.of(command(2, 2, "b")), ask(server, id(2, 2)).entries());
        assertEquals(MEMBERS, ask(server, id(2, 2)).membership());
    }

    @Test
    void whoIsToHealItselfFirstAnswersAllTheSameButVouchesForNothing() {
        write(command(1, 1, "a"), command(2, 2, "b"), command(3, 2, "c"));
        disk.damage(3);
        storage = disk.open();
        PassiveServer server = server();
        assertTrue(server.loop().isRepairing());
        wire.sent.clear();
        EntryAnswer answer = ask(server, id(1, 1), id(1, 2), id(2, 3));
        assertEquals(List.of(command(1, 1, "a")), answer.entries());
        assertEquals(List.of(new Missing(id(1, 2), Why.UNKNOWN), new Missing(id(2, 3), Why.DAMAGED)), answer.missing());
        assertEquals(null, answer.membership());
    }

    @Test
    void whoIsToHealItselfFirstSaysNothingToItsPeers() {
        write(command(1, 1, "a"), command(2, 2, "b"));
        disk.damage(1);
        storage = disk.open();
        PassiveServer server = server();
        server.mailbox().post(new Message.RequestVote(PEER, SELF, 9, new EntryId(8, 9), 0));
        server.loop().turn(1_000_000_000_000L);
        server.turnDisk();
        assertEquals(null, server.loop().node());
        assertEquals(new HardState(2, null, 0), disk.hardState());
        assertEquals(List.of(new EntryRequest(SELF, PEER, 1, List.of(id(1, 1)))), wire.sent);
    }

    @Test
    void newsOfDamageThatComesWhenItIsMendedIsForgotten() {
        PassiveServer server = server();
        append(server, 3, new EntryId(0, 0), 2, command(1, 1, "a"), command(2, 2, "b"));
        server.mailbox().damaged(List.of(id(2, 2)));
        server.loop().turn(3);      // it is in memory
        while (server.turnDisk()) {
            server.loop().turn(3);
        }
        wire.sent.clear();
        server.loop().turn(100_000_000_000L);
        assertTrue(wire.sent.stream().noneMatch(each -> each instanceof EntryRequest), wire.sent::toString);
        assertEquals(0, server.mender().putBack());
    }

    // ---- help

    private PassiveServer server() {
        return new PassiveServer(Map.of(1, "a", 2, "b"), RaftConfig.DEFAULT, SnapshotPolicy.DEFAULT, 0, storage, wire, new Recorder.Journal(),
            RaftObserver.NONE, new SplittableRandom(1), () -> 0);
    }

    private void append(PassiveServer server, long term, EntryId prev, long commit, Entry... entries) {
        server.mailbox().post(new Message.AppendEntries(PEER, SELF, term, prev, List.of(entries), commit, 0, 1));
        server.loop().turn(1);
        while (server.turnDisk()) {
            server.loop().turn(1);
        }
        server.loop().turn(1);
    }

    private EntryAnswer ask(PassiveServer server, EntryId... wanted) {
        wire.sent.clear();
        server.mailbox().post(new EntryRequest(PEER, SELF, 1, List.of(wanted)));
        server.loop().turn(2);
        server.turnDisk();
        return (EntryAnswer) wire.sent.stream().filter(each -> each instanceof EntryAnswer).findFirst().orElseThrow();
    }

    private Mender mender() {
        return new Mender(storage, wire, new Mailbox(), new Waker());
    }

    private EntryAnswer answer(Set<EntryId> replaced, @Nullable Membership membership, EntryId... wanted) {
        Mender mender = mender();
        mender.answer(new EntryRequest(PEER, SELF, 5, List.of(wanted)), replaced, membership);
        mender.turn();
        return (EntryAnswer) wire.sent.get(wire.sent.size() - 1);
    }

    private void write(Entry... entries) {
        storage.write(List.of(new Storage.Write(1, new HardState(2, null, 0), 1, List.of(entries))));
    }

    private static List<Long> indexes(EntryAnswer answer) {
        return answer.entries().stream().map(Entry::index).toList();
    }

    private static EntryId id(long term, long index) {
        return new EntryId(term, index);
    }
}
