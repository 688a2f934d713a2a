package io.quorate.raft.runtime;

import io.quorate.raft.SnapshotInfo;

/** Takes what came of a wish for a snapshot, once, on one of the server's threads. Does not throw. */
public interface SnapshotCompletion {

    /** It is durable, and covers at least what was applied when it was wished for. */
    void done(SnapshotInfo snapshot);

    /** There is none; all is as it was. */
    void failed(Throwable why);
}
