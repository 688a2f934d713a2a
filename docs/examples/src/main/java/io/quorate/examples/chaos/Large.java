package io.quorate.examples.chaos;

import io.quorate.examples.launcher.Directories;
import io.quorate.examples.launcher.LocalGroup;
import io.quorate.examples.launcher.ReplicaProgram;
import io.quorate.examples.ledger.FileLedger;
import io.quorate.raft.ServerStatus;
import io.quorate.raft.core.ReplicaId;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.SortedMap;
import java.util.concurrent.TimeUnit;

/**
 * A state that is several times as large as the memory of those who keep it. A blank replica gets it by snapshot while writes go on at a
 * steady rate; and a replica that is killed and started again is not given what its state has already.
 */
final class Large {

    /** How many replicas: each keeps the state, a snapshot of it and, while one is being made, another. */
    static final int NODES = 3;

    private static final int HEAP_MIB = 256;
    private static final List<String> OPTIONS = List.of("--segment-mib", "8", "--log-tail-mib", "8");
    private static final int FREE_FACTOR = 14;             // times the state, at most on disk at once
    private static final long LOAD = 300;                  // notes acknowledged before the next step
    private static final long SNAPSHOT_SECONDS_MAX = 600;
    private static final int LOOK_MILLIS = 200;
    private static final int BUFFER_BYTES = 1 << 20;

    private final Scene scene;
    private final Notes notes;
    private long memoryMib;

    private Large(Scene scene, Notes notes) {
        this.scene = scene;
        this.notes = notes;
    }

    /** The group that this needs. */
    static LocalGroup group(Path directory, Settings settings) {
        long free = directory.toFile().getUsableSpace() >> 20;
        if (free < (long) FREE_FACTOR * settings.mib()) {
            throw new IllegalStateException(directory + " has " + free + " MiB left, and " + FREE_FACTOR + " times " + settings.mib()
                + " may be needed; choose a smaller -Dchaos.mib, or another -Djava.io.tmpdir");
        }
        return LocalGroup.ofScratch(directory, NODES, OPTIONS, new ReplicaProgram(LedgerMain.class, HEAP_MIB));
    }

    static boolean run(Scene scene) throws ChaosException {
        try (Notes notes = new Notes(scene.client(), scene.settings().mib())) {
            return new Large(scene, notes).run();
        }
    }

    private boolean run() throws ChaosException {
        notes.fill(Scene.PATIENCE_MILLIS);
        scene.tell(scene.settings().mib() + " MiB of notes acknowledged; a steady load begins");
        notes.start();
        notes.awaitAcknowledged(notes.acknowledged() + LOAD, Scene.PATIENCE_MILLIS);
        LocalGroup.Leadership before = scene.group().awaitLeaderAfter(0, Scene.ELECTION);
        int node = before.nodeId() % NODES + 1;
        for (int other = 1; other <= NODES; other++) {
            if (other != node) {
                takeSnapshot(other);      // each, so that whoever leads has no log any more that could be sent instead
            }
        }
        long movedMillis = replace(node);
        SortedMap<String, Long> metrics = scene.operator().metrics(scene.group().address(node));
        long snapshotMib = metrics == null || metrics.get("snapshots_installed") == 0 ? 0 : metrics.get("snapshot_bytes") >> 20;
        scene.tell("node " + node + " was sent a snapshot of " + snapshotMib + " MiB, and votes after " + movedMillis
            + " ms; longest pause " + notes.longestPauseMillis() + " ms, longest write of a log to the disk, which all share, "
            + longestWriteMillis(node) + " ms");
        LocalGroup.Leadership after = scene.group().awaitLeaderAfter(0, Scene.ELECTION);
        long elections = after.term() - before.term();

        Restart restart = restart(node);
        notes.finish(Scene.PATIENCE_MILLIS);
        boolean isSame = areSame();
        int lost = 0;
        for (int each = 1; each <= NODES; each++) {
            lost = Math.max(lost, notes.missing(ledger(each)));
            look(each);
        }
        boolean isKept = lost == 0 && isSame && snapshotMib >= scene.settings().mib() && restart.passedOver > 0 && restart.replayed == 0;
        return scene.conclude(isKept, "scenario=large snapshot_mib=" + snapshotMib + " heap_mib=" + HEAP_MIB
            + " memory_max_mib=" + memoryMib + " moved_ms=" + movedMillis + " elections=" + elections
            + " acknowledged=" + notes.acknowledged() + " lost=" + lost + " identical=" + (isSame ? "yes" : "no")
            + " passed_over=" + restart.passedOver + " replayed=" + restart.replayed + " leaderless_max_ms=" + notes.longestPauseMillis());
    }

    private void takeSnapshot(int node) throws ChaosException {
        long wanted = (long) scene.settings().mib() << 20;
        long begun = System.nanoTime();
        scene.operator().askForSnapshot(scene.group().address(node));
        while (true) {
            SortedMap<String, Long> metrics = scene.operator().metrics(scene.group().address(node));
            if (metrics != null && metrics.get("snapshot_bytes") >= wanted) {
                break;
            }
            requireBefore(begun, "node " + node + " has not taken a snapshot; it counts " + metrics);
        }
        scene.tell("node " + node + " has taken a snapshot in " + millisSince(begun) + " ms; longest pause "
            + notes.longestPauseMillis() + " ms");
    }

    /** How long it took from the blank start until the newcomer votes and has applied what the leader had when it was looked at. */
    private long replace(int node) throws ChaosException {
        ReplicaId lost = scene.operator().voter(node);
        scene.tell("kill node " + node + ", delete its disk, and let a blank one in for " + lost);
        look(node);
        scene.kill(node);
        Directories.deleteQuietly(scene.group().dataOf(node));
        Directories.deleteQuietly(LedgerMain.directory(scene.group().dataOf(node)));
        long begun = System.nanoTime();
        scene.group().launch(node);
        scene.operator().replace(node, lost);
        awaitCaughtUp(node, begun);
        return millisSince(begun);
    }

    /**
     * What a replica did that was started again with its ledger.
     *
     * @param passedOver how many entries of its log it did not apply, because the ledger had them
     * @param replayed   how many it did
     */
    private record Restart(long passedOver, long replayed) { }

    private Restart restart(int node) throws ChaosException {
        notes.awaitAcknowledged(notes.acknowledged() + LOAD, Scene.PATIENCE_MILLIS);
        String address = scene.group().address(node);
        FileLedger.Status had = ledgerStatus(node);
        look(node);
        scene.kill(node);
        notes.awaitAcknowledged(notes.acknowledged() + LOAD, Scene.PATIENCE_MILLIS);
        long begun = System.nanoTime();
        scene.group().start(node);
        awaitCaughtUp(node, begun);
        FileLedger.Status has = ledgerStatus(node);
        ServerStatus status = scene.operator().status(address);
        ServerStatus.Disk disk = status == null ? null : status.disk();
        long snapshotIndex = disk == null ? Long.MAX_VALUE : disk.snapshotIndex();
        scene.tell("node " + node + ", killed with a ledger up to " + had.appliedIndex() + " and started again, opened it up to "
            + has.openedIndex() + ", was given commands from " + has.lowestIndex() + " on, and restored " + has.restored()
            + " snapshots; its log stands on a snapshot up to " + snapshotIndex);
        if (has.openedIndex() < had.appliedIndex()) {
            throw new ChaosException("the ledger of node " + node + " has lost commands when the process was killed");
        }
        long replayed = Math.max(0, has.openedIndex() - has.lowestIndex() + 1);
        return new Restart(Math.max(0, has.openedIndex() - snapshotIndex) - replayed, replayed);
    }

    private void awaitCaughtUp(int node, long begun) throws ChaosException {
        int leader = scene.group().awaitLeaderAfter(0, Scene.ELECTION).nodeId();
        long target = scene.operator().appliedIndex(scene.group().address(leader));
        while (target < 0 || scene.operator().appliedIndex(scene.group().address(node)) < target) {
            requireBefore(begun, "node " + node + " has not applied " + target);
        }
    }

    /** Whether all have the same ledger, byte for byte. Nothing is being written any more. */
    private boolean areSame() throws ChaosException {
        int leader = scene.group().awaitLeaderAfter(0, Scene.ELECTION).nodeId();
        FileLedger.Status wanted = ledgerStatus(leader);
        String checksum = checksum(ledger(leader));
        scene.tell("node " + leader + " leads, with a ledger of " + wanted.bytes() + " bytes up to " + wanted.appliedIndex() + ": "
            + checksum);
        boolean isSame = true;
        for (int node = 1; node <= NODES; node++) {
            long begun = System.nanoTime();
            while (ledgerStatus(node).appliedIndex() != wanted.appliedIndex()) {
                requireBefore(begun, "node " + node + " has not applied " + wanted.appliedIndex());
            }
            String its = checksum(ledger(node));
            scene.tell("node " + node + " has a ledger of " + ledgerStatus(node).bytes() + " bytes: " + its);
            isSame &= its.equals(checksum);
        }
        return isSame;
    }

    /** Of those who were there all the time. */
    private long longestWriteMillis(int newcomer) {
        long nanos = 0;
        for (int node = 1; node <= NODES; node++) {
            SortedMap<String, Long> metrics = node == newcomer ? null : scene.operator().metrics(scene.group().address(node));
            nanos = Math.max(nanos, metrics == null ? 0 : metrics.get("disk_write_max_nanos"));
        }
        return nanos / 1_000_000;
    }

    private Path ledger(int node) {
        return FileLedger.file(LedgerMain.directory(scene.group().dataOf(node)));
    }

    private FileLedger.Status ledgerStatus(int node) throws ChaosException {
        return FileLedger.Status.decode(scene.askLocally(scene.group().address(node), FileLedger.statusQuery()));
    }

    private static String checksum(Path file) throws ChaosException {
        try (InputStream in = Files.newInputStream(file)) {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            byte[] buffer = new byte[BUFFER_BYTES];
            for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                digest.update(buffer, 0, read);
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (IOException | NoSuchAlgorithmException e) {
            throw new ChaosException("cannot read " + file + ": " + e);
        }
    }

    /** Remembers the most memory that a process ever had, which nobody can tell any more when it has ended. */
    private void look(int node) throws ChaosException {
        memoryMib = Math.max(memoryMib, Memory.highestMib(scene.group().process(node).pid()));
    }

    private static long millisSince(long nanos) {
        return (System.nanoTime() - nanos) / 1_000_000;
    }

    private static void requireBefore(long begunNanos, String otherwise) throws ChaosException {
        if (System.nanoTime() - begunNanos > TimeUnit.SECONDS.toNanos(SNAPSHOT_SECONDS_MAX)) {
            throw new ChaosException(otherwise + " after " + SNAPSHOT_SECONDS_MAX + " s");
        }
        try {
            TimeUnit.MILLISECONDS.sleep(LOOK_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ChaosException("interrupted");
        }
    }
}
