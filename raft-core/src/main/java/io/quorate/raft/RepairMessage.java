package io.quorate.raft;

import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.core.SnapshotId;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What replicas say to each other to get back entries that are damaged on one disk. An entry is asked for by term and index, and who has
 * that one has the very same bytes; so anybody may answer, whatever his role and whether he knows of a leader or not. Like all messages
 * these may be lost, repeated, late or out of order: what is not answered is asked for again.
 */
public sealed interface RepairMessage {

    /** How many entries are asked for at once at most. */
    int WANTED_MAX = 100;

    /** How many bytes of entries an answer has at most, unless it is one entry that is larger. */
    int ANSWER_BYTES_MAX = 1 << 20;

    ReplicaId from();

    ReplicaId to();

    /** The asker's count of its questions: an answer belongs to one. */
    long round();

    /**
     * Send me these entries.
     *
     * @param wanted at least one and at most {@link #WANTED_MAX}, rising
     */
    record EntryRequest(ReplicaId from, ReplicaId to, long round, List<EntryId> wanted) implements RepairMessage {

        public EntryRequest {
            wanted = List.copyOf(wanted);
            if (round < 0 || wanted.isEmpty() || wanted.size() > WANTED_MAX) {
                throw new IllegalArgumentException("Impossible question: " + wanted.size() + " entries in round " + round);
            }
            for (int i = 0; i < wanted.size(); i++) {
                requireBehind(i == 0 ? 0 : wanted.get(i - 1).index(), wanted.get(i));
            }
        }
    }

    /** Why an entry is not given. */
    enum Why {
        /** It is here, and damaged here too. */
        DAMAGED,
        /** It is not committed and never will be: what is committed shows it. Only who takes part in the group can tell. */
        REPLACED,
        /** It stood before the end of a snapshot, which is here, and is gone. */
        COVERED,
        /** It is not here, which proves nothing. */
        UNKNOWN
    }

    /** An entry that is not given, and why. */
    record Missing(EntryId entry, Why why) { }

    /**
     * What I can tell of them. What is neither given nor missing found no room: ask again.
     *
     * @param round      of the question
     * @param entries    rising
     * @param missing    rising
     * @param snapshot   the newest here, if it covers something that is asked for; else null
     * @param membership who belongs to the group, as this replica's log has it; null while it takes no part itself
     */
    record EntryAnswer(ReplicaId from, ReplicaId to, long round, List<Entry> entries, List<Missing> missing,
                       @Nullable SnapshotId snapshot, @Nullable Membership membership) implements RepairMessage {

        public EntryAnswer {
            entries = List.copyOf(entries);
            missing = List.copyOf(missing);
            if (round < 0 || entries.size() > WANTED_MAX || missing.size() > WANTED_MAX) {
                throw new IllegalArgumentException("Impossible answer: " + entries.size() + " entries, " + missing.size() + " missing, in "
                    + "round " + round);
            }
            for (int i = 0; i < entries.size(); i++) {
                requireBehind(i == 0 ? 0 : entries.get(i - 1).index(), entries.get(i).id());
            }
            for (int i = 0; i < missing.size(); i++) {
                requireBehind(i == 0 ? 0 : missing.get(i - 1).entry().index(), missing.get(i).entry());
                if (missing.get(i).why() == Why.COVERED && (snapshot == null || snapshot.index() < missing.get(i).entry().index())) {
                    throw new IllegalArgumentException("No snapshot is named that covers " + missing.get(i).entry());
                }
            }
        }
    }

    private static void requireBehind(long index, EntryId entry) {
        if (entry.index() <= index) {
            throw new IllegalArgumentException("Entry " + entry + " cannot stand behind index " + index);
        }
    }
}
