package io.quorate.raft.storage;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.Storage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.storage.testing.SimulatedFiles;
import io.quorate.raft.storage.testing.SimulatedFiles.Loss;
import io.quorate.raft.testing.StorageContract;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The storage on files keeps the contract that every storage has, over the deaths of its process and of its machine too. */
@Timeout(120)
class FileStorageContractTest {

    private static final FileStorage.Options SMALL = FileStorage.Options.defaults().withSegmentBytes(16 << 10).withTailBytesMax(3000)
        .withLogTailBytes(5000).withPartBytes(3000);

    /** A directory of real files. A process that dies leaves them as they are. */
    private record OnDisk(Path path, int nodeId, FileStorage.Options options) implements StorageContract.Directory {

        @Override
        public Storage open() {
            return FileStorage.open(path, nodeId, options);
        }

        @Override
        public StorageContract.Directory crash() throws IOException {
            Path left = Files.createTempDirectory(path.getParent(), "left");
            try (Stream<Path> files = Files.list(path)) {
                files.forEach(file -> {
                    try {
                        Files.copy(file, left.resolve(file.getFileName()));
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                });
            }
            return new OnDisk(left, nodeId, options);
        }
    }

    /** A directory that loses power, and with it what was not made durable. */
    private record InSimulation(SimulatedFiles files, int nodeId, FileStorage.Options options, Loss loss, Random random)
            implements StorageContract.Directory {

        @Override
        public Storage open() throws IOException {
            return FileStorage.open(files, nodeId, options);
        }

        @Override
        public StorageContract.Directory crash() {
            return new InSimulation(files.restart(loss, random), nodeId, options, loss, random);
        }

        /** In the copy of it that was written last. */
        @Override
        public boolean damage(long index) {
            List<String> names = files.list();
            for (int i = names.size() - 1; i >= 0; i--) {
                byte[] bytes = files.bytes(names.get(i));
                for (int at = bytes.length - Entry.HEADER_BYTES; at >= 0 && SegmentHeader.idOf(names.get(i)) > 0; at--) {
                    if (ByteBuffer.wrap(bytes).getLong(at + 8) == index && isEntry(bytes, at)) {
                        files.flip(names.get(i), at + Entry.HEADER_BYTES - 12 + random.nextInt(8), random.nextInt(8));
                        return true;
                    }
                }
            }
            throw new AssertionError("there is no entry " + index);
        }

        private static boolean isEntry(byte[] bytes, int at) {
            try {
                return Entry.decode(bytes, at, bytes.length).size() > 0;
            } catch (IllegalArgumentException e) {
                return false;
            }
        }
    }

    @Test
    void realFilesKeepTheContract(@TempDir Path directory) {
        assertWhole(StorageContract.of(nodeId -> new OnDisk(Files.createTempDirectory(directory, "node"), nodeId,
            SMALL)).withLives(2).check());
    }

    @ParameterizedTest
    @EnumSource(value = Loss.class, names = {"LOSES_ALL", "TEARS"})
    void losingPowerKeepsTheContract(Loss loss) {
        Random random = new Random(5);
        FileStorage.Options options = Logs.TINY.withTailBytesMax(700).withLogTailBytes(500).withPartBytes(1 << 10);
        assertWhole(StorageContract.of(nodeId -> new InSimulation(new SimulatedFiles(), nodeId, options, loss, random))
            .withLives(40).check());
    }

    private static void assertWhole(List<String> checked) {
        assertTrue(checked.contains("What was founded and what was written outlasts the death of the process"), checked::toString);
    }
}
