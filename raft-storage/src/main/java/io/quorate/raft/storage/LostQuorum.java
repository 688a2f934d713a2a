package io.quorate.raft.storage;

import io.quorate.raft.FoundingRecord;
import io.quorate.raft.Identity;
import io.quorate.raft.Storage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.MembershipCodec;
import io.quorate.raft.core.ReplicaId;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes one directory the whole group, after so many others are lost that no quorum is left.
 *
 * <p>The group begins anew under the next recovery epoch, so that whoever is left of the old one is refused by every handshake. One
 * replaced file decides: the identity, with the new epoch, and with the name of the entry that makes this replica the only voter. The log
 * gets that entry at the next opening, this one's or the server's. So a crash anywhere leaves the old group or the new one.
 *
 * <p>Entries that are damaged here and that nobody else has any more are lost, and what is behind the first of them cannot be applied
 * without it. If there is nothing better the log is cut before that: only when the operator says so, in words that the plan has given for
 * just this. What was known of commits behind it is void then. The cut is a part of the same one frame with which the group begins anew.
 *
 * <p>The new term is far above all that this replica has seen. A leader that is lost may have used the next ones for entries that nobody
 * else has, and a client may still hold their names: no other entry may ever be called so.
 */
final class LostQuorum {

    /** How many terms are left out. */
    static final long TERMS_SKIPPED = 1_000_000;
    private static final int EPOCH_MAX = 0xFFFF;
    private static final Logger LOG = LoggerFactory.getLogger(LostQuorum.class);

    private final FileSystem files;
    private final FileStorage.Options options;

    LostQuorum(FileSystem files, FileStorage.Options options) {
        this.files = files;
        this.options = options;
    }

    /**
     * Refuses what cannot be recovered; changes nothing.
     *
     * @param fingerprint as the plan said it
     * @param address     of this replica; null for the one that its membership says
     * @param cutBefore   the first entry that is given up, which must be the first one that is damaged; 0 for none
     * @return how the group will have begun; as it has, if that was decided already and is only to be carried out
     */
    static FoundingRecord prepare(Inspection seen, String fingerprint, @Nullable String address, long cutBefore) throws ToolException {
        FoundingRecord founding = seen.founding();
        Identity identity = seen.identity();
        StorageCorruptException damage = seen.damage();
        long firstDamaged = seen.firstDamaged();
        if (firstDamaged == 0 && cutBefore > 0) {
            throw new ToolException("No entry of this directory is damaged" + (damage == null ? "" : ", but something else is ("
                + damage.file() + " at offset " + damage.offset() + ": " + damage.what() + ")")
                + ", so there is nothing that --cut-before could put right. Nothing was changed. Run plan-recovery again.");
        }
        if (firstDamaged > 0 && cutBefore != firstDamaged && damage != null) {
            throw new ToolException("In this directory entry " + firstDamaged + " is damaged (" + damage.file() + " at offset "
                + damage.offset() + "), and nothing behind it can be applied without it. Nothing was changed. Keep another surviving"
                + " directory, or start the servers of all that are left, so that they give each other what they have; plan-recovery says"
                + " what there is. If nobody has that entry, restore a backup into a new group, or give up all from that entry on: then"
                + " plan-recovery says what is lost, and the fingerprint to call this with, and --cut-before " + firstDamaged + ".");
        }
        if (firstDamaged == 0 && damage != null) {
            throw new ToolException("This directory is damaged (" + damage.file() + " at offset " + damage.offset() + ": " + damage.what()
                + "), and nothing behind that can be trusted. Nothing was changed. Keep another surviving directory, as plan-recovery says;"
                + " if there is none, put back what is damaged from a copy made since the damage, or restore a backup into a new group.");
        }
        if (identity == null || founding == null) {
            throw new ToolException("This directory is blank: it belongs to no group, and there is nothing in it to recover. Nothing was"
                + " changed. Use it for a new node that the recovered group admits.");
        }
        if (!seen.fingerprint(cutBefore).equals(fingerprint)) {
            throw new ToolException((cutBefore > 0 ? "The fingerprint of this directory cut before entry " + cutBefore
                : "This directory's fingerprint") + " is " + (cutBefore > 0 ? "not " : seen.fingerprint() + ", not ") + fingerprint
                + ": it is another one than was planned with, or has been used since. Nothing was changed. Run plan-recovery again.");
        }
        if (seen.isRecoveryPending()) {
            return founding;
        }
        if (founding.epoch() == EPOCH_MAX) {
            throw new ToolException("This group has been recovered " + EPOCH_MAX + " times, and there are no more epochs. Nothing was"
                + " changed. Restore a backup into a new group.");
        }
        Member self = seen.membership().member(identity.replica());
        if (self == null && address == null) {
            throw new ToolException("The last membership in this directory does not name its replica, " + identity.replica()
                + ", so nobody knows where it is reached. Nothing was changed. If it is the one to keep all the same, say where with"
                + " --address HOST:PORT.");
        }
        Member alone = address == null && self != null ? self : new Member(identity.replica(), String.valueOf(address));
        // The version stays, for the log's memberships rise from it.
        return new FoundingRecord(founding.clusterId(), founding.epoch() + 1,
            Membership.of(founding.membership().version(), List.of(alone)));
    }

    /**
     * Does it; durable on return.
     *
     * @param seen the directory as it was when {@link #prepare} agreed
     * @param next what that returned
     * @param cutBefore as given to that
     * @return the entry with which the group begins anew
     * @throws ToolException                       if the directory was used meanwhile; nothing was changed
     * @throws io.quorate.raft.StorageException if it is open elsewhere, or cannot be written; what {@link Inspection} says then holds
     */
    EntryId begin(Inspection seen, FoundingRecord next, long cutBefore) throws IOException, ToolException {
        Identity identity = seen.identity();
        if (identity == null) {
            throw new IllegalArgumentException("A blank directory is not recovered");
        }
        ReplicaId self = identity.replica();
        EntryId with = seen.recovered();
        if (with != null && seen.isRecoveryPending()) {
            complete(self);
            return with;
        }
        try (FileStorage storage = FileStorage.open(files, self.nodeId(), self.incarnation(), options)) {
            Storage.Recovered found = storage.recover();
            EntryId last = found.log().terms().last();
            long firstDamaged = found.damaged().isEmpty() ? 0 : found.damaged().get(0).index();
            if (firstDamaged != cutBefore) {
                throw new ToolException("Entries " + found.damaged() + " are damaged, which they were not a moment ago. Nothing is lost"
                    + " yet: run plan-recovery again.");
            }
            if (storage.identity().boot() != identity.boot() + 1 || !last.equals(seen.lastKept(cutBefore))) {
                throw new ToolException("This directory was used by somebody else in this very moment: it ends with " + last + ". It is as"
                    + " it was. Stop who uses it, and run plan-recovery again.");
            }
            with = new EntryId(found.hardState().term() + TERMS_SKIPPED, last.index() + 1);
            storage.decideToBeginAlone(next, with, cutBefore > 0);
        }
        complete(self);
        return with;
    }

    /** Carries out what was decided. */
    private void complete(ReplicaId self) throws IOException {
        try (FileStorage storage = FileStorage.open(files, self.nodeId(), self.incarnation(), options)) {
            storage.recover();
        }
    }

    /**
     * What the log goes on with when the group begins anew: all that is before it is committed.
     *
     * @param with  the entry that was named when it was decided
     * @param last  the one that it comes behind
     * @param alone who is left
     * @param path  of the file that says so
     * @throws StorageCorruptException if the log does not end before that entry
     */
    static Content beginning(EntryId with, EntryId last, LogState state, Membership alone, long timeNanos, String path) {
        if (last.index() + 1 != with.index() || state.hardState().term() >= with.term()) {
            throw new StorageCorruptException(path, 0, "it says that the group begins anew with " + with + ", but the log ends with " + last
                + " in term " + state.hardState().term());
        }
        if (state.nextIndex() > with.index()) {
            LOG.warn("Giving up the entries from {} to {}, as was decided when the quorum was lost, since something in them is damaged",
                with.index(), state.terms().lastIndex());
        }
        LOG.warn("The group begins anew, as {} has it: its only voter is {}, and all up to {} counts as committed", path, alone.voters(),
            with);
        Entry entry = Entry.of(with.index(), with.term(), Entry.Kind.MEMBERSHIP, timeNanos, MembershipCodec.encode(alone));
        return new Content(state.lastWriteId(), new HardState(with.term(), null, with.index()), with.index(), List.of(entry));
    }
}
