package io.quorate.raft.netty;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

/** That nothing fails which nobody would hear of, and that nothing of it stays. */
class RehearsalTest {

    @Test
    void itGoesThroughToItsEndAndLeavesNoThread() throws InterruptedException {
        Rehearsal.rehearse();
        List<Thread> left = Thread.getAllStackTraces().keySet().stream().filter(thread -> thread.getName().startsWith(Rehearsal.NAME))
            .toList();
        for (Thread thread : left) {
            thread.join(10_000);
        }
        assertTrue(left.stream().noneMatch(Thread::isAlive), () -> left + " are left");
    }

    @Test
    void nettyDoesNotStartTheFlightRecorderUnlessItIsAskedTo() {
        NettyTransport.builder().build().close();
        assertEquals("false", System.getProperty("io.netty.jfr.enabled"));
    }
}
