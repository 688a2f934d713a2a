package io.quorate.raft.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.FoundingRecord;
import io.quorate.raft.Storage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.MembershipCodec;
import io.quorate.raft.core.SnapshotId;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command line tool on real directories. */
class StorageToolTest {

    private static final FileStorage.Options SMALL = Logs.TINY.withSegmentBytes(8 << 10);

    @TempDir
    private Path parent;

    /** Turns a command around. */
    public static final class Reversing implements EntryDecoder {
        @Override
        public String decode(byte[] command) {
            if (command.length == 0 || command[0] == 'x') {
                throw new IllegalArgumentException("no x");
            }
            return new StringBuilder(new String(command, StandardCharsets.UTF_8)).reverse().toString();
        }
    }

    /** What a command said. */
    private record Said(int exitCode, String out, String err) { }

    private static Said run(Object... words) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int exitCode = StorageTool.run(Stream.of(words).map(String::valueOf).toList(), new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8));
        return new Said(exitCode, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    private Path directory() {
        return parent.resolve("data");
    }

    private FileStorage open() {
        return FileStorage.open(directory(), 1, SMALL);
    }

    private FileStorage founded() {
        FileStorage storage = open();
        storage.found(Logs.founding(storage));
        storage.recover();
        return storage;
    }

    private static Entry command(long index, long term, String text) {
        return Entry.of(index, term, Entry.Kind.COMMAND, 1000 * index, text.getBytes(StandardCharsets.UTF_8));
    }

    /** Entries of all kinds, over several segments, closed in good order. */
    private void life() {
        try (FileStorage storage = founded()) {
            FoundingRecord founding = Logs.founding(storage);
            Membership next = new Membership(2, founding.membership().voters().subList(0, 1), List.of(), List.of());
            storage.write(List.of(new Storage.Write(1, new HardState(3, Logs.OTHER, 0), 1, List.of(
                Entry.of(1, 3, Entry.Kind.NO_OP, 0, new byte[0]), command(2, 3, "hällo \"you\""),
                Entry.of(3, 3, Entry.Kind.COMMAND, 7, new byte[] {0, 1, (byte) 0xFF}), command(4, 3, "xyz"),
                Entry.of(5, 3, Entry.Kind.MEMBERSHIP, 8, MembershipCodec.encode(next))))));
            for (int i = 0; i < 20; i++) {
                storage.write(List.of(new Storage.Write(2 + i, new HardState(3, Logs.OTHER, 3 + i), 6 + 10L * i,
                    Logs.entries(6 + 10L * i, 15 + 10L * i, 3, 100))));
            }
        }
    }

    private Map<String, String> contents() throws IOException {
        Map<String, String> contents = new TreeMap<>();
        try (Stream<Path> files = Files.list(directory())) {
            for (Path file : files.toList()) {
                contents.put(file.getFileName().toString(), Files.getLastModifiedTime(file) + " " + java.util.Arrays.hashCode(
                    Files.readAllBytes(file)));
            }
        }
        return contents;
    }

    private void flip(String name, long offset) throws IOException {
        try (FileChannel file = FileChannel.open(directory().resolve(name), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            ByteBuffer one = ByteBuffer.allocate(1);
            file.read(one, offset);
            file.write(ByteBuffer.wrap(new byte[] {(byte) (one.get(0) ^ 4)}), offset);
        }
    }

    // --------------------------------------------------------------------------------------------------------------------- inspect

    @Test
    void inspectSaysWhoItIsAndWhatItHolds() {
        life();
        Said said = run("inspect", directory());
        assertEquals(0, said.exitCode, said.err);
        for (String line : List.of("  state: whole", "  boot: 1", "  cluster: 00000000-0000-0004-0000-000000000002", "  epoch: 0",
            "  term: 3", "  voted for:\n    node: 7\n    incarnation: 0000000000007777", "  first index: 1",
            "  last:\n    index: 205\n    term: 3", "  commit index: 22", "    version: 2", "    index: 5", "  segments:",
            "    - name log-0000000000000001.seg, bytes 8192")) {
            assertTrue(said.out.contains(line + "\n"), line + " in " + said.out);
        }
        assertEquals("", said.err);
    }

    @Test
    void jsonIsOneLineWithTheSame() {
        life();
        Said said = run("inspect", directory(), "--json");
        assertEquals(1, said.out.lines().count());
        assertTrue(said.out.startsWith("{\"directory\":\"" + directory()
            + "\",\"command\":\"inspect\",\"found\":{\"state\":\"whole\",\"damage\":null,"),
            said.out);
        for (String part : List.of("\"term\":3,\"votedFor\":{\"node\":7,\"incarnation\":\"0000000000007777\"}",
            "\"firstIndex\":1,\"last\":{\"index\":205,\"term\":3}",
            "\"commitIndex\":22", "\"address\":\"localhost:7001\"", "\"snapshot\"", "\"notes\":[]")) {
            assertEquals(!part.equals("\"snapshot\""), said.out.contains(part), part + " in " + said.out);
        }
    }

    @Test
    void aDirectoryOnASnapshotIsUnderstood() throws IOException {
        life();
        SnapshotId id = new SnapshotId(new EntryId(3, 150), Membership.of(4, List.of(new Member(Logs.OTHER, "x:1"))), 9);
        try (FileStorage storage = FileStorage.open(directory(), 1, SMALL.withLogTailBytes(0))) {
            storage.recover();
            Snapshot.take(storage, id, new byte[5000]);
            Snapshot.compact(storage, Long.MAX_VALUE);
        }
        Said said = run("inspect", directory());
        assertTrue(said.out.contains("  snapshot:\n    index: 150\n    term: 3\n    time nanos: 9\n    parts: 1\n"), said.out);
        assertTrue(!said.out.contains("first index: 1\n") && said.out.contains("version: 4\n"), said.out);
        assertEquals(0, run("verify", directory()).exitCode);
        String part;
        try (Stream<Path> files = Files.list(directory())) {
            part = files.map(file -> file.getFileName().toString()).filter(name -> name.endsWith(".part")).findFirst().orElseThrow();
        }
        flip(part, 77);
        Said verified = run("verify", directory());
        assertEquals(1, verified.exitCode);
        assertTrue(verified.out.contains(part + ", offset 0, what the block of a snapshot"), verified.out);
    }

    @Test
    void aBlankOrEmptyDirectoryIsNoDamage() throws IOException {
        Files.createDirectory(directory());
        assertTrue(run("inspect", directory()).out.contains("state: new\n"));
        assertEquals(0, run("verify", directory()).exitCode);
        assertEquals(0, run("dump", directory()).exitCode);
        open().close();
        assertTrue(run("inspect", directory()).out.contains("state: blank\n"));
        Files.delete(directory().resolve(IdentityFile.NAME));
        assertEquals(0, run("inspect", directory()).exitCode);
    }

    // ------------------------------------------------------------------------------------------------------------------------ dump

    @Test
    void dumpShowsEntriesAsTextOrHexAndMembershipsAsSuch() {
        life();
        Said said = run("dump", directory(), "--to", "5");
        assertEquals(List.of(
            "index 1, term 3, kind NO_OP, time nanos 0, bytes 0",
            "index 2, term 3, kind COMMAND, time nanos 2000, bytes 12, text hällo \"you\"",
            "index 3, term 3, kind COMMAND, time nanos 7, bytes 3, hex 0001ff",
            "index 4, term 3, kind COMMAND, time nanos 4000, bytes 3, text xyz"), said.out.lines().limit(4).toList());
        assertTrue(said.out.lines().skip(4).findFirst().orElseThrow().contains(
            "membership (version 2, voters [node 1, incarnation "), said.out);
        assertEquals("{\"index\":2,\"term\":3,\"kind\":\"COMMAND\",\"timeNanos\":2000,\"bytes\":12,\"text\":\"hällo \\\"you\\\"\"}\n",
            run("dump", directory(), "--from=2", "--to=2", "--json").out);
        assertEquals("index 2, term 3, kind COMMAND, time nanos 2000, bytes 12, hex 68c3a46c6c6f2022796f7522\n",
            run("dump", directory(), "--from", "2", "--to", "2", "--payload", "hex").out);
        assertEquals("index 4, term 3, kind COMMAND, time nanos 4000, bytes 3\n",
            run("dump", directory(), "--from", "4", "--to", "4", "--payload", "none").out);
        assertEquals(205, run("dump", directory()).out.lines().count());
    }

    @Test
    void aDecoderOfTheUsersOwnShowsCommandsAndItsFailureHidesNone() {
        life();
        Said said = run("dump", directory(), "--from", "2", "--to", "4", "--decoder", Reversing.class.getName());
        List<String> lines = said.out.lines().toList();
        assertTrue(lines.get(0).endsWith("decoded \"uoy\" olläh"), said.out);
        assertTrue(lines.get(2).endsWith("not decoded java.lang.IllegalArgumentException: no x, text xyz"), said.out);
    }

    @Test
    void aDecoderIsFoundAsAServiceOnTheClasspathThatIsNamed() throws IOException {
        life();
        Path jar = parent.resolve("mine");
        Files.createDirectories(jar.resolve("META-INF/services"));
        Files.writeString(jar.resolve("META-INF/services/" + EntryDecoder.class.getName()), Reversing.class.getName());
        assertTrue(run("dump", directory(), "--from", "2", "--to", "2", "--classpath", jar).out.endsWith("decoded \"uoy\" olläh\n"));
        assertEquals(2, run("dump", directory(), "--classpath", parent.resolve("nowhere")).exitCode);
        Said none = run("dump", directory(), "--decoder", "no.such.Decoder");
        assertEquals(2, none.exitCode);
        assertTrue(none.err.contains("public constructor without parameters"), none.err);
        assertEquals(2, run("dump", directory(), "--decoder", "java.lang.String").exitCode);
    }

    @Test
    void ofADamagedEntryDumpShowsTheNameAndTheOthersAround() throws IOException {
        life();
        long offset = run("dump", directory(), "--to", "1").out.isEmpty() ? -1 : entryOffset();
        flip(SegmentHeader.fileName(1), offset);
        Said said = run("dump", directory(), "--payload", "none");
        assertEquals(1, said.exitCode);
        assertEquals(205, said.out.lines().count(), said.err);
        assertTrue(said.out.contains("index 4, term 3, damaged true\n"), said.out.substring(0, 500));
        assertTrue(said.err.contains("Damage in " + directory().resolve(SegmentHeader.fileName(1))), said.err);
    }

    /** Where in the first segment a byte of the payload of entry 4 is. */
    private long entryOffset() throws IOException {
        String bytes = Files.readString(directory().resolve(SegmentHeader.fileName(1)), StandardCharsets.ISO_8859_1);
        return bytes.indexOf("xyz");
    }

    // ---------------------------------------------------------------------------------------------------------------------- verify

    @Test
    void verifyListsEachDamageWithFileAndOffset() throws IOException {
        life();
        Said whole = run("verify", directory());
        assertEquals(0, whole.exitCode);
        assertTrue(whole.out.contains("whole: true\n") && whole.out.contains("  entries: 205\n"), whole.out);

        flip(SegmentHeader.fileName(1), entryOffset());                 // an entry
        flip(SegmentHeader.fileName(2), SegmentHeader.BYTES + 30);      // the header of a frame
        flip(SegmentHeader.fileName(3), 8192 - 20);                     // the index
        Said said = run("verify", directory());
        assertEquals(1, said.exitCode);
        assertTrue(said.out.contains("whole: false\n"), said.out);
        for (String part : List.of("log-0000000000000001.seg, offset 3", "what entry 4 is not what was written",
            "log-0000000000000002.seg, offset 64, what no valid frame is here", "log-0000000000000003.seg, offset 81")) {
            assertTrue(said.out.contains(part), part + " in " + said.out);
        }
        assertEquals(3, said.out.lines().filter(line -> line.startsWith("  - file ")).count(), said.out);
        assertTrue(run("verify", directory(), "--json").out.contains("\"whole\":false,\"damage\":[{\"file\":\""));
    }

    @Test
    void whereverASealedSegmentOrTheIdentityIsDamagedVerifySeesIt() throws IOException {
        life();
        List<String> unseen = new ArrayList<>();
        for (String name : List.of(SegmentHeader.fileName(1), IdentityFile.NAME)) {
            byte[] bytes = Files.readAllBytes(directory().resolve(name));
            for (int i = 0; i < bytes.length; i += name.equals(IdentityFile.NAME) ? 3 : 101) {
                flip(name, i);
                if (run("verify", directory()).exitCode == 0 && bytes[i] != 0) {
                    unseen.add(name + " at " + i);
                }
                flip(name, i);
            }
        }
        assertEquals(List.of(), unseen);
        assertEquals(0, run("verify", directory()).exitCode);
    }

    @Test
    void missingAndShortFilesAreDamage() throws IOException {
        life();
        byte[] second = Files.readAllBytes(directory().resolve(SegmentHeader.fileName(2)));
        Files.delete(directory().resolve(SegmentHeader.fileName(2)));
        Said missing = run("verify", directory());
        assertEquals(1, missing.exitCode);
        assertTrue(missing.out.contains("log-0000000000000002.seg, offset 0, what the segment is missing"), missing.out);
        Files.write(directory().resolve(SegmentHeader.fileName(2)), java.util.Arrays.copyOf(second, 5000));
        assertTrue(run("verify", directory()).out.contains("offset 5000, what the file is 5000 bytes long"));
        Files.write(directory().resolve(SegmentHeader.fileName(2)), second);
        Files.delete(directory().resolve(IdentityFile.NAME));
        assertTrue(run("verify", directory()).out.contains("identity, offset 0, what it is missing"));
        assertEquals(1, run("inspect", directory()).exitCode);
    }

    @Test
    void aTornTailIsNoDamageAndAVersionFromTheFutureIsUnreadable() throws IOException {
        life();
        List<Path> segments;
        try (Stream<Path> files = Files.list(directory())) {
            segments = files.filter(file -> SegmentHeader.idOf(file.getFileName().toString()) != 0).sorted().toList();
        }
        Path last = segments.get(segments.size() - 1);
        byte[] bytes = Files.readAllBytes(last);
        int end = bytes.length;
        while (bytes[end - 1] == 0) {
            end--;
        }
        bytes[end + 1] = 7;
        Files.write(last, bytes);
        Said said = run("verify", directory());
        assertEquals(0, said.exitCode);
        assertTrue(said.out.contains("there is an unfinished write, as a crash leaves it"), said.out);
        bytes[7] = 9;
        Files.write(last, bytes);
        Said newer = run("inspect", directory());
        assertEquals(2, newer.exitCode);
        assertTrue(newer.err.contains("format version 9"), newer.err);
    }

    // ------------------------------------------------------------------------------------------------------------------ only looking

    @Test
    void nothingIsChangedAndADirectoryThatMayNotBeWrittenToWillDo() throws IOException {
        life();
        Map<String, String> before = contents();
        boolean isPosix = Files.getFileStore(directory()).supportsFileAttributeView("posix");
        if (isPosix) {
            Files.setPosixFilePermissions(directory(), PosixFilePermissions.fromString("r-x------"));
        }
        for (String command : List.of("inspect", "dump", "verify", "plan-recovery")) {
            assertEquals(0, run(command, directory()).exitCode, command);
        }
        if (isPosix) {
            Files.setPosixFilePermissions(directory(), PosixFilePermissions.fromString("rwx------"));
        }
        assertEquals(before, contents());
    }

    @Test
    void besideAWriterNothingIsTakenForDamageAndItsLockStays() throws Exception {
        FileStorage storage = founded();
        AtomicBoolean isOver = new AtomicBoolean();
        Throwable[] failed = new Throwable[1];
        Thread writer = new Thread(() -> {
            try {
                for (int i = 0; !isOver.get(); i++) {
                    storage.write(List.of(new Storage.Write(1 + i, new HardState(3, null, 0), 1 + 3L * i,
                        Logs.entries(1 + 3L * i, 3 + 3L * i, 3, 100))));
                }
            } catch (RuntimeException e) {
                failed[0] = e;
            }
        });
        writer.start();
        try {
            for (int i = 0; i < 8; i++) {
                Said said = run("verify", directory());
                assertEquals(0, said.exitCode, said.out + said.err);
                assertTrue(said.out.contains("this very process has this directory open: the end of the log may be in motion"), said.out);
                assertEquals(0, run("inspect", directory()).exitCode);
            }
        } finally {
            isOver.set(true);
            writer.join();
        }
        assertEquals(null, failed[0]);
        Process other = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-cp",
            System.getProperty("java.class.path"), LockHolder.class.getName(), directory().toString()).redirectErrorStream(true).start();
        other.getOutputStream().close();
        String text = new String(other.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertNotEquals(0, other.waitFor(), text);
        storage.close();
    }

    // ------------------------------------------------------------------------------------------------------------- lost quorum, usage

    private static String fingerprintIn(String plan) {
        Matcher matcher = Pattern.compile("--fingerprint ([0-9a-f]{16})").matcher(plan);
        assertTrue(matcher.find(), plan);
        return matcher.group(1);
    }

    @Test
    void twoCommandsTurnOneSurvivorIntoTheGroup() {
        try (FileStorage storage = founded()) {
            storage.write(List.of(Logs.append(1, 1, 9, 2, 30)));
        }
        Said plan = run("plan-recovery", directory());
        assertEquals(0, plan.exitCode, plan.err);
        Said wrong = run("recover", directory(), "--fingerprint", "0000000000000000");
        assertEquals(2, wrong.exitCode);
        assertTrue(wrong.err.contains("Nothing was changed"), wrong.err);
        Said done = run("recover", directory(), "--fingerprint", fingerprintIn(plan.out));
        assertEquals(0, done.exitCode, done.err);
        for (String part : List.of("epoch: 1\n", "begins with:\n  index: 10\n  term: 1000002\n",
            "now committed: all entries up to 9; of those from 1 on nobody here knew it before",
            "Stop every server of the old group for good", "blank directories")) {
            assertTrue(done.out.contains(part), part + " in " + done.out);
        }
        assertEquals(2, run("recover", directory(), "--fingerprint", fingerprintIn(plan.out)).exitCode, "not twice");
        assertTrue(run("inspect", directory()).out.contains("recovered with:\n    index: 10\n"));
        try (FileStorage storage = open()) {
            assertEquals(1, assertNotNullFounding(storage).epoch());
            assertEquals(new HardState(1000002, null, 10), storage.recover().hardState());
        }
    }

    private static FoundingRecord assertNotNullFounding(FileStorage storage) {
        FoundingRecord founding = storage.identity().founding();
        assertNotNull(founding);
        return founding;
    }

    @Test
    void ofASurvivorWithADamagedEntryTheSameTwoCommandsKeepWhatIsBeforeIt() throws IOException {
        life();
        flip(SegmentHeader.fileName(1), entryOffset());
        Said plan = run("plan-recovery", directory());
        assertEquals(1, plan.exitCode, "it is not whole");
        assertTrue(plan.out.contains("entries 4 to 205: entry 4 is damaged, and none behind it can be applied without it; up to 22 they"),
            plan.out);
        String fingerprint = fingerprintIn(plan.out);
        assertTrue(plan.out.contains("recover " + directory() + " --fingerprint " + fingerprint + " --cut-before 4\n"), plan.out);
        Said unsaid = run("recover", directory(), "--fingerprint", fingerprint);
        assertEquals(2, unsaid.exitCode);
        assertTrue(unsaid.err.contains("entry 4 is damaged (" + directory().resolve(SegmentHeader.fileName(1))), unsaid.err);
        Said done = run("recover", directory(), "--fingerprint", fingerprint, "--cut-before", "4");
        assertEquals(0, done.exitCode, done.err);
        for (String part : List.of("index: 4\n  term: 1000003\n", "now committed: all entries up to 3, as was known before\n",
            "given up: entries 4 to 205: entry 4")) {
            assertTrue(done.out.contains(part), part + " in " + done.out);
        }
        assertTrue(run("inspect", directory()).out.contains("  state: whole"));
        assertEquals(1, run("verify", directory()).exitCode, "the bytes are still there");
        try (FileStorage storage = open()) {
            assertEquals(new HardState(1000003, null, 4), storage.recover().hardState());
            assertEquals(4, storage.read(1, 99, 1 << 20).size());
        }
    }

    @Test
    void aDirectoryThatIsOpenIsNotRecovered() {
        try (FileStorage storage = founded()) {
            storage.write(List.of(Logs.append(1, 1, 9, 2, 30)));
            Said plan = run("plan-recovery", directory());
            assertTrue(plan.out.contains("this very process has this directory open"), plan.out);
            Said refused = run("recover", directory(), "--fingerprint", fingerprintIn(plan.out));
            assertEquals(2, refused.exitCode);
            assertTrue(refused.err.contains("already open"), refused.err);
            storage.write(List.of(Logs.append(2, 10, 12, 2, 30)));
        }
    }

    @Test
    void aPlanWithNothingToKeepSaysSoByItsExitCode() throws IOException {
        life();
        flip(SegmentHeader.fileName(2), SegmentHeader.BYTES + 30);
        Said plan = run("plan-recovery", directory());
        assertEquals(1, plan.exitCode);
        assertTrue(plan.out.contains("none of these directories can be kept"), plan.out);
        assertEquals(2, run("recover", directory(), "--fingerprint", "0").exitCode);
    }

    @Test
    void whatIsNotUnderstoodIsRefused() {
        life();
        assertEquals(2, run().exitCode);
        assertTrue(run("help").out.startsWith("Usage: java -jar"));
        assertEquals(0, run("--help").exitCode);
        for (List<Object> words : List.<List<Object>>of(List.of("erase", directory()), List.of("inspect"),
            List.of("inspect", directory(), directory()), List.of("inspect", parent.resolve("nowhere")),
            List.of("inspect", directory(), "--from", "3"), List.of("dump", directory(), "--from"),
            List.of("dump", directory(), "--from", "0"), List.of("dump", directory(), "--from", "x"),
            List.of("dump", directory(), "--payload", "x"), List.of("verify", directory(), "--json", "--json"),
            List.of("verify", directory(), "--json=yes"), List.of("plan-recovery"),
            List.of("plan-recovery", directory(), directory()), List.of("recover", directory()))) {
            Said said = run(words.toArray());
            assertEquals(2, said.exitCode, words.toString());
            assertEquals("", said.out, words.toString());
            assertTrue(!said.err.isEmpty(), words.toString());
        }
    }
}
