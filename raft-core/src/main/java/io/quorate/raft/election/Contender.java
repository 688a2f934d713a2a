package io.quorate.raft.election;

import io.quorate.raft.election.KeyResult.Reason;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One candidate's way through a line of keys, again and again: he puts a key of his own that goes with his lease, waits until all that were
 * put before are gone, and holds the office then. Each waits for the one before him alone, so only one is woken when somebody goes.
 *
 * <pre>
 *   OUTSIDE --lease held, office vacant--> ENTERING --put--> WAITING --nobody before--> HOLDING
 *      ^                                      |                 |                          |
 *      +-------- lease lost, key gone --------+-----------------+--------------------------+
 * </pre>
 * The place in the line is where the key was put, and that is the fencing token's lower part: all who held before stood before. Whether
 * anybody stands before is asked of any replica that has applied the own key. Its answer may be old, but that does not matter: who was
 * first once stays first as long as his key is there, and that is guarded by the lease, whose time runs here.
 *
 * <p>A group that was recovered from a lost quorum uses indexes again, so a name alone proves nothing: a place in the line is one's own if
 * the key there goes with one's own lease and was put where one knows that it was.
 *
 * <p>It is used on one strand; the office's calls come from any thread.
 */
final class Contender implements ChangeFeed.Subscriber, Office.Hands<Leadership> {

    private static final Logger LOG = LoggerFactory.getLogger(Contender.class);

    /** Between one try and the next, while the group takes no key of its own or takes none away: longer each time, up to the longest. */
    static final long PAUSE_MIN_NANOS = Duration.ofMillis(20).toNanos();
    static final long PAUSE_MAX_NANOS = Duration.ofSeconds(1).toNanos();

    private enum Place { OUTSIDE, ENTERING, WAITING, HOLDING }

    private final Line line;
    private final String prefix;
    private final Office<Leadership> office;
    private final Consumer<@Nullable RuntimeException> onEnd;
    private byte[] value;

    private Place place = Place.OUTSIDE;
    private LeaseKeeper.@Nullable Hold hold;         // with which the key goes; null exactly outside
    private String key = "";                         // empty while outside
    private long createIndex;                        // of it; 0 before it is known
    private long version;                            // likewise
    private int epoch;                               // of the token that it holds; meaningful while it does
    private int remindedIn;                          // the epoch in which that was last said in the key; likewise
    private String before = "";                      // whose deletion is waited for; empty if that is not known
    private long beginIndex;                         // changes behind it are told
    private long deletedIndex;                       // the last at which anybody has left the line
    private boolean isLooking;
    private boolean isBegun;                         // the feed has told where it begins
    private boolean isClosed;
    private long attempt;                            // answers to an earlier one are none of this one's business
    private Runnable timer = () -> { };
    private final Queue<Proclamation> proclamations = new ArrayDeque<>();
    private boolean isProclaiming;
    private long pauseNanos = PAUSE_MIN_NANOS;       // before the next try to put
    private boolean isWarned;                        // that the group does not take the key
    private @Nullable RuntimeException refusal;      // for good

    private record Proclamation(byte[] value, CompletableFuture<Void> done) { }

    /** What a candidate needs of the client that he belongs to. */
    interface Line {

        Group group();

        Strand strand();

        ChangeFeed feed();

        /** The lease that is held now. */
        LeaseKeeper.@Nullable Hold hold();

        LeaseKeeper keeper();

        /** Somebody has come to hold an office, or holds one no more. */
        void changed();

        /** A name that no other key of this client's leases has, or had. */
        String drawKey(String prefix, LeaseKeeper.Hold hold);

        /** Whether somebody of this client stands with this key. */
        boolean isWanted(String key);

        /** Has this key go, sooner or later, however often it takes. Completes when it is gone, or when its lease is. */
        CompletableFuture<Void> discard(String key, LeaseKeeper.Hold hold);

        /** Asks for the line at a state of this index at least. */
        void look(KeyQuery.Line query, long notBefore, BiConsumer<KeyAnswer.@Nullable Line, Integer> answer);
    }

    /** Makes the office of this candidate, given its hands. */
    interface OfficeMaker {
        Office<Leadership> of(Office.Hands<Leadership> hands);
    }

    /** @param onEnd is told when the candidate has left for good, with the reason if it was the group that would not have him */
    Contender(Line line, String prefix, byte[] value, OfficeMaker office, Consumer<@Nullable RuntimeException> onEnd) {
        this.line = line;
        this.prefix = prefix;
        this.value = value;
        this.onEnd = onEnd;
        this.office = office.of(this);
    }

    Office<Leadership> office() {
        return office;
    }

    /** Whether it holds the office, as far as this client knows. */
    boolean isHolding() {
        return place == Place.HOLDING;
    }

    /** The own key in the line; empty if there is none. */
    String key() {
        return key;
    }

    @Override
    public String prefix() {
        return prefix;
    }

    // ------------------------------------------------------------------------------------------------------------ what comes to pass

    void start() {
        line.feed().subscribe(this);
        enter();
    }

    void onHeld() {
        enter();
    }

    void onLost(LeaseKeeper.Hold lost) {
        if (lost == hold) {
            leaveLine();
            office.lose();
            arm();
        }
    }

    /** Stands no more. Completes when the task has stopped and the key is gone, or cannot be reached. */
    CompletionStage<Void> close() {
        if (!isClosed) {
            isClosed = true;
            if (place != Place.HOLDING) {
                withdraw();
            }
        }
        CompletionStage<Void> closed = office.close();
        closed.whenComplete((nothing, failure) -> line.strand().execute(() -> {
            leaveLine();      // if the office was lost by the time alone, nobody else has said so
            line.feed().unsubscribe(this);
            timer.run();
            onEnd.accept(failure instanceof IllegalStateException unfinished ? unfinished : refusal);
        }));
        arm();
        return closed;
    }

    /** Leaves the line if the office is not held. Returns whether it is not. */
    boolean withdrawUnlessHolding() {
        if (place == Place.HOLDING) {
            return false;
        }
        close();
        return true;
    }

    private void withdraw() {
        if (hold != null) {
            LeaseKeeper.Hold left = hold;
            String own = key;
            leaveLine();
            line.discard(own, left);
        }
    }

    private void leaveLine() {
        place = Place.OUTSIDE;
        hold = null;
        key = "";
        createIndex = 0;
        version = 0;
        before = "";
        isLooking = false;
        attempt++;
        failProclamations();
    }

    // --------------------------------------------------------------------------------------------------------------------- entering

    private void enter() {
        LeaseKeeper.Hold held = line.hold();
        if (isClosed || place != Place.OUTSIDE || held == null || !office.isVacant()) {
            return;
        }
        place = Place.ENTERING;
        hold = held;
        key = line.drawKey(prefix, held);
        put(held);
    }

    private void put(LeaseKeeper.Hold held) {
        long asked = ++attempt;
        String own = key;
        int putIn = line.group().epoch();
        held.propose(new KeyCommand.PutIfAbsent(own, new Proclaimed(putIn, value).encode(), held.lease()), (result, failure) -> {
            if (asked != attempt) {
                if (held.isHeld() && !(result instanceof KeyResult.Refused)) {
                    line.discard(own, held);     // nobody wants it any more; when it was discarded first, that came too early perhaps
                }
                return;
            }
            if (result instanceof KeyResult.Done done) {
                onPut(done.index(), done.index());
            } else if (result instanceof KeyResult.Otherwise there && there.entry() != null && held.lease().equals(there.entry().lease())) {
                onPut(there.entry().createIndex(), there.entry().version());
            } else if (LeaseKeeper.isGone(result, failure)) {
                line.keeper().onGone(held);
            } else if (result instanceof KeyResult.Refused refused
                && (refused.reason() == Reason.TOO_LARGE || refused.reason() == Reason.UNREADABLE)) {
                refusal = Elections.refused(result);     // it would be so every time
                LOG.warn("{} stands no more", this, refusal);
                leaveLine();
                close();
            } else {
                if (result != null && !isWarned) {
                    isWarned = true;
                    LOG.warn("{} cannot enter yet, and tries again: {}", this, Elections.refused(result).getMessage());
                }
                long pause = pauseNanos / 2 + line.group().random(pauseNanos);
                pauseNanos = Math.min(2 * pauseNanos, PAUSE_MAX_NANOS);
                line.group().after(pause, () -> line.strand().execute(() -> {
                    if (asked == attempt) {
                        put(held);     // the same key: it is put once at most
                    }
                }));
            }
        });
    }

    private void onPut(long index, long putVersion) {
        pauseNanos = PAUSE_MIN_NANOS;
        isWarned = false;
        place = Place.WAITING;
        createIndex = index;
        version = putVersion;
        look();
    }

    // ---------------------------------------------------------------------------------------------------------------------- waiting

    @Override
    public void onBegin(long index) {
        isBegun = true;
        beginIndex = index;
        deletedIndex = 0;
        before = "";
        look();
        if (place == Place.HOLDING && remindedIn != line.group().epoch()) {
            // What stands in the key may have been forgotten in a recovery: the epoch, and the value.
            remindedIn = line.group().epoch();
            proclaim(value, new CompletableFuture<>());
        }
    }

    @Override
    public void onChanges(List<KeyChange> changes) {
        boolean isAwaited = false;
        for (KeyChange change : changes) {
            if (change.isDeletion()) {
                deletedIndex = change.index();
                isAwaited |= change.key().equals(before);
                if (change.key().equals(key) && createIndex > 0) {
                    onOwnKeyGone();
                }
            } else {
                discardUnlessWanted(change);
            }
        }
        if (isAwaited) {
            before = "";
            look();
        }
    }

    /** A put that was late, of somebody here who has left long ago: it would keep out whoever comes behind it while this lease lives. */
    private void discardUnlessWanted(KeyChange put) {
        LeaseKeeper.Hold held = line.hold();
        if (held != null && put.entry() != null && held.lease().equals(put.entry().lease()) && !line.isWanted(put.key())) {
            line.discard(put.key(), held);
        }
    }

    private void look() {
        if (place != Place.WAITING || isLooking || !isBegun) {
            return;
        }
        isLooking = true;
        long asked = attempt;
        long notBefore = Math.max(version, Math.max(beginIndex, deletedIndex));
        line.look(new KeyQuery.Line(prefix, key), notBefore, (seen, seenIn) -> {
            if (asked != attempt) {
                return;
            }
            isLooking = false;
            if (seen == null) {
                later(this::look);
            } else if (seen.index() < Math.max(beginIndex, deletedIndex)) {
                look();     // somebody has left since, and of that one will not be told again
            } else {
                onSeen(seen, seenIn);
            }
        });
    }

    private void onSeen(KeyAnswer.Line seen, int seenIn) {
        LeaseKeeper.Hold held = hold;
        KeyEntry own = seen.own();
        if (own == null || held == null || !held.lease().equals(own.lease())) {
            onOwnKeyGone();
        } else if (own.createIndex() != createIndex) {
            withdraw();     // put again in a group that was recovered: what is known of its place is of another history
            later(this::enter);
        } else if (seen.before() != null) {
            before = seen.before().key();
        } else if (Proclaimed.of(own).epoch() != seenIn) {
            mark(held, seenIn);
        } else {
            version = own.version();
            onFirst(seenIn);
        }
    }

    /** It was put before the group was recovered. First it says so, for all to know which token this place has, and looks again then. */
    private void mark(LeaseKeeper.Hold held, int seenIn) {
        isLooking = true;
        long asked = attempt;
        ByteBuffer marked = new Proclaimed(seenIn, value).encode();
        held.propose(new KeyCommand.CompareAndSet(key, version, marked, held.lease()), (result, failure) -> {
            if (asked != attempt) {
                return;
            }
            isLooking = false;
            if (result instanceof KeyResult.Done done) {
                version = done.index();
                look();
            } else if (result instanceof KeyResult.Otherwise there) {
                if (there.entry() == null) {
                    onOwnKeyGone();
                } else {
                    version = there.entry().version();
                    look();
                }
            } else if (LeaseKeeper.isGone(result, failure)) {
                line.keeper().onGone(held);
            } else {
                later(this::look);
            }
        });
    }

    private void onFirst(int seenIn) {
        LeaseKeeper.Hold held = hold;
        if (held == null || !held.isHeld()) {
            return;     // the keeper will tell
        }
        place = Place.HOLDING;
        epoch = seenIn;
        remindedIn = seenIn;
        try {
            if (office.grant(FencingToken.of(seenIn, createIndex), held, term -> term) == null) {
                withdraw();
            }
        } catch (IllegalStateException e) {       // the token is not higher: a group that was set back, and has no higher epoch
            LOG.error("{} does not lead, and stands again", this, e);
            withdraw();      // or a key that leads nobody would be kept for ever
            later(this::enter);
        }
        arm();
    }

    /** Its lease has ended, most likely, and this client has not heard of that yet. */
    private void onOwnKeyGone() {
        LeaseKeeper.Hold held = hold;
        boolean wasHolding = place == Place.HOLDING;
        leaveLine();
        if (wasHolding) {
            office.lose();
        }
        if (held != null) {
            line.keeper().doubt(held);
        }
        later(this::enter);
        arm();
    }

    // ------------------------------------------------------------------------------------------------------------------- in the office

    /** Gives the place in the line to the next. */
    @Override
    public CompletionStage<?> giveAway(Leadership given, Leadership.Reason why) {
        CompletableFuture<Void> away = new CompletableFuture<>();
        line.strand().execute(() -> {
            LeaseKeeper.Hold held = hold;
            if (held == null) {
                away.complete(null);     // lost in the meantime
                return;
            }
            String own = key;
            leaveLine();
            line.discard(own, held).whenComplete((nothing, failure) -> {
                if (failure == null) {
                    away.complete(null);
                } else {
                    away.completeExceptionally(failure);
                }
            });
        });
        return away;
    }

    @Override
    public void changed() {
        line.strand().execute(() -> {
            arm();
            line.changed();
            enter();
        });
    }

    /** Has the office look at the time when it wants to. */
    private void arm() {
        timer.run();
        long nanos = office.nanosUntilDeadline();
        if (nanos != Office.NEVER) {
            timer = line.group().after(nanos, () -> line.strand().execute(() -> {
                office.onTime();
                arm();
                enter();
            }));
        }
    }

    /** Gives the office's key another value, under the same token. Fails if the office is not held, or not any more. */
    CompletableFuture<Void> proclaim(Leadership by, byte[] proclaimed) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        if (place != Place.HOLDING || office.holder() != by) {
            done.completeExceptionally(notInOffice());
            return done;
        }
        proclaim(proclaimed, done);
        return done;
    }

    private void proclaim(byte[] proclaimed, CompletableFuture<Void> done) {
        proclamations.add(new Proclamation(proclaimed, done));
        proclaimNext();
    }

    private void proclaimNext() {
        Proclamation next = proclamations.peek();
        LeaseKeeper.Hold held = hold;
        if (isProclaiming || next == null || held == null) {
            return;
        }
        isProclaiming = true;
        long asked = attempt;
        ByteBuffer said = new Proclaimed(epoch, next.value).encode();
        held.propose(new KeyCommand.CompareAndSet(key, version, said, held.lease()), (result, failure) -> {
            if (asked != attempt) {
                return;     // it has failed already
            }
            isProclaiming = false;
            if (result instanceof KeyResult.Done done) {
                version = done.index();
                value = next.value;
                proclamations.remove();
                next.done.complete(null);
            } else if (result instanceof KeyResult.Otherwise there && isOwn(there.entry(), held)) {
                version = there.entry().version();      // an earlier try of this one, whose outcome was unknown
            } else if (result instanceof KeyResult.Otherwise) {
                onOwnKeyGone();     // a group that was recovered has forgotten the key, and not the lease: whoever comes next leads
                return;
            } else if (LeaseKeeper.isGone(result, failure)) {
                line.keeper().onGone(held);
                failProclamations();      // also if the keeper has known it for long, and this contender was not told: it has left
            } else if (failure == null) {
                proclamations.remove();
                next.done.completeExceptionally(Elections.refused(result));
            } else {
                later(this::proclaimNext);
                return;
            }
            proclaimNext();
        });
    }

    private boolean isOwn(@Nullable KeyEntry there, LeaseKeeper.Hold held) {
        return there != null && there.createIndex() == createIndex && held.lease().equals(there.lease());
    }

    private void failProclamations() {
        isProclaiming = false;
        while (!proclamations.isEmpty()) {
            proclamations.remove().done.completeExceptionally(notInOffice());
        }
    }

    private static IllegalStateException notInOffice() {
        return new IllegalStateException("Perhaps it was proclaimed, but this leadership is over");
    }

    // --------------------------------------------------------------------------------------------------------------------------- time

    private void later(Runnable task) {
        Group group = line.group();
        group.after(ChangePoll.PAUSE_NANOS + group.random(2 * ChangePoll.PAUSE_NANOS), () -> line.strand().execute(task));
    }

    @Override
    public String toString() {
        return "Contender[" + prefix.replace('\0', ' ') + place + (createIndex > 0 ? " at " + createIndex : "") + "]";
    }
}
