package io.quorate.examples.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.examples.Poll;
import io.quorate.examples.launcher.Directories;
import io.quorate.examples.launcher.LocalGroup;
import io.quorate.raft.NotLeaderException;
import io.quorate.raft.OutcomeUnknownException;
import io.quorate.raft.ServerStatus;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What {@code kill -9} does to a group of three processes. */
@Timeout(120)
final class KilledReplicasTest {

    private static final Duration SHORT = Duration.ofSeconds(2);

    @TempDir
    private Path directory;

    private ThreeProcesses start() {
        return new ThreeProcesses(LocalGroup.of(directory, 3, ThreeProcesses.OPTIONS));
    }

    @Test
    void killingAnyOneAtAnyTimeLosesNothingAndServiceGoesOn() throws DemoException {
        try (ThreeProcesses three = start()) {
            three.awaitMore(100);
            for (int round = 0; round < 4; round++) {
                three.awaitMore(ThreadLocalRandom.current().nextInt(1, 400));
                int victim = round == 0 ? three.leader().nodeId() : ThreeProcesses.anyNode();
                three.group.kill(victim);
                three.awaitMore(200);
                three.group.start(victim);
            }
            three.assertNothingLost(ThreeProcesses.all());
        }
    }

    @Test
    void withTwoKilledWritesStopWithAClearErrorAndGoOnByThemselves() throws DemoException {
        try (ThreeProcesses three = start()) {
            three.awaitMore(200);
            int leader = three.leader().nodeId();
            int other = leader % 3 + 1;
            three.group.kill(leader);
            three.group.kill(other);
            Throwable failure = three.putWithin(SHORT);
            assertTrue(failure instanceof NotLeaderException, ThreeProcesses.told(failure));
            assertTrue(failure.getMessage().startsWith("Nothing happened: no leader answered within 2000 ms"), failure.getMessage());
            assertTrue(failure.getMessage().contains(three.group.address(other)), failure.getMessage());
            three.group.start(leader);
            three.awaitMore(200);
            three.group.start(other);
            three.assertNothingLost(ThreeProcesses.all());
        }
    }

    @Test
    void aLeaderThatIsLeftAloneAcknowledgesNothingMore() throws DemoException {
        try (ThreeProcesses three = start()) {
            three.awaitMore(200);
            int leader = three.leader().nodeId();
            three.group.kill(leader % 3 + 1);
            three.group.kill((leader + 1) % 3 + 1);
            Throwable failure = three.putWithin(SHORT);
            assertTrue(failure instanceof NotLeaderException || failure instanceof OutcomeUnknownException, ThreeProcesses.told(failure));
            int acknowledged = three.acknowledged();
            three.group.kill(leader);
            assertEquals(acknowledged, three.acknowledged());
            three.group.startAll();
            three.awaitMore(200);
            three.assertNothingLost(ThreeProcesses.all());
        }
    }

    @Test
    void killingAllThreeLosesNothing() throws DemoException {
        try (ThreeProcesses three = start()) {
            three.awaitMore(500);
            for (int node : ThreeProcesses.all()) {
                three.group.kill(node);
            }
            three.group.startAll();
            three.awaitMore(1);
            three.assertNothingLost(ThreeProcesses.all());
        }
    }

    @Test
    void aReplicaWhoseDirectoryWasWipedStaysBlankAndDoesNotVoteWhateverElseIsDown() throws DemoException {
        try (ThreeProcesses three = start()) {
            three.awaitMore(200);
            int wiped = three.follower();
            int other = 6 - wiped - three.leader().nodeId();
            int third = three.leader().nodeId();
            three.group.kill(wiped);
            Directories.deleteQuietly(three.group.dataOf(wiped));
            three.awaitMore(50);
            three.group.kill(other);
            three.group.start(wiped);
            // The leader and the blank one are two of three, and no majority.
            String problem = Poll.untilContains("blank directory, but the group", () -> {
                ServerStatus status = three.status(wiped);
                return status == null ? null : status.problem();
            });
            assertTrue(problem.contains("was founded without it"), problem);
            Throwable failure = three.putWithin(SHORT);
            assertTrue(failure instanceof NotLeaderException || failure instanceof OutcomeUnknownException, ThreeProcesses.told(failure));
            // A restart makes the third ask for votes too.
            three.group.kill(third);
            three.group.start(third);
            failure = three.putWithin(SHORT);
            assertTrue(failure instanceof NotLeaderException, ThreeProcesses.told(failure));
            ServerStatus blank = Poll.until("the blank one's status", () -> three.status(wiped));
            assertEquals(ServerStatus.State.BLANK, blank.state());
            assertEquals(0, blank.term());
            assertEquals(0, blank.lastIndex());
            Poll.untilContains("blank directory, but the group", () -> three.group.process(wiped).log());

            three.group.start(other);
            three.awaitMore(50);
            three.assertNothingLost(other, third);
        }
    }
}
