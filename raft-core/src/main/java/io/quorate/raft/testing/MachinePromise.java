package io.quorate.raft.testing;

import org.jspecify.annotations.Nullable;

/** The sentences of {@link io.quorate.raft.StateMachine}'s contract that {@link StateMachineContract} checks, each with the usual cure. */
enum MachinePromise {

    EVERY_COMMAND_APPLIES("EveryCommandApplies",
        "apply throws on no command that anyone may propose, and onTime and wakeUpNanos never, whatever the state is, or the server stops",
        "report what the caller did wrong in the result; answer a command that cannot be read with a result that says so"),

    OLDER_COMMANDS_STILL_APPLY("OlderCommandsStillApply",
        "a command of an older version of the program stays in the log and still applies, or no replica starts again",
        "keep reading the older format; give commands a version number from the start"),

    RESULTS_ARE_NOT_NULL("ResultsAreNotNull",
        "apply and query return an array, never null, or the server stops (apply) or the caller is refused (query)",
        "return an empty array for no result"),

    RESULTS_STAY("ResultsStayAsTheyAre",
        "a result or an answer is not changed after it has been returned; a caller may be reading it still",
        "return a copy of what the machine goes on changing"),

    SAME_COMMANDS_SAME_RESULTS("SameCommandsSameResults",
        "results and answers depend on nothing but the commands so far: another instance gives the same ones",
        "look for a clock, random numbers, a static field that changes, the order of a HashMap or HashSet of objects without a hashCode "
            + "of their own, an IdentityHashMap, System.identityHashCode, a thread's name, work done in parallel; let the proposer put a "
            + "time or a random number into the command instead"),

    QUERY_CHANGES_NOTHING("QueryChangesNothing",
        "query leaves the state and the query's bytes as they are: it is asked on one replica only, as often as callers like",
        "look for a cache, a counter, a cursor or a removal of what has expired that later results or answers depend on; make that a "
            + "command"),

    WAKE_UPS_LIE_AHEAD("WakeUpsLieAhead",
        "when a machine has been told the time, it wants to be told a later one or none; else it is told again at each entry, and never "
            + "between",
        "do in onTime all that has become due, and let wakeUpNanos be the time of what is due next, from the state"),

    INSTANCES_SHARE_NOTHING("InstancesShareNothing",
        "two instances in one process do not meet, or a simulated group and tests side by side are of no use",
        "look for a static field, a singleton or a file that both instances use"),

    SAME_ON_ANY_THREAD("SameOnAnyThread",
        "it does not matter which thread applies, nor what the process has done before",
        "look for a ThreadLocal, a thread's name or number, a static cache or counter, identity hash codes"),

    SAME_IN_ANY_PLACE("SameInAnyPlace",
        "results and answers do not depend on the default locale and time zone: replicas may run under different ones",
        "name the locale (Locale.ROOT) in toUpperCase, toLowerCase, String.format and formatters, and the time zone (ZoneOffset.UTC) "
            + "wherever an instant becomes a date or the other way round"),

    PAYLOAD_IS_NOT_KEPT("PayloadIsNotKept",
        "the payload is valid during the call only: its bytes become something else afterwards",
        "copy what is to stay, by command.bytes() or payload.get(...); a slice or a duplicate is no copy"),

    SNAPSHOTS_ALWAYS_OR_NEVER("SnapshotsAlwaysOrNever",
        "snapshot returns null each time (a machine without snapshots) or never",
        "return a snapshot of every state, also of the empty one"),

    SNAPSHOT_CHANGES_NOTHING("SnapshotChangesNothing",
        "taking and writing a snapshot leaves the state as it is: each replica takes its own at its own time",
        "look for what snapshot() or writeTo moves, clears or marks"),

    RESTORED_GOES_ON_THE_SAME("RestoredGoesOnTheSame",
        "a machine restored from a snapshot, taken at any index, answers and goes on as one that never stopped",
        "look for a field that writeTo leaves out or restore does not set (a counter, the next id, a deadline, an order of insertion), and "
            + "for a buffer that is not flushed at the end of writeTo"),

    RESTORE_REPLACES("RestoreReplacesTheState",
        "restore replaces the whole state: nothing remains of the one before, whatever it was",
        "clear every collection and set every field in restore, or read into new ones and swap them in at the end"),

    SNAPSHOT_IS_CAPTURED("SnapshotIsCaptured",
        "a snapshot is the state at the time of snapshot(), although writeTo runs later, on another thread, beside further commands",
        "let snapshot() take a copy, or share only what never changes; a copied map whose values are changed in place is no copy"),

    WRITE_FAILURE_IS_THROWN("WriteFailureIsThrown",
        "writeTo throws the stream's IOException, or half a snapshot on a full disk passes for a whole one",
        "do not catch it, and do not write through a PrintStream, a PrintWriter or a Formatter, which swallow it"),

    READ_FAILURE_IS_THROWN("ReadFailureIsThrown",
        "restore throws the stream's IOException, or a state read in part passes for the whole one",
        "do not catch it, and do not read through a Scanner, which swallows it"),

    RESTORE_READS_ANY_STREAM("RestoreReadsAnyStream",
        "restore reads a stream that returns fewer bytes than asked for and whose available() is 0, as files and sockets may",
        "read with readNBytes, readAllBytes or DataInputStream.readFully; do not ask available()"),

    SAME_LATER("SameLater",
        "the same commands give the same results at another time: replicas apply them at different times, and again after a restart",
        "look for a clock; let the proposer put the time into the command"),

    SAME_IN_ANOTHER_JVM("SameInAnotherJvm",
        "the same commands give the same results in another JVM, with another default charset, locale, time zone and line separator, other "
            + "hash codes, one processor and without -ea",
        "look for getBytes() and new String(...) without a charset, the order of Set.of, Map.of, HashMaps of objects, %n, formatters in "
            + "static fields, Object.hashCode, assertions with effects, and system properties"),

    SNAPSHOT_TRAVELS("SnapshotTravels",
        "a snapshot written in one JVM restores the same state in another, with another default charset, locale and time zone",
        "name the charset, the locale and the time zone in writeTo and restore; write no hash codes and no line separators");

    private final String check;
    private final String sentence;
    private final String advice;

    MachinePromise(String check, String sentence, String advice) {
        this.check = check;
        this.sentence = sentence;
        this.advice = advice;
    }

    ContractBroken broken(String seen, @Nullable Throwable cause) {
        return new ContractBroken(check, sentence, seen, advice, cause);
    }
}
