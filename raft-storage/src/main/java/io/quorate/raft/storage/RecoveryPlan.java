package io.quorate.raft.storage;

import io.quorate.raft.FoundingRecord;
import io.quorate.raft.Identity;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.ReplicaId;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Which of the directories that survived should be kept when too many are lost for a quorum, and what may be lost with the others.
 *
 * <p>It is the one whose log is the most up to date, by term and then by index, as in an election (§5.4.1): a log whose last entry is of
 * term t holds all that was committed in the terms before t, and of term t as much as it holds. So a longer log of an older term has
 * nothing more that was ever committed. A log in which entries are damaged counts as far as it is whole before the first of them.
 *
 * <p>Damaged entries that others have intact are not lost, though: the servers of what is left give them to each other, also if they are
 * too few to elect anybody. So such a directory counts towards a quorum.
 */
final class RecoveryPlan {

    private static final int DAMAGED_LISTED_MAX = 20;
    private static final Comparator<Survivor> MOST_UP_TO_DATE = Comparator.<Survivor, EntryId>comparing(Survivor::lastKept)
        .thenComparing(Survivor::isWhole)
        .thenComparingLong(each -> each.seen.hardState().commitIndex())
        .thenComparing(each -> each.replica(), Comparator.reverseOrder());

    private final List<Survivor> survivors;
    private final @Nullable Survivor kept;

    /**
     * A directory that is there.
     *
     * @param path  as the user named it
     * @param owner the process that has it open; empty if none seems to
     */
    record Survivor(String path, String owner, Inspection seen) {

        boolean isWhole() {
            return seen.damage() == null && seen.founding() != null;
        }

        /** Whether nothing but entries is damaged, so that what is before them could be kept. */
        boolean isCuttable() {
            return seen.firstDamaged() > 0;
        }

        /** The last entry that stays if this is kept. */
        EntryId lastKept() {
            return seen.lastKept(seen.firstDamaged());
        }

        ReplicaId replica() {
            Identity identity = seen.identity();
            return identity == null ? new ReplicaId(0, 0) : identity.replica();
        }
    }

    private RecoveryPlan(List<Survivor> survivors) {
        this.survivors = survivors;
        kept = survivors.stream().filter(each -> each.isWhole() || each.isCuttable()).max(MOST_UP_TO_DATE).orElse(null);
    }

    /**
     * Compares directories.
     *
     * @throws ToolException if they are not of one group, in one epoch, and each of another replica
     */
    static RecoveryPlan of(List<Survivor> survivors) throws ToolException {
        Map<ReplicaId, String> paths = new HashMap<>();
        Set<String> groups = new TreeSet<>();
        for (Survivor each : survivors) {
            FoundingRecord founding = each.seen.founding();
            if (founding != null) {
                groups.add("cluster " + founding.clusterId() + " in epoch " + founding.epoch());
                String other = paths.put(each.replica(), each.path);
                if (other != null) {
                    throw new ToolException(other + " and " + each.path + " are copies of one replica, " + each.replica()
                        + ". Name only the one that was used last: an older one has forgotten what the later one has promised.");
                }
            }
        }
        if (groups.size() > 1) {
            throw new ToolException("These directories are of different groups (" + String.join("; ", groups) + "): name those of one"
                + " cluster and epoch. What is of a lower epoch than others belongs to a group that was given up by an earlier recovery.");
        }
        return new RecoveryPlan(survivors);
    }

    /** Whether all that is damaged here is intact in another directory that is here. */
    private boolean isMendable(Survivor each) {
        return each.isCuttable() && each.seen.damagedEntries().stream().allMatch(mark -> isElsewhere(each, mark.id()));
    }

    private boolean isElsewhere(Survivor than, EntryId id) {
        return survivors.stream().anyMatch(each -> each != than && (each.isWhole() || each.isCuttable()) && each.seen.has(id));
    }

    /** The one to keep, or null if none can be. One that is not whole is kept as far as it is whole before its first damaged entry. */
    @Nullable Survivor kept() {
        return kept;
    }

    /**
     * The plan for a person or a program.
     *
     * @param tool how the tool is called
     */
    Report report(String tool) {
        Report report = new Report().putAll("directories", survivors, this::describe);
        Survivor keep = kept;
        if (keep == null) {
            return report.put("keep", null).put("problem", "none of these directories can be kept: repair what verify lists, or restore a"
                + " backup (docs/snapshots-and-backup.md)");
        }
        report.put("keep", keep.path).put("cut before", keep.isCuttable() ? keep.seen.firstDamaged() : null).put("because", because(keep));
        Membership membership = keep.seen.membership();
        report.putAll("missing voters", missing(membership), MembershipReport::of);
        boolean isNeeded = !hasQuorum(membership.voters()) || membership.isJoint() && !hasQuorum(membership.outgoing());
        report.put("recovery needed", isNeeded).put("may be lost", losses(keep)).put("uncommitted", uncommitted(keep));
        if (!isNeeded) {
            return report.put("next", List.of("Do not recover: the directories here are a majority of the voters. Start their servers, and"
                + " the group goes on without losing anything; then replace who is missing by a change of the membership."
                + (survivors.stream().anyMatch(Survivor::isCuttable) ? " What is damaged is fetched from the others." : "")));
        }
        return report.put("fingerprint", keep.seen.fingerprint(keep.seen.firstDamaged())).put("next", next(keep, tool));
    }

    private Report describe(Survivor each) {
        Report report = new Report().put("path", each.path);
        Identity identity = each.seen.identity();
        StorageCorruptException damage = each.seen.damage();
        if (identity != null) {
            report.put("replica", MembershipReport.of(identity.replica())).put("boot", identity.boot());
        }
        report.put("state", damage != null ? "damaged" : each.isWhole() ? "whole" : "blank: there is nothing in it to keep");
        FoundingRecord founding = each.seen.founding();
        if (founding != null) {
            report.put("cluster", founding.clusterId()).put("epoch", founding.epoch());
            report.put("last", InspectionReport.of(each.seen.last())).put("commit index", each.seen.hardState().commitIndex());
            report.put("membership version", each.seen.membership().version()).put("role", role(each));
            report.put("fingerprint", each.seen.fingerprint());
        }
        report.put("damage", damage == null ? null : InspectionReport.of(damage));
        List<Damage.Mark> entries = each.seen.damagedEntries();
        report.putAll("damaged entries", entries.subList(0, Math.min(DAMAGED_LISTED_MAX, entries.size())), mark -> describe(each, mark));
        report.put("damaged entries in all", entries.size() > DAMAGED_LISTED_MAX ? entries.size() : null);
        return report.put("notes", InspectionReport.notes(each.seen, each.owner));
    }

    private Report describe(Survivor each, Damage.Mark mark) {
        return InspectionReport.of(mark.id()).put("file", each.seen.files().pathOf(SegmentHeader.fileName(mark.segment())))
            .put("offset", mark.offset()).put("intact elsewhere", isElsewhere(each, mark.id()));
    }

    private static String role(Survivor each) {
        Membership membership = each.seen.membership();
        return membership.isVoter(each.replica()) ? "voter" : membership.member(each.replica()) == null ? "no member" : "learner";
    }

    private String because(Survivor keep) {
        long whole = survivors.stream().filter(Survivor::isWhole).count();
        if (keep.isCuttable()) {
            return "before its first damaged entry its log ends with " + words(keep.lastKept()) + ", and no whole one "
                + (whole == 0 ? "is here" : "goes as far");
        }
        String what = "its log ends with " + words(keep.seen.last()) + ", and it knows of commits up to "
            + keep.seen.hardState().commitIndex();
        return whole == 1 ? what + "; it is the only one that is whole" : what + "; no other whole one ends in a later term, nor in the"
            + " same term with more";
    }

    private static String words(EntryId id) {
        return "entry " + id.index() + " of term " + id.term();
    }

    private List<Member> missing(Membership membership) {
        Set<ReplicaId> here = survivors.stream().filter(each -> each.isWhole() || each.isCuttable()).map(Survivor::replica)
            .collect(Collectors.toSet());
        return membership.members().stream().filter(each -> membership.isVoter(each.id()) && !here.contains(each.id())).toList();
    }

    private boolean hasQuorum(List<Member> voters) {
        Set<ReplicaId> here = survivors.stream().filter(each -> each.isWhole() || isMendable(each)).map(Survivor::replica)
            .collect(Collectors.toSet());
        return voters.stream().filter(each -> here.contains(each.id())).count() > voters.size() / 2;
    }

    private List<String> losses(Survivor keep) {
        List<String> losses = new ArrayList<>();
        EntryId last = keep.lastKept();
        if (keep.isCuttable()) {
            losses.add(givenUp(keep.seen));
        }
        int missing = missing(keep.seen.membership()).size();
        String nothing = keep.isCuttable() ? "nothing else" : "nothing";
        losses.add(missing == 0 ? nothing + ": all voters are here" : "everything behind " + words(last) + " that the " + missing
            + " missing voter" + (missing == 1 ? "" : "s") + " may have acknowledged together with others: nobody here can know how much"
            + " that is");
        for (Survivor each : survivors) {
            if (each != keep && each.isCuttable()) {
                if (each.seen.last().compareTo(last) > 0) {
                    losses.add("what " + each.path + " has behind that, up to " + words(each.seen.last()) + ": its entry "
                        + each.seen.firstDamaged() + " is damaged");
                }
            } else if (each != keep && each.seen.damage() != null) {
                losses.add("what the damaged " + each.path + " may hold behind that: it was not considered");
            } else if (each.isWhole() && each.seen.last().index() > last.index()) {
                losses.add("entries " + (last.index() + 1) + " to " + each.seen.last().index() + " that only " + each.path + " has: they"
                    + " are of term " + each.seen.last().term() + " or older, and were never committed");
            }
        }
        return losses;
    }

    /** What goes with a cut before the first damaged entry. */
    static String givenUp(Inspection seen) {
        long first = seen.firstDamaged();
        long last = seen.last().index();
        long committed = Math.min(last, seen.hardState().commitIndex());
        return (first == last ? "entry " + first + ": it is damaged" : "entries " + first + " to " + last + ": entry " + first
            + " is damaged, and none behind it can be applied without it") + (committed < first ? "; it is not known that any of this was"
            + " committed" : "; up to " + committed + " they were committed, and clients may have been told so");
    }

    private static String uncommitted(Survivor keep) {
        long from = keep.seen.hardState().commitIndex() + 1;
        long last = keep.lastKept().index();
        return from > last ? "all entries that are kept were known to be committed"
            : "entries " + from + " to " + last + " are not known to have been committed; they count as committed from the recovery on";
    }

    private List<String> next(Survivor keep, String tool) {
        List<String> steps = new ArrayList<>();
        if (keep.seen.isRecoveryPending()) {
            return List.of("The recovery was decided already: start the server on " + keep.path + ", and it is carried out.");
        }
        List<String> mendable = survivors.stream().filter(this::isMendable).map(Survivor::path).toList();
        if (!mendable.isEmpty()) {
            steps.add("First start the servers of all these directories: what is damaged in " + String.join(" and ", mendable)
                + " others of them have, and give, though they can elect nobody. When they say that nothing is damaged any more, stop"
                + " them, and run " + tool + " plan-recovery again: more can be kept then.");
        }
        steps.add("Stop every server of the old group, and see to it that none of them starts again: those that still run may go on by"
            + " themselves, and what they acknowledge would be lost.");
        String address = role(keep).equals("no member") ? " --address HOST:PORT" : "";
        if (keep.isCuttable()) {
            steps.add("If there is a backup that has more than what is kept here, restore that instead. Else, and only if what is"
                + " listed may be given up for good, say so with --cut-before; copy the directory before.");
        }
        long cutBefore = keep.seen.firstDamaged();
        steps.add(tool + " recover " + keep.path + " --fingerprint " + keep.seen.fingerprint(cutBefore)
            + (cutBefore > 0 ? " --cut-before " + cutBefore : "") + address);
        return steps;
    }
}
