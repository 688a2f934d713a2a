package io.quorate.raft.runtime;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.ClientRequest;
import io.quorate.raft.ClientResponse;
import io.quorate.raft.ClusterId;
import io.quorate.raft.FoundingMessage;
import io.quorate.raft.FoundingRecord;
import io.quorate.raft.RaftObserver;
import io.quorate.raft.RepairMessage;
import io.quorate.raft.SnapshotInfo;
import io.quorate.raft.SnapshotMessage;
import io.quorate.raft.SnapshotPolicy;
import io.quorate.raft.Storage;
import io.quorate.raft.StorageException;
import io.quorate.raft.Transport;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Event;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.RaftConfig;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.core.SnapshotId;
import io.quorate.raft.testing.InMemoryDisk;
import io.quorate.raft.testing.InMemoryStorage;
import java.io.IOException;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** One replica has a snapshot and another fetches it, both turned step by step; the test is the network between them. */
class SnapshotTransferTest {

    private static final long T = RaftConfig.DEFAULT.electionTimeoutNanos();
    private static final int PIECE = SnapshotMessage.PIECE_BYTES_MAX;
    private static final ReplicaId SOURCE = new ReplicaId(1, 11);
    private static final ReplicaId FETCHER = new ReplicaId(2, 22);
    private static final Membership MEMBERS = Membership.of(1, List.of(new Member(SOURCE, "a"), new Member(FETCHER, "b")));

    /** Keeps what was sent. */
    private static final class Wire implements Transport {

        final List<SnapshotMessage> sent = new ArrayList<>();

        @Override
        public void send(SnapshotMessage message) {
            sent.add(message);
        }

        @Override
        public void send(RepairMessage message) { }

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

    private final InMemoryDisk sourceDisk = new InMemoryDisk(SOURCE.nodeId(), SOURCE.incarnation());
    private final InMemoryDisk fetcherDisk = new InMemoryDisk(FETCHER.nodeId(), FETCHER.incarnation());
    private final Wire asks = new Wire();
    private final Wire pieces = new Wire();
    private final Mailbox mailbox = new Mailbox();
    private final List<String> observed = new ArrayList<>();
    private final byte[] state = new byte[5 * PIECE + 1000];
    private long now = Long.MAX_VALUE - 3 * T;      // the clock wraps around on the way
    private InMemoryStorage sourceStorage = sourceDisk.open();
    private InMemoryStorage fetcherStorage = fetcherDisk.open();
    private SnapshotTransfer source = transfer(sourceStorage, pieces, SnapshotPolicy.DEFAULT);
    private SnapshotTransfer fetcher = transfer(fetcherStorage, asks, SnapshotPolicy.DEFAULT);

    @BeforeEach
    void foundBoth() {
        new Random(1).nextBytes(state);
        FoundingRecord record = new FoundingRecord(new ClusterId(1, 1), 0, MEMBERS);
        sourceStorage.found(record);
        fetcherStorage.found(record);
    }

    @Test
    void aSnapshotIsAskedForPieceByPieceAndIsHereWholeInTheEnd() throws IOException {
        SnapshotId snapshot = take(10);
        fetcher.fetch(snapshot, SOURCE);
        for (int i = 0; i < 20; i++) {
            fetcher.turn(now);
            assertTrue(asks.sent.size() <= SnapshotFetcher.WINDOW, "no more is under way than was asked for");
            deliverAll();
        }
        assertEquals(List.of(new Event.SnapshotFetched(snapshot)), told());
        assertEquals(1, observed.size());
        install(snapshot);
        try (Storage.StoredSnapshot stored = fetcherStorage.snapshot()) {
            assertArrayEquals(state, stored.state().readAllBytes());
        }
        assertNull(fetcher.problem());
    }

    @Test
    void whatIsLostIsAskedForAgainAndWhatComesTwiceOrLateIsHarmless() {
        SnapshotId snapshot = take(10);
        fetcher.fetch(snapshot, SOURCE);
        Random random = new Random(3);
        List<SnapshotMessage> old = new ArrayList<>();
        boolean isHere = false;
        for (int i = 0; i < 2000 && !isHere; i++) {
            now += Math.min(T, fetcher.nanosUntilDeadline(now));
            fetcher.turn(now);
            for (SnapshotMessage ask : taken(asks)) {
                if (random.nextInt(6) > 0) {
                    source.post(ask);
                }
            }
            source.turn(now);
            for (SnapshotMessage piece : taken(pieces)) {
                old.add(piece);
                if (random.nextInt(6) > 0) {
                    fetcher.post(piece);
                }
                fetcher.post(old.get(random.nextInt(old.size())));
            }
            fetcher.turn(now);
            isHere = told().contains(new Event.SnapshotFetched(snapshot));
        }
        assertTrue(isHere);
    }

    @Test
    void piecesThatOvertakeEachOtherArePutInOrder() {
        SnapshotId snapshot = take(10);
        fetcher.fetch(snapshot, SOURCE);
        for (int i = 0; i < 20; i++) {
            fetcher.turn(now);
            taken(asks).forEach(source::post);
            source.turn(now);
            List<SnapshotMessage> came = taken(pieces);
            java.util.Collections.reverse(came);
            came.forEach(fetcher::post);
            fetcher.turn(now);
        }
        assertEquals(List.of(new Event.SnapshotFetched(snapshot)), told());
    }

    @Test
    void aRestartedReplicaGoesOnWhereItWas() {
        SnapshotId snapshot = take(10);
        fetcher.fetch(snapshot, SOURCE);
        for (int i = 0; i < 3; i++) {
            fetcher.turn(now);
            deliverAll();
        }
        fetcher.close();
        asks.sent.clear();
        fetcherStorage = fetcherDisk.open();
        fetcher = transfer(fetcherStorage, asks, SnapshotPolicy.DEFAULT);
        fetcher.fetch(snapshot, SOURCE);
        fetcher.turn(now);
        SnapshotMessage.Ask first = assertInstanceOf(SnapshotMessage.Ask.class, asks.sent.get(0));
        assertTrue(first.offset() >= 2 * PIECE, first::toString);
        run(20);
        assertEquals(List.of(new Event.SnapshotFetched(snapshot)), told());
    }

    /** The process ended after the last piece had come, and before it looked whether all of it was right. */
    @Test
    void whatIsHereWholeIsFetchedThoughItsSourceHasItNoMore() {
        SnapshotId snapshot = take(10);
        try (Storage.StoredSnapshot stored = sourceStorage.snapshot();
             Storage.SnapshotInput input = fetcherStorage.receiveSnapshot(snapshot)) {
            input.write(0, stored.read(0, (int) stored.transferBytes()));
        }
        take(20);
        fetcher.fetch(snapshot, SOURCE);
        run(2);
        assertEquals(List.of(new Event.SnapshotFetched(snapshot)), told());
        install(snapshot);
    }

    @Test
    void whoDoesNotHaveItAnyMoreSaysSoAndTheFetchEndsAtOnce() {
        SnapshotId snapshot = take(10);
        take(20);
        fetcher.fetch(snapshot, SOURCE);
        run(2);
        assertEquals(List.of(new Event.FetchFailed(snapshot)), told());
        assertTrue(fetcher.problem().contains("does not have it any more"), fetcher.problem());
        assertEquals(Long.MAX_VALUE, fetcher.nanosUntilDeadline(now));
    }

    @Test
    void aSourceThatSaysNothingIsAskedWithGrowingPatienceAndThenGivenUp() {
        SnapshotId snapshot = take(10);
        fetcher.fetch(snapshot, SOURCE);
        long begun = now;
        int rounds = 0;
        for (int i = 0; i < 100 && told().isEmpty(); i++) {
            rounds += taken(asks).isEmpty() ? 0 : 1;
            now += fetcher.nanosUntilDeadline(now) == Long.MAX_VALUE ? 0 : fetcher.nanosUntilDeadline(now);
            fetcher.turn(now);
        }
        assertEquals(SnapshotFetcher.PATIENCE_TIMEOUTS * T, now - begun);
        assertTrue(rounds >= 3 && rounds <= 5, "asked " + rounds + " times");
        assertTrue(fetcher.problem().contains("nothing of it came"), fetcher.problem());
    }

    @Test
    void aSourceThatIsSlowButAnswersIsNotGivenUp() {
        SnapshotId snapshot = take(10);
        fetcher.fetch(snapshot, SOURCE);
        for (int i = 0; i < 20; i++) {
            fetcher.turn(now);
            now += T - 1;
            deliverAll();
        }
        assertEquals(List.of(new Event.SnapshotFetched(snapshot)), told());
    }

    @Test
    void noMoreIsAskedForThanTheLimitAllows() {
        fetcher = transfer(fetcherStorage, asks, SnapshotPolicy.DEFAULT.withFetchBytesPerSecond(PIECE));
        SnapshotId snapshot = take(10);
        fetcher.fetch(snapshot, SOURCE);
        long begun = now;
        while (told().isEmpty()) {
            fetcher.turn(now);
            deliverAll();
            long nanos = fetcher.nanosUntilDeadline(now);
            now += nanos == Long.MAX_VALUE ? 0 : Math.max(1, nanos);
        }
        double seconds = (now - begun) / 1e9;
        assertTrue(seconds > 4 && seconds < 7, "5 pieces and a bit behind the first, one per second, took " + seconds);
    }

    @Test
    void damageIsFoundInTheEndReportedAndFetchedAnew() {
        SnapshotId snapshot = take(10);
        fetcher.fetch(snapshot, SOURCE);
        boolean isDamaged = false;
        for (int i = 0; i < 20; i++) {
            fetcher.turn(now);
            taken(asks).forEach(source::post);
            source.turn(now);
            for (SnapshotMessage message : taken(pieces)) {
                if (!isDamaged && message instanceof SnapshotMessage.Piece piece && piece.offset() > 0) {
                    piece.bytes()[100] ^= 1;
                    isDamaged = true;
                }
                fetcher.post(message);
            }
            fetcher.turn(now);
        }
        assertEquals(List.of(new Event.FetchFailed(snapshot)), told());
        assertTrue(fetcher.problem().contains("not what its maker wrote"), fetcher.problem());
        assertNull(fetcherDisk.snapshotId());

        fetcher.fetch(snapshot, SOURCE);
        run(20);
        assertEquals(List.of(new Event.SnapshotFetched(snapshot)), told());
    }

    /** Both have taken one at the same entry: the same state, but not byte by byte. */
    @Test
    void theRestOfAnotherReplicasSnapshotDoesNotPassForTheSame() {
        SnapshotId snapshot = take(10);
        fetcher.fetch(snapshot, SOURCE);
        for (int i = 0; i < 3; i++) {
            fetcher.turn(now);
            deliverAll();
        }
        InMemoryDisk otherDisk = new InMemoryDisk(3, 33);
        sourceStorage = otherDisk.open();
        sourceStorage.found(new FoundingRecord(new ClusterId(1, 1), 0, MEMBERS));
        state[0] ^= 1;
        state[5 * PIECE] ^= 1;
        take(10);
        source = transfer(sourceStorage, pieces, SnapshotPolicy.DEFAULT);
        ReplicaId other = otherDisk.replica();
        fetcher.fetch(snapshot, other);
        run(20);
        assertEquals(List.of(new Event.FetchFailed(snapshot)), told());
        fetcher.fetch(snapshot, other);
        run(20);
        assertEquals(List.of(new Event.SnapshotFetched(snapshot)), told());
    }

    /** What is here is longer than all of what there is to fetch: kept, it would be in the way each time. */
    @Test
    void theBeginningOfALongerSnapshotIsForgottenWhenTheShorterOneIsFetched() {
        SnapshotId snapshot = take(10);
        fetcher.fetch(snapshot, SOURCE);
        for (int i = 0; i < 3; i++) {
            fetcher.turn(now);
            deliverAll();
        }
        sourceStorage = new InMemoryDisk(SOURCE.nodeId(), SOURCE.incarnation()).open();
        sourceStorage.found(new FoundingRecord(new ClusterId(1, 1), 0, MEMBERS));
        take(10, new byte[100]);
        source = transfer(sourceStorage, pieces, SnapshotPolicy.DEFAULT);
        fetcher.fetch(snapshot, SOURCE);
        run(3);
        assertEquals(List.of(new Event.FetchFailed(snapshot)), told());
        fetcher.fetch(snapshot, SOURCE);
        run(5);
        assertEquals(List.of(new Event.SnapshotFetched(snapshot)), told());
    }

    @Test
    void whatCannotBeReceivedAnyMoreFailsTheFetchAndNotTheServer() {
        SnapshotId snapshot = take(10);
        fetcher.fetch(snapshot, SOURCE);
        fetcher.turn(now);
        fetcherStorage.receiveSnapshot(new SnapshotId(new EntryId(1, 11), MEMBERS, 0)).close();     // which forgets the other one
        assertEquals(0, fetcher.nanosUntilDeadline(now));
        fetcher.turn(now);
        assertEquals(List.of(new Event.FetchFailed(snapshot)), told());
        assertTrue(String.valueOf(fetcher.problem()).contains("is not being received any more"), fetcher::problem);
    }

    @Test
    void aSecondWishForTheSameSnapshotGoesOnWithIt() {
        SnapshotId snapshot = take(10);
        for (int i = 0; i < 20; i++) {
            fetcher.fetch(snapshot, SOURCE);
            fetcher.turn(now);
            deliverAll();
        }
        assertTrue(told().contains(new Event.SnapshotFetched(snapshot)));
    }

    @Test
    void aSnapshotThatIsBeingFetchedStaysThoughANewerOneIsTaken() {
        SnapshotId snapshot = take(10);
        assertEquals(Long.MAX_VALUE, source.wantedIndex());
        fetcher.fetch(snapshot, SOURCE);
        fetcher.turn(now);
        deliverAll();
        assertEquals(11, source.wantedIndex(), "and the log behind it is wanted");
        take(20);
        run(20);
        assertEquals(List.of(new Event.SnapshotFetched(snapshot)), told());

        now += source.nanosUntilDeadline(now);
        source.turn(now);
        assertEquals(Long.MAX_VALUE, source.wantedIndex(), "nobody asks any more, and it is closed");
        assertEquals(Long.MAX_VALUE, source.nanosUntilDeadline(now));
    }

    @Test
    void aSnapshotThatCannotBeReadIsGoneForWhoAsksAndAnotherIsWantedInItsPlace() {
        SnapshotId snapshot = take(10);
        List<Work> wanted = new ArrayList<>();
        int[] closed = new int[1];
        source = transfer(unreadable(sourceStorage, closed), pieces, SnapshotPolicy.DEFAULT);
        source.tell(wanted::addAll);
        for (int i = 1; i <= SnapshotSource.OPEN_MAX + 1; i++) {
            source.post(new SnapshotMessage.Ask(FETCHER, SOURCE, snapshot.last(), 0, 100));
            source.turn(now);
            assertEquals(List.of(new SnapshotMessage.Gone(SOURCE, FETCHER, snapshot.last())), taken(pieces));
            assertEquals(i, closed[0]);
            assertEquals(new Work.RenewSnapshot(true), wanted.get(i - 1));
        }
        assertEquals(Long.MAX_VALUE, source.nanosUntilDeadline(now), "nothing is open that would be in the way of the other one");
    }

    /** The same storage, of whose snapshots not a byte can be read. */
    private static Storage unreadable(Storage storage, int[] closed) {
        Storage.StoredSnapshot[] read = new Storage.StoredSnapshot[1];
        InvocationHandler snapshots = (proxy, method, arguments) -> {
            if (method.getName().equals("read")) {
                throw new StorageException("damaged");
            }
            closed[0] += method.getName().equals("close") ? 1 : 0;
            return method.invoke(read[0], arguments);
        };
        return proxy(Storage.class, (proxy, method, arguments) -> {
            Object result = method.invoke(storage, arguments);
            if (result instanceof Storage.StoredSnapshot snapshot) {
                read[0] = snapshot;
                return proxy(Storage.StoredSnapshot.class, snapshots);
            }
            return result;
        });
    }

    private static <T> T proxy(Class<T> type, InvocationHandler handler) {
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
    }

    @Test
    void onlySoManySnapshotsAreOpenAtOnce() {
        for (int i = 1; i <= SnapshotSource.OPEN_MAX + 1; i++) {
            SnapshotId snapshot = take(10L * i);
            source.post(new SnapshotMessage.Ask(FETCHER, SOURCE, snapshot.last(), 0, 100));
            source.turn(now);
            assertEquals(i <= SnapshotSource.OPEN_MAX ? 1 : 0, taken(pieces).size());
        }
        now += source.nanosUntilDeadline(now);
        source.turn(now);
        source.post(new SnapshotMessage.Ask(FETCHER, SOURCE, new EntryId(1, 10L * (SnapshotSource.OPEN_MAX + 1)), 0, 100));
        source.turn(now);
        assertInstanceOf(SnapshotMessage.Piece.class, taken(pieces).get(0));
    }

    @Test
    void whatHasBeenSentToItsEndMakesRoomForWhoAsksForAnother() {
        List<EntryId> open = new ArrayList<>();
        for (int i = 1; i <= SnapshotSource.OPEN_MAX; i++) {
            open.add(take(10L * i).last());
            ask(open.get(i - 1), 0);
            SnapshotMessage.Piece first = assertInstanceOf(SnapshotMessage.Piece.class, taken(pieces).get(0));
            if (i == 2 || i == 3) {
                ask(open.get(i - 1), first.totalBytes() - 1);
                assertInstanceOf(SnapshotMessage.Piece.class, taken(pieces).get(0));
            }
            now++;
        }
        EntryId next = take(100).last();
        ask(next, 0);
        assertInstanceOf(SnapshotMessage.Piece.class, taken(pieces).get(0));
        ask(open.get(2), 0);
        assertInstanceOf(SnapshotMessage.Piece.class, taken(pieces).get(0), "it was sent later than the other, and is there");
        ask(open.get(1), 0);
        assertEquals(List.of(), taken(pieces), "all that are open are asked for");
    }

    private void ask(EntryId snapshot, long offset) {
        source.post(new SnapshotMessage.Ask(FETCHER, SOURCE, snapshot, offset, 100));
        source.turn(now);
    }

    @Test
    void messagesForAPreviousLifeAreDroppedAndNoMoreWaitThanAreAllowed() {
        SnapshotId snapshot = take(10);
        source.post(new SnapshotMessage.Ask(FETCHER, new ReplicaId(1, 99), snapshot.last(), 0, 100));
        assertFalse(source.hasWork());
        for (int i = 0; i < 2 * SnapshotTransfer.WAITING_MAX; i++) {
            source.post(new SnapshotMessage.Ask(FETCHER, SOURCE, snapshot.last(), 0, 100));
        }
        while (source.hasWork()) {
            source.turn(now);
        }
        assertEquals(SnapshotTransfer.WAITING_MAX, pieces.sent.size());
        assertEquals(SnapshotTransfer.WAITING_MAX, source.dropped(), "messages for another are not counted");
    }

    // ---- copies over the network

    @Test
    void copiesAreReadNoFasterThanTheLimitAllowsAndInTurn() {
        source = transfer(sourceStorage, pieces, SnapshotPolicy.DEFAULT.withFetchBytesPerSecond(PIECE));
        SnapshotId snapshot = take(10);
        List<ClientResponse> said = new ArrayList<>();
        source.backup(60 * T, said::add);
        for (int i = 0; i < 4; i++) {
            source.backupPiece(new ClientRequest.BackupPiece(snapshot.last(), (long) i * PIECE, PIECE), 60 * T, said::add);
        }
        source.turn(now);
        assertEquals(2, said.size(), "what it is, and the first piece");
        long begun = now;
        while (said.size() < 5) {
            now += Math.max(1, source.nanosUntilDeadline(now));
            source.turn(now);
        }
        double seconds = (now - begun) / 1e9;
        assertTrue(seconds > 2.9 && seconds < 3.2, "3 pieces behind the first, one per second, took " + seconds);
        for (int i = 0; i < 4; i++) {
            assertEquals((long) i * PIECE, assertInstanceOf(ClientResponse.BackupPiece.class, said.get(i + 1)).offset());
        }
    }

    @Test
    void whoeverAsksForACopyIsTurnedAwayWhenHisTimeIsUpOrTooManyAsk() {
        take(10);
        List<ClientResponse> said = new ArrayList<>();
        for (int i = 0; i < SnapshotTransfer.WAITING_MAX; i++) {
            source.backup(T, said::add);
        }
        assertEquals(List.of(), said);
        source.backup(T, said::add);
        assertInstanceOf(ClientResponse.Overloaded.class, said.get(0));
        now += T;
        while (source.hasWork()) {
            source.turn(now);
        }
        assertEquals(SnapshotTransfer.WAITING_MAX + 1, said.size());
        said.forEach(each -> assertInstanceOf(ClientResponse.Overloaded.class, each));
        source.backup(T, said::add);
        source.turn(now);
        assertInstanceOf(ClientResponse.Backup.class, said.get(said.size() - 1), "there is room again");
    }

    @Test
    void whatWasNotAskedForIsNotKept() {
        SnapshotId snapshot = take(10);
        fetcher.fetch(snapshot, SOURCE);
        fetcher.turn(now);
        SnapshotMessage.Piece stranger = new SnapshotMessage.Piece(new ReplicaId(3, 33), FETCHER, snapshot.last(), 0, 50, new byte[50]);
        SnapshotMessage.Piece elsewhere = new SnapshotMessage.Piece(SOURCE, FETCHER, snapshot.last(), 7, 57, new byte[50]);
        SnapshotMessage.Piece another = new SnapshotMessage.Piece(SOURCE, FETCHER, new EntryId(1, 9), 0, 50, new byte[50]);
        fetcher.post(stranger);
        fetcher.post(elsewhere);
        fetcher.post(another);
        fetcher.post(new SnapshotMessage.Gone(new ReplicaId(3, 33), FETCHER, snapshot.last()));
        fetcher.turn(now);
        assertEquals(List.of(), told());
        assertTrue(fetcher.problem().contains("has 0 bytes"), fetcher.problem());
        run(20);
        assertEquals(List.of(new Event.SnapshotFetched(snapshot)), told());
    }

    // ---- help

    private SnapshotTransfer transfer(Storage storage, Transport wire, SnapshotPolicy policy) {
        return new SnapshotTransfer(policy, RaftConfig.DEFAULT, storage, wire, mailbox, new RaftObserver() {
            @Override
            public void onSnapshotFetched(SnapshotInfo snapshot) {
                observed.add("fetched");
            }

            @Override
            public void onSnapshotFailed(Throwable why) {
                observed.add(why.getMessage());
            }
        }, () -> now);
    }

    private SnapshotId take(long index) {
        return take(index, state);
    }

    /** Writes a log up to there, and a snapshot of it with this state. */
    private SnapshotId take(long index, byte[] withState) {
        long first = sourceStorage.recover().log().terms().lastIndex() + 1;
        List<Entry> entries = new ArrayList<>();
        for (long i = first; i <= index; i++) {
            entries.add(Recorder.command(i, 1, "x"));
        }
        sourceStorage.write(List.of(new Storage.Write(index, new HardState(1, null, 0), first, entries)));
        SnapshotId snapshot = new SnapshotId(new EntryId(1, index), MEMBERS, 7);
        try (Storage.SnapshotOutput output = sourceStorage.beginSnapshot(snapshot)) {
            output.state().write(withState);
            output.commit();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        return snapshot;
    }

    private void install(SnapshotId snapshot) {
        fetcherStorage.write(List.of(new Storage.Write(1, new HardState(1, null, 0), snapshot.index() + 1, List.of(), snapshot)));
        assertNotNull(fetcherDisk.snapshotId());
    }

    private void run(int rounds) {
        for (int i = 0; i < rounds; i++) {
            fetcher.turn(now);
            deliverAll();
        }
    }

    private void deliverAll() {
        taken(asks).forEach(source::post);
        source.turn(now);
        taken(pieces).forEach(fetcher::post);
        fetcher.turn(now);
    }

    private static List<SnapshotMessage> taken(Wire wire) {
        List<SnapshotMessage> taken = new ArrayList<>(wire.sent);
        wire.sent.clear();
        return taken;
    }

    private List<Event> told() {
        List<Event> events = new ArrayList<>();
        mailbox.fill();
        for (Mail mail = mailbox.poll(); mail != null; mail = mailbox.poll()) {
            events.add(((Mail.OfEvent) mail).event());
        }
        return events;
    }
}
