package io.quorate.raft.core;

import static io.quorate.raft.core.Cluster.id;
import static io.quorate.raft.core.Cluster.members;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

/** What the rounds of a leader are worth when the membership changes under them. */
class RoundsTest {

    private final Quorum three = new Quorum(Membership.of(1, members(1, 2, 3)));
    private final Rounds rounds = new Rounds(three, id(2), 100);

    /** Replica 1 stood first, and echoed; in its place stands another that has not. */
    @Test
    void whoStaysHasEchoedWhatItHasEchoedAndWhoIsNewNothing() {
        rounds.begin(101);
        rounds.onEcho(0, 1, 50);
        rounds.onEcho(2, 1, 50);
        rounds.enter(new Quorum(Membership.of(2, members(2, 3, 4))));
        assertEquals(1, rounds.echoed(0));
        assertEquals(1, rounds.echoed(1));
        assertEquals(0, rounds.echoed(2));
    }

    @Test
    void theNextQuorumConfirmsTheNextRound() {
        rounds.begin(101);
        rounds.onEcho(0, 1, 50);
        assertEquals(1, rounds.confirmed());
        rounds.enter(new Quorum(new Membership(2, members(2, 4), members(1, 2, 3), List.of())));
        rounds.begin(102);
        rounds.onEcho(0, 2, 50);
        assertEquals(1, rounds.confirmed());
        assertEquals(101, rounds.confirmedNanos());
        rounds.onEcho(3, 2, 50);
        assertEquals(2, rounds.confirmed());
        assertEquals(102, rounds.confirmedNanos());
    }

    /** What was confirmed stays so, though those who have confirmed it may be gone. */
    @Test
    void aConfirmationIsNotTakenBack() {
        rounds.begin(101);
        rounds.onEcho(0, 1, 50);
        rounds.enter(new Quorum(Membership.of(2, members(2, 4, 5))));
        assertEquals(1, rounds.confirmed());
        rounds.begin(102);
        assertEquals(1, rounds.confirmed());
    }

    /** A lease that those have given who no longer decide is worth nothing: the next quorum may elect another at once. */
    @Test
    void theNextQuorumHoldsNothingBeforeItHasEchoedARound() {
        rounds.begin(101);
        rounds.onEcho(0, 1, 50);
        assertEquals(50, rounds.heldNanos());
        rounds.enter(new Quorum(Membership.of(2, members(2, 4, 5))));
        assertEquals(0, rounds.heldNanos());
        rounds.onEcho(1, 1, 40);
        assertEquals(40, rounds.heldNanos());
    }

    @Test
    void whoHasLeftConfirmsNothing() {
        rounds.begin(101);
        rounds.enter(new Quorum(Membership.of(2, members(2, 3))));
        rounds.onEcho(2, 1, 50);   // a place behind the members
        assertEquals(0, rounds.confirmed());
        assertEquals(0, rounds.echoed(2));
        rounds.onEcho(1, 1, 50);
        assertEquals(1, rounds.confirmed());
    }

    @Test
    void aLeaderThatHasLeftDoesNotConfirmItself() {
        rounds.enter(new Quorum(Membership.of(2, members(1))));
        rounds.begin(101);
        assertEquals(0, rounds.confirmed());
        rounds.onEcho(0, 1, 50);
        assertEquals(1, rounds.confirmed());
    }
}
