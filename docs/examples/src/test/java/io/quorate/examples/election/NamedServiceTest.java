package io.quorate.examples.election;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.quorate.examples.election.NamedService.Membership;
import io.quorate.examples.election.NamedService.Role;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What becomes of a candidate whose callback throws, and of the candidates' threads. */
@Timeout(120)
final class NamedServiceTest {

    private static final Duration TTL = Duration.ofSeconds(2);
    private static final Duration FOR_EVER = Duration.ofHours(1);
    private static final Duration SOON = Duration.ofMillis(10);
    private static final long JOIN_MILLIS = 30_000;

    private final Talk talk = new Talk(new PrintStream(OutputStream.nullOutputStream()));
    private final Set<Thread> threads = ConcurrentHashMap.newKeySet();      // which have called a candidate

    /** Says what it is told, "later" once it has thrown, and throws so many times at this role. */
    private NamedService.Candidate candidate(String name, Role role, int times) {
        AtomicInteger left = new AtomicInteger(times);
        return membership -> {
            threads.add(Thread.currentThread());
            String when = left.get() < times ? " later: " : ": ";
            boolean isUnable = membership.role() == role && left.getAndDecrement() > 0;
            talk.say(name + when + text(membership) + (isUnable ? ", and throws" : ""));
            if (isUnable) {
                throw new IOException("not now");
            }
        };
    }

    private static String text(Membership membership) {
        return membership.role() + (membership.role() == Role.FOLLOWER ? " of " + membership.endpoint() : "");
    }

    private void await(int after, String line) {
        talk.await(after, line, line::equals);
    }

    private void assertThreadsEnd() throws InterruptedException {
        for (Thread thread : threads) {
            thread.join(JOIN_MILLIS);
            assertFalse(thread.isAlive(), thread::getName);
        }
    }

    @Test
    void aFollowerThatThrowsLeavesTheLineAndIsNoMember() throws Exception {
        try (SmallGroup group = new SmallGroup(); SmallGroup.Line line = group.new Line()) {
            NamedService first = new NamedService("billing", line.client(), TTL);
            try (NamedService second = new NamedService("billing", line.client(), TTL, FOR_EVER);
                 NamedService third = new NamedService("billing", line.client(), TTL)) {
                first.join("a", candidate("a", Role.LEADER, 0));
                await(0, "a: LEADER");
                second.join("b", candidate("b", Role.FOLLOWER, 1));
                await(0, "b: FOLLOWER of a, and throws");
                await(0, "b later: NOT_A_MEMBER");
                third.join("c", candidate("c", Role.LEADER, 0));
                await(0, "c: FOLLOWER of a");
                int before = talk.size();
                first.close();
                String next = talk.await(before, "somebody leads", said -> said.endsWith(": LEADER"));
                assertEquals("c: LEADER", next, "b stood before c, and stands no more");
            }
            assertThrows(IllegalStateException.class, () -> first.join("d", candidate("d", Role.LEADER, 0)));
            assertThreadsEnd();
        }
    }

    @Test
    void whoThrewAtWhicheverRoleStandsAgainLater() throws Exception {
        try (SmallGroup group = new SmallGroup(); SmallGroup.Line line = group.new Line()) {
            try (NamedService first = new NamedService("billing", line.client(), TTL);
                 NamedService second = new NamedService("billing", line.client(), TTL, SOON);
                 NamedService third = new NamedService("billing", line.client(), TTL, SOON)) {
                first.join("a", candidate("a", Role.LEADER, 0));
                await(0, "a: LEADER");
                second.join("b", candidate("b", Role.FOLLOWER, 2));
                third.join("c", candidate("c", Role.NOT_A_MEMBER, 2));
                await(0, "b later: FOLLOWER of a");
                await(0, "c later: FOLLOWER of a");
            }
            assertThreadsEnd();
        }
    }
}
