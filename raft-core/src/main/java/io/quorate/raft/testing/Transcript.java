package io.quorate.raft.testing;

import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.RaftConfig;
import io.quorate.raft.testing.TranscriptGroup.Disk;
import io.quorate.raft.testing.TranscriptNetwork.Link;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A scenario as text: commands, and below each, indented, everything that some real {@link io.quorate.raft.core.RaftNode}s did about it.
 *
 * <p>A transcript is a test and a page of documentation at once. Network, disks and clock move only when a command says so, so a text can
 * show the very order of events in which an algorithm is right or wrong. {@link #run} gives the text with the effects as they are now:
 * equal to the text given, or something has changed that somebody should look at. Every step is also held against the invariants of
 * {@code docs/invariants.md}, until a command says that a disk has lost what it held.
 *
 * <pre>
 *   # A group of three elects its first leader.
 *   group 3
 *     voters A B C
 *   timeout A
 *     at 0ms
 *     A: pre-candidate in term 0
 *     A -&gt; B: PreVote(term 0, last 0@0, attempt 1)
 *     A -&gt; C: PreVote(term 0, last 0@0, attempt 1)
 * </pre>
 *
 * <p>Lines that begin with {@code #} are comments, indented lines are effects, all others commands; {@code docs/transcripts.md} lists them.
 * The election timeout T is one second, and every node draws exactly T unless the text says otherwise.
 *
 * <p>Immutable; runs share nothing.
 */
public final class Transcript {

    private static final String INDENT = "  ";

    private final List<String> lines;

    private Transcript(List<String> lines) {
        this.lines = lines;
    }

    /**
     * Reads a transcript. Its commands are judged when it is run.
     *
     * @throws IllegalArgumentException if it has no command: it could never fail
     */
    public static Transcript parse(String text) {
        List<String> lines = text.lines().map(String::stripTrailing).toList();
        if (lines.stream().noneMatch(Transcript::isCommand)) {
            throw new IllegalArgumentException("A transcript has at least one command");
        }
        return new Transcript(lines);
    }

    /**
     * Runs all commands against a new group.
     *
     * @return comments and commands as they were read, and the effects as they are now
     * @throws IllegalArgumentException if a command cannot be read or carried out, or if nothing at all has come of them; the message
     *                                  names the line
     * @throws AssertionError           if an invariant is broken; the message names the line and holds everything up to it
     */
    public String run() {
        Run run = new Run();
        StringBuilder text = new StringBuilder();
        boolean isEmpty = true;
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i);
            if (isCommand(line)) {
                List<String> effects = effects(run, i + 1, line, text);
                isEmpty &= effects.isEmpty();
                text.append(line).append('\n');
                effects.forEach(effect -> text.append(INDENT).append(effect).append('\n'));
            } else if (!isEffect(line)) {
                text.append(line).append('\n');
            }
        }
        at(lines.size(), "the end", run::end);
        if (isEmpty) {
            throw new IllegalArgumentException("Nothing has come of any command: this transcript could never fail");
        }
        return text.toString();
    }

    /** The text as it was read, but for spaces at the ends of lines. */
    @Override
    public String toString() {
        return String.join("\n", lines) + "\n";
    }

    /**
     * Where two runs of a transcript first differ, for a failure's message.
     *
     * @return the lines around the first difference; empty if there is none
     */
    public static String difference(String expected, String actual) {
        List<String> before = expected.lines().toList();
        List<String> after = actual.lines().toList();
        int at = 0;
        while (at < before.size() && at < after.size() && before.get(at).equals(after.get(at))) {
            at++;
        }
        if (at == before.size() && at == after.size()) {
            return "";
        }
        int command = at;
        while (command > 0 && !(command < before.size() && isCommand(before.get(command)))) {
            command--;
        }
        StringBuilder text = new StringBuilder("line " + (at + 1) + " is not as it was:\n");
        for (int i = command; i < at; i++) {
            text.append("    ").append(before.get(i)).append('\n');
        }
        excerpt(text, "  - ", before, at);
        excerpt(text, "  + ", after, at);
        return text.toString();
    }

    private static void excerpt(StringBuilder text, String mark, List<String> lines, int from) {
        int to = from;
        while (to < lines.size() && to < from + 12 && (to == from || !isCommand(lines.get(to)))) {
            text.append(mark).append(lines.get(to++)).append('\n');
        }
        if (from == lines.size()) {
            text.append(mark).append("(the end)\n");
        }
    }

    private static boolean isEffect(String line) {
        return line.startsWith(" ") || line.startsWith("\t");
    }

    private static boolean isCommand(String line) {
        return !line.isEmpty() && !isEffect(line) && !line.startsWith("#");
    }

    private static List<String> effects(Run run, int number, String command, StringBuilder before) {
        try {
            at(number, command, () -> run.execute(new TranscriptWords(command)));
        } catch (InvariantBroken e) {
            throw new AssertionError("line " + number + ", " + command + ": " + e.getMessage() + "\n\n" + before + command + '\n' + run, e);
        }
        return run.takeLines();
    }

    private static void at(int number, String command, Runnable action) {
        try {
            action.run();
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("line " + number + ", " + command + ": " + e.getMessage(), e);
        }
    }

    /** One run: the group, once there is one, and what its disks hold before. */
    private static final class Run {

        private final Map<Integer, Disk> disks = new HashMap<>();
        private final Map<Integer, List<Long>> draws = new HashMap<>();
        private @Nullable TranscriptGroup group;

        List<String> takeLines() {
            return group == null ? List.of() : group.takeLines();
        }

        @Override
        public String toString() {
            StringBuilder text = new StringBuilder();
            takeLines().forEach(line -> text.append(INDENT).append(line).append('\n'));
            return text.toString();
        }

        void end() {
            group().requireNoStop();
        }

        void execute(TranscriptWords words) {
            String command = words.word("a command");
            if (group != null && !command.equals("expect-stop")) {
                group.requireNoStop();
            }
            switch (command) {
                case "disk" -> disk(words.node(), words.disk());
                case "group" -> found(words);
                case "draws" -> draw(words.node(), words);
                case "pass" -> group().pass(words.nanos());
                case "tick" -> each(words, group()::tick);
                case "timeout" -> each(words, group()::timeout);
                case "heartbeat" -> each(words, group()::heartbeat);
                case "propose" -> propose(words.node(), words);
                case "read" -> group().read(words.node());
                case "transfer" -> group().transfer(words.node(), words.node());
                case "lost" -> group().lost(words.node(), words.node());
                case "change" -> change(words.node(), words);
                case "write" -> write(words.nodes(), words);
                case "fail" -> each(words, group()::fail);
                case "replace" -> each(words, group()::replaceDisk);
                case "crash" -> each(words, group()::crash);
                case "restart" -> each(words, group()::restart);
                case "hold" -> each(words, group()::hold);
                case "flush" -> each(words, group()::flush);
                case "expect-stop" -> group().expectStop(words.node());
                case "cut" -> cut(words);
                case "heal" -> group().network().heal();
                case "deliver" -> deliver(words);
                case "drop" -> drop(words);
                case "keep" -> keep(words);
                case "repeat" -> group().repeat(words.links(false).get(0));
                case "stabilize" -> group().stabilize(nodesOrAll(words));
                case "settle" -> group().settle(nodesOrAll(words));
                case "elect" -> elect(words);
                case "run" -> group().run(words.nanos());
                case "status" -> nodesOrAll(words).forEach(group()::tellStatus);
                case "log" -> nodesOrAll(words).forEach(group()::tellLog);
                case "network" -> group().tellNetwork();
                default -> throw new IllegalArgumentException("there is no command \"" + command + "\"");
            }
            words.end();
        }

        private TranscriptGroup group() {
            if (group == null) {
                throw new IllegalArgumentException("there is no group yet");
            }
            return group;
        }

        private void disk(int node, Disk disk) {
            if (group == null) {
                disks.put(node, disk);
            } else {
                group.setDisk(node, disk);
            }
        }

        private void found(TranscriptWords words) {
            if (group != null) {
                throw new IllegalArgumentException("there is a group already");
            }
            int size = words.number("how many nodes", 1);
            if (size > 7) {
                throw new IllegalArgumentException("a group has 7 nodes at most");
            }
            List<Integer> all = IntStream.rangeClosed(1, size).boxed().toList();
            List<Member> voters = words.takes("voters") ? members(words) : all.stream().map(TranscriptGroup::member).toList();
            List<Member> outgoing = words.takes("outgoing") ? members(words) : List.of();
            List<Member> learners = words.takes("learners") ? members(words) : List.of();
            Membership membership = new Membership(1, voters, outgoing, learners);
            for (int node : disks.keySet()) {
                if (node > size) {
                    throw new IllegalArgumentException("there is a disk for " + TranscriptText.name(node) + ", but no such node");
                }
            }
            group = new TranscriptGroup(size, config(words), membership, disks, draws);
        }

        /** Budgets in bytes; an entry has 36 beside its command. */
        private static RaftConfig config(TranscriptWords words) {
            RaftConfig config = RaftConfig.DEFAULT;
            long uncommitted = words.takes("uncommitted") ? words.number("bytes", 1) : config.uncommittedBytesMax();
            long inflight = words.takes("inflight") ? words.number("bytes", 1) : config.inflightBytesMax();
            int append = words.takes("append") ? words.number("bytes", 1) : config.appendBytesMax();
            long cached = words.takes("cached") ? words.number("bytes", 1) : config.cachedBytesMax();
            return new RaftConfig(config.electionTimeoutNanos(), uncommitted, config.unappliedBytesMax(), inflight, append, cached,
                config.leaseDriftPermille());
        }

        private static List<Member> members(TranscriptWords words) {
            return words.nodes().stream().map(TranscriptGroup::member).toList();
        }

        private void draw(int node, TranscriptWords words) {
            List<Long> nanos = new ArrayList<>();
            do {
                nanos.add(words.nanos());
            } while (words.hasMore());
            if (group == null) {
                draws.put(node, nanos);
            } else {
                group.draw(node, nanos);
            }
        }

        private void propose(int node, TranscriptWords words) {
            do {
                group().propose(node, words.word("a command for the state machine"));
            } while (words.hasMore());
        }

        private void change(int node, TranscriptWords words) {
            if (!words.takes("voters")) {
                throw new IllegalArgumentException("there should be \"voters\" and who they shall be");
            }
            List<Integer> voters = words.nodes();
            group().change(node, voters, words.takes("learners") ? words.nodes() : List.of());
        }

        private void write(List<Integer> nodes, TranscriptWords words) {
            int count = words.hasMore() ? words.number("how many writes", 1) : Integer.MAX_VALUE;
            nodes.forEach(node -> group().write(node, count));
        }

        private void cut(TranscriptWords words) {
            do {
                if (words.isLink()) {
                    words.links(true).forEach(group().network()::cut);
                } else {
                    int node = words.node();
                    for (int other : group().all()) {
                        group().network().cut(new Link(node, other));
                        group().network().cut(new Link(other, node));
                    }
                }
            } while (words.hasMore());
        }

        private void deliver(TranscriptWords words) {
            do {
                if (!words.isLink()) {
                    group().deliver(words.word("a link as in A->B, or the name of a kept message"));
                    continue;
                }
                Link link = words.links(false).get(0);
                if (words.takes("all")) {
                    group().deliverAll(link);
                } else {
                    group().deliver(link, position(words));
                }
            } while (words.hasMore());
        }

        private void drop(TranscriptWords words) {
            if (words.takes("all")) {
                group().network().dropAll();
                return;
            }
            do {
                Link link = words.links(false).get(0);
                if (words.takes("all")) {
                    group().dropAll(link);
                } else {
                    group().drop(link, position(words));
                }
            } while (words.hasMore());
        }

        private void keep(TranscriptWords words) {
            Link link = words.links(false).get(0);
            int position = position(words);
            if (!words.takes("as")) {
                throw new IllegalArgumentException("there should be \"as\" and a name");
            }
            group().keep(link, position, words.word("a name"));
        }

        private void elect(TranscriptWords words) {
            int candidate = words.node();
            if (!words.takes("with")) {
                throw new IllegalArgumentException("there should be \"with\" and who votes for it");
            }
            group().elect(candidate, words.nodes());
        }

        /** Which of the messages on a link, the oldest being 1. */
        private static int position(TranscriptWords words) {
            return words.isNumber() ? words.number("which message", 1) : 1;
        }

        private List<Integer> nodesOrAll(TranscriptWords words) {
            return words.hasMore() ? words.nodes() : group().all();
        }

        private static void each(TranscriptWords words, IntConsumer action) {
            words.nodes().forEach(action::accept);
        }
    }
}
