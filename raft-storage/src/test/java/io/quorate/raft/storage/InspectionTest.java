package io.quorate.raft.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.Storage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.MembershipCodec;
import io.quorate.raft.storage.testing.SimulatedFiles;
import io.quorate.raft.storage.testing.SimulatedFiles.Operation;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Looking at a directory beside its server. */
class InspectionTest {

    private interface Looking {
        void look(FileSystem files) throws IOException;
    }

    /** Looks once for each read that this takes: before that one, the server fills several segments, and lets go of as many. */
    private static int lookWhileTheLogGoesOn(Looking looking) throws IOException {
        int at = 1;
        AtomicInteger reads = new AtomicInteger();
        do {
            SimulatedFiles files = new SimulatedFiles();
            FileStorage storage = Logs.start(files, Logs.TINY.withLogTailBytes(0));
            storage.recover();
            for (int i = 0; i < 8; i++) {
                storage.write(List.of(Logs.append(1 + i, 1 + 3L * i, 3 + 3L * i, 2, 50)));
            }
            storage.write(List.of(new Storage.Write(9, new HardState(2, null, 0), 25, List.of(Entry.of(25, 2, Entry.Kind.MEMBERSHIP, 0,
                MembershipCodec.encode(Membership.of(2, List.of(new Member(Logs.OTHER, "x:2")))))))));
            reads.set(0);
            int when = at;
            files.before(operation -> {
                if (operation == Operation.READ && reads.incrementAndGet() == when) {
                    goOn(storage);
                }
            });
            looking.look(new SimulatedFileSystem(files));
            storage.close();
            at++;
        } while (reads.get() >= at - 1);
        return at;
    }

    private static void goOn(FileStorage storage) {
        try {
            for (int i = 9; i < 20; i++) {
                storage.write(List.of(Logs.append(1 + i, 3L * i - 1, 3L * i + 1, 2, 50)));
            }
            Snapshot.take(storage, Snapshot.at(50, 2), new byte[100]);
            Snapshot.compact(storage, Long.MAX_VALUE);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void whatIsWrittenAndDeletedWhileItIsReadIsNotTakenForDamage() throws IOException {
        int looks = lookWhileTheLogGoesOn(files -> {
            Inspection seen = Inspection.of(files);
            assertNull(seen.damage());
            assertTrue(List.of(new EntryId(2, 25), new EntryId(2, 58)).contains(seen.last()), () -> "it ends with " + seen.last());
        });
        assertTrue(looks > 10, "only " + looks);
    }

    @Test
    void norWhenAllChecksumsAreRead() throws IOException {
        int looks = lookWhileTheLogGoesOn(files -> assertEquals(List.of(), ChecksumWalk.of(files).wrong()));
        assertTrue(looks > 20, "only " + looks);
    }
}
