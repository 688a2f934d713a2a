package io.quorate.examples.demo;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.examples.KvServer;
import io.quorate.examples.Poll;
import io.quorate.examples.launcher.Directories;
import io.quorate.examples.launcher.FreePorts;
import io.quorate.examples.launcher.LocalGroup;
import io.quorate.raft.ServerStatus;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.RandomAccessFile;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Data directories that are in use, damaged, or not this replica's. */
@Timeout(120)
final class DataDirectoryTest {

    private static final String FRAME = "QFRM";     // what each frame begins with

    @TempDir
    private Path directory;

    private ThreeProcesses start() {
        return new ThreeProcesses(LocalGroup.of(directory, 3, ThreeProcesses.OPTIONS));
    }

    private static KvServer.StartFailedException refusal(List<String> arguments) {
        return assertThrows(KvServer.StartFailedException.class,
            () -> KvServer.start(arguments, new PrintStream(PrintStream.nullOutputStream())));
    }

    /** The same command line with another value of this option. */
    private static List<String> with(List<String> arguments, String option, String value) {
        List<String> changed = new ArrayList<>(arguments);
        changed.set(changed.indexOf(option) + 1, value);
        return changed;
    }

    @Test
    void aSecondServerOnTheSameDirectoryIsRefusedAndToldWhichProcessHoldsIt() throws DemoException {
        try (ThreeProcesses three = start()) {
            three.awaitMore(10);
            KvServer.StartFailedException refusal = refusal(three.group.arguments(1));
            assertEquals(KvServer.EXIT_DATA, refusal.exitCode());
            assertTrue(refusal.getMessage().contains(three.group.dataOf(1).toString()), refusal.getMessage());
            assertTrue(refusal.getMessage().contains(String.valueOf(three.group.process(1).pid())), refusal.getMessage());
            three.awaitMore(10);
            three.assertNothingLost(ThreeProcesses.all());
        }
    }

    @Test
    void aDamagedLastFrameIsDroppedAnEarlierEntryComesBackAndASegmentCutShortIsRefused() throws Exception {
        try (ThreeProcesses three = start()) {
            three.awaitMore(500);
            int node = three.follower();
            assertEquals(0, three.group.stop(node));
            Path data = three.group.dataOf(node);
            Path segment = newestSegment(data);
            long end = endOfContent(segment);

            Path shorter = copy(data, directory.resolve("shorter"));
            try (RandomAccessFile file = new RandomAccessFile(shorter.resolve(segment.getFileName()).toFile(), "rw")) {
                file.setLength(file.length() - 1);
            }
            assertRefusedNaming(with(three.group.arguments(node), "--data", shorter.toString()), segment.getFileName());

            // An entry of long ago: the others have it, and give it back before this one takes part.
            byte[] before = Files.readAllBytes(segment);
            change(segment, lastTextBefore(before, end / 2), (byte) 0x55);
            Path newest = runUntilItHasWritten(three, node);
            byte[] after = Files.readAllBytes(segment);
            assertArrayEquals(Arrays.copyOf(before, (int) end + 1), Arrays.copyOf(after, (int) end + 1));

            // The last frame: its last byte once to garbage, then, of the next last frame, the last bytes to zeros.
            change(newest, endOfContent(newest), (byte) 0x55);
            newest = runUntilItHasWritten(three, node);
            long newEnd = endOfContent(newest);
            for (long offset = newEnd - 3; offset <= newEnd; offset++) {
                change(newest, offset, (byte) 0);
            }
            three.group.start(node);
            three.awaitMore(100);
            three.assertNothingLost(ThreeProcesses.all());
        }
    }

    /**
     * Runs a node until its newest segment has more than one frame, and stops it. Damage to a segment's first frame does not pass for a
     * crash, and a node that was slow to start may have written nothing while the other two went on.
     *
     * @return its newest segment
     */
    private static Path runUntilItHasWritten(ThreeProcesses three, int node) throws Exception {
        Path newest;
        do {
            three.group.start(node);
            do {
                three.awaitMore(100);
            } while (!isFollower(three.status(node)));
            assertEquals(0, three.group.stop(node));
            newest = newestSegment(three.group.dataOf(node));
        } while (countOfFrames(newest) < 2);
        return newest;
    }

    private static int countOfFrames(Path segment) throws IOException {
        return new String(Files.readAllBytes(segment), StandardCharsets.ISO_8859_1).split(FRAME, -1).length - 1;
    }

    private static boolean isFollower(@Nullable ServerStatus status) {
        return status != null && status.state() == ServerStatus.State.FOLLOWER;
    }

    /** Where something that was written into a value stands. */
    private static long lastTextBefore(byte[] bytes, long offset) {
        return new String(bytes, 0, (int) offset, StandardCharsets.ISO_8859_1).lastIndexOf("of the test's input");
    }

    private static void assertRefusedNaming(List<String> arguments, Path file) {
        KvServer.StartFailedException refusal = refusal(arguments);
        assertEquals(KvServer.EXIT_DATA, refusal.exitCode());
        assertTrue(refusal.getMessage().contains(file.toString()) && refusal.getMessage().contains("at offset "), refusal.getMessage());
    }

    @Test
    void aDirectoryOfAnotherNodeIsRefusedAndAFoundedOneKnowsItsGroup() throws Exception {
        List<Integer> ports = FreePorts.find(3);
        String alone = "1=127.0.0.1:" + ports.get(0);
        List<String> arguments = List.of("--id", "1", "--members", alone, "--data", directory.resolve("data").toString(),
            "--segment-mib", "1");
        found(arguments);

        KvServer.StartFailedException otherNode = refusal(with(with(arguments, "--id", "2"), "--members",
            alone + ",2=127.0.0.1:" + ports.get(1)));
        assertEquals(KvServer.EXIT_DATA, otherNode.exitCode());
        assertTrue(otherNode.getMessage().contains("belongs to node 1"), otherNode.getMessage());

        String printed = found(with(arguments, "--members", "1=127.0.0.1:" + ports.get(0) + ",2=127.0.0.1:" + ports.get(1)));
        assertTrue(printed.contains("is a member of group ") && printed.contains("which began with {1=127.0.0.1:" + ports.get(0) + "}"),
            printed);
        assertFalse(found(arguments).contains("which began with"));
    }

    /** Runs a group of one until it is founded. */
    private static String found(List<String> arguments) throws Exception {
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        KvServer server = KvServer.start(arguments, new PrintStream(printed, true)).orElseThrow();
        try {
            Poll.untilContains(" leads in term ", printed::toString);
        } finally {
            server.close();
        }
        return printed.toString();
    }

    @Test
    void aReplicaOfAnotherClusterAtTheSameAddressesIsRefusedByTheOthersWhoSaySo() throws Exception {
        try (LocalGroup group = LocalGroup.of(directory, 3, ThreeProcesses.OPTIONS)) {
            group.startAll();
            awaitFounded(group);
            for (int node : ThreeProcesses.all()) {
                group.kill(node);
            }
            Path old = directory.resolve("old");
            Files.move(group.dataOf(1), old);
            Directories.deleteQuietly(group.dataOf(2));
            Directories.deleteQuietly(group.dataOf(3));
            group.startAll();
            awaitFounded(group);
            group.kill(1);
            Directories.deleteQuietly(group.dataOf(1));
            Files.move(old, group.dataOf(1));
            group.start(1);
            Poll.untilContains("refuses this node: this is cluster ", () -> group.process(1).log());
        }
    }

    private static void awaitFounded(LocalGroup group) {
        for (int node : ThreeProcesses.all()) {
            group.process(node).awaitLine(line -> line.contains(" is a member of group "), Duration.ofSeconds(30)).orElseThrow();
        }
    }

    @Test
    void aPortInUseIsNamed() throws IOException {
        try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            KvServer.StartFailedException refusal = refusal(List.of("--id", "1", "--members", "1=127.0.0.1:" + taken.getLocalPort(),
                "--data", directory.resolve("data").toString(), "--segment-mib", "1"));
            assertEquals(KvServer.EXIT_ADDRESS, refusal.exitCode());
            assertTrue(refusal.getMessage().contains("127.0.0.1:" + taken.getLocalPort()), refusal.getMessage());
            assertTrue(refusal.getMessage().contains("is another process using the port?"), refusal.getMessage());
        }
    }

    @Test
    void aDirectoryThatIsNoneIsRefused() throws IOException {
        Path file = Files.createFile(directory.resolve("file"));
        KvServer.StartFailedException refusal = refusal(List.of("--id", "1", "--members", "1=127.0.0.1:1", "--data", file.toString()));
        assertEquals(KvServer.EXIT_DATA, refusal.exitCode());
        assertTrue(refusal.getMessage().contains(file.toString()), refusal.getMessage());
    }

    private static Path newestSegment(Path data) throws IOException {
        try (Stream<Path> files = Files.list(data)) {
            List<Path> segments = files.filter(file -> file.getFileName().toString().matches("log-.*\\.seg")).toList();
            return Collections.max(segments);
        }
    }

    /** Where the last byte is that is not zero: what follows is prepared and not used yet. */
    private static long endOfContent(Path segment) throws IOException {
        byte[] all = Files.readAllBytes(segment);
        int end = all.length - 1;
        while (all[end] == 0) {
            end--;
        }
        return end;
    }

    private static void change(Path path, long offset, byte mask) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.seek(offset);
            int old = file.read();
            file.seek(offset);
            file.write(mask == 0 ? 0 : old ^ mask);
        }
    }

    private static Path copy(Path from, Path to) throws IOException {
        Files.createDirectory(to);
        try (Stream<Path> files = Files.list(from)) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(file.getFileName()));
            }
        }
        return to;
    }
}
