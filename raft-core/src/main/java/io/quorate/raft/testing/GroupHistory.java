package io.quorate.raft.testing;

import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.ReplicaId;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What has happened in a group and can never change again, as several invariants need it: leaders, entries, commits. */
final class GroupHistory {

    /** An entry, and what stood before it where it was made. */
    record Made(Entry entry, EntryId previous) { }

    private final Map<Long, ReplicaId> leaders = new HashMap<>();   // by term
    private long leaderTerm;                                        // the last one asked about: most questions repeat it
    private @Nullable ReplicaId leader;
    private final Map<EntryId, Made> made = new HashMap<>();
    private long[] committedTerms = new long[64];                   // of the committed entry at index i + 1
    private long[] commitTerms = new long[64];                      // the term of who first knew it to be committed
    private int committed;

    /** Who leads this term: this replica, unless another was known to before. */
    ReplicaId leads(long term, ReplicaId replica) {
        ReplicaId known = leader;
        if (known == null || term != leaderTerm) {
            known = leaders.putIfAbsent(term, replica);
            known = known == null ? replica : known;
            leaderTerm = term;
            leader = known;
        }
        return known;
    }

    /** The entry of this identity: this one, unless it was made before. */
    Made makes(Entry entry, EntryId previous) {
        EntryId id = entry.id();
        Made known = made.get(id);
        if (known == null) {
            known = new Made(entry, previous);
            made.put(id, known);
        }
        return known;
    }

    boolean isMade(EntryId id) {
        return made.containsKey(id);
    }

    /** Up to where anybody knows entries to be committed. */
    long committedIndex() {
        return committed;
    }

    /** The next index is committed; somebody in this term knows it. */
    void commits(EntryId entry, long term) {
        if (entry.index() != committed + 1L) {
            throw new IllegalArgumentException(entry + " cannot be committed behind " + committed);
        }
        if (committed == committedTerms.length) {
            committedTerms = Arrays.copyOf(committedTerms, 2 * committed);
            commitTerms = Arrays.copyOf(commitTerms, 2 * committed);
        }
        committedTerms[committed] = entry.term();
        commitTerms[committed] = term;
        committed++;
    }

    /** The term of the entry that is committed at this index, which anybody must know to be. */
    long committedTermAt(long index) {
        return committedTerms[(int) index - 1];
    }

    EntryId committedAt(long index) {
        return new EntryId(committedTermAt(index), index);
    }

    /** In which term, at the latest, it was committed. */
    long commitTermAt(long index) {
        return commitTerms[(int) index - 1];
    }

    /** The entry that is committed at this index, or null if nobody knows one to be, or nobody was seen to write it. */
    @Nullable Entry committedEntry(long index) {
        Made known = index < 1 || index > committed ? null : made.get(committedAt(index));
        return known == null ? null : known.entry;
    }
}
