package io.quorate.raft.storage;

import io.quorate.raft.Storage.Scrubbed;
import io.quorate.raft.core.EntryId;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Goes round everything that was written long ago, piece by piece, so that damage is found while other replicas still have what was lost.
 *
 * <p>A round is the sealed segments, oldest first, and then the newest snapshot. What is found is marked, told or written again, and the
 * round goes on behind it. Between two pieces no file is open: what is deleted meanwhile is passed over. On the thread that writes.
 */
final class Scrubber {

    private static final Logger LOG = LoggerFactory.getLogger(Scrubber.class);

    private final FileSystem files;
    private final long incarnation;
    private final LogState state;
    private final Snapshots snapshots;
    private @Nullable SegmentScrub segment;
    private @Nullable SnapshotScrub snapshot;
    private long lastSegment;      // that was looked at in this round

    Scrubber(FileSystem files, long incarnation, LogState state, Snapshots snapshots) {
        this.files = files;
        this.incarnation = incarnation;
        this.state = state;
        this.snapshots = snapshots;
    }

    /**
     * Reads the next piece.
     *
     * @param openSegment the last one, which is not sealed
     */
    Scrubbed next(int bytesMax, long openSegment) throws IOException {
        state.cover(snapshots.newestIndex());
        List<EntryId> damaged = new ArrayList<>();
        String problem = null;
        long bytes = 0;
        while (snapshot == null && bytes < bytesMax) {
            SegmentScrub at = segment;
            if (at == null || at.id() < state.index().firstSegment()) {
                long id = Math.max(lastSegment + 1, state.index().firstSegment());
                if (id >= openSegment) {
                    snapshot = new SnapshotScrub(files, incarnation, snapshots);
                    break;
                }
                at = new SegmentScrub(files, incarnation, state, id);
                segment = at;
            }
            bytes += at.next((int) (bytesMax - bytes), damaged);
            if (at.isDone()) {
                lastSegment = at.id();
                segment = null;
                problem = at.problem();
                state.damage().setBroken(at.id(), problem != null);
                if (problem != null) {
                    LOG.error("{}", problem);
                    break;      // one at a time
                }
            }
        }
        boolean isSnapshotDamaged = false;
        SnapshotScrub last = snapshot;
        if (last != null && bytes < bytesMax) {
            bytes += last.next((int) (bytesMax - bytes));
            isSnapshotDamaged = last.isDamaged();
            if (last.isDone()) {
                snapshot = null;
                lastSegment = 0;
                return new Scrubbed(bytes, behindSnapshot(damaged), isSnapshotDamaged, true, problem);
            }
        }
        return new Scrubbed(bytes, behindSnapshot(damaged), isSnapshotDamaged, false, problem);
    }

    private List<EntryId> behindSnapshot(List<EntryId> damaged) {
        long covered = snapshots.newestIndex();
        state.cover(covered);
        return damaged.stream().filter(id -> id.index() > covered).sorted((a, b) -> Long.compare(a.index(), b.index())).toList();
    }
}
