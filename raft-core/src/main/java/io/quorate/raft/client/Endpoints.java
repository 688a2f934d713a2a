package io.quorate.raft.client;

import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.LongUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The addresses of a group, each with its breaker: which of them is worth a call now?
 *
 * <p>Those that the user gave are asked first, in turn, and are never forgotten. The others are learned: from hints, and from what members
 * say of the membership. They count where none of the given ones is of use, so a client finds its group also when all the machines that it
 * was told of are gone; and until then reads stay with the replicas that its user chose.
 *
 * <p>Thread-safe; time and chance are arguments.
 */
final class Endpoints {

    /** Addresses that may be learned; more than a group has members. */
    static final int LEARNED_MAX = 64;

    /**
     * Where a call goes.
     *
     * @param address  there, now
     * @param nextTurn whose turn it is if it has no success there
     * @param probe    who should be asked besides, by something that nobody waits for, whether it answers again; null if nobody
     */
    record Choice(String address, int nextTurn, @Nullable String probe) { }

    private final List<String> given;
    private final LongUnaryOperator random;

    // Guarded by this.
    private final Set<String> learned = new LinkedHashSet<>();          // without those that were given; the oldest first
    private final Map<String, Breaker> breakers = new HashMap<>();      // of each address
    private final Map<String, String> reasons = new HashMap<>();        // for which a breaker is not closed
    private List<String> all;                                           // the given ones first
    private int epoch;                                                  // with the next
    private long version;                                               // of the membership that was learned; 0 if none was

    Endpoints(List<String> given, LongUnaryOperator random) {
        this.given = List.copyOf(new LinkedHashSet<>(given));
        this.random = random;
        this.given.forEach(address -> breakers.put(address, new Breaker()));
        all = this.given;
    }

    /** All addresses, the given ones first. */
    synchronized List<String> all() {
        return all;
    }

    /**
     * Chooses where a call goes, which it then must; null if nobody is worth one before {@link #dueNanos}.
     *
     * @param hint  where the leader is believed to be, or null: worth a call as soon as that has any sense, for nobody else would do
     * @param start where this call begins, among the given ones and among the learned
     * @param turn  0 at first, then as the last choice said
     */
    synchronized @Nullable Choice choose(@Nullable String hint, int start, int turn, long nowNanos) {
        Breaker hinted = hint == null ? null : breakers.get(hint);
        if (hint != null && hinted != null && hinted.admits(nowNanos, true)) {
            return to(hint, turn, nowNanos);
        }
        for (int i = 0; i < all.size(); i++) {
            String address = at(start, turn + i);
            if (breaker(address).state() == Breaker.State.CLOSED) {
                return to(address, turn + i + 1, nowNanos);
            }
        }
        // All are left alone. Who is due first is asked early, for else nothing would be left to the caller but to fail.
        String first = null;
        for (String address : all) {
            if (breaker(address).admits(nowNanos, true)
                && (first == null || breaker(address).dueNanos(false) - breaker(first).dueNanos(false) < 0)) {
                first = address;
            }
        }
        return first == null ? null : to(first, turn, nowNanos);
    }

    private Choice to(String address, int nextTurn, long nowNanos) {
        breaker(address).onCall(nowNanos);
        for (String other : all) {
            if (breaker(other).state() != Breaker.State.CLOSED && breaker(other).admits(nowNanos, false)) {
                breaker(other).onCall(nowNanos);
                return new Choice(address, nextTurn, other);
            }
        }
        return new Choice(address, nextTurn, null);
    }

    private String at(int start, int turn) {
        int place = turn % all.size();
        int others = all.size() - given.size();
        return place < given.size() ? all.get((start + place) % given.size()) : all.get(given.size() + (start + place) % others);
    }

    /** When somebody is worth a call, if nobody is now. */
    synchronized long dueNanos(long nowNanos) {
        long wait = Long.MAX_VALUE;
        for (String address : all) {
            wait = Math.min(wait, breaker(address).dueNanos(true) - nowNanos);
        }
        return nowNanos + Math.max(0, wait);
    }

    /** Why those are left alone that are. */
    synchronized Map<String, String> reasons() {
        return new TreeMap<>(reasons);
    }

    synchronized void onAnswer(String address, long nowNanos) {
        Breaker breaker = breakers.get(address);
        if (breaker != null) {
            breaker.onAnswer(nowNanos);
            reasons.remove(address);
        }
    }

    synchronized void onFailure(String address, long begunNanos, long nowNanos, String why) {
        Breaker breaker = breakers.get(address);
        if (breaker != null) {
            breaker.onFailure(begunNanos, nowNanos, random);
            if (breaker.state() != Breaker.State.CLOSED) {
                reasons.put(address, why);
            }
        }
    }

    synchronized void onNothing(String address, long begunNanos) {
        Breaker breaker = breakers.get(address);
        if (breaker != null) {
            breaker.onNothing(begunNanos);
        }
    }

    /** Somebody says that the leader is there. */
    synchronized void learn(String address) {
        if (!breakers.containsKey(address)) {
            if (learned.size() >= LEARNED_MAX) {
                Iterator<String> oldest = learned.iterator();
                forget(oldest.next());
                oldest.remove();
            }
            add(address);
            arrange();
        }
    }

    /**
     * These are the members, in this recovery epoch: they replace what was learned before, unless that is newer.
     *
     * @param inEpoch the highest that was met when the membership was told
     */
    synchronized void learn(Membership membership, int inEpoch) {
        if (inEpoch < epoch || inEpoch == epoch && membership.version() <= version) {
            return;
        }
        epoch = inEpoch;
        version = membership.version();
        Set<String> members = new LinkedHashSet<>();
        for (Member member : membership.members()) {
            if (!member.address().isEmpty() && members.size() < LEARNED_MAX) {
                members.add(member.address());
            }
        }
        learned.stream().filter(address -> !members.contains(address)).forEach(this::forget);
        learned.retainAll(members);
        members.stream().filter(address -> !breakers.containsKey(address)).forEach(this::add);
        arrange();
    }

    private void add(String address) {
        learned.add(address);
        breakers.put(address, new Breaker());
    }

    private void forget(String address) {
        breakers.remove(address);
        reasons.remove(address);
    }

    private void arrange() {
        List<String> arranged = new ArrayList<>(given);
        arranged.addAll(learned);
        all = List.copyOf(arranged);
    }

    private Breaker breaker(String address) {
        return Objects.requireNonNull(breakers.get(address));
    }

    @Override
    public synchronized String toString() {
        return all + ", left alone: " + reasons;
    }
}
