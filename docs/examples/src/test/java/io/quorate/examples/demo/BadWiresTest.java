package io.quorate.examples.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.examples.launcher.Forwarder;
import io.quorate.examples.launcher.LocalGroup;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Three processes that reach each other only over wires that are damaged, stalled, slowed and cut. */
@Timeout(120)
final class BadWiresTest {

    private static final Pattern DAMAGED = Pattern.compile(".* closed for damaged frames (\\d+),.*");

    @TempDir
    private Path directory;

    private final List<Forwarder> forwarders = List.of(new Forwarder(), new Forwarder(), new Forwarder());

    private ThreeProcesses start() {
        return new ThreeProcesses(LocalGroup.behind(forwarders, directory, ThreeProcesses.OPTIONS));
    }

    @AfterEach
    void closeForwarders() {
        forwarders.forEach(Forwarder::close);
    }

    private Forwarder wireOf(int nodeId) {
        return forwarders.get(nodeId - 1);
    }

    @Test
    void aDamagedByteCostsTheConnectionAndIsCountedAndNeverReachesTheState() throws Exception {
        int damages = 5;
        try (ThreeProcesses three = start()) {
            three.awaitMore(100);
            int follower = three.follower();
            for (int i = 0; i < damages; i++) {
                wireOf(follower).damage(Forwarder.Direction.TO_TARGET).get(30, TimeUnit.SECONDS);
                three.awaitMore(100);
            }
            three.assertNothingLost(ThreeProcesses.all());
            assertEquals(0, three.group.stop(follower));
            List<String> lines = three.group.process(follower).lines();
            Matcher counted = DAMAGED.matcher(lines.get(lines.size() - 1));
            assertTrue(counted.matches(), lines.toString());
            // A byte of a length makes two frames one, so that later damage may fall into the same wait for the rest.
            int count = Integer.parseInt(counted.group(1));
            assertTrue(count >= 1 && count <= damages, lines.toString());
        }
    }

    @Test
    void aStalledPeerSlowsNobodyElse() throws DemoException {
        try (ThreeProcesses three = start()) {
            three.awaitMore(500);
            LocalGroup.Leadership before = three.leader();
            long free = nanosOf(three, 2000);
            int stalled = three.follower();
            wireOf(stalled).stall(Forwarder.Direction.TO_TARGET);
            long hindered = nanosOf(three, 4000) / 2;
            assertTrue(hindered < 3 * free + Duration.ofSeconds(2).toNanos(),
                "2000 writes took " + Duration.ofNanos(free) + " before and " + Duration.ofNanos(hindered) + " beside a stalled peer");
            assertEquals(before, three.leader(), "the one that hears nothing must not disturb the others");
            forwarders.forEach(Forwarder::restore);
            three.awaitMore(100);
            three.assertNothingLost(ThreeProcesses.all());
        }
    }

    @Test
    void aSlowPeerSlowsNobodyElseAndCatchesUp() throws DemoException {
        try (ThreeProcesses three = start()) {
            three.awaitMore(500);
            long free = nanosOf(three, 2000);
            wireOf(three.follower()).slow(Forwarder.Direction.TO_TARGET, 20_000);
            long hindered = nanosOf(three, 2000);
            assertTrue(hindered < 3 * free + Duration.ofSeconds(2).toNanos(),
                "2000 writes took " + Duration.ofNanos(free) + " before and " + Duration.ofNanos(hindered) + " beside a slow peer");
            forwarders.forEach(Forwarder::restore);
            three.assertNothingLost(ThreeProcesses.all());
        }
    }

    @Test
    void aFollowerThatIsCutOffDisturbsNobodyAndComesBack() throws DemoException {
        try (ThreeProcesses three = start()) {
            three.awaitMore(200);
            LocalGroup.Leadership before = three.leader();
            int follower = three.follower();
            wireOf(follower).cut();
            three.awaitMore(1000);
            wireOf(follower).restore();
            three.awaitMore(200);
            three.assertNothingLost(ThreeProcesses.all());
            assertEquals(before, three.leader(), "a follower that heard nothing for a while must not depose the leader");
        }
    }

    private static long nanosOf(ThreeProcesses three, int writes) throws DemoException {
        long begin = System.nanoTime();
        three.awaitMore(writes);
        return System.nanoTime() - begin;
    }
}
