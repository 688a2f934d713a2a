package io.quorate.raft.core;

import static io.quorate.raft.core.Cluster.T;
import static io.quorate.raft.core.Cluster.id;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.core.NodeStatus.RoleName;
import io.quorate.raft.testing.RecordedEffects.Accepted;
import io.quorate.raft.testing.RecordedEffects.Done;
import io.quorate.raft.testing.RecordedEffects.Refuse;
import io.quorate.raft.testing.RecordedEffects.Unknown;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every phase of a transfer met by every fault: replica 1 hands over to replica 2 of three, and within two election timeouts somebody
 * accepts writes again; all that was asked meanwhile is answered, once.
 */
class TransferFaultsTest {

    private static final long STEP = T / 20;
    private static final long ELECTION_TIMEOUT = T + T / 5;   // the longest that is drawn here

    private enum Phase {
        /** The target lacks an entry. */
        CATCHING_UP,
        /** What tells it to campaign is on its way. */
        TOLD,
        /** It has raised its term; nobody else knows. */
        CAMPAIGNING,
        /** Its requests for votes are on their way. */
        ASKING,
        /** The other voter has voted for it. */
        VOTED,
        /** It leads; the old leader does not know. */
        ELECTED
    }

    private enum Mishap {
        NONE, TARGET_CRASHES, TARGET_IS_CUT_OFF, ALL_ON_ITS_WAY_IS_LOST, LEADER_CRASHES, LEADER_IS_PAUSED, LEADER_IS_DEPOSED, OTHER_CRASHES
    }

    private final List<Integer> up = new ArrayList<>(List.of(1, 2, 3));
    private Cluster c;

    static Stream<Arguments> all() {
        return Stream.of(Phase.values()).flatMap(phase -> Stream.of(Mishap.values()).map(mishap -> Arguments.of(phase, mishap)));
    }

    @ParameterizedTest
    @MethodSource("all")
    void withinTwoElectionTimeoutsWritesAreAcceptedAgain(Phase phase, Mishap mishap) {
        c = Cluster.of(3);
        for (int n = 1; n <= 3; n++) {
            c.draws(n, (n - 1) * T / 10);
        }
        c.elect(1, 2, 3);
        c.settle();
        c.heartbeat(1);
        long transfer = bring(phase);
        List<Long> held = List.of(c.propose(1), c.propose(1));
        long before = c.now();
        befall(mishap);
        boolean isAccepted = false;
        while (!isAccepted && c.now() - before <= 2 * ELECTION_TIMEOUT) {
            run(STEP);
            isAccepted = proposesAndCommits();
        }
        assertTrue(isAccepted, c::toString);

        up.clear();   // all is well again: what was asked is answered
        up.addAll(List.of(1, 2, 3));
        IntStream.rangeClosed(1, 3).filter(n -> !c.isUp(n)).forEach(n -> c.restart(n));
        run(4 * T);
        if (mishap != Mishap.LEADER_CRASHES) {
            long answers = c.takeEffects(1, Done.class).stream().filter(done -> done.requestId() == transfer).count()
                + c.takeEffects(1, Unknown.class).stream().filter(unknown -> unknown.requestId() == transfer).count() + refusals(transfer);
            assertEquals(1, answers, c::toString);
            // "Nothing happened" is for him who has told nobody.
            assertEquals(0, phase == Phase.CATCHING_UP ? 0 : refusals(transfer), c::toString);
        }
        for (long proposal : held) {
            if (mishap != Mishap.LEADER_CRASHES) {
                assertEquals(1, refusals(proposal) + acceptances(proposal), c::toString);
            }
        }
        assertEquals(1, IntStream.rangeClosed(1, 3).filter(n -> c.role(n) == RoleName.LEADER).count(), c::toString);
        assertEquals(c.log(1), c.log(2));
        assertEquals(c.log(1), c.log(3));
    }

    private final List<Refuse> refused = new ArrayList<>();
    private final List<Accepted> accepted = new ArrayList<>();

    private long refusals(long request) {
        refused.addAll(c.takeEffects(1, Refuse.class));
        return refused.stream().filter(refusal -> refusal.requestId() == request).count();
    }

    private long acceptances(long request) {
        accepted.addAll(c.takeEffects(1, Accepted.class));
        return accepted.stream().filter(acceptance -> acceptance.requestId() == request).count();
    }

    private long bring(Phase phase) {
        if (phase == Phase.CATCHING_UP) {
            c.propose(1);
            long transfer = c.transfer(1, 2);
            c.settle(1, 3);
            assertEquals(0, c.sent(Message.TimeoutNow.class, 1, 2).size());
            return transfer;
        }
        long transfer = c.transfer(1, 2);
        assertEquals(1, c.sent(Message.TimeoutNow.class, 1, 2).size());
        if (phase.ordinal() >= Phase.CAMPAIGNING.ordinal()) {
            c.deliver(Message.TimeoutNow.class, 1, 2);
        }
        if (phase.ordinal() >= Phase.ASKING.ordinal()) {
            c.writeAll(2);
        }
        if (phase.ordinal() >= Phase.VOTED.ordinal()) {
            c.deliver(Message.RequestVote.class, 2, 3);
            c.writeAll(3);
        }
        if (phase == Phase.ELECTED) {
            c.deliver(Message.Vote.class, 3, 2);
            assertEquals(RoleName.LEADER, c.role(2));
        }
        return transfer;
    }

    private void befall(Mishap mishap) {
        switch (mishap) {
            case NONE -> { }
            case TARGET_CRASHES -> {
                c.crash(2);
                up.remove(Integer.valueOf(2));
            }
            case TARGET_IS_CUT_OFF -> up.remove(Integer.valueOf(2));
            case ALL_ON_ITS_WAY_IS_LOST -> c.dropAll();
            case LEADER_CRASHES -> {
                c.crash(1);
                up.remove(Integer.valueOf(1));
            }
            case LEADER_IS_PAUSED -> up.remove(Integer.valueOf(1));
            case LEADER_IS_DEPOSED -> c.deliver(new Message.AppendRejected(id(3), id(1), 2, EntryId.ZERO, EntryId.ZERO, 0));
            case OTHER_CRASHES -> {
                c.crash(3);
                up.remove(Integer.valueOf(3));
            }
        }
    }

    private void run(long nanos) {
        for (long end = c.now() + nanos; c.now() < end; ) {
            c.pass(STEP);
            for (int n : up) {
                c.tick(n);
            }
            int[] among = up.stream().mapToInt(n -> n).toArray();
            c.settle(among);
        }
    }

    private boolean proposesAndCommits() {
        for (int n : List.copyOf(up)) {
            if (c.role(n) == RoleName.LEADER) {
                accepted.addAll(c.takeEffects(1, Accepted.class));
                long proposal = c.propose(n);
                List<Accepted> taken = c.takeEffects(n, Accepted.class).stream().filter(a -> a.requestId() == proposal).toList();
                c.settle(up.stream().mapToInt(i -> i).toArray());
                if (!taken.isEmpty() && c.commit(n) >= taken.get(0).at().index()) {
                    return true;
                }
            }
        }
        return false;
    }
}
