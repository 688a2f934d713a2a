package io.quorate.raft.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.OutcomeUnknownException;
import io.quorate.raft.RaftException;
import io.quorate.raft.Sessions;
import io.quorate.raft.client.SessionGroup.Fate;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

/** Whatever becomes of the proposals of a session, each command ends, and as it says. */
class SessionPropertyTest {

    @Property(tries = 200)
    void whatIsDoneHappenedOnceWhatIsRefusedNeverAndWhatIsUnknownAtMostOnce(@ForAll long seed) {
        Random random = new Random(seed);
        SessionGroup group = new SessionGroup(new Sessions.Options(Duration.ofHours(1), 2000, 100_000));
        group.tripNanos = () -> Duration.ofMillis(random.nextInt(4) == 0 ? 1 + random.nextInt(8000) : 1).toNanos();
        Session session = group.open(Duration.ofSeconds(20));
        int trouble = 1 + random.nextInt(10);
        List<CompletableFuture<byte[]>> all = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            for (int proposals = random.nextInt(3); proposals > 0; proposals--) {
                Fate[] fates = Fate.values();
                group.fates.add(random.nextInt(10) < trouble ? fates[random.nextInt(fates.length)] : Fate.DONE);
            }
            all.add(session.propose(ByteBuffer.allocate(8).putLong(i).array(), Duration.ofMillis(1 + random.nextInt(6000))));
            group.pass(Duration.ofMillis(random.nextInt(3) == 0 ? random.nextInt(2000) : random.nextInt(3)));
            if (random.nextInt(100) == 0) {
                group.pause(Duration.ofSeconds(random.nextInt(40)));
            }
            if (random.nextInt(200) == 0) {
                session.close();
            }
        }
        group.pass(Duration.ofSeconds(60));
        for (int i = 0; i < all.size(); i++) {
            assertTrue(all.get(i).isDone(), "still open");
            int times = group.sessions.machine().of(i);
            if (!all.get(i).isCompletedExceptionally()) {
                assertEquals(-i, ByteBuffer.wrap(all.get(i).join()).getLong());
                assertEquals(1, times, "done");
                continue;
            }
            Throwable failure = assertThrows(CompletionException.class, all.get(i)::join).getCause();
            assertTrue(failure instanceof RaftException, failure::toString);
            assertTrue(times <= (failure instanceof OutcomeUnknownException ? 1 : 0), times + " times in spite of " + failure);
        }
    }

    @Property(tries = 200)
    void whatIsAcknowledgedIsSettledUpToTheFirstThatIsNot(@ForAll long seed) {
        Random random = new Random(seed);
        SessionWindow window = new SessionWindow();
        TreeSet<Long> open = new TreeSet<>();
        long last = 0;
        for (int step = 0; step < 100; step++) {
            if (open.isEmpty() || random.nextBoolean()) {
                last++;
                assertEquals(last, window.next());
                open.add(last);
            } else {
                Long[] each = open.toArray(Long[]::new);
                long settled = each[random.nextInt(each.length)];
                open.remove(settled);
                window.settle(settled);
                assertThrows(IllegalStateException.class, () -> window.settle(settled));
            }
            assertEquals(open.isEmpty() ? last : open.first() - 1, window.acknowledged());
        }
        long beyond = last + 1;
        assertThrows(IllegalStateException.class, () -> window.settle(beyond));
    }
}
