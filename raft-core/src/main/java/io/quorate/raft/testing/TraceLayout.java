package io.quorate.raft.testing;

import io.quorate.raft.testing.Trace.Event;
import io.quorate.raft.testing.Trace.Sent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Where everything stands in a picture: nodes are columns, and time runs down.
 *
 * <p>Down, because labels are lines of text: they need width and little height, and pages scroll that way. Time is stretched where much
 * happens and compressed where nothing does: the distance of two events grows with the logarithm of the time between them, and long idle
 * times are marked as such. Events stand in their order, never in one another's way: between two neighbouring columns lies a gutter, every
 * label has its place in one of them, and an event moves down until its label has room there.
 */
final class TraceLayout {

    static final int NETWORK_X = 112;       // where the column of the network begins; before it, the time
    static final int LANES_X = 226;
    static final int CLIENTS_WIDTH = 214;
    static final int SLOT_WIDTH = 7;        // of the clients' calls that are open at once
    static final int SLOTS_MAX = 7;
    static final int STUB = 26;             // how far the beginning of a message is drawn that never arrives
    static final int TOP = 16;
    static final int VIOLATION_LINE = 19;
    private static final int FIRST_LANE = 90;    // room for labels to the left of the first column,
    private static final int LAST_LANE = 144;    // and to the right of the last
    private static final int WIDTH = 1372;
    private static final int LINE = 12;     // height of a label
    private static final int GLYPH = 9;     // of what stands on a column
    private static final int VIOLATION_CHARACTERS = 150;
    private static final Pattern RECEIVER = Pattern.compile("^(the )?receiver (?=is )");     // beside which the words stand
    private static final Pattern PACKAGE = Pattern.compile("\\b([a-z][a-z0-9_]*\\.)+(?=[A-Z])");   // says little, and is long

    /** A label: its text, where it begins, or ends if it stands to the left of its column. */
    record Label(String text, int x, boolean isLeft) { }

    /** Where an event stands. */
    record Place(int y, @Nullable Label label) { }

    /** A height at which something stands, and whether all of that can be hidden. */
    record Row(int y, int hideable) { }

    /** A time in which nothing happens, between two heights. */
    record Idle(int fromY, int toY, long nanos) { }

    /** A call of a client: its slot, the positions of question and answer, or -1, and where it ended without an answer, or -1. */
    record Call(int slot, int asked, int answered, int ended) { }

    /** What a row is made of that can be hidden. */
    static final int HEARTBEATS = 1;
    static final int ANSWERS = 2;
    static final int CLIENTS = 4;

    final int laneWidth;
    final int clientsX;
    final int width;
    private final Trace trace;
    private final Place[] places;
    private final List<Row> rows = new ArrayList<>();
    private final List<Idle> idles = new ArrayList<>();
    private final List<Call> calls = new ArrayList<>();
    private final int slotsUsed;
    private final Map<Long, Integer> sent = new HashMap<>();    // by message: the position where it was sent
    private final Map<String, String> said = new HashMap<>();   // by link: the label of its last acceptance
    private final Set<Long> arrived = new HashSet<>();
    private final int[] rightFilled;                            // by gutter: down to where labels stand at its left border, and their
    private final int[] rightEnd;                               // right end there
    private final int[] leftFilled;                             // likewise at its right border
    private final int[] leftBegin;
    private final int[] glyphs;                                 // by node: where the last thing stands on its column
    private int y = TOP;

    TraceLayout(Trace trace) {
        this.trace = trace;
        int nodes = trace.nodes();
        slotsUsed = assignSlots();
        int clientsWidth = calls.isEmpty() ? 0 : CLIENTS_WIDTH;
        laneWidth = Math.max(120, Math.min(240, (WIDTH - LANES_X - FIRST_LANE - LAST_LANE - clientsWidth) / Math.max(1, nodes - 1)));
        clientsX = LANES_X + FIRST_LANE + Math.max(0, nodes - 1) * laneWidth + LAST_LANE;
        width = clientsX + clientsWidth;
        rightFilled = new int[nodes + 3];
        rightEnd = new int[nodes + 3];
        leftFilled = new int[nodes + 3];
        leftBegin = new int[nodes + 3];
        glyphs = new int[nodes + 1];
        places = new Place[trace.events().size()];
        Arrays.fill(rightFilled, Integer.MIN_VALUE / 2);
        Arrays.fill(leftFilled, Integer.MIN_VALUE / 2);
        placeAll();
    }

    /** The column of a node. */
    int x(int node) {
        return LANES_X + FIRST_LANE + (node - 1) * laneWidth;
    }

    Place place(int event) {
        return places[event];
    }

    int y(int event) {
        return event < 0 ? TOP - 8 : event < places.length ? places[event].y() : height() - 6;
    }

    int height() {
        return y + 40;
    }

    List<Row> rows() {
        return rows;
    }

    List<Idle> idles() {
        return idles;
    }

    List<Call> calls() {
        return calls;
    }

    int clientLabelX() {
        return clientsX + 10 + SLOT_WIDTH * slotsUsed;
    }

    /** Where this message was sent, or null: before the trace begins. */
    @Nullable Integer sentAt(long messageId) {
        return sent.get(messageId);
    }

    /** The message that arrives or is lost with this event, or null: it was sent before the trace begins. */
    @Nullable Sent messageOf(Event event) {
        Integer at = event instanceof Trace.Arrived arrived ? sent.get(arrived.messageId())
            : event instanceof Trace.Lost lost ? sent.get(lost.messageId()) : null;
        return event instanceof Sent message ? message : at == null ? null : (Sent) trace.events().get(at);
    }

    /** The height of a time, be there an event or not. */
    int yAt(long nanos) {
        int after = 0;
        while (after < places.length && trace.events().get(after).atNanos() < nanos) {
            after++;
        }
        if (after == places.length || after == 0 || trace.events().get(after).atNanos() == nanos) {
            return y(after);
        }
        long from = trace.events().get(after - 1).atNanos();
        double part = (double) (nanos - from) / (trace.events().get(after).atNanos() - from);
        return y(after - 1) + (int) (part * (y(after) - y(after - 1)));
    }

    /** The text of a violation, in lines that fit. */
    static List<String> wrap(Trace.Violated violated) {
        String name = violated.invariant() + ": ";     // stands above already
        String all = violated.content().startsWith(name) ? violated.content().substring(name.length()) : violated.content();
        String text = all.length() > 2000 ? all.substring(0, 2000) + "..." : all;
        List<String> lines = new ArrayList<>();
        for (String paragraph : text.split("\n")) {
            String rest = paragraph;
            while (rest.length() > VIOLATION_CHARACTERS) {
                int space = rest.lastIndexOf(' ', VIOLATION_CHARACTERS);
                int end = space > VIOLATION_CHARACTERS / 2 ? space : VIOLATION_CHARACTERS;
                lines.add(rest.substring(0, end));
                rest = rest.substring(end).strip();
            }
            lines.add(rest);
        }
        return lines;
    }

    /** Which of the toggles hides this message. */
    static int hideable(@Nullable Sent message) {
        return message == null ? 0 : switch (message.kind()) {
            case Sent.HEARTBEAT -> HEARTBEATS;
            case "AppendAccepted", "AppendRejected", "PreVoteAnswer", "Vote" -> ANSWERS;
            default -> 0;
        };
    }

    // ---- from top to bottom

    private void placeAll() {
        List<Event> events = trace.events();
        long usual = usualNanos();
        for (int i = 0; i < events.size(); i++) {
            Event event = events.get(i);
            if (event instanceof Sent message) {
                sent.put(message.messageId(), i);
            }
            long nanos = i == 0 ? 0 : event.atNanos() - events.get(i - 1).atNanos();
            int above = y;
            y += distance(nanos, usual);
            if (nanos > 40 * usual) {
                y += LINE;
                idles.add(new Idle(above, y, nanos));
            }
            boolean isNextOfFan = i > 0 && nanos == 0 && event instanceof Sent && events.get(i - 1) instanceof Sent
                && event.node() == events.get(i - 1).node();
            if (i > 0 && nanos == 0 && !isNextOfFan && !goesOn(i - 1)) {
                y += 3;
            }
            if (event.node() > 0 && isOnColumn(event) && !(i > 0 && goesOn(i - 1))) {
                y = Math.max(y, glyphs[event.node()] + GLYPH);
                glyphs[event.node()] = y;
            }
            Label label = label(event, i);
            if (label != null) {
                makeRoom(event, label);
            }
            if (event instanceof Trace.Violated) {
                y += 26;
            }
            places[i] = new Place(y, label);
            addRow(isCall(event) ? CLIENTS : hideable(messageOf(event)));
            if (event instanceof Trace.Violated violated) {
                y += 30 + VIOLATION_LINE * (1 + wrap(violated).size());
            }
        }
    }

    /** The median of the times between events. */
    private long usualNanos() {
        long[] times = new long[trace.events().size()];
        int count = 0;
        for (int i = 1; i < times.length; i++) {
            long nanos = trace.events().get(i).atNanos() - trace.events().get(i - 1).atNanos();
            if (nanos > 0) {
                times[count++] = nanos;
            }
        }
        Arrays.sort(times, 0, count);
        return count == 0 ? 1 : times[count / 2];
    }

    private static int distance(long nanos, long usual) {
        return nanos == 0 ? 0 : (int) Math.min(22, 2 + 2.5 * Math.log1p((double) nanos / usual) / Math.log(2));
    }

    private static boolean isOnColumn(Event event) {
        return !(event instanceof Sent || event instanceof Trace.Arrived || event instanceof Trace.Violated);
    }

    private void addRow(int mine) {
        int last = rows.size() - 1;
        if (last >= 0 && rows.get(last).y() == y) {
            int both = rows.get(last).hideable() == 0 || mine == 0 ? 0 : rows.get(last).hideable() | mine;
            rows.set(last, new Row(y, both));
        } else {
            rows.add(new Row(y, mine));
        }
    }

    // ---- labels

    private void makeRoom(Event event, Label label) {
        int gutter = gutter(event, label);
        int length = width(label.text(), isBold(event));
        int[] filled = label.isLeft() ? leftFilled : rightFilled;
        int height = label.text().isEmpty() ? LINE / 2 : LINE;
        y = Math.max(y, filled[gutter] + height);
        if (label.isLeft()) {
            if (label.x() - length < rightEnd[gutter]) {
                y = Math.max(y, rightFilled[gutter] + height);
            }
            leftBegin[gutter] = label.x() - length;
        } else {
            if (label.x() + length > leftBegin[gutter]) {
                y = Math.max(y, leftFilled[gutter] + height);
            }
            rightEnd[gutter] = label.x() + length;
        }
        filled[gutter] = y;
    }

    /** 0 is the network's; then one to the left of each column, one to the right of the last, and the clients'. */
    private int gutter(Event event, Label label) {
        if (isCall(event)) {
            return trace.nodes() + 2;
        }
        Sent message = messageOf(event);
        if (message == null && event.node() == 0) {
            return 0;
        }
        int node = message != null && isStub(event, message) ? message.node() : message != null ? message.to() : event.node();
        return label.isLeft() ? node : node + 1;
    }

    private boolean isBold(Event event) {
        return messageOf(event) == null && !isSmall(event) && !isCall(event);
    }

    private static boolean isCall(Event event) {
        return event instanceof Trace.ClientAsked || event instanceof Trace.ClientAnswered;
    }

    /** Whether a message is lost where it was sent, and not where it should have arrived. */
    boolean isStub(Event event, Sent message) {
        return event instanceof Trace.Lost && event.atNanos() == message.atNanos();
    }

    private @Nullable Label label(Event event, int i) {
        if (event instanceof Sent || event instanceof Trace.Violated) {
            return null;
        }
        if (event instanceof Trace.Arrived || event instanceof Trace.Lost) {
            return messageLabel(event);
        }
        if (isCall(event)) {
            if (i > 0 && goesOn(i - 1)) {
                return null;   // stands behind the question
            }
            String answer = goesOn(i) ? ": " + ((Trace.ClientAnswered) trace.events().get(i + 1)).content() : "";
            return new Label(cut(words(event) + answer, width - clientLabelX(), false), clientLabelX(), false);
        }
        if (event.node() == 0) {
            return new Label(cut(words(event), LANES_X - NETWORK_X - 12, true), NETWORK_X + 12, false);
        }
        if (event instanceof Trace.Applied applied) {
            return goesOn(i) ? null : new Label("a" + othersOf(i) + applied.index(), x(event.node()) + 13, false);
        }
        int x = x(event.node()) + (event instanceof Trace.Became || isSmall(event) ? 13 : 17);
        int room = rightBorder(event.node()) - x;
        String words = words(event);
        boolean fits = width(words, isBold(event)) <= room;
        return new Label(fits ? words : cut(words.replace(", term", ""), room, isBold(event)), x, false);
    }

    /** Beyond the column for what arrives: the arrow comes from the other side. */
    private @Nullable Label messageLabel(Event event) {
        Sent message = messageOf(event);
        if (message == null) {
            return event.node() == 0 ? new Label(cut(words(event), LANES_X - NETWORK_X - 12, false), NETWORK_X + 12, false)
                : new Label("sent earlier", x(event.node()) + 12, false);
        }
        boolean isRightward = message.to() > message.node();
        if (isStub(event, message)) {
            int x = x(message.node()) + (isRightward ? STUB + 8 : -STUB - 8);
            String why = message.kind().equals(Sent.HEARTBEAT) ? "" : message.to() + " " + words(event);
            return new Label(cut(why, room(message.node(), isRightward, STUB + 8), false), x, !isRightward);
        }
        boolean isAgain = event instanceof Trace.Arrived && !arrived.add(message.messageId());
        String text = event instanceof Trace.Lost ? RECEIVER.matcher(words(event)).replaceFirst("")
            : (isAgain ? "again " : "") + message.label();
        if (message.kind().equals(Sent.HEARTBEAT) && event instanceof Trace.Arrived) {
            return null;
        }
        if (message.kind().equals("AppendAccepted") && !isAgain && event instanceof Trace.Arrived) {
            String before = said.put(message.node() + ">" + message.to(), text);
            if (Objects.equals(before, text)) {
                return null;   // says what the last one said
            }
        }
        return new Label(cut(text, room(message.to(), isRightward, 13), false), x(message.to()) + (isRightward ? 13 : -13), !isRightward);
    }

    private int room(int node, boolean isRight, int from) {
        int border = isRight ? rightBorder(node) - x(node) : node == 1 ? x(1) - LANES_X : laneWidth - 20;
        return border - from;
    }

    private int rightBorder(int node) {
        return node == trace.nodes() ? clientsX - 4 : x(node + 1) - 10;
    }

    /** Whether the next event says more of the same, at the same time: a call is refused at once, or an apply is one of many. */
    private boolean goesOn(int event) {
        if (event + 1 == trace.events().size() || trace.events().get(event).atNanos() != trace.events().get(event + 1).atNanos()) {
            return false;
        }
        Event first = trace.events().get(event);
        Event next = trace.events().get(event + 1);
        return first instanceof Trace.ClientAsked asked && next instanceof Trace.ClientAnswered answered
                && asked.client() == answered.client()
            || first instanceof Trace.Applied && next instanceof Trace.Applied && first.node() == next.node();
    }

    /** The first of the applies that this one is the last of, in words. */
    private String othersOf(int apply) {
        int first = apply;
        while (first > 0 && goesOn(first - 1)) {
            first--;
        }
        return first == apply ? "" : ((Trace.Applied) trace.events().get(first)).index() + "..";
    }

    static boolean isSmall(Event event) {
        return event instanceof Trace.Wrote || event instanceof Trace.Committed || event instanceof Trace.Applied;
    }

    /** The few words that stand in the picture. */
    private String words(Event event) {
        if (event instanceof Trace.Started started) {
            return "starts, boot " + started.boot();
        } else if (event instanceof Trace.Crashed crashed) {
            return "crashes" + Trace.behindColon(crashed.why());
        } else if (event instanceof Trace.Stopped stopped) {
            return "stops" + Trace.behindColon(stopped.why());
        } else if (event instanceof Trace.Paused) {
            return "pauses";
        } else if (event instanceof Trace.Resumed) {
            return "resumes";
        } else if (event instanceof Trace.Became became) {
            return Trace.name(became.role()) + ", term " + became.term();
        } else if (event instanceof Trace.Wrote wrote) {
            return "w" + wrote.durableIndex();
        } else if (event instanceof Trace.Committed committed) {
            return "c" + committed.index();
        } else if (event instanceof Trace.ClientAsked asked) {
            return asked.node() + " \u2190 " + asked.content();
        } else if (event instanceof Trace.ClientAnswered answered) {
            return answered.node() + " \u2192 " + answered.content();
        } else if (event instanceof Trace.Cut change) {
            return TraceNetwork.describe(new TreeSet<>(change.links()), trace.nodes());
        } else if (event instanceof Trace.Healed change) {
            return "healed" + (change.links().isEmpty() ? "" : " " + TraceNetwork.describe(new TreeSet<>(change.links()),
                trace.nodes()));
        } else if (event instanceof Trace.Lost lost) {
            return lost.why();
        } else if (event instanceof Trace.Fault fault) {
            return fault.content();
        }
        return event.text();
    }

    private static String cut(String text, int room, boolean isBold) {
        String line = PACKAGE.matcher(text.replace('\n', ' ')).replaceAll("");
        if (line.isEmpty() || width(line, isBold) <= room) {
            return line;
        }
        int end = Math.min(line.length(), Math.max(1, room / 3));
        while (end > 1 && width(line.substring(0, end) + "\u2026", isBold) > room) {
            end--;
        }
        return line.substring(0, end) + "\u2026";
    }

    /** How wide a label is, in a font that is wide as such fonts go: nothing here can ask the browser. */
    static int width(String text, boolean isBold) {
        double width = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            width += " .,:;|'!ijl()[]".indexOf(c) >= 0 ? 3.9 : c >= 'A' && c <= 'Z' || c == 'm' || c == 'w' ? 7.6
                : c > 0x7F ? 10 : c >= '0' && c <= '9' ? 6.4 : 6.1;
        }
        return (int) Math.ceil(isBold ? width * 1.12 : width);
    }

    // ---- clients

    /** Gives each call the leftmost slot that is free for as long as it is open; returns how many there are. */
    private int assignSlots() {
        Map<Long, Integer> open = new HashMap<>();            // by client: the position in calls
        boolean[] isTaken = new boolean[SLOTS_MAX];
        int used = 0;
        for (int i = 0; i < trace.events().size(); i++) {
            Event event = trace.events().get(i);
            if (event instanceof Trace.ClientAsked asked) {
                Integer before = open.remove(asked.client());
                if (before != null) {       // given up
                    endCall(before, i, isTaken);
                }
                int slot = 0;
                while (slot < SLOTS_MAX - 1 && isTaken[slot]) {
                    slot++;
                }
                isTaken[slot] = true;
                used = Math.max(used, slot + 1);
                open.put(asked.client(), calls.size());
                calls.add(new Call(slot, i, -1, -1));
            } else if (event instanceof Trace.ClientAnswered answered) {
                Integer at = open.remove(answered.client());
                Call call = at == null ? new Call(0, -1, i, -1) : new Call(calls.get(at).slot(), calls.get(at).asked(), i, -1);
                if (at == null) {
                    calls.add(call);
                    used = Math.max(used, 1);
                } else {
                    calls.set(at, call);
                    isTaken[call.slot()] = false;
                }
            } else if (event instanceof Trace.Crashed || event instanceof Trace.Stopped) {
                for (int at : open.values()) {   // may still be told that the outcome is not known
                    if (trace.events().get(calls.get(at).asked()).node() == event.node()) {
                        endCall(at, i, isTaken);
                    }
                }
            }
        }
        return used;
    }

    private void endCall(int at, int event, boolean[] isTaken) {
        Call call = calls.get(at);
        if (call.ended() < 0) {
            calls.set(at, new Call(call.slot(), call.asked(), -1, event));
            isTaken[call.slot()] = false;
        }
    }

    /** Where the calls of a slot stand. */
    int slotX(int slot) {
        return clientsX + 10 + SLOT_WIDTH * slot;
    }
}
