package io.quorate.raft.testing;

import java.util.Objects;
import java.util.Set;

/**
 * One thing that goes wrong in a simulated run, and when. Times are nanoseconds from the run's beginning; nodes count from 1.
 *
 * <p>A fault that breaks no rule of the game may break no invariant: Raft promises to cope with it. The few that do break one, because
 * they take back what a disk had promised, say in {@link #mayBreak} which invariants fall with it.
 */
public sealed interface Fault {

    /** From when on. */
    long atNanos();

    /** The invariants, by name, that a group under this fault does not owe. */
    default Set<String> mayBreak() {
        return Set.of();
    }

    /** A fault that befalls one node. */
    sealed interface OfNode extends Fault {

        /** Which. */
        int node();
    }

    // ------------------------------------------------------------------------------------------------------------------ messages

    /**
     * For a while, messages are lost, repeated, late or damaged.
     *
     * @param atNanos        from when on
     * @param forNanos       for how long
     * @param lossPermille   of messages that never arrive
     * @param repeatPermille of messages that arrive twice, the second time late
     * @param latePermille   of messages that are late; they overtake and are overtaken
     * @param lateNanosMax   the longest delay: across elections and restarts. The tail is heavy: most are far quicker
     * @param damagePermille of messages whose bytes are damaged on the way, which needs a {@link Wire}
     */
    record Noise(long atNanos, long forNanos, int lossPermille, int repeatPermille, int latePermille, long lateNanosMax,
                 int damagePermille) implements Fault {

        public Noise {
            notNegative("forNanos", forNanos);
            notNegative("lateNanosMax", lateNanosMax);
            permille("lossPermille", lossPermille);
            permille("repeatPermille", repeatPermille);
            permille("latePermille", latePermille);
            permille("damagePermille", damagePermille);
        }
    }

    /**
     * For a while, some links carry nothing.
     *
     * @param atNanos  from when on
     * @param forNanos for how long
     * @param links    directed links, one bit each, as {@link Links} counts them
     */
    record Cut(long atNanos, long forNanos, long links) implements Fault {

        public Cut {
            notNegative("forNanos", forNanos);
        }
    }

    /** The last message that this node was sent arrives once more, meant for another incarnation of it. */
    record Stray(long atNanos, int node) implements OfNode { }

    // ----------------------------------------------------------------------------------------------------------------- processes

    /**
     * The process dies, and starts again after a while.
     *
     * @param atNanos    when
     * @param node       whose
     * @param downNanos  for how long it is down
     * @param keepsWrite whether what its disk was just writing is there afterwards; what has not been given to the disk is lost
     */
    record Crash(long atNanos, int node, long downNanos, boolean keepsWrite) implements OfNode {

        public Crash {
            notNegative("downNanos", downNanos);
        }
    }

    /**
     * The process dies between two messages of one flush.
     *
     * @param atNanos   from when on
     * @param node      whose
     * @param sends     how many messages it still sends
     * @param downNanos for how long it is down
     */
    record CrashInFlush(long atNanos, int node, int sends, long downNanos) implements OfNode {

        public CrashInFlush {
            notNegative("sends", sends);
            notNegative("downNanos", downNanos);
        }
    }

    /** The process stands still, as in a long garbage collection or under SIGSTOP; what is sent to it waits. */
    record Pause(long atNanos, int node, long forNanos) implements OfNode {

        public Pause {
            notNegative("forNanos", forNanos);
        }
    }

    /** The machine is lost and comes back with an empty disk. A plan wipes fewer than half of the nodes. */
    record Wipe(long atNanos, int node, long downNanos) implements OfNode {

        public Wipe {
            notNegative("downNanos", downNanos);
        }
    }

    // -------------------------------------------------------------------------------------------------------------------- clocks

    /** The node's clock leaps; backwards if negative. At time 0 it is where the clock begins, which may be next to its overflow. */
    record ClockJump(long atNanos, int node, long byNanos) implements OfNode { }

    /** From now on the node's clock runs at this rate; 1000 is right. */
    record ClockRate(long atNanos, int node, int permille) implements OfNode {

        public ClockRate {
            require(permille >= 100 && permille <= 10_000, "A clock runs at 100 to 10000 permille, not " + permille);
        }
    }

    // --------------------------------------------------------------------------------------------------------------------- disks

    /** For a while, each write takes up to this long. */
    record SlowDisk(long atNanos, int node, long forNanos, long writeNanosMax) implements OfNode {

        public SlowDisk {
            notNegative("forNanos", forNanos);
            notNegative("writeNanosMax", writeNanosMax);
        }
    }

    /** For a while, the disk answers nothing. */
    record HangDisk(long atNanos, int node, long forNanos) implements OfNode {

        public HangDisk {
            notNegative("forNanos", forNanos);
        }
    }

    /** The next write fails; the server stops, and is started again after a while. */
    record FailDisk(long atNanos, int node, long downNanos) implements OfNode {

        public FailDisk {
            notNegative("downNanos", downNanos);
        }
    }

    /**
     * One entry behind the newest snapshot rots on the node's disk. That is found when it is read, or at the next start; or at once.
     *
     * @param dice which, and whether it is found at once
     */
    record DamageEntry(long atNanos, int node, long dice) implements OfNode { }

    /**
     * Anything on the node's disk is damaged, if that is a disk with real bytes: a bit turns, or the next write is lost or comes to a wrong
     * place. A disk that no process can run on any more is mostly replaced by an empty one.
     *
     * @param dice what, and whether what can be found is found at once
     */
    record DamageDisk(long atNanos, int node, long dice) implements OfNode { }

    /**
     * For a while, the disk is nearly full.
     *
     * @param atNanos     from when on
     * @param node        whose
     * @param forNanos    for how long
     * @param isToTheBrim whether there is not even room for what is under way
     */
    record FullDisk(long atNanos, int node, long forNanos, boolean isToTheBrim) implements OfNode {

        public FullDisk {
            notNegative("forNanos", forNanos);
        }
    }

    /**
     * The node dies and comes back with its disk as it was some time ago, as from a backup: what it had promised since is forgotten. Raft
     * cannot cope with this; such a run only asks whether it is noticed.
     *
     * @param atNanos    when
     * @param node       whose; the next one if it leads just then
     * @param savedNanos when the copy was made that comes back
     * @param downNanos  for how long it is down
     */
    record RollBack(long atNanos, int node, long savedNanos, long downNanos) implements OfNode {

        public RollBack {
            notNegative("savedNanos", savedNanos);
            notNegative("downNanos", downNanos);
            require(savedNanos < atNanos, "A disk is rolled back to a copy made before " + atNanos + ", not at " + savedNanos);
        }


        @Override
        public Set<String> mayBreak() {
            return EVERYTHING;
        }
    }

    /** The node's disk is copied and a second process started on the copy, while the first goes on. As {@link RollBack}. */
    record CloneDisk(long atNanos, int node) implements OfNode {

        @Override
        public Set<String> mayBreak() {
            return EVERYTHING;
        }
    }

    // --------------------------------------------------------------------------------------------------------------- application

    /** For a while, applying a hand-out of commands takes up to this long. */
    record SlowApply(long atNanos, int node, long forNanos, long applyNanosMax) implements OfNode {

        public SlowApply {
            notNegative("forNanos", forNanos);
            notNegative("applyNanosMax", applyNanosMax);
        }
    }

    /** The next {@code apply} throws, as for want of memory; the server stops, and is started again after a while. */
    record ThrowInApply(long atNanos, int node, long downNanos) implements OfNode {

        public ThrowInApply {
            notNegative("downNanos", downNanos);
        }
    }

    /** Clients ask this many things of one node at once. */
    record Flood(long atNanos, int node, int requests) implements OfNode {

        public Flood {
            notNegative("requests", requests);
        }
    }

    // ------------------------------------------------------------------------------------------------------------------ operators

    /** An operator asks whoever leads to hand over to this node, or to whoever is fit if it is 0. It may come to nothing. */
    record HandOver(long atNanos, int toNode) implements Fault {

        public HandOver {
            require(toNode >= 0 && toNode <= FaultPlan.NODES_MAX, "toNode is a node or 0, not " + toNode);
        }
    }

    /**
     * An operator asks whoever leads for another membership. It may come to nothing, or take effect much later.
     *
     * @param atNanos when
     * @param dice    what he asks for, given what the membership is then
     */
    record ChangeMembership(long atNanos, long dice) implements Fault { }

    // ------------------------------------------------------------------------------------------------------------------- strikes

    /** What hangs in the balance at a moment at which little stands between the rules and their violation. */
    enum Balance {
        /** A candidate's vote for itself is given to its disk; then others are asked for theirs. */
        VOTES,
        /** A leader's own term has nothing committed: what it has inherited may still be lost, or come back. */
        INHERITANCE,
        /** Likewise, and some of that stands on a quorum already. */
        INHERITANCE_ON_A_QUORUM,
        /** A leader replicates, as it does most of the time. */
        ENTRIES
    }

    /**
     * The first replica at such a moment is hit: by a crash, a cut or a stalled disk. Chance alone seldom meets it just then.
     *
     * @param atNanos  from when on
     * @param forNanos for how long it waits for the moment
     * @param balance  which moment
     * @param dice     what decides the rest
     */
    record Strike(long atNanos, long forNanos, Balance balance, long dice) implements Fault {

        public Strike {
            notNegative("forNanos", forNanos);
            Objects.requireNonNull(balance, "balance");
        }
    }

    /** For {@link #mayBreak}: nothing is owed any more. */
    Set<String> EVERYTHING = Set.of("*");

    /** No fault lasts longer, nor makes anything last longer: a day. */
    long NANOS_MAX = 86_400_000_000_000L;

    private static void notNegative(String name, long value) {
        require(value >= 0 && value <= NANOS_MAX, name + " is 0 or more, and at most a day, not " + value);
    }

    private static void permille(String name, int value) {
        require(value >= 0 && value <= 1000, name + " is 0 to 1000, not " + value);
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new IllegalArgumentException(otherwise);
        }
    }
}
