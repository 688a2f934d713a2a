package io.quorate.raft;

import io.quorate.raft.core.ReplicaId;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a server has counted and measured since it started, and how much waits in it now. Times and bytes say so in their names.
 *
 * @param commit             how long commands took, from their call at this replica until they were applied here
 * @param read               how long reads took, from their call at this replica until they were answered
 * @param diskWait           how long writes took, from the moment they were wanted until they were durable
 * @param diskWrite          how long the disk took for one batch of them, its fsync included
 * @param entriesWritten     entries made durable
 * @param bytesWritten       their bytes
 * @param electionsStarted   how often this replica asked for votes
 * @param electionsWon       how often it was elected
 * @param leaderChanges      how often it learned of another leader, or the same one in another term
 * @param pauses             how often this process stood still for longer than half an election timeout
 * @param messagesDropped    messages of peers that came while too much waited
 * @param messagesUnsent     messages for peers that the transport dropped, because too much waited or nobody could be reached
 * @param snapshotMessagesDropped pieces of snapshots, and questions for them, that came while too many waited
 * @param callsRefused       requests turned away because too much was open
 * @param snapshotsTaken     snapshots of the own state
 * @param snapshotsInstalled snapshots of another replica that replaced the own state
 * @param damageFound        entries found damaged on the disk
 * @param entriesRepaired    of these, entries that were put back as other replicas have them
 * @param snapshotsDamaged   how often the newest snapshot was found damaged
 * @param bytesScrubbed      read again of what was written long ago
 * @param snapshotBytes      of the newest snapshot
 * @param logBytes           of entries behind the newest snapshot
 * @param isDiskNearlyFull   whether the disk has so little room that nothing new is begun
 * @param diskUsableBytes    how many bytes could still be written there, more or less; -1 if this is not known
 * @param queues             what waits now
 * @param lags               how far each peer is behind, if this replica leads; else empty
 */
public record Metrics(Latency commit, Latency read, Latency diskWait, Latency diskWrite, long entriesWritten, long bytesWritten,
                      long electionsStarted, long electionsWon, long leaderChanges, long pauses, long messagesDropped,
                      long messagesUnsent, long snapshotMessagesDropped, long callsRefused, long snapshotsTaken, long snapshotsInstalled,
                      long damageFound, long entriesRepaired, long snapshotsDamaged, long bytesScrubbed, long snapshotBytes, long logBytes,
                      boolean isDiskNearlyFull, long diskUsableBytes, Queues queues, List<Lag> lags) {

    /**
     * What waits in a server.
     *
     * @param messageBytes     of peers' messages that wait for the raft thread
     * @param callBytes        of requests that are open
     * @param uncommittedBytes of commands that this leader has taken and that are not committed yet
     * @param unappliedBytes   of committed entries that are handed out and not applied yet
     * @param waitingReads     reads that wait for a quorum to confirm the leader
     * @param pendingWrites    writes that the disk has not completed
     */
    public record Queues(long messageBytes, long callBytes, long uncommittedBytes, long unappliedBytes, long waitingReads,
                         long pendingWrites) { }

    /**
     * How far a peer is behind its leader.
     *
     * @param replica       which
     * @param entries       that are not known to be durable there
     * @param heardNanosAgo when it was last heard; -1 if never
     */
    public record Lag(ReplicaId replica, long entries, long heardNanosAgo) { }

    public Metrics {
        lags = List.copyOf(lags);
    }

    /**
     * Every number by a name that tells its unit, for monitoring systems; of each duration how often, the mean, some quantiles, the
     * longest.
     */
    public SortedMap<String, Long> values() {
        SortedMap<String, Long> values = new TreeMap<>();
        put(values, "commit", commit);
        put(values, "read", read);
        put(values, "disk_wait", diskWait);
        put(values, "disk_write", diskWrite);
        values.put("entries_written", entriesWritten);
        values.put("bytes_written", bytesWritten);
        values.put("elections_started", electionsStarted);
        values.put("elections_won", electionsWon);
        values.put("leader_changes", leaderChanges);
        values.put("pauses", pauses);
        values.put("messages_dropped", messagesDropped);
        values.put("messages_unsent", messagesUnsent);
        values.put("snapshot_messages_dropped", snapshotMessagesDropped);
        values.put("calls_refused", callsRefused);
        values.put("snapshots_taken", snapshotsTaken);
        values.put("snapshots_installed", snapshotsInstalled);
        values.put("damage_found", damageFound);
        values.put("entries_repaired", entriesRepaired);
        values.put("snapshots_damaged", snapshotsDamaged);
        values.put("bytes_scrubbed", bytesScrubbed);
        values.put("snapshot_bytes", snapshotBytes);
        values.put("log_bytes", logBytes);
        values.put("disk_nearly_full", isDiskNearlyFull ? 1L : 0L);
        values.put("disk_usable_bytes", diskUsableBytes);
        values.put("queue_message_bytes", queues.messageBytes);
        values.put("queue_call_bytes", queues.callBytes);
        values.put("queue_uncommitted_bytes", queues.uncommittedBytes);
        values.put("queue_unapplied_bytes", queues.unappliedBytes);
        values.put("queue_reads", queues.waitingReads);
        values.put("queue_writes", queues.pendingWrites);
        for (Lag lag : lags) {
            values.merge("lag_entries_node_" + lag.replica.nodeId(), lag.entries, Math::max);
        }
        return values;
    }

    private static void put(SortedMap<String, Long> values, String name, Latency latency) {
        values.put(name + "_count", latency.count());
        values.put(name + "_mean_nanos", latency.meanNanos());
        values.put(name + "_p50_nanos", latency.quantileNanos(0.5));
        values.put(name + "_p99_nanos", latency.quantileNanos(0.99));
        values.put(name + "_p999_nanos", latency.quantileNanos(0.999));
        values.put(name + "_max_nanos", latency.maxNanos());
    }
}
