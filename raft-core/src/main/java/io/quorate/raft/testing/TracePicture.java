package io.quorate.raft.testing;

import io.quorate.raft.testing.Trace.Event;
import io.quorate.raft.testing.Trace.Sent;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Draws what happened in a simulated run: one HTML file that needs nothing else, neither network nor server.
 *
 * <p>Time runs down, each node is a column whose bar shows its role, and messages are arrows from column to column, slanted by the time
 * they took. The file opens at the broken invariant, and is read upwards from there: what did this node hear last, from whom, and what did
 * that one know? Everything says in full what it is when the pointer rests on it. Heartbeats and answers can be hidden, and the time that
 * only they fill shrinks with them.
 *
 * <p>The same trace gives the same file, byte for byte. It is well-formed XML too, for programs that look at it.
 */
public final class TracePicture {

    /** How many events are drawn, the last ones; more would be slow to open, and nobody reads so far back. */
    public static final int EVENTS_MAX = 5_000;

    private static final String CSS = resource("trace-picture.css");
    private static final String SCRIPT = resource("trace-picture.js");
    static final String CROSS = "M-4 -4L4 4M-4 4L4 -4";
    private static final int ARROW_END = 9;    // from the middle of a column

    private final Trace trace;
    private final List<Event> events;
    private final TraceLayout layout;
    private final TraceMarkup out = new TraceMarkup();
    private final TraceMarkup tags = new TraceMarkup();

    private TracePicture(Trace trace) {
        this.trace = trace;
        events = trace.events();
        layout = new TraceLayout(trace);
    }

    /** The whole file. */
    public static String html(Trace trace) {
        return new TracePicture(last(trace)).draw();
    }

    private static Trace last(Trace trace) {
        if (trace.events().size() <= EVENTS_MAX) {
            return trace;
        }
        Trace.Recorder recorder = new Trace.Recorder(EVENTS_MAX);
        trace.events().forEach(recorder::record);
        Trace last = recorder.trace(trace.seed(), trace.nodes(), trace.description());
        return new Trace(last.seed(), last.nodes(), last.description(), last.dropped() + trace.dropped(), last.events());
    }

    private String draw() {
        Trace.Violated violated = firstViolation();
        String title = "Seed " + trace.seed() + ": " + (violated == null ? "no invariant broken" : violated.invariant());
        out.raw("<!DOCTYPE html>\n").open("html", "xmlns", "http://www.w3.org/1999/xhtml", "lang", "en").open("head")
            .empty("meta", "charset", "utf-8")
            .empty("meta", "http-equiv", "Content-Security-Policy", "content",
                "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'")
            .element("title", title)
            .open("style").raw("/*<![CDATA[*/\n").raw(CSS).raw("/*]]>*/").close("style").close("head").line()
            .open("body", "style", "min-width:" + layout.width + "px");
        drawBar(violated);
        drawPicture();
        out.open("div", "id", "panel", "role", "status", "aria-live", "polite").close("div").line();
        drawScript();
        return out.close("body").close("html").line().toString();
    }

    private Trace.@Nullable Violated firstViolation() {
        return (Trace.Violated) events.stream().filter(event -> event instanceof Trace.Violated).findFirst().orElse(null);
    }

    // ---- what stays in sight: what failed, how to look at it, and which column is whose

    private void drawBar(Trace.@Nullable Violated violated) {
        out.open("header").open("div", "class", "bar");
        out.element("h1", "Seed " + trace.seed());
        if (violated == null) {
            out.element("span", "no invariant broken", "class", "outcome");
        } else {
            out.element("a", "\u2716 " + violated.invariant(), "class", "outcome broken", "href", "#violation", "title", violated.text());
        }
        out.element("span", trace.nodes() + (trace.nodes() == 1 ? " node, " : " nodes, ") + events.size() + " events"
            + (trace.dropped() == 0 ? "" : ", " + trace.dropped() + " earlier ones not kept"), "class", "count");
        drawToggle("heartbeats", "heartbeats");
        drawToggle("answers", "answers");
        drawToggle("calls", "calls");
        out.open("span", "class", "zoom").element("button", "\u2212", "id", "closer", "title", "less height (key -)")
            .element("span", "100%", "id", "zoom").element("button", "+", "id", "wider", "title", "more height (key +)").close("span");
        out.open("details").element("summary", "plan").element("pre", trace.description().isEmpty() ? "none told" : trace.description())
            .close("details");
        out.open("details").element("summary", "legend");
        TraceLegend.draw(out);
        out.close("details").close("div").line();
        drawHeads();
        out.close("header").line();
    }

    private void drawToggle(String id, String text) {
        out.open("label").empty("input", "type", "checkbox", "id", id, "checked", "checked").text(" " + text).close("label");
    }

    private void drawHeads() {
        out.open("svg", "xmlns", "http://www.w3.org/2000/svg", "id", "heads", "width", layout.width, "height", 38);
        out.element("text", "time", "class", "head", "x", 14, "y", 16);
        out.element("text", "", "class", "now", "id", "now", "x", 14, "y", 31);
        out.element("text", "network", "class", "head", "x", TraceLayout.NETWORK_X, "y", 16);
        for (int node = 1; node <= trace.nodes(); node++) {
            out.element("text", "node " + node, "class", "head", "text-anchor", "middle", "x", layout.x(node), "y", 16);
            out.element("text", "", "class", "now", "id", "now" + node, "text-anchor", "middle", "x", layout.x(node), "y", 31);
        }
        if (!layout.calls().isEmpty()) {
            out.element("text", "clients", "class", "head", "x", layout.clientsX + 10, "y", 16);
        }
        out.close("svg");
    }

    // ---- the picture, from the back to the front

    private void drawPicture() {
        out.open("svg", "xmlns", "http://www.w3.org/2000/svg", "id", "picture", "width", layout.width, "height", layout.height());
        drawPatterns();
        drawCuts();
        drawTime();
        for (TraceLanes.Stay stay : TraceLanes.stays(trace)) {
            drawStay(stay);
        }
        drawCalls();
        drawMessages();
        out.raw(tags.toString());
        for (int i = 0; i < events.size(); i++) {
            drawMark(events.get(i), i);
        }
        out.empty("line", "id", "cursor", "x1", 0, "x2", layout.width, "y1", -9, "y2", -9);
        out.close("svg").line();
    }

    private void drawPatterns() {
        out.open("defs");
        for (String kind : List.of("append", "heartbeat", "answer", "election", "other")) {
            out.open("marker", "id", "head-" + kind, "class", kind, "viewBox", "0 0 8 8", "refX", 7, "refY", 4, "markerWidth", 8,
                "markerHeight", 8, "markerUnits", "userSpaceOnUse", "orient", "auto")
                .empty("path", "class", "tip", "d", kind.equals("answer") || kind.equals("heartbeat") ? "M1 1L7 4L1 7" : "M0 .5L8 4L0 7.5Z")
                .close("marker");
        }
        pattern("hatch-blank", 4, 0);
        pattern("hatch-pre-candidate", 6, 45);
        pattern("hatch-candidate", 6, 45);
        pattern("hatch-paused", 4, 90);
        pattern("hatch-cut", 8, 135);
        out.close("defs");
    }

    private void pattern(String id, int size, int degrees) {
        out.open("pattern", "id", id, "width", size, "height", size, "patternUnits", "userSpaceOnUse", "patternTransform",
                "rotate(" + degrees + ")")
            .empty("rect", "width", size, "height", size).empty("line", "x1", 0, "y1", 0, "x2", 0, "y2", size).close("pattern");
    }

    private void drawCuts() {
        for (TraceNetwork.Span span : TraceNetwork.spans(trace)) {
            int from = layout.yAt(span.fromNanos());
            int height = Math.max(1, layout.yAt(span.toNanos()) - from);
            out.open("g", "class", "cut").element("title", "cut from " + Trace.millis(span.fromNanos()) + " to "
                + Trace.millis(span.toNanos()) + ": " + TraceNetwork.describe(span.links(), trace.nodes()) + "\n" + span.links());
            out.empty("rect", "class", "v band", "x", TraceLayout.NETWORK_X, "y", from, "width", 6, "height", height);
            for (int node : TraceNetwork.estranged(span.links(), trace.nodes())) {
                out.empty("rect", "class", "v estranged", "x", layout.x(node) - 50, "y", from,
                    "width", 100, "height", height);
            }
            out.close("g");
        }
        out.line();
    }

    private void drawTime() {
        int last = -100;
        long shown = -1;
        Set<Integer> behindIdle = new HashSet<>();
        for (TraceLayout.Idle idle : layout.idles()) {
            behindIdle.add(idle.toY());
            out.open("g", "class", "idle", "data-y", idle.fromY(), "data-to", idle.toY(), "transform",
                    "translate(0 " + (idle.fromY() + idle.toY()) / 2 + ")")
                .element("text", "+ " + shortly(idle.nanos()), "text-anchor", "end", "x", 96, "y", 4).close("g");
        }
        for (int i = 0; i < events.size(); i++) {
            int y = layout.y(i);
            boolean isDue = y - last >= 22 || behindIdle.contains(y);
            if (isDue && events.get(i).atNanos() != shown && !(events.get(i) instanceof Trace.Violated)) {
                last = y;
                shown = events.get(i).atNanos();
                at("time", 0, y).element("text", Trace.millis(shown), "text-anchor", "end", "x", 96, "y", 4)
                    .empty("path", "d", "M100 0H" + layout.width).close("g");
            }
        }
        out.line();
    }

    private static String shortly(long nanos) {
        return nanos >= 10_000_000_000L ? nanos / 1_000_000_000 + " s" : nanos >= 10_000_000 ? nanos / 1_000_000 + " ms"
            : nanos >= 100_000 ? String.format(Locale.ROOT, "%.1f ms", nanos / 1e6) : nanos / 1000 + " \u00b5s";
    }

    private void drawStay(TraceLanes.Stay stay) {
        int from = layout.y(stay.fromEvent());
        int height = layout.y(stay.toEvent()) - from;
        if (height <= 0) {
            return;   // replaced at once
        }
        String state = stay.state() + (stay.isPaused() ? ", paused" : "");
        out.open("g", "class", "stay", "data-node", stay.node(), "data-state", state)
            .element("title", "node " + stay.node() + ": " + state);
        int x = layout.x(stay.node());
        drawBlock(out, stay.kind(), x, from, height, "v ");
        if (stay.isPaused()) {
            out.empty("rect", "class", "v paused", "x", x - 10, "y", from, "width", 20, "height", height);
        }
        out.close("g").line();
    }

    /** A piece of a lane: its width tells the role, too. */
    static void drawBlock(TraceMarkup out, String kind, int x, int y, int height, String prefix) {
        int width = switch (kind) {
            case "unknown", "down" -> 2;
            case "follower" -> 6;
            case "leader" -> 16;
            default -> 11;
        };
        out.empty("rect", "class", prefix + "lane " + kind, "x", x - width / 2, "y", y, "width", width, "height", height);
    }

    private void drawCalls() {
        for (TraceLayout.Call call : layout.calls()) {
            int from = layout.y(call.asked());
            int end = call.answered() >= 0 ? call.answered() : call.ended() >= 0 ? call.ended() : events.size();
            int to = layout.y(end);
            String asked = call.asked() < 0 ? "asked earlier" : describe(events.get(call.asked()));
            String answered = call.answered() < 0 ? "no answer" : describe(events.get(call.answered()));
            String text = asked + "\n" + answered;
            out.open("g", "class", "call" + (call.answered() < 0 ? " open" : "")).element("title", text)
                .empty("rect", "class", "v", "x", layout.slotX(call.slot()) - 2, "y", from, "width", 4, "height", Math.max(1, to - from))
                .close("g");
            if (call.asked() >= 0) {
                drawCallEnd(call, call.asked(), "asked", text);
            }
            if (call.answered() >= 0) {
                drawCallEnd(call, call.answered(), "answered", text);
            }
        }
    }

    private void drawCallEnd(TraceLayout.Call call, int event, String kind, String text) {
        Event what = events.get(event);
        at("e client " + kind, 0, layout.y(event)).element("title", text);
        if (what.node() > 0) {
            out.empty("path", "class", "reach", "d", "M" + (layout.x(what.node()) + 9) + " 0H" + (layout.slotX(call.slot()) - 5));
            out.empty("path", "class", "glyph", "d", "M-4 0L0 -4L4 0L0 4Z", "transform", "translate(" + layout.x(what.node()) + " 0)");
        }
        out.empty("circle", "class", "glyph", "r", 3, "cx", layout.slotX(call.slot()), "cy", 0);
        label(layout.place(event).label(), 0);
        out.close("g").line();
    }

    // ---- messages

    private void drawMessages() {
        MessageEnds ends = new MessageEnds(trace);
        for (int i = 0; i < events.size(); i++) {
            Event event = events.get(i);
            if (event instanceof Sent message) {
                drawMessage(message, i, ends.of(message.messageId()));
            } else if (layout.messageOf(event) == null && (event instanceof Trace.Arrived || event instanceof Trace.Lost)) {
                drawForeign(event, i);
            }
        }
    }

    private void drawMessage(Sent message, int sentAt, List<Integer> ends) {
        String kind = kind(message);
        out.open("g", "class", "e m " + kind, "id", "m" + sentAt, "data-y", layout.y(sentAt)).open("title").text(describe(message));
        for (int end : ends) {
            out.text("\n" + Trace.millis(events.get(end).atNanos()) + "  " + (events.get(end) instanceof Trace.Lost lost ? lost.why()
                : "arrives, after " + Trace.millis(events.get(end).atNanos() - message.atNanos())));
        }
        out.text(ends.isEmpty() ? "\nis still under way when the trace ends" : "").close("title");
        boolean hasArrived = false;
        for (int end : ends) {
            Event event = events.get(end);
            if (event instanceof Trace.Arrived) {
                drawFlight(message, sentAt, end, hasArrived ? "arrow again" : "arrow");
                hasArrived = true;
            } else {
                drawLoss(message, sentAt, end);
            }
        }
        if (ends.isEmpty()) {
            int toX = layout.x(message.node()) + direction(message) * 40;
            drawLine("arrow open", message, layout.y(sentAt), toX, layout.y(sentAt) + 14);
            tag(kind, sentAt, layout.y(sentAt) + 14).empty("circle", "class", "end", "r", 3, "cx", toX, "cy", 0).close("g");
        }
        out.close("g").line();
    }

    private void drawFlight(Sent message, int sentAt, int arrival, String kind) {
        int toX = message.to() == message.node() ? layout.x(message.to()) + ARROW_END
            : layout.x(message.to()) - direction(message) * ARROW_END;
        drawLine(kind, message, layout.y(sentAt), toX, layout.y(arrival));
        TraceLayout.Label label = layout.place(arrival).label();
        if (label != null) {
            tag(kind(message), sentAt, layout.y(arrival));
            label(tags, label, 0);
            tags.close("g").line();
        }
    }

    private void drawLoss(Sent message, int sentAt, int loss) {
        boolean isStub = layout.isStub(events.get(loss), message);
        int toX = isStub ? layout.x(message.node()) + direction(message) * TraceLayout.STUB
            : layout.x(message.to()) - direction(message) * ARROW_END;
        int toY = Math.max(layout.y(loss), layout.y(sentAt) + (isStub ? 4 : 0));
        drawLine("arrow lost", message, layout.y(sentAt), toX, toY);
        tag(kind(message), sentAt, toY).empty("path", "class", "cross", "d", CROSS, "transform",
            "translate(" + toX + " 0)");
        label(tags, layout.place(loss).label(), 0);
        tags.close("g").line();
    }

    /** Words and ends of messages are drawn behind all lines, or those would cross them out. */
    private TraceMarkup tag(String kind, int sentAt, int y) {
        return tags.open("g", "class", "tag " + kind, "data-of", "m" + sentAt, "data-x", 0, "data-y", y, "transform",
            "translate(0 " + y + ")");
    }

    private void drawLine(String kind, Sent message, int fromY, int toX, int toY) {
        int fromX = layout.x(message.node()) + direction(message) * 8;
        out.empty("line", "class", "v hit", "x1", fromX, "y1", fromY, "x2", toX, "y2", toY);
        out.empty("line", "class", "v " + kind, "x1", fromX, "y1", fromY, "x2", toX, "y2", toY);
    }

    /** Of a message that was sent before the trace begins. */
    private void drawForeign(Event event, int i) {
        begin("foreign", 0, i);
        if (event.node() > 0) {
            int x = layout.x(event.node());
            out.empty("path", "class", "arrow", "d", "M" + (x - 34) + " -12L" + (x - ARROW_END) + " 0");
        } else {
            out.empty("path", "class", "cross", "d", CROSS, "transform", "translate(" + (TraceLayout.NETWORK_X + 3) + " 0)");
        }
        label(layout.place(i).label(), 0);
        out.close("g").line();
    }

    private static int direction(Sent message) {
        return message.to() >= message.node() ? 1 : -1;
    }

    private static String kind(Sent message) {
        return switch (TraceLayout.hideable(message)) {
            case TraceLayout.HEARTBEATS -> "heartbeat";
            case TraceLayout.ANSWERS -> "answer";
            default -> switch (message.kind()) {
                case "AppendEntries" -> "append";
                case "PreVote", "RequestVote", "TimeoutNow" -> "election";
                default -> "other";
            };
        };
    }

    // ---- marks

    private void drawMark(Event event, int i) {
        if (event instanceof Trace.Violated violated) {
            drawViolation(violated, i);
        } else if (event instanceof Trace.Cut || event instanceof Trace.Healed || event instanceof Trace.Fault && event.node() == 0) {
            begin("network", 0, i);
            out.empty("path", "class", "glyph", "d", event instanceof Trace.Healed ? "M0 0H10M-2 5L5 -5" : "M0 0H10",
                "transform", "translate(" + TraceLayout.NETWORK_X + " 0)");
            label(layout.place(i).label(), 0);
            out.close("g").line();
        } else if (event.node() > 0 && !glyph(event).isEmpty()) {
            begin(markClass(event), layout.x(event.node()), i);
            if (event instanceof Trace.Committed committed) {
                out.empty("desc", "data-node", committed.node(), "data-commit", committed.index());
            }
            out.empty("path", "class", "glyph", "d", glyph(event));
            label(layout.place(i).label(), layout.x(event.node()));
            out.close("g").line();
        }
    }

    private void begin(String kind, int x, int event) {
        at("e " + kind, x, layout.y(event)).element("title", describe(events.get(event)));
    }

    /** What is drawn next stands at this place. */
    private TraceMarkup at(String kind, int x, int y, Object... attributes) {
        Object[] all = Arrays.copyOf(new Object[] {"class", kind, "data-x", x, "data-y", y, "transform", "translate(" + x + " " + y + ")"},
            8 + attributes.length);
        System.arraycopy(attributes, 0, all, 8, attributes.length);
        return out.open("g", all);
    }

    private void label(TraceLayout.@Nullable Label label, int originX) {
        label(out, label, originX);
    }

    private static void label(TraceMarkup out, TraceLayout.@Nullable Label label, int originX) {
        if (label != null && !label.text().isEmpty()) {
            if (label.isLeft()) {
                out.element("text", label.text(), "text-anchor", "end", "x", label.x() - originX, "y", 4);
            } else {
                out.element("text", label.text(), "x", label.x() - originX, "y", 4);
            }
        }
    }

    private static String markClass(Event event) {
        if (event instanceof Trace.Crashed || event instanceof Trace.Stopped) {
            return "mark crash";
        }
        return event instanceof Trace.Became ? "mark became" : event instanceof Trace.Fault ? "mark fault"
            : TraceLayout.isSmall(event) ? "mark small" : "mark process";
    }

    /** The shape that stands on the column; empty for what is drawn elsewhere. */
    private static String glyph(Event event) {
        if (event instanceof Trace.Started) {
            return "M-6 -6L6 0L-6 6Z";
        } else if (event instanceof Trace.Crashed) {
            return "M-8 -8L8 8M-8 8L8 -8";
        } else if (event instanceof Trace.Stopped) {
            return "M-7 -7H7V7H-7Z";
        } else if (event instanceof Trace.Paused) {
            return "M-4 -6V6M4 -6V6";
        } else if (event instanceof Trace.Resumed) {
            return "M-4 -6L6 0L-4 6";
        } else if (event instanceof Trace.Became) {
            return "M-9 0H9";
        } else if (event instanceof Trace.Wrote) {
            return "M-3 -3H3V3H-3Z";
        } else if (event instanceof Trace.Committed) {
            return "M-4 0L-1 3L5 -4";
        } else if (event instanceof Trace.Applied) {
            return "M-3 -4L3 0L-3 4Z";
        } else if (event instanceof Trace.Fault) {
            return "M2 -8L-5 1H0L-2 8L5 -1H0Z";
        }
        return "";
    }

    private void drawViolation(Trace.Violated violated, int i) {
        List<String> lines = TraceLayout.wrap(violated);
        int height = 18 + TraceLayout.VIOLATION_LINE * (1 + lines.size());
        at("e violation", 0, layout.y(i), "id", violated == firstViolation() ? "violation" : "violation-" + i)
            .element("title", describe(violated));
        if (violated.node() > 0) {
            out.empty("path", "class", "pin", "d", "M-12 -16H12L0 0Z", "transform", "translate(" + layout.x(violated.node()) + " 0)");
        }
        out.empty("rect", "x", 2, "y", 0, "width", layout.width - 4, "height", height);
        out.element("text", "\u2716 " + violated.invariant() + " is broken" + (violated.node() > 0 ? " at node " + violated.node() : "")
            + ", " + Trace.millis(violated.atNanos()), "class", "name", "x", 18, "y", 22);
        for (int line = 0; line < lines.size(); line++) {
            out.element("text", lines.get(line), "x", 18, "y", 24 + TraceLayout.VIOLATION_LINE * (line + 1));
        }
        out.close("g").line();
    }

    private static String describe(Event event) {
        return Trace.millis(event.atNanos()) + "  " + event.text();
    }

    // ---- what moves

    private void drawScript() {
        StringBuilder rows = new StringBuilder();
        for (TraceLayout.Row row : layout.rows()) {
            rows.append(rows.length() == 0 ? "" : ",").append('[').append(row.y()).append(',').append(row.hideable()).append(']');
        }
        out.open("script").raw("//<![CDATA[\nconst rows=[").raw(rows.toString()).raw("],nodes=").raw(Integer.toString(trace.nodes()))
            .raw(",height=").raw(Integer.toString(layout.height())).raw(";\n").raw(SCRIPT).raw("//]]>\n").close("script");
    }

    private static String resource(String name) {
        try (InputStream in = TracePicture.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalStateException("The jar lacks " + name);
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Where each message arrives or is lost. */
    private static final class MessageEnds {
        private final Map<Long, List<Integer>> byMessage = new HashMap<>();

        MessageEnds(Trace trace) {
            for (int i = 0; i < trace.events().size(); i++) {
                Event event = trace.events().get(i);
                Long id = event instanceof Trace.Arrived arrived ? Long.valueOf(arrived.messageId())
                    : event instanceof Trace.Lost lost ? Long.valueOf(lost.messageId()) : null;
                if (id != null) {
                    byMessage.computeIfAbsent(id, key -> new ArrayList<>()).add(i);
                }
            }
        }

        List<Integer> of(long messageId) {
            return byMessage.getOrDefault(messageId, List.of());
        }
    }
}
