package io.quorate.raft.testing;

import io.quorate.raft.FoundingMessage;
import io.quorate.raft.RepairMessage;
import io.quorate.raft.SnapshotMessage;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.NodeStatus.RoleName;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What happened in one simulated run, in order: a value, to be read as text ({@link #toString}, one line for each event) or looked at as a
 * picture ({@link TracePicture}).
 *
 * <p>Nodes are numbered from 1; 0 stands for no node in particular. Times are nanoseconds of virtual time since the run began.
 *
 * <p>A run has far more events than anybody reads, and their texts cost more than the run itself. So a {@link Recorder} keeps the last ones
 * only, and a run that is deterministic can be recorded when it is repeated: first find the seed that fails, then run it again with a
 * recorder.
 *
 * @param seed        that repeats the run
 * @param nodes       how many there are
 * @param description what the run was told to do: its fault plan, in any words and on any number of lines
 * @param dropped     how many events that came before are not kept
 * @param events      in their order; those of one time are in the order in which they happened
 */
public record Trace(long seed, int nodes, String description, long dropped, List<Event> events) {

    public Trace {
        events = List.copyOf(events);
        if (nodes < 0 || dropped < 0) {
            throw new IllegalArgumentException("Impossible trace: " + nodes + " nodes, " + dropped + " events dropped");
        }
        long before = 0;
        for (Event event : events) {
            if (event.atNanos() < before) {
                throw new IllegalArgumentException("Out of order: " + event + " behind " + before + " ns");
            }
            if (event.node() < 0 || event.node() > nodes) {
                throw new IllegalArgumentException("There are " + nodes + " nodes, but this is of another: " + event);
            }
            before = event.atNanos();
        }
    }

    /** One thing that happened. */
    public sealed interface Event {

        /** When, in virtual time. */
        long atNanos();

        /** Where, or 0 for no node in particular. */
        default int node() {
            return 0;
        }

        /** What, in words, without the time. */
        String text();
    }

    /** A process starts. It is blank until it {@link Became} something. */
    public record Started(long atNanos, int node, long boot) implements Event {
        @Override
        public String text() {
            return "node " + node + " starts, boot " + boot;
        }
    }

    /** A process is killed. */
    public record Crashed(long atNanos, int node, String why) implements Event {
        @Override
        public String text() {
            return "node " + node + " crashes" + behindColon(why);
        }
    }

    /** A server has stopped itself: its disk failed, or it found an invariant broken. */
    public record Stopped(long atNanos, int node, String why) implements Event {
        @Override
        public String text() {
            return "node " + node + " stops" + behindColon(why);
        }
    }

    /** A process stands still, as by a garbage collection or SIGSTOP. */
    public record Paused(long atNanos, int node) implements Event {
        @Override
        public String text() {
            return "node " + node + " pauses";
        }
    }

    /** It goes on. */
    public record Resumed(long atNanos, int node) implements Event {
        @Override
        public String text() {
            return "node " + node + " resumes";
        }
    }

    /** A node has another role, or is in another term, than before. */
    public record Became(long atNanos, int node, RoleName role, long term) implements Event {
        @Override
        public String text() {
            return "node " + node + " is " + name(role) + " in term " + term;
        }
    }

    /**
     * A message leaves.
     *
     * @param node      the sender
     * @param to        the receiver
     * @param messageId tells it apart from all others of the run
     * @param kind      what it is, in one word: the name of its class; but an append without entries is a {@code Heartbeat}
     * @param label     the few words that a picture has room for
     * @param content   all that is in it
     */
    public record Sent(long atNanos, int node, int to, long messageId, String kind, String label, String content) implements Event {

        /** The kind of an append without entries. */
        public static final String HEARTBEAT = "Heartbeat";

        /** Of one replica to another, to move a snapshot. */
        public static Sent of(long atNanos, long messageId, SnapshotMessage message) {
            String kind = message.getClass().getSimpleName();
            String label = message instanceof SnapshotMessage.Ask ask ? "ask " + ask.snapshot() + " +" + ask.offset()
                : message instanceof SnapshotMessage.Piece piece ? "piece +" + piece.offset() : "gone " + message.snapshot();
            return new Sent(atNanos, message.from().nodeId(), message.to().nodeId(), messageId, kind, label, message.toString());
        }

        /** Of one replica to another, to get back what is damaged on a disk. */
        public static Sent of(long atNanos, long messageId, RepairMessage message) {
            String kind = message.getClass().getSimpleName();
            String label = message instanceof RepairMessage.EntryRequest request ? "wants " + request.wanted().size() + " entries"
                : message instanceof RepairMessage.EntryAnswer answer ? "gives " + answer.entries().size() + " entries" : kind;
            return new Sent(atNanos, message.from().nodeId(), message.to().nodeId(), messageId, kind, label, message.toString());
        }

        /** Of one replica to another. */
        public static Sent of(long atNanos, long messageId, Message message) {
            String kind = message.getClass().getSimpleName();
            String label = kind;
            if (message instanceof Message.AppendEntries append) {
                boolean isHeartbeat = append.entries().isEmpty();
                kind = isHeartbeat ? HEARTBEAT : kind;
                label = isHeartbeat ? "probe " + append.prev()
                    : "append " + (append.prev().index() + 1) + (append.entries().size() == 1 ? "" : ".." + append.lastIndex());
            } else if (message instanceof Message.AppendAccepted accepted) {
                label = "has " + accepted.matchIndex();
            } else if (message instanceof Message.AppendRejected rejected) {
                label = "not " + rejected.rejected();
            } else if (message instanceof Message.PreVote) {
                label = "pre-vote?";
            } else if (message instanceof Message.PreVoteAnswer answer) {
                label = "pre-vote " + (answer.granted() ? "yes" : "no");
            } else if (message instanceof Message.RequestVote request) {
                label = "vote? term " + request.term();
            } else if (message instanceof Message.Vote vote) {
                label = "vote " + (vote.granted() ? "yes" : "no");
            }
            return new Sent(atNanos, message.from().nodeId(), message.to().nodeId(), messageId, kind, label, message.toString());
        }

        /** Of one node to another, one of them being blank. */
        public static Sent of(long atNanos, long messageId, FoundingMessage message) {
            return new Sent(atNanos, message.from(), message.to(), messageId, "FoundingMessage",
                message.isQuestion() ? "founded?" : message.founding() == null ? "blank" : "founded", message.toString());
        }

        @Override
        public String text() {
            return "node " + node + " -> " + to + " #" + messageId + " " + content;
        }
    }

    /** A copy of a message is handed to its receiver. There may be several. */
    public record Arrived(long atNanos, int node, long messageId) implements Event {
        @Override
        public String text() {
            return "node " + node + " <- #" + messageId;
        }
    }

    /** A copy of a message will never arrive: {@code lost}, {@code cut off}, {@code damaged}, {@code receiver is down}. */
    public record Lost(long atNanos, long messageId, String why) implements Event {
        @Override
        public String text() {
            return "message #" + messageId + " never arrives" + behindColon(why);
        }
    }

    /** One direction between two nodes. */
    public record Link(int from, int to) implements Comparable<Link> {
        @Override
        public int compareTo(Link other) {
            return Comparator.comparingInt(Link::from).thenComparingInt(Link::to).compare(this, other);
        }

        @Override
        public String toString() {
            return from + "->" + to;
        }
    }

    /** These links carry nothing until then, or until they are {@link Healed}; others that were cut before stay so. */
    public record Cut(long atNanos, long untilNanos, List<Link> links) implements Event {

        public Cut {
            links = List.copyOf(links);
        }

        /** Until they are healed. */
        public Cut(long atNanos, List<Link> links) {
            this(atNanos, Long.MAX_VALUE, links);
        }

        @Override
        public String text() {
            return "cut" + (untilNanos == Long.MAX_VALUE ? "" : " until " + millis(untilNanos)) + ": " + links;
        }
    }

    /** These links carry again; without any named, all of them. */
    public record Healed(long atNanos, List<Link> links) implements Event {

        public Healed {
            links = List.copyOf(links);
        }

        /** All links. */
        public Healed(long atNanos) {
            this(atNanos, List.of());
        }

        @Override
        public String text() {
            return "healed" + (links.isEmpty() ? "" : ": " + links);
        }
    }

    /** A write has returned: the log is durable up to this index. */
    public record Wrote(long atNanos, int node, long durableIndex, String content) implements Event {
        @Override
        public String text() {
            return "node " + node + " wrote up to " + durableIndex + behindColon(content);
        }
    }

    /** A node knows the log to be committed up to this index. */
    public record Committed(long atNanos, int node, long index) implements Event {
        @Override
        public String text() {
            return "node " + node + " commits up to " + index;
        }
    }

    /** A node's state machine has applied the log up to this index. */
    public record Applied(long atNanos, int node, long index) implements Event {
        @Override
        public String text() {
            return "node " + node + " applied up to " + index;
        }
    }

    /** A client calls a node. */
    public record ClientAsked(long atNanos, int node, long client, String content) implements Event {
        @Override
        public String text() {
            return "client " + client + " asks node " + node + ": " + content;
        }
    }

    /** What it was told: the answer to its latest question. */
    public record ClientAnswered(long atNanos, int node, long client, String content) implements Event {
        @Override
        public String text() {
            return "client " + client + " is told by node " + node + ": " + content;
        }
    }

    /** Anything else that was done to a node, or to the group: a clock jumps, a disk is slow. */
    public record Fault(long atNanos, int node, String content) implements Event {
        @Override
        public String text() {
            return (node == 0 ? "" : "node " + node + " ") + content;
        }
    }

    /** An invariant does not hold: its name, and what was seen. */
    public record Violated(long atNanos, int node, String invariant, String content) implements Event {
        @Override
        public String text() {
            return "VIOLATED " + (node == 0 ? "" : "at node " + node + " ") + invariant + behindColon(content);
        }
    }

    /** One line for each event, preceded by a word about those that were not kept. */
    public List<String> lines() {
        List<String> lines = new ArrayList<>(events.size() + 1);
        if (dropped > 0) {
            lines.add("(" + dropped + " earlier events were not kept; what of them still stands comes first)");
        }
        Map<Long, Sent> sent = new HashMap<>();
        for (Event event : events) {
            if (event instanceof Sent message) {
                sent.put(message.messageId(), message);
            }
            lines.add(String.format(Locale.ROOT, "%17s  %s%s", millis(event.atNanos()), event.text(), about(event, sent)));
        }
        return lines;
    }

    @Override
    public String toString() {
        return String.join("\n", lines());
    }

    private static String about(Event event, Map<Long, Sent> sent) {
        Sent message = event instanceof Arrived arrived ? sent.get(arrived.messageId())
            : event instanceof Lost lost ? sent.get(lost.messageId()) : null;
        return message == null ? "" : " (" + message.kind() + " of " + message.node() + " to " + message.to() + ")";
    }

    static String millis(long nanos) {
        long micros = nanos / 1000;   // a formatter would take most of the time that a picture takes
        String part = Long.toString(1000 + micros % 1000);
        return micros / 1000 + "." + part.substring(1) + " ms";
    }

    static String name(RoleName role) {
        return role.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    static String behindColon(String text) {
        return text.isEmpty() ? "" : ": " + text;
    }

    /**
     * Takes down what happens, and keeps the last events. Of those that it drops, it keeps what still stands: which processes run, are
     * paused or down, their roles and terms, and the links that are cut. So a trace that begins in the middle can be understood.
     *
     * <p>Not thread-safe.
     */
    public static final class Recorder {

        /** How many events are kept unless another number is given. */
        public static final int EVENTS_MAX = 20_000;

        private record Positioned(long position, Event event) { }

        private final int eventsMax;
        private final Deque<Event> events = new ArrayDeque<>();
        private final Map<Integer, @Nullable Positioned[]> standing = new TreeMap<>();   // by node: process, role, pause
        private final Map<Link, Cut> cuts = new TreeMap<>();
        private long dropped;

        /** Keeps {@link #EVENTS_MAX} events. */
        public Recorder() {
            this(EVENTS_MAX);
        }

        /** Keeps this many. */
        public Recorder(int eventsMax) {
            if (eventsMax < 1) {
                throw new IllegalArgumentException("A recorder that keeps " + eventsMax + " events");
            }
            this.eventsMax = eventsMax;
        }

        /** The next event; not earlier than the last one. */
        public void record(Event event) {
            if (events.size() == eventsMax) {
                drop(events.removeFirst());
            }
            events.addLast(event);
        }

        /** What was recorded so far. */
        public Trace trace(long seed, int nodes, String description) {
            List<Positioned> first = new ArrayList<>();
            for (@Nullable Positioned[] ofNode : standing.values()) {
                for (Positioned each : ofNode) {
                    if (each != null) {
                        first.add(each);
                    }
                }
            }
            first.sort(Comparator.comparingLong(Positioned::position));
            List<Event> all = new ArrayList<>(first.size() + events.size() + cuts.size());
            first.forEach(each -> all.add(each.event()));
            all.addAll(standingCuts());
            all.sort(Comparator.comparingLong(Event::atNanos));   // stable
            all.addAll(events);
            return new Trace(seed, nodes, description, dropped, all);
        }

        /** Those that no dropped event has healed, with the links that are left of them. */
        private List<Event> standingCuts() {
            List<Event> left = new ArrayList<>();
            for (Cut cut : cuts.values().stream().distinct().toList()) {
                left.add(new Cut(cut.atNanos(), cut.untilNanos(),
                    cuts.entrySet().stream().filter(each -> each.getValue().equals(cut)).map(Map.Entry::getKey).toList()));
            }
            return left;
        }

        private void drop(Event event) {
            dropped++;
            if (event instanceof Started || event instanceof Crashed || event instanceof Stopped) {
                Arrays.fill(ofNode(event), null);   // a process has no role of an earlier one
                stand(event, 0);
            } else if (event instanceof Became) {
                stand(event, 1);
            } else if (event instanceof Paused) {
                stand(event, 2);
            } else if (event instanceof Resumed) {
                ofNode(event)[2] = null;
            } else if (event instanceof Cut cut) {
                cuts.values().removeIf(each -> each.untilNanos() <= cut.atNanos());
                cut.links().forEach(link -> cuts.put(link, cut));
            } else if (event instanceof Healed healed) {
                cuts.keySet().removeIf(link -> healed.links().isEmpty() || healed.links().contains(link));
            }
        }

        private void stand(Event event, int what) {
            ofNode(event)[what] = new Positioned(dropped, event);
        }

        private @Nullable Positioned[] ofNode(Event event) {
            return standing.computeIfAbsent(event.node(), node -> new Positioned[3]);
        }
    }
}
