package io.quorate.raft.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.Storage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.HardState;
import io.quorate.raft.storage.testing.SimulatedFiles;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A frame that is larger than what is read at once is read twice where the tail begins, and the disk may give back two different things. */
class SecondReadTest {

    private static final int ENTRY_BYTES = 700_000;
    private static final long SPOILT = 300_000;     // in the second of all entries, the first of the last frame
    private static final FileStorage.Options OPTIONS = FileStorage.Options.defaults().withSegmentBytes(8 << 20);

    private interface Spoiler {
        int spoil(ByteBuffer into, int from, int read, int place) throws IOException;
    }

    @Test
    void aFrameThatIsNotTheSameWhenItIsReadOnceMoreIsNotTakenForOneThatWasNeverFinished() throws IOException {
        nothingIsLost((into, from, read, place) -> {
            into.put(from + place, (byte) ~into.get(from + place));
            return read;
        });
    }

    @Test
    void norIsOneThatTheDiskDoesNotGiveBackOnceMore() throws IOException {
        nothingIsLost((into, from, read, place) -> {
            throw new UnreadableException("log", place, new IOException("Input/output error"));
        });
    }

    private static void nothingIsLost(Spoiler spoiler) throws IOException {
        SimulatedFiles files = new SimulatedFiles();
        FileStorage storage = Logs.start(files, OPTIONS);
        storage.recover();
        storage.write(List.of(new Storage.Write(1, new HardState(1, null, 0), 1, List.of(Logs.entry(1, 1, 100)))));
        storage.write(List.of(new Storage.Write(2, new HardState(1, null, 0), 2,
            List.of(Logs.entry(2, 1, ENTRY_BYTES), Logs.entry(3, 1, ENTRY_BYTES), Logs.entry(4, 1, ENTRY_BYTES)))));
        SimulatedFiles disk = files.copy();     // all is acknowledged, and the process is killed

        int[] reads = new int[1];
        try (FileStorage again = FileStorage.open(spoilt(new SimulatedFileSystem(disk), spoiler, reads), 1, 5, OPTIONS)) {
            Storage.Recovered recovered = again.recover();
            assertTrue(reads[0] >= 2, "it is read twice");
            assertEquals(4, recovered.log().terms().lastIndex());
            assertEquals(List.of(), recovered.damaged());
            assertEquals(List.of(), recovered.log().tail().stream().filter(entry -> entry.index() > 1 && entry.size() < ENTRY_BYTES).toList());
            List<Entry> read = again.read(2, 4, 8 << 20);
            assertEquals(List.of(2L, 3L, 4L), read.stream().map(Entry::index).toList());
        }
        storage.close();
    }

    /** The second time that this place of a segment is read, it is spoilt. */
    private static FileSystem spoilt(FileSystem inner, Spoiler spoiler, int[] reads) {
        return (FileSystem) Proxy.newProxyInstance(SecondReadTest.class.getClassLoader(), new Class<?>[] {FileSystem.class},
            (proxy, method, arguments) -> {
                Object result = invoke(method, inner, arguments);
                boolean isSegment = method.getName().equals("openForLog") && ((String) arguments[0]).startsWith("log-");
                return isSegment ? spoilt((FileHandle) result, spoiler, reads) : result;
            });
    }

    private static FileHandle spoilt(FileHandle inner, Spoiler spoiler, int[] reads) {
        return (FileHandle) Proxy.newProxyInstance(SecondReadTest.class.getClassLoader(), new Class<?>[] {FileHandle.class},
            (proxy, method, arguments) -> {
                if (!method.getName().equals("read")) {
                    return invoke(method, inner, arguments);
                }
                ByteBuffer into = (ByteBuffer) arguments[0];
                long at = (Long) arguments[1];
                int from = into.position();
                int read = inner.read(into, at);
                boolean isThere = at <= SPOILT && SPOILT < at + read;
                return isThere && ++reads[0] == 2 ? spoiler.spoil(into, from, read, (int) (SPOILT - at)) : read;
            });
    }

    private static Object invoke(java.lang.reflect.Method method, Object target, Object[] arguments) throws Throwable {
        try {
            return method.invoke(target, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }
}
