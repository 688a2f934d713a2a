package io.quorate.raft.storage;

import io.quorate.raft.FoundingRecord;
import io.quorate.raft.Identity;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.SnapshotId;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a data directory holds, judged by the rules of its opening, but without changing anything; also while a server writes to it.
 *
 * <p>Who reads beside a writer may see what never was: a segment listed and deleted, one begun after the listing, the bytes of a write in
 * the wrong order. None of that is there a second time, and damage is: so what seems damaged is read again, until twice the same is found.
 */
final class Inspection {

    private static final int TRIES_MAX = 8;

    private final FileSystem files;
    private final @Nullable StoredIdentity identity;
    private final LogState log;
    private final int unfinishedAt;         // in the last segment; -1 if there is none
    private final Snapshots.@Nullable Stored snapshot;
    private final boolean isInstalling;     // the snapshot's installation was cut short, and the next opening carries it on
    private final @Nullable Entry membershipEntry;
    private final @Nullable StorageCorruptException damage;
    private final List<Damage.Mark> damagedEntries;

    private Inspection(Reading reading) {
        files = reading.files;
        identity = reading.identity;
        log = reading.log;
        unfinishedAt = reading.unfinishedAt;
        snapshot = reading.snapshot;
        isInstalling = reading.isInstalling;
        membershipEntry = reading.membershipEntry;
        damage = reading.damage;
        damagedEntries = reading.damagedEntries;
    }

    /**
     * Looks at a directory.
     *
     * @throws io.quorate.raft.StorageException if something in it is of a newer version
     */
    static Inspection of(FileSystem files) throws IOException {
        Inspection before = null;
        IOException failure = null;
        for (int i = 0; i < TRIES_MAX; i++) {
            try {
                Inspection now = new Inspection(new Reading(files).run());
                if (now.damage == null || before != null && areSame(now.damage, before.damage)) {
                    return now;
                }
                before = now;
            } catch (NoSuchFileException | EOFException e) {   // it was there, or as long as it was, a moment ago
                failure = e;
            }
        }
        throw new IOException("the directory changes faster than it can be read", failure);
    }

    private static boolean areSame(StorageCorruptException one, @Nullable StorageCorruptException other) {
        return other != null && String.valueOf(one.getMessage()).equals(other.getMessage());
    }

    /** One try. */
    private static final class Reading {

        private final FileSystem files;
        private @Nullable StoredIdentity identity;
        private LogState log = new LogState();
        private int unfinishedAt = -1;
        private Snapshots.@Nullable Stored snapshot;
        private boolean isInstalling;
        private @Nullable Entry membershipEntry;
        private @Nullable StorageCorruptException damage;
        private List<Damage.Mark> damagedEntries = List.of();

        Reading(FileSystem files) {
            this.files = files;
        }

        Reading run() throws IOException {
            try {
                identity = new IdentityFile(files).read();
                if (identity == null && (Recovery.hasSegments(files) || Snapshots.hasAny(files))) {
                    damage = new StorageCorruptException(files.pathOf(IdentityFile.NAME), 0, "it is missing, though there is a log or a"
                        + " snapshot");
                } else if (identity != null && !identity.identity().isBlank()) {
                    read(identity);
                }
            } catch (StorageCorruptException e) {
                damage = e;
            } catch (UnreadableException e) {
                damage = e.damage();
            }
            return this;
        }

        private void read(StoredIdentity known) throws IOException {
            long incarnation = known.identity().replica().incarnation();
            Snapshots snapshots = new Snapshots(files, incarnation, Integer.MAX_VALUE, () -> { });
            snapshots.open();
            snapshot = snapshots.newest();
            Recovery recovery = new Recovery(files, incarnation, snapshot == null ? null : snapshot.manifest().terms(),
                known.recovered(), 0);
            try {
                unfinishedAt = recovery.survey();
            } finally {
                log = recovery.state();
            }
            SnapshotReceiver toInstall = snapshots.toInstall(log.terms().base(), Recovery.beforeFirstSegment(files));
            if (toInstall != null) {
                snapshot = new Snapshots.Stored(toInstall.name(), toInstall.manifest());
                isInstalling = true;
            }
            long covered = snapshot == null ? 0 : snapshot.name().index();
            List<Long> memberships = recovery.memberships();
            long last = memberships.isEmpty() ? 0 : memberships.get(memberships.size() - 1);
            EntryId with = known.recovered();
            long givenUp = with != null && known.isCut() && known.isPendingFor(log.terms().last()) ? with.index() : Long.MAX_VALUE;
            List<Damage.Mark> marks = log.damage().marks().stream()
                .filter(mark -> mark.id().index() > covered && mark.id().index() < givenUp).toList();
            if (!marks.isEmpty()) {
                damage = of(marks);
            }
            if (last > covered && holdsSnapshot()) {
                try (EntryReader reader = new EntryReader(files, incarnation, log)) {
                    List<Entry> found = reader.read(last, last, 1);
                    if (found.isEmpty()) {
                        throw new NoSuchFileException(files.pathOf("the segment of entry " + last));     // let go of meanwhile
                    }
                    membershipEntry = found.get(0);
                }
            }
            damagedEntries = holdsSnapshot() ? marks : List.of();
        }

        private StorageCorruptException of(List<Damage.Mark> marks) {
            Damage.Mark first = marks.get(0);
            return new StorageCorruptException(files.pathOf(SegmentHeader.fileName(first.segment())), first.offset(), "entry "
                + first.id().index() + (marks.size() == 1 ? " is" : " and " + (marks.size() - 1) + " others are") + " damaged. A server"
                + " that is started here gets such entries from other replicas of the group");
        }

        private boolean holdsSnapshot() {
            return snapshot == null || log.holds(snapshot.manifest().id().last());
        }
    }

    FileSystem files() {
        return files;
    }

    /** What the identity file says; null if there is none, or it is damaged. */
    @Nullable StoredIdentity stored() {
        return identity;
    }

    /** Who the directory is; null if nobody yet. */
    @Nullable Identity identity() {
        return identity == null ? null : identity.identity();
    }

    /** How its group began; null while it belongs to none. */
    @Nullable FoundingRecord founding() {
        Identity known = identity();
        return known == null ? null : known.founding();
    }

    /** The first damage that keeps the replica from taking part; null if there is none. What is behind it may not have been looked at. */
    @Nullable StorageCorruptException damage() {
        return damage;
    }

    /** The damaged entries, rising, if nothing else is damaged; empty otherwise. Each is behind the snapshot, and known by its name. */
    List<Damage.Mark> damagedEntries() {
        return damagedEntries;
    }

    /** The first of them; 0 if there is none. */
    long firstDamaged() {
        return damagedEntries.isEmpty() ? 0 : damagedEntries.get(0).id().index();
    }

    /** The last entry that stays if the log is cut before this one; before none if it is 0. */
    EntryId lastKept(long cutBefore) {
        return cutBefore == 0 ? last() : log.lastBefore(cutBefore);
    }

    /** Whether this entry can be read here. */
    boolean has(EntryId id) {
        return isBehindSnapshot() && id.index() >= log.index().firstIndex() && log.holds(id) && log.damage().at(id.index()) == null;
    }

    /** The log, as far as it is whole; nothing that it holds is missing unless there is damage. */
    LogState log() {
        return log;
    }

    /** The newest snapshot, or null. */
    Snapshots.@Nullable Stored snapshot() {
        return snapshot;
    }

    /** Whether the newest snapshot's installation was cut short. */
    boolean isInstalling() {
        return isInstalling;
    }

    /** Where an unfinished write begins in the last segment, which the next opening drops; -1 if there is none. */
    int unfinishedAt() {
        return unfinishedAt;
    }

    /** The segments that are there. */
    List<String> segments() throws IOException {
        return files.list().stream().filter(name -> SegmentHeader.idOf(name) != 0).toList();
    }

    /** The last entry, that of the snapshot if the log does not hold that. */
    EntryId last() {
        return isBehindSnapshot() || snapshot == null ? log.terms().last() : snapshot.manifest().id().last();
    }

    /** Whether the log goes on from the snapshot, if there is one; else it begins anew behind that at the next opening. */
    private boolean isBehindSnapshot() {
        return snapshot == null || log.holds(snapshot.manifest().id().last());
    }

    /** The first entry that can be read; one behind the last if there is none. */
    long firstIndex() {
        return isBehindSnapshot() ? log.index().firstIndex() : last().index() + 1;
    }

    /** Term, vote and the last entry that is known to be committed. */
    HardState hardState() {
        HardState recovered = log.recoveredHardState();
        long covered = snapshot == null ? 0 : snapshot.name().index();
        return new HardState(recovered.term(), recovered.votedFor(), Math.max(covered, recovered.commitIndex()));
    }

    /** The membership in force: the last one in the log. */
    Membership membership() {
        FoundingRecord founding = founding();
        if (membershipEntry != null) {
            return Membership.of(membershipEntry);
        }
        if (snapshot != null) {
            return snapshot.manifest().id().membership();
        }
        if (founding == null) {
            throw new IllegalStateException("A blank directory has no membership");
        }
        return founding.membership();
    }

    /** Where that stands; 0 if the group was founded with it, and if there is nothing else the end of the snapshot. */
    long membershipIndex() {
        return membershipEntry != null ? membershipEntry.index() : snapshot == null ? 0 : snapshot.name().index();
    }

    /** The entry with which this replica began the group anew, alone; null if it never did. */
    @Nullable EntryId recovered() {
        return identity == null ? null : identity.recovered();
    }

    /** Whether that was decided and is still to be done. */
    boolean isRecoveryPending() {
        return identity != null && damage == null && identity.isPendingFor(last());
    }

    /**
     * Tells this content of the directory from every other, later ones of the same included. The last frame's checksum stands for the
     * whole log, for each frame holds that of the one before.
     */
    String fingerprint() {
        return fingerprint(0);
    }

    /** The same of this content and the will to give up what is in it from this entry on; 0 for none. */
    String fingerprint(long cutBefore) {
        SnapshotId covered = snapshot == null ? null : snapshot.manifest().id();
        String content = List.of(String.valueOf(identity), log.frames(), log.lastCrc(), last(), hardState(), String.valueOf(covered),
            damagedEntries.stream().map(Damage.Mark::id).toList(), cutBefore).toString();
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(content.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().toHexDigits(ByteBuffer.wrap(digest).getLong());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java has SHA-256", e);
        }
    }

    /** Takes entries, one after the other. */
    interface Visitor {

        void visit(Entry entry);

        /** In place of one that is damaged, of which only the name is known. */
        void visitDamaged(EntryId id);
    }

    /** Shows entries, as far as the log could be followed. */
    void visit(long from, long to, Visitor visitor) throws IOException {
        long last = isBehindSnapshot() ? Math.min(to, log.terms().lastIndex()) : 0;
        long next = Math.max(from, firstIndex());
        long incarnation = identity == null ? 0 : identity.identity().replica().incarnation();
        try (EntryReader reader = new EntryReader(files, incarnation, log)) {
            while (next <= last) {
                Damage.Mark mark = log.damage().at(next);
                if (mark != null) {
                    visitor.visitDamaged(mark.id());
                    next++;
                    continue;
                }
                List<Entry> some = reader.read(next, last, 1 << 20);
                if (some.isEmpty()) {
                    return;     // let go of meanwhile
                }
                some.forEach(visitor::visit);
                next += some.size();
            }
        }
    }
}
