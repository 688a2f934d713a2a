package io.quorate.raft.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.ClusterId;
import io.quorate.raft.FoundingRecord;
import io.quorate.raft.Storage;
import io.quorate.raft.StorageException;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.MembershipCodec;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.core.SnapshotId;
import io.quorate.raft.storage.testing.SimulatedFiles;
import io.quorate.raft.storage.testing.SimulatedFiles.Loss;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** A group of which too little is left: which directory is kept, and how the group begins anew with it. */
class LostQuorumTest {

    private static final FileStorage.Options TINY = Logs.TINY;
    private static final long SKIPPED = LostQuorum.TERMS_SKIPPED;

    /** Three replicas, of which this is one: with so many entries of these terms, of which the first so many are known to be committed. */
    private static SimulatedFiles replica(int node, int epoch, long commitIndex, long... terms) throws IOException {
        SimulatedFiles files = new SimulatedFiles();
        try (FileStorage storage = FileStorage.open(files, node, node, TINY)) {
            storage.found(founding(epoch));
            storage.recover();
            List<Entry> entries = new ArrayList<>();
            for (int i = 0; i < terms.length; i++) {
                entries.add(Logs.entry(i + 1, terms[i], 40));
            }
            long term = terms[terms.length - 1];
            storage.write(List.of(new Storage.Write(1, new HardState(term, new ReplicaId(2, 2), commitIndex), 1, entries)));
        }
        return files.copy();
    }

    private static FoundingRecord founding(int epoch) {
        return new FoundingRecord(new ClusterId(4, 2), epoch, Membership.of(1, Stream.of(1, 2, 3).map(LostQuorumTest::member).toList()));
    }

    private static Member member(int node) {
        return new Member(new ReplicaId(node, node), "host" + node + ":1");
    }

    private static Inspection look(SimulatedFiles files) throws IOException {
        int before = files.operations();
        Inspection seen = Inspection.of(new SimulatedFileSystem(files));
        assertEquals(before, files.operations(), "it only looks");
        return seen;
    }

    private static void recover(SimulatedFiles files, Inspection seen) throws IOException, ToolException {
        new LostQuorum(new SimulatedFileSystem(files), TINY).begin(seen, LostQuorum.prepare(seen, seen.fingerprint(), null, 0), 0);
    }

    private static RecoveryPlan plan(SimulatedFiles... directories) throws IOException, ToolException {
        List<RecoveryPlan.Survivor> survivors = new ArrayList<>();
        for (SimulatedFiles each : directories) {
            survivors.add(new RecoveryPlan.Survivor("dir" + (survivors.size() + 1), "", look(each)));
        }
        return RecoveryPlan.of(survivors);
    }

    private static String kept(RecoveryPlan plan) {
        return Objects.requireNonNull(plan.kept()).path();
    }

    // ----------------------------------------------------------------------------------------------------------------- recovering

    @Test
    void theGroupBeginsAnewWithThisReplicaAloneAndAllItHas() throws Exception {
        SimulatedFiles files = replica(1, 0, 2, 1, 1, 4, 4);
        recover(files, look(files));

        FileStorage storage = FileStorage.open(files, 1, 1, TINY);
        FoundingRecord founding = Objects.requireNonNull(storage.identity().founding());
        assertEquals(1, founding.epoch());
        assertEquals(new ClusterId(4, 2), founding.clusterId());
        assertEquals(Membership.of(1, List.of(member(1))), founding.membership(), "it names nobody who could adopt it");
        Storage.Recovered recovered = storage.recover();
        assertEquals(new HardState(4 + SKIPPED, null, 5), recovered.hardState());
        assertEquals(new EntryId(4 + SKIPPED, 5), recovered.log().terms().last());
        assertEquals(List.of(Membership.of(2, List.of(member(1)))), recovered.log().memberships().stream().map(Membership::of).toList());
        assertEquals(List.of(Logs.entry(1, 1, 40), Logs.entry(2, 1, 40), Logs.entry(3, 4, 40), Logs.entry(4, 4, 40)),
            storage.read(1, 4, Integer.MAX_VALUE));
    }

    @Test
    void itsMembershipFollowsTheLastOneOfALogAndTheTimeGoesOn() throws Exception {
        SimulatedFiles files = replica(1, 0, 0, 1);
        try (FileStorage storage = FileStorage.open(files, 1, 1, TINY)) {
            storage.recover();
            Membership joint = new Membership(7, List.of(member(1), member(4), member(5)), List.of(member(1), member(2), member(3)),
                List.of());
            storage.write(List.of(new Storage.Write(1, new HardState(3, null, 0), 2,
                List.of(Entry.of(2, 3, Entry.Kind.MEMBERSHIP, 99, MembershipCodec.encode(joint))))));
        }
        recover(files, look(files));
        try (FileStorage storage = FileStorage.open(files, 1, 1, TINY)) {
            storage.recover();
            Entry last = storage.read(3, 3, 1).get(0);
            assertEquals(Membership.of(8, List.of(member(1))), Membership.of(last));
            assertEquals(99, last.timeNanos());
        }
    }

    @Test
    void aLogThatStandsOnASnapshotAloneIsRecovered() throws Exception {
        SimulatedFiles files = replica(1, 0, 0, 1);
        SnapshotId id = new SnapshotId(new EntryId(5, 30), Membership.of(3, List.of(member(1), member(2))), 77);
        try (FileStorage storage = FileStorage.open(files, 1, 1, TINY)) {
            storage.recover();
            Snapshot.receive(storage, id, new byte[3000]);
            storage.write(List.of(Snapshot.install(1, id)));
        }
        assertEquals(id.last(), look(files).last());
        recover(files, look(files));
        try (FileStorage storage = FileStorage.open(files, 1, 1, TINY)) {
            storage.recover();
            Entry last = storage.read(31, 31, 1).get(0);
            assertEquals(Membership.of(4, List.of(member(1))), Membership.of(last));
            assertEquals(77, last.timeNanos());
        }
    }

    @Test
    void whereverItIsCutShortThereIsTheOldGroupOrTheNewOne() throws Exception {
        SimulatedFiles counted = replica(1, 0, 2, 1, 1, 4, 4);
        int before = counted.operations();
        recover(counted, look(counted));
        int operations = counted.operations() - before;
        assertTrue(operations > 20, "only " + operations);
        int old = 0;
        int anew = 0;
        for (int at = 1; at <= operations; at++) {
            for (Loss loss : Loss.values()) {
                for (int seed = 0; seed < (loss == Loss.TEARS ? 20 : 1); seed++) {
                    SimulatedFiles files = replica(1, 0, 2, 1, 1, 4, 4);
                    files.dieAt(at);
                    Inspection seen = look(files);
                    Exception cut = assertThrows(Exception.class, () -> recover(files, seen));
                    assertTrue(String.valueOf(cut.getMessage()).contains("simulated failure"), cut::toString);
                    SimulatedFiles left = files.restart(loss, new Random(seed));
                    String when = "operation " + at + ", " + loss + ", seed " + seed;
                    if (look(left).founding().epoch() == 0) {
                        old++;
                        expectOld(left.copy(), when);
                        recover(left, look(left));
                        expectNew(left, when);
                    } else {
                        anew++;
                        SimulatedFiles again = left.copy();
                        expectNew(left, when);
                        Inspection half = look(again);
                        if (half.isRecoveryPending()) {
                            recover(again, half);       // the same command, again
                        }
                        assertEquals(new EntryId(4 + SKIPPED, 5), look(again).last(), when);
                        assertEquals(1, look(again).founding().epoch(), when);
                    }
                }
            }
        }
        assertTrue(old > 20 && anew > 20, old + " old, " + anew + " new");
    }

    private static void expectOld(SimulatedFiles files, String when) throws IOException {
        try (FileStorage storage = FileStorage.open(files, 1, 1, TINY)) {
            assertEquals(founding(0), storage.identity().founding(), when);
            Storage.Recovered recovered = storage.recover();
            assertEquals(new HardState(4, new ReplicaId(2, 2), 2), recovered.hardState(), when);
            assertEquals(new EntryId(4, 4), recovered.log().terms().last(), when);
            assertEquals(List.of(), recovered.log().memberships(), when);
        }
    }

    private static void expectNew(SimulatedFiles files, String when) throws IOException {
        try (FileStorage storage = FileStorage.open(files, 1, 1, TINY)) {
            assertEquals(1, Objects.requireNonNull(storage.identity().founding()).epoch(), when);
            Storage.Recovered recovered = storage.recover();
            assertEquals(new HardState(4 + SKIPPED, null, 5), recovered.hardState(), when);
            assertEquals(1, recovered.log().memberships().size(), when);
            // Wherever it stands now, nothing is written twice.
            storage.write(List.of(Logs.append(1, 6, 9, 5 + SKIPPED, 60)));
        }
        try (FileStorage storage = FileStorage.open(files, 1, 1, TINY)) {
            assertEquals(9, storage.recover().log().terms().lastIndex(), when);
        }
    }

    @Test
    void aSecondRecoveryBeginsTheNextEpoch() throws Exception {
        SimulatedFiles files = replica(1, 0, 2, 1, 1);
        recover(files, look(files));
        recover(files, look(files));
        assertEquals(2, Objects.requireNonNull(look(files).founding()).epoch());
        assertEquals(new EntryId(1 + 2 * SKIPPED, 4), look(files).last());
        assertEquals(3, look(files).membership().version());
    }

    // ------------------------------------------------------------------------------------------------------------------- refusing

    private static String refusal(SimulatedFiles files, String fingerprint) {
        return refusal(files, fingerprint, 0);
    }

    private static String refusal(SimulatedFiles files, String fingerprint, long cutBefore) {
        int before = files.operations();
        ToolException refused = assertThrows(ToolException.class, () -> LostQuorum.prepare(look(files), fingerprint, null, cutBefore));
        assertEquals(before, files.operations());
        return String.valueOf(refused.getMessage());
    }

    @Test
    void anotherFingerprintIsRefusedAndEachUseGivesAnother() throws Exception {
        SimulatedFiles files = replica(1, 0, 2, 1, 1);
        String planned = look(files).fingerprint();
        assertEquals(planned, look(files).fingerprint());
        assertTrue(refusal(files, "0123456789abcdef").contains("fingerprint is " + planned));
        FileStorage.open(files, 1, 1, TINY).close();
        assertNotEquals(planned, look(files).fingerprint());
        assertTrue(refusal(files, planned).contains("has been used since"));
    }

    @Test
    void aBlankOneIsRefused() throws Exception {
        SimulatedFiles files = new SimulatedFiles();
        assertTrue(refusal(files, "").contains("blank"));
        FileStorage.open(files, 1, 1, TINY).close();
        assertTrue(refusal(files, look(files).fingerprint()).contains("blank"));
    }

    @Test
    void aDamagedOneIsRefusedButNotForWhatACrashLeft() throws Exception {
        SimulatedFiles files = replica(1, 0, 2, 1, 1, 4);
        String name = SegmentHeader.fileName(1);
        SimulatedFiles torn = files.copy();
        byte[] bytes = torn.bytes(name);
        int end = bytes.length;
        while (bytes[end - 1] == 0) {
            end--;
        }
        torn.damage(name, end, new byte[] {1, 2, 3});
        recover(torn, look(torn));
        files.flip(name, SegmentHeader.BYTES + 20, 3);
        assertTrue(refusal(files, look(files).fingerprint()).contains("damaged (/simulated/" + name + " at offset"));
    }

    @Test
    void oneThatIsOpenIsRefused() throws Exception {
        SimulatedFiles files = replica(1, 0, 2, 1, 1, 4);
        Inspection seen = look(files);
        assertTrue(files.lock());
        assertThrows(StorageLockedException.class, () -> recover(files, seen));
        files.unlock();
        assertEquals(seen.fingerprint(), look(files).fingerprint());
    }

    @Test
    void oneThatWasUsedInTheLastMomentIsRefused() throws Exception {
        SimulatedFiles files = replica(1, 0, 2, 1, 1, 4);
        Inspection seen = look(files);
        FileStorage.open(files, 1, 1, TINY).close();
        assertThrows(ToolException.class, () -> recover(files, seen));
        assertEquals(0, Objects.requireNonNull(look(files).founding()).epoch());
    }

    @Test
    void oneThatItsOwnLogDoesNotNameNeedsAnAddress() throws Exception {
        SimulatedFiles files = new SimulatedFiles();
        try (FileStorage storage = FileStorage.open(files, 9, 9, TINY)) {
            storage.found(founding(0));
            storage.recover();
        }
        Inspection seen = look(files);
        assertTrue(refusal(files, seen.fingerprint()).contains("--address"));
        assertEquals(List.of(new Member(new ReplicaId(9, 9), "here:1")),
            LostQuorum.prepare(seen, seen.fingerprint(), "here:1", 0).membership().voters());
    }

    @Test
    void anIdentityThatNamesAnEntryFarBehindTheLogIsRefused() throws Exception {
        SimulatedFiles files = replica(1, 0, 2, 1, 1, 4);
        StoredIdentity stored = Objects.requireNonNull(look(files).stored());
        new IdentityFile(new SimulatedFileSystem(files)).write(new StoredIdentity(stored.identity(), new EntryId(100, 9)));
        try (FileStorage storage = FileStorage.open(files, 1, 1, TINY)) {
            assertTrue(assertThrows(StorageException.class, storage::recover).getMessage().contains("begins anew with 9@100"));
        }
    }

    // ------------------------------------------------------------------------------------------------------------- damaged entries

    /** Damages entries that {@link #replica} has written. */
    private static SimulatedFiles damaged(SimulatedFiles files, long term, long... indexes) {
        SimulatedFiles left = files.copy();
        for (long index : indexes) {
            left.flip(SegmentHeader.fileName(1), placeOf(left, Logs.entry(index, term, 40)) + Entry.HEADER_BYTES + 7, 2);
        }
        return left;
    }

    private static int placeOf(SimulatedFiles files, Entry entry) {
        byte[] bytes = files.bytes(SegmentHeader.fileName(1));
        int at = 0;
        while (!Arrays.equals(bytes, at, at + entry.size(), entry.array(), entry.offset(), entry.offset() + entry.size())) {
            at++;
        }
        return at;
    }

    private static void recoverCut(SimulatedFiles files, long cutBefore) throws IOException, ToolException {
        Inspection seen = look(files);
        new LostQuorum(new SimulatedFileSystem(files), TINY).begin(seen,
            LostQuorum.prepare(seen, seen.fingerprint(cutBefore), null, cutBefore), cutBefore);
    }

    @Test
    void aPlanNamesEachDamagedEntryAndWhatIsLostWithACutBeforeTheFirst() throws Exception {
        SimulatedFiles files = damaged(replica(1, 0, 4, 1, 1, 1, 1, 1, 1), 1, 3, 5);
        RecoveryPlan plan = plan(files);
        assertEquals("dir1", kept(plan));
        String text = plan.report("tool").toText();
        int place = placeOf(files, Logs.entry(2, 1, 40)) + Logs.entry(2, 1, 40).size();
        for (String part : List.of("state damaged",
            "damaged entries [index 3, term 1, file /simulated/" + SegmentHeader.fileName(1) + ", offset " + place
                + ", intact elsewhere false; index 5, term 1, ",
            "keep: dir1\ncut before: 3\n",
            "because: before its first damaged entry its log ends with entry 2 of term 1, and no whole one is here",
            "- entries 3 to 6: entry 3 is damaged, and none behind it can be applied without it; up to 4 they were committed, and clients",
            "everything behind entry 2 of term 1 that the 2 missing voters", "uncommitted: all entries that are kept were known",
            "Else, and only if what is listed may be given up for good", "tool recover dir1 --fingerprint " + look(files).fingerprint(3)
                + " --cut-before 3\n")) {
            assertTrue(text.contains(part), part + " in " + text);
        }
    }

    @Test
    void aCutGivesUpTheFirstDamagedEntryAndAllBehindItAndWhatWasKnownOfTheirCommit() throws Exception {
        SimulatedFiles files = damaged(replica(1, 0, 5, 1, 1, 1, 1, 1, 1), 1, 3, 5);
        recoverCut(files, 3);
        Inspection seen = look(files);
        assertNull(seen.damage());
        assertEquals(new EntryId(1 + SKIPPED, 3), seen.last());
        try (FileStorage storage = FileStorage.open(files, 1, 1, TINY)) {
            assertEquals(1, Objects.requireNonNull(storage.identity().founding()).epoch());
            Storage.Recovered recovered = storage.recover();
            assertEquals(new HardState(1 + SKIPPED, null, 3), recovered.hardState());
            assertEquals(List.of(), recovered.damaged());
            assertEquals(List.of(Logs.entry(1, 1, 40), Logs.entry(2, 1, 40)), storage.read(1, 2, Integer.MAX_VALUE));
            storage.write(List.of(Logs.append(1, 4, 9, 1 + SKIPPED, 60)));
        }
        assertEquals(3, look(files).hardState().commitIndex(), "of the new entries none is known to be committed");
        try (FileStorage storage = FileStorage.open(files, 1, 1, TINY)) {
            assertEquals(new HardState(1 + SKIPPED, null, 3), storage.recover().hardState());
        }
    }

    @Test
    void theVeryFirstEntryAndOneRightBehindASnapshotCanBeCutOff() throws Exception {
        SimulatedFiles first = damaged(replica(1, 0, 0, 1, 1, 1), 1, 1);
        recoverCut(first, 1);
        assertEquals(new EntryId(1 + SKIPPED, 1), look(first).last());
        SimulatedFiles files = replica(1, 0, 3, 1, 1, 1, 1);
        try (FileStorage storage = FileStorage.open(files, 1, 1, TINY)) {
            storage.recover();
            Snapshot.take(storage, new SnapshotId(new EntryId(1, 2), founding(0).membership(), 77), new byte[100]);
        }
        files = damaged(files, 1, 3);
        recoverCut(files, 3);
        try (FileStorage storage = FileStorage.open(files, 1, 1, TINY)) {
            assertEquals(new EntryId(1 + SKIPPED, 3), storage.recover().log().terms().last());
            assertEquals(77, storage.read(3, 3, 1).get(0).timeNanos());
        }
    }

    @Test
    void nothingIsCutUnlessItIsSaidAndPlannedForJustThis() throws Exception {
        SimulatedFiles files = damaged(replica(1, 0, 5, 1, 1, 1, 1, 1, 1), 1, 3);
        Inspection seen = look(files);
        String unsaid = refusal(files, seen.fingerprint());
        for (String part : List.of("entry 3 is damaged (/simulated/" + SegmentHeader.fileName(1) + " at offset", "Nothing was changed",
            "start the servers of all that are left", "restore a backup", "--cut-before 3")) {
            assertTrue(unsaid.contains(part), part + " in " + unsaid);
        }
        assertTrue(refusal(files, seen.fingerprint(3)).contains("entry 3 is damaged"));
        assertTrue(refusal(files, seen.fingerprint(4), 4).contains("--cut-before 3"), "not at another entry");
        assertTrue(refusal(files, seen.fingerprint(), 3).contains("cut before entry 3 is not " + seen.fingerprint()));
        SimulatedFiles worse = damaged(files, 1, 5);
        assertTrue(refusal(worse, seen.fingerprint(3), 3).contains("another one than was planned with"));
        SimulatedFiles whole = replica(1, 0, 5, 1, 1, 1);
        assertTrue(refusal(whole, look(whole).fingerprint(2), 2).contains("No entry of this directory is damaged"));
        whole.flip(SegmentHeader.fileName(1), SegmentHeader.BYTES + 20, 3);
        assertTrue(refusal(whole, look(whole).fingerprint(2), 2).contains("something else is (/simulated/"));
    }

    @Test
    void whereverACutIsCutShortThereIsTheOldGroupWithAllItHadOrTheNewOne() throws Exception {
        SimulatedFiles counted = damaged(replica(1, 0, 5, 1, 1, 1, 1, 1), 1, 3);
        int before = counted.operations();
        recoverCut(counted, 3);
        int operations = counted.operations() - before;
        int old = 0;
        int anew = 0;
        for (int at = 1; at <= operations; at++) {
            for (Loss loss : Loss.values()) {
                for (int seed = 0; seed < (loss == Loss.TEARS ? 10 : 1); seed++) {
                    SimulatedFiles files = damaged(replica(1, 0, 5, 1, 1, 1, 1, 1), 1, 3);
                    files.dieAt(at);
                    assertThrows(Exception.class, () -> recoverCut(files, 3));
                    SimulatedFiles left = files.restart(loss, new Random(seed));
                    String when = "operation " + at + ", " + loss + ", seed " + seed;
                    Inspection seen = look(left);
                    if (Objects.requireNonNull(seen.founding()).epoch() == 0) {
                        old++;
                        assertEquals(3, seen.firstDamaged(), when);
                        assertEquals(new EntryId(1, 5), seen.last(), when);
                        assertEquals(5, seen.hardState().commitIndex(), when);
                        recoverCut(left, 3);
                    } else {
                        anew++;
                        assertNull(seen.damage(), when);
                        assertTrue(seen.isRecoveryPending() || seen.last().equals(new EntryId(1 + SKIPPED, 3)), when);
                        if (seen.isRecoveryPending()) {
                            assertTrue(plan(left).report("tool").toText().contains("the next opening carries it out"), when);
                        }
                    }
                    try (FileStorage storage = FileStorage.open(left, 1, 1, TINY)) {
                        Storage.Recovered recovered = storage.recover();
                        assertEquals(new HardState(1 + SKIPPED, null, 3), recovered.hardState(), when);
                        assertEquals(List.of(), recovered.damaged(), when);
                        assertEquals(new EntryId(1 + SKIPPED, 3), recovered.log().terms().last(), when);
                    }
                    assertEquals(new EntryId(1 + SKIPPED, 3), look(left).last(), when);
                }
            }
        }
        assertTrue(old > 20 && anew > 20, old + " old, " + anew + " new");
    }

    @Test
    void whatOthersHaveIntactIsNotLostButGivenBackByTheirServers() throws Exception {
        SimulatedFiles one = damaged(replica(1, 0, 2, 1, 1, 1, 1), 1, 2);
        SimulatedFiles two = damaged(replica(2, 0, 2, 1, 1, 1, 1), 1, 4);
        String healing = plan(one, two).report("tool").toText();
        assertTrue(healing.contains("recovery needed: false") && healing.contains("What is damaged is fetched from the others"), healing);
        assertTrue(healing.contains("index 2, term 1, ") && healing.contains("intact elsewhere true"), healing);

        String stuck = plan(one, damaged(replica(2, 0, 2, 1, 1, 1, 1), 1, 2)).report("tool").toText();
        assertTrue(stuck.contains("recovery needed: true") && stuck.contains("--cut-before 2"), stuck);

        SimulatedFiles behind = replica(3, 0, 2, 1);
        String better = plan(damaged(replica(1, 0, 2, 1, 1, 1, 1), 1, 1), behind).report("tool").toText();
        assertTrue(better.contains("recovery needed: false"), better);
    }

    @Test
    void ofTooFewTheServersAreStartedFirstIfTheyCanHealEachOther() throws Exception {
        SimulatedFiles[] five = new SimulatedFiles[2];
        for (int node = 1; node <= 2; node++) {
            five[node - 1] = new SimulatedFiles();
            try (FileStorage storage = FileStorage.open(five[node - 1], node, node, TINY)) {
                storage.found(new FoundingRecord(new ClusterId(4, 2), 0,
                    Membership.of(1, Stream.of(1, 2, 3, 4, 5).map(LostQuorumTest::member).toList())));
                storage.recover();
                storage.write(List.of(new Storage.Write(1, new HardState(1, null, 2), 1, Logs.entries(1, 4, 1, 40))));
            }
        }
        RecoveryPlan plan = plan(damaged(five[0], 1, 2), damaged(five[1], 1, 3));
        assertEquals("dir2", kept(plan), "it is whole as far as entry 2");
        String text = plan.report("tool").toText();
        assertTrue(text.contains("First start the servers of all these directories: what is damaged in dir1 and dir2 others"), text);
        assertTrue(text.contains("cut before: 3\n") && text.contains("what dir1 has behind that, up to entry 4 of term 1"), text);
        RecoveryPlan withWhole = plan(damaged(five[0], 1, 2), five[1]);
        assertEquals("dir2", kept(withWhole));
        assertTrue(!withWhole.report("tool").toText().contains("cut"), "nothing needs to be given up");
    }

    @Test
    void anIdentityThatNamesAnEntryInTheMiddleOfALogCutsNothingUnlessItSaysSo() throws Exception {
        for (boolean isCut : new boolean[] {false, true}) {
            SimulatedFiles files = replica(1, 0, 2, 1, 1, 4);
            StoredIdentity stored = Objects.requireNonNull(look(files).stored());
            new IdentityFile(new SimulatedFileSystem(files)).write(new StoredIdentity(stored.identity(), new EntryId(100, 2), isCut));
            try (FileStorage storage = FileStorage.open(files, 1, 1, TINY)) {
                EntryId last = storage.recover().log().terms().last();
                assertEquals(isCut ? new EntryId(100, 2) : new EntryId(4, 3), last);
            }
        }
    }

    // -------------------------------------------------------------------------------------------------------------------- planning

    @Test
    void theMostUpToDateLogIsKeptByTermThenIndexThenCommit() throws Exception {
        SimulatedFiles longer = replica(1, 0, 2, 1, 1, 1, 1);
        SimulatedFiles later = replica(2, 0, 2, 1, 1, 4);
        assertEquals("dir2", kept(plan(longer, later)));
        assertEquals("dir1", kept(plan(later, longer)));
        assertEquals("dir2", kept(plan(replica(1, 0, 1, 1, 1, 4), replica(2, 0, 1, 1, 1, 4, 4))));
        assertEquals("dir2", kept(plan(replica(1, 0, 1, 1, 1, 4), replica(2, 0, 3, 1, 1, 4))));
    }

    @Test
    void aPlanSaysWhoIsMissingWhatMayBeLostAndWhatToDo() throws Exception {
        String plan = plan(replica(2, 0, 1, 1, 1, 4)).report("tool").toText();
        assertTrue(plan.contains("keep: dir1\n"), plan);
        assertTrue(plan.contains("missing voters:\n  - node 1, incarnation 0000000000000001, address host1:1\n  - node 3"), plan);
        assertTrue(plan.contains("everything behind entry 3 of term 4 that the 2 missing voters may have acknowledged"), plan);
        assertTrue(plan.contains("uncommitted: entries 2 to 3 are not known to have been committed"), plan);
        assertTrue(plan.contains("recovery needed: true"), plan);
        assertTrue(plan.contains("tool recover dir1 --fingerprint "), plan);
    }

    @Test
    void aQuorumThatIsNotLostIsNotRecovered() throws Exception {
        String plan = plan(replica(1, 0, 1, 1, 1, 4), replica(2, 0, 3, 1, 1, 4)).report("tool").toText();
        assertTrue(plan.contains("recovery needed: false"), plan);
        assertTrue(plan.contains("Do not recover"), plan);
        assertTrue(!plan.contains("tool recover"), plan);
    }

    @Test
    void aDamagedOneIsNotKeptButNamed() throws Exception {
        SimulatedFiles damaged = replica(1, 0, 2, 1, 1, 7);
        damaged.flip(SegmentHeader.fileName(1), SegmentHeader.BYTES + 20, 3);
        RecoveryPlan plan = plan(damaged, replica(2, 0, 2, 1, 1, 4));
        assertEquals("dir2", kept(plan));
        String text = plan.report("tool").toText();
        assertTrue(text.contains("what the damaged dir1 may hold behind that"), text);
        assertTrue(text.contains("recovery needed: true"), text);
        RecoveryPlan none = plan(damaged, new SimulatedFiles());
        assertNull(none.kept());
        assertTrue(none.report("tool").toText().contains("none of these directories can be kept"));
    }

    @Test
    void groupsAndEpochsAndCopiesAreNotMixed() throws Exception {
        SimulatedFiles one = replica(1, 0, 2, 1, 1, 4);
        ToolException epochs = assertThrows(ToolException.class, () -> plan(one, replica(2, 1, 2, 1, 1, 4)));
        assertTrue(String.valueOf(epochs.getMessage()).contains("in epoch 1"));
        SimulatedFiles other = new SimulatedFiles();
        try (FileStorage storage = FileStorage.open(other, 3, 3, TINY)) {
            storage.found(new FoundingRecord(new ClusterId(7, 7), 0, founding(0).membership()));
        }
        assertThrows(ToolException.class, () -> plan(one, other));
        ToolException copies = assertThrows(ToolException.class, () -> plan(one, one.copy()));
        assertTrue(String.valueOf(copies.getMessage()).contains("copies of one replica"));
        assertNotNull(plan(one, new SimulatedFiles()).kept(), "a blank one does not matter");
    }
}
