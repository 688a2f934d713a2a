package io.quorate.raft.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.ReplicaId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class EndpointsTest {

    private static final long MILLI = 1_000_000;

    private final Endpoints endpoints = new Endpoints(List.of("a", "b", "c"), bound -> 0);
    private long now = 5_000 * MILLI;
    private int turn;
    private @Nullable String probe;

    @Test
    void theGivenOnesAreAskedInTurn() {
        assertEquals(List.of("b", "c", "a", "b"), List.of(next(null), next(null), next(null), next(null)));
    }

    @Test
    void whoDoesNotAnswerIsPassedOver() {
        fail("c");
        assertEquals(List.of("b", "a", "b", "a"), List.of(next(null), next(null), next(null), next(null)));
    }

    @Test
    void whoIsDueIsAskedBesidesByWhatNobodyWaitsFor() {
        fail("c");
        assertEquals("b", next(null));
        assertNull(probe);
        now += 25 * MILLI;
        assertEquals("a", next(null));
        assertEquals("c", probe);
        assertEquals("b", next(null));      // while it is being asked
        assertNull(probe);
        endpoints.onAnswer("c", now);
        assertEquals("c", next(null));
    }

    @Test
    void whenAllAreLeftAloneTheOneThatIsDueFirstIsAskedEarlyAndNoOther() {
        failOften("a", 6);
        failOften("b", 5);
        failOften("c", 6);
        assertNull(choose(null));
        assertEquals(now + Breaker.NEED_NANOS, endpoints.dueNanos(now));
        now += Breaker.NEED_NANOS;
        assertEquals("b", next(null));
        assertEquals("a", next(null));      // so that no single one of them stands for all
        assertEquals("c", next(null));
        assertNull(choose(null));
    }

    @Test
    void theLastOneThatIsLeftIsNeverLeftAloneForLong() {
        Endpoints lonely = new Endpoints(List.of("a"), bound -> bound - 1);
        for (int i = 0; i < 30; i++) {
            assertNotNull(lonely.choose(null, 0, i, now), "after " + i);
            lonely.onFailure("a", now, now, "refused");
            assertNull(lonely.choose(null, 0, i, now));
            assertTrue(lonely.dueNanos(now) - now <= Breaker.NEED_NANOS);
            now = lonely.dueNanos(now);
        }
    }

    @Test
    void aHintIsFollowedAsSoonAsThatHasAnySense() {
        failOften("b", 9);
        assertEquals("c", choose("b", 1));
        now += Breaker.NEED_NANOS;
        assertEquals("b", choose("b", 0));
        assertEquals("c", choose("b", 1));        // one is enough
    }

    @Test
    void hintsAreLearnedAndCountWhenNoneOfTheGivenIsOfUse() {
        endpoints.learn("d");
        endpoints.learn("b");
        assertEquals(List.of("a", "b", "c", "d"), endpoints.all());
        assertEquals("d", choose("d", 0));
        assertEquals(List.of("b", "c", "a", "d", "b"), List.of(next(null), next(null), next(null), next(null), next(null)));
        turn = 0;
        List.of("a", "b", "c").forEach(this::fail);
        assertEquals("d", next(null));
    }

    @Test
    void whatIsLearnedIsAskedInTurnToo() {
        endpoints.learn(membership(1, "d", "e", "f"), 0);
        List.of("a", "b", "c").forEach(this::fail);
        assertEquals(List.of("e", "f", "d", "e"), List.of(next(null), next(null), next(null), next(null)));
    }

    @Test
    void membersReplaceWhatWasLearnedButNotWhatWasGiven() {
        endpoints.learn("old");
        fail("old");
        assertEquals(Map.of("old", "refused"), endpoints.reasons());
        endpoints.learn(membership(7, "b", "d", "", "e"), 0);
        assertEquals(List.of("a", "b", "c", "d", "e"), endpoints.all());
        assertEquals(Map.of(), endpoints.reasons());
        endpoints.learn(membership(6, "f"), 0);
        endpoints.learn(membership(7, "f"), 0);
        assertEquals(List.of("a", "b", "c", "d", "e"), endpoints.all());
        endpoints.learn(membership(8, "e", "f"), 0);
        assertEquals(List.of("a", "b", "c", "e", "f"), endpoints.all());
    }

    @Test
    void theMembersOfALaterEpochAreNewer() {
        endpoints.learn(membership(7, "d"), 1);
        endpoints.learn(membership(2, "e"), 2);
        assertEquals(List.of("a", "b", "c", "e"), endpoints.all());
        endpoints.learn(membership(9, "d"), 1);
        assertEquals(List.of("a", "b", "c", "e"), endpoints.all());
    }

    @Test
    void whatIsLearnedHasABound() {
        for (int i = 0; i < 3 * Endpoints.LEARNED_MAX; i++) {
            endpoints.learn("hint" + i);
        }
        assertEquals(3 + Endpoints.LEARNED_MAX, endpoints.all().size());
        assertEquals("hint" + (3 * Endpoints.LEARNED_MAX - 1), endpoints.all().get(2 + Endpoints.LEARNED_MAX));
        String[] many = new String[3 * Endpoints.LEARNED_MAX];
        for (int i = 0; i < many.length; i++) {
            many[i] = "member" + i;
        }
        endpoints.learn(membership(1, many), 0);
        assertEquals(3 + Endpoints.LEARNED_MAX, endpoints.all().size());
    }

    @Test
    void whatIsSaidOfOthersChangesNothing() {
        endpoints.onAnswer("x", now);
        endpoints.onFailure("x", now, now, "refused");
        endpoints.onNothing("x", now);
        assertEquals("[a, b, c], left alone: {}", endpoints.toString());
    }

    private static Membership membership(long version, String... addresses) {
        List<Member> members = new ArrayList<>();
        for (String address : addresses) {
            members.add(new Member(new ReplicaId(members.size() + 1, 1), address));
        }
        return Membership.of(version, members);
    }

    private void fail(String address) {
        endpoints.onFailure(address, now, now, "refused");
    }

    private void failOften(String address, int times) {
        for (int i = 0; i < times; i++) {
            fail(address);
        }
    }

    private @Nullable String choose(@Nullable String hint) {
        return choose(hint, turn);
    }

    private @Nullable String choose(@Nullable String hint, int at) {
        Endpoints.Choice choice = endpoints.choose(hint, 1, at, now);
        return choice == null ? null : choice.address();
    }

    private String next(@Nullable String hint) {
        Endpoints.Choice choice = endpoints.choose(hint, 1, turn, now);
        assertNotNull(choice);
        turn = choice.nextTurn();
        probe = choice.probe();
        return choice.address();
    }
}
