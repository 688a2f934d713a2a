package io.quorate.raft.storage;

import io.quorate.raft.FoundingRecord;
import io.quorate.raft.Identity;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.List;

/** What the tool's {@code inspect} says of a directory. */
final class InspectionReport {

    private InspectionReport() { }

    /** @param owner the process that has the directory open; empty if none seems to */
    static Report of(Inspection inspection, String owner) throws IOException {
        Report report = new Report();
        Identity identity = inspection.identity();
        StorageCorruptException damage = inspection.damage();
        report.put("state", damage != null ? "damaged" : identity == null ? "new" : identity.isBlank() ? "blank" : "whole");
        report.put("damage", damage == null ? null : of(damage));
        if (identity != null) {
            report.put("replica", MembershipReport.of(identity.replica())).put("boot", identity.boot());
        }
        FoundingRecord founding = inspection.founding();
        if (founding != null) {
            report.put("cluster", founding.clusterId()).put("epoch", founding.epoch());
            log(report, inspection);
        }
        files(report, inspection);
        report.put("fingerprint", inspection.fingerprint());
        return report.put("notes", notes(inspection, owner));
    }

    static Report of(StorageCorruptException damage) {
        return new Report().put("file", damage.file()).put("offset", damage.offset()).put("what", damage.what());
    }

    static Report of(EntryId id) {
        return new Report().put("index", id.index()).put("term", id.term());
    }

    private static void log(Report report, Inspection inspection) {
        HardState hardState = inspection.hardState();
        report.put("term", hardState.term());
        report.put("voted for", hardState.votedFor() == null ? null : MembershipReport.of(hardState.votedFor()));
        report.put("first index", inspection.firstIndex()).put("last", of(inspection.last()));
        report.put("commit index", hardState.commitIndex());
        report.put("recovered with", inspection.recovered() == null ? null : of(inspection.recovered()));
        report.put("membership", MembershipReport.of(inspection.membership()).put("index", inspection.membershipIndex()));
        Snapshots.Stored snapshot = inspection.snapshot();
        if (snapshot != null) {
            report.put("snapshot", of(snapshot.manifest().id().last()).put("time nanos", snapshot.manifest().id().timeNanos())
                .put("parts", snapshot.manifest().parts().size()).put("bytes", snapshot.manifest().partsBytes()));
        }
    }

    private static void files(Report report, Inspection inspection) throws IOException {
        FileSystem files = inspection.files();
        long total = 0;
        List<Report> segments = new ArrayList<>();
        for (String name : files.list()) {
            if (name.equals(LocalFileSystem.LOCK)) {
                continue;   // to open and close it would unlock it, if this very process had locked it
            }
            long bytes;
            try (FileHandle file = files.openToRead(name)) {
                bytes = file.size();
            } catch (NoSuchFileException e) {
                continue;   // gone since
            }
            total += bytes;
            if (SegmentHeader.idOf(name) != 0) {
                segments.add(new Report().put("name", name).put("bytes", bytes));
            }
        }
        report.put("segments", segments).put("bytes", total);
    }

    static List<String> notes(Inspection inspection, String owner) {
        List<String> notes = new ArrayList<>();
        if (!owner.isEmpty()) {
            notes.add(owner + " has this directory open: the end of the log may be in motion, and all of this be old in a moment");
        }
        if (inspection.unfinishedAt() >= 0) {
            notes.add("behind offset " + inspection.unfinishedAt() + " of the last segment there is an unfinished write"
                + (owner.isEmpty() ? ", as a crash leaves it; the next opening drops it" : ", which may just be under way"));
        }
        if (inspection.isInstalling()) {
            notes.add("the installation of the snapshot was cut short; the next opening carries it on");
        }
        if (inspection.isRecoveryPending()) {
            notes.add("it was decided that the group begins anew with this replica alone; the next opening carries it out");
        }
        return notes;
    }
}
