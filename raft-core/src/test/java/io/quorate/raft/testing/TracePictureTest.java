package io.quorate.raft.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.core.NodeStatus.RoleName;
import io.quorate.raft.testing.Trace.Event;
import io.quorate.raft.testing.Trace.Link;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.xml.XMLConstants;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.xml.sax.InputSource;
import org.xml.sax.SAXException;

/** The picture is read back as XML: everything that happened stands in it, nothing twice, and nothing over anything else. */
class TracePictureTest {

    private static final String HOSTILE = "<script>alert('x')</script> ]]> --> \"quoted\" &amp; "
        + "\u0000\u0007\u001b[31m \u202egnol \ud800 end";

    /** An election, an entry, a cut, a crash, and something that should not have happened. */
    private static List<Event> story() {
        return List.of(
            new Trace.Started(0, 1, 1), new Trace.Started(0, 2, 1), new Trace.Started(0, 3, 1),
            new Trace.Became(1_000_000, 1, RoleName.FOLLOWER, 0), new Trace.Became(1_000_000, 2, RoleName.FOLLOWER, 0),
            new Trace.Became(1_000_000, 3, RoleName.FOLLOWER, 0),
            new Trace.Became(250_000_000, 1, RoleName.CANDIDATE, 1), sent(250_000_000, 1, 2, 1, "RequestVote", "vote? term 1"),
            sent(250_000_000, 1, 3, 2, "RequestVote", "vote? term 1"), new Trace.Lost(250_000_000, 2, "lost"),
            new Trace.Arrived(251_000_000, 2, 1), sent(251_100_000, 2, 1, 3, "Vote", "vote yes"), new Trace.Arrived(252_000_000, 1, 3),
            new Trace.Arrived(252_500_000, 2, 1), new Trace.Became(252_600_000, 1, RoleName.LEADER, 1),
            new Trace.Cut(253_000_000, List.of(new Link(1, 3), new Link(3, 1), new Link(2, 3), new Link(3, 2))),
            new Trace.ClientAsked(254_000_000, 1, 4, "put 1"), sent(254_100_000, 1, 2, 4, "AppendEntries", "append 1"),
            sent(254_100_000, 1, 3, 5, "AppendEntries", "append 1"), new Trace.Lost(254_100_000, 5, "cut off"),
            new Trace.Arrived(255_000_000, 2, 4), new Trace.Wrote(255_200_000, 2, 1, "1@1"), new Trace.Wrote(255_300_000, 1, 1, "1@1"),
            sent(255_300_000, 2, 1, 6, "AppendAccepted", "has 1"), new Trace.Arrived(256_000_000, 1, 6),
            new Trace.Committed(256_000_000, 1, 1), new Trace.Applied(256_100_000, 1, 1),
            new Trace.ClientAnswered(256_200_000, 1, 4, "done at 1"), sent(257_000_000, 1, 2, 7, Trace.Sent.HEARTBEAT, "probe"),
            new Trace.Crashed(257_500_000, 2, "loses 0 writes"), new Trace.Lost(258_000_000, 7, "receiver is down"),
            new Trace.Fault(259_000_000, 3, "clock jumps"), new Trace.Healed(260_000_000), new Trace.Paused(260_100_000, 3),
            sent(261_000_000, 1, 3, 8, Trace.Sent.HEARTBEAT, "probe"),
            new Trace.Violated(262_000_000, 3, "LeaderCompleteness", "node 3 leads without 1@1"));
    }

    private static Trace.Sent sent(long at, int from, int to, long id, String kind, String label) {
        return new Trace.Sent(at, from, to, id, kind, label, kind + " " + label + " of message " + id);
    }

    // ---- what stands in it

    @Test
    void everyNodeHasALaneAndEveryMessageAnArrow() {
        Element picture = picture(new Trace(1, 3, "plan", 0, story()));
        TreeSet<String> lanes = new TreeSet<>();
        all(picture, has("stay")).forEach(stay -> lanes.add(stay.getAttribute("data-node")));
        assertEquals(new TreeSet<>(List.of("1", "2", "3")), lanes);
        assertEquals(8, all(picture, has("m")).size(), "messages");
        assertEquals(9, all(picture, element -> has("v").test(element) && has("arrow").test(element)).size(),
            "one arrives twice, one is still under way");
        assertEquals(1, all(picture, has("again")).size(), "arrivals of what has arrived before");
        assertEquals(1, all(picture, has("open")).stream().filter(has("arrow")).count(), "still under way");
    }

    @Test
    void whatNeverArrivesIsCrossedOutAndSaysWhy() {
        Element picture = picture(new Trace(1, 3, "plan", 0, story()));
        assertEquals(3, all(picture, has("cross")).size());
        assertEquals(3, all(picture, has("lost")).size());
        List<String> words = texts(picture);
        assertTrue(words.containsAll(List.of("3 lost", "3 cut off", "is down")), words.toString());
    }

    @Test
    void theViolationIsTheOnlyOneAndHoldsItsText() {
        Document page = parse(TracePicture.html(new Trace(1, 3, "plan", 0, story())));
        List<Element> violations = all(page.getDocumentElement(), has("violation"));
        assertEquals(1, violations.size());
        assertEquals("violation", violations.get(0).getAttribute("id"));
        assertTrue(texts(violations.get(0)).contains("node 3 leads without 1@1"), violations.get(0).getTextContent());
        assertEquals("Seed 1: LeaderCompleteness", page.getElementsByTagName("title").item(0).getTextContent());
    }

    @Test
    void everyEventSaysInFullWhatItIs() {
        Element picture = picture(new Trace(1, 3, "plan", 0, story()));
        StringBuilder titles = new StringBuilder();
        all(picture, element -> element.getTagName().equals("title")).forEach(title -> titles.append(title.getTextContent()).append('\n'));
        for (Event event : story()) {
            String said = event instanceof Trace.Arrived ? "arrives, after "
                : event instanceof Trace.Lost lost ? Trace.millis(event.atNanos()) + "  " + lost.why() : event.text();
            assertTrue(titles.indexOf(said) >= 0, "nothing says: " + said);
        }
    }

    @Test
    void theStatesOfANodeFollowOneAnother() {
        List<TraceLanes.Stay> stays = TraceLanes.stays(new Trace(1, 3, "plan", 0, story()));
        List<String> ofTwo = stays.stream().filter(stay -> stay.node() == 2).map(TraceLanes.Stay::state).toList();
        assertEquals(List.of("not started", "blank", "follower, term 0", "crashed"), ofTwo);
        assertTrue(stays.stream().anyMatch(stay -> stay.node() == 3 && stay.isPaused()));
        for (int i = 1; i < stays.size(); i++) {
            assertTrue(stays.get(i).fromEvent() == -1 || stays.get(i).fromEvent() == stays.get(i - 1).toEvent(), stays.get(i).toString());
        }
    }

    @Test
    void aCutIsAShadeOverThoseWhomItKeepsFromAMajority() {
        Element picture = picture(new Trace(1, 3, "plan", 0, story()));
        assertEquals(1, all(picture, has("band")).size());
        assertEquals(1, all(picture, has("estranged")).size());
        assertTrue(texts(picture).contains("1 2 | 3"), texts(picture).toString());
    }

    @Test
    void aTraceMayBeginInTheMiddle() {
        Trace trace = new Trace(1, 2, "", 100, List.of(new Trace.Arrived(5, 1, 1), new Trace.Lost(6, 2, "lost"), new Trace.Resumed(7, 2),
            new Trace.ClientAnswered(8, 1, 3, "done"), new Trace.Healed(9)));
        Element picture = picture(trace);
        assertEquals(2, all(picture, has("foreign")).size());
        assertEquals("not known", all(picture, has("stay")).get(0).getAttribute("data-state"));
        assertTrue(TracePicture.html(trace).contains("100 earlier ones not kept"));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 7})
    void anEmptyTraceIsAPictureToo(int nodes) {
        Document page = parse(TracePicture.html(new Trace(1, nodes, "", 0, List.of())));
        assertEquals(nodes, all(page.getDocumentElement(), has("stay")).size());
        assertEquals("Seed 1: no invariant broken", page.getElementsByTagName("title").item(0).getTextContent());
    }

    @Test
    void oneNodeAloneIsDrawn() {
        Element picture = picture(new Trace(1, 1, "", 0, List.of(new Trace.Started(0, 1, 1), new Trace.Became(1, 1, RoleName.LEADER, 1),
            new Trace.Violated(2, 1, "Progress", "none"))));
        assertEquals(1, all(picture, has("leader")).size());
    }

    // ---- what must not stand in it

    @Test
    void noTextOfOthersBecomesMarkup() {
        Trace trace = new Trace(1, 2, HOSTILE, 0, List.of(
            new Trace.Crashed(0, 1, HOSTILE), new Trace.Sent(1, 1, 2, 1, HOSTILE, HOSTILE, HOSTILE), new Trace.Lost(2, 1, HOSTILE),
            new Trace.Sent(2, 2, 1, 2, HOSTILE, HOSTILE, HOSTILE), new Trace.Arrived(3, 1, 2), new Trace.Stopped(3, 2, HOSTILE),
            new Trace.Wrote(3, 1, 1, HOSTILE), new Trace.ClientAsked(4, 1, 1, HOSTILE), new Trace.ClientAnswered(5, 1, 1, HOSTILE),
            new Trace.Fault(6, 0, HOSTILE), new Trace.Violated(7, 0, HOSTILE, HOSTILE)));
        String html = TracePicture.html(trace);
        Document page = parse(html);
        assertEquals(1, page.getElementsByTagName("script").getLength());
        assertEquals(1, html.split("<script", -1).length - 1, "as a browser reads it, too");
        assertEquals(1, html.split("</script", -1).length - 1);
        String plan = page.getElementsByTagName("pre").item(0).getTextContent();
        assertEquals(HOSTILE.replace('\u0000', '\u2400').replace('\u0007', '\u2407').replace('\u001b', '\u241b').replace('\u202e', '\ufffd')
            .replace('\ud800', '\ufffd'), plan);
    }

    @Test
    void theFileNeedsNothingElse() {
        Document page = parse(TracePicture.html(random(3, 5, 500)));
        for (Element element : all(page.getDocumentElement(), element -> true)) {
            for (String name : List.of("src", "href", "xlink:href", "action", "data")) {
                String value = element.getAttribute(name);
                assertTrue(value.isEmpty() || value.startsWith("#"), element.getTagName() + " " + name + " " + value);
            }
            assertFalse(List.of("link", "img", "iframe", "base", "image").contains(element.getTagName()), element.getTagName());
        }
        String style = page.getElementsByTagName("style").item(0).getTextContent();
        assertFalse(style.contains("@import") || style.replace("url(#", "").contains("url("), "the style asks for more");
        String script = page.getElementsByTagName("script").item(0).getTextContent();
        for (String word : List.of("fetch(", "XMLHttpRequest", "import(", "innerHTML", "eval(", "</")) {
            assertFalse(script.contains(word), word);
        }
        assertTrue(TracePicture.html(random(3, 5, 20)).contains("default-src &#39;none&#39;"), "and the browser holds it to that");
    }

    @Test
    void aTextOfAThousandEntriesIsCutShort() {
        Trace trace = new Trace(1, 2, "", 0, List.of(new Trace.Sent(0, 1, 2, 1, "AppendEntries", "append", "x".repeat(100_000))));
        String html = TracePicture.html(trace);
        assertTrue(html.length() < 50_000, "length " + html.length());
        assertTrue(html.contains("more characters"));
    }

    // ---- how it is laid out

    /** The picture's own rule: labels are read, so none lies on another. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 5, 7})
    void noLabelLiesOnAnother(int nodes) {
        for (int seed = 1; seed <= 3; seed++) {
            assertNoOverlap(picture(random(seed, nodes, 700)), seed);
        }
        assertNoOverlap(picture(new Trace(1, Math.max(3, nodes), "plan", 0, story())), 0);
    }

    private static void assertNoOverlap(Element picture, int seed) {
        record Box(double left, double right, double y, String text) { }
        Map<Integer, List<Box>> byHeight = new HashMap<>();
        for (Element group : all(picture, element -> element.hasAttribute("transform") && element.hasAttribute("data-y")
            && !has("violation").test(element) && !has("idle").test(element) && !has("time").test(element))) {
            for (Element text : all(group, element -> element.getTagName().equals("text"))) {
                String words = text.getTextContent();
                Matcher at = Pattern.compile("translate\\((\\d+) (\\d+)\\)").matcher(group.getAttribute("transform"));
                assertTrue(at.matches(), group.getAttribute("transform"));
                double x = Double.parseDouble(text.getAttribute("x")) + Integer.parseInt(at.group(1));
                double width = TraceLayout.width(words, has("became").or(has("process")).or(has("crash")).test(group));
                boolean isLeft = text.getAttribute("text-anchor").equals("end");
                Box box = new Box(isLeft ? x - width : x, isLeft ? x : x + width, Integer.parseInt(at.group(2)), words);
                assertTrue(box.left >= 0 && box.right <= Double.parseDouble(picture.getAttribute("width")) + 1, "outside: " + box);
                for (int height = (int) box.y / 10 - 1; height <= box.y / 10 + 1; height++) {
                    for (Box other : byHeight.getOrDefault(height, List.of())) {
                        assertFalse(Math.abs(other.y - box.y) < 9 && other.left < box.right && box.left < other.right,
                            "seed " + seed + ": " + box + " lies on " + other);
                    }
                }
                byHeight.computeIfAbsent((int) box.y / 10, key -> new ArrayList<>()).add(box);
            }
        }
    }

    @Test
    void timeRunsDown() {
        Trace trace = random(4, 5, 2000);
        TraceLayout layout = new TraceLayout(trace);
        for (int i = 1; i < trace.events().size(); i++) {
            long nanos = trace.events().get(i).atNanos() - trace.events().get(i - 1).atNanos();
            assertTrue(nanos == 0 ? layout.y(i) >= layout.y(i - 1) : layout.y(i) > layout.y(i - 1), "event " + i);
        }
        int rowBefore = -1;
        for (TraceLayout.Row row : layout.rows()) {
            assertTrue(row.y() > rowBefore);
            rowBefore = row.y();
        }
        assertTrue(layout.height() > rowBefore && layout.height() < 40_000, "2,000 events are " + layout.height() + " pixels high");
    }

    @Test
    void marksOnOneColumnDoNotHideOneAnother() {
        Trace trace = random(7, 3, 1000);
        TraceLayout layout = new TraceLayout(trace);
        Map<Integer, Integer> last = new HashMap<>();
        for (int i = 0; i < trace.events().size(); i++) {
            Event event = trace.events().get(i);
            if (event instanceof Trace.Wrote || event instanceof Trace.Became || event instanceof Trace.ClientAsked) {
                Integer above = last.put(event.node(), layout.y(i));
                assertTrue(above == null || layout.y(i) - above >= 9, "event " + i);
            }
        }
    }

    @Test
    void aRowThatHoldsOnlyHeartbeatsOrAnswersCanBeHiddenAndNoOther() {
        Trace trace = new Trace(1, 3, "plan", 0, story());
        TraceLayout layout = new TraceLayout(trace);
        Map<Integer, Integer> hideable = new HashMap<>();
        layout.rows().forEach(row -> hideable.put(row.y(), row.hideable()));
        for (int i = 0; i < trace.events().size(); i++) {
            Event event = trace.events().get(i);
            int row = hideable.get(layout.y(i));
            Trace.Sent message = layout.messageOf(event);
            if (message != null && message.kind().equals(Trace.Sent.HEARTBEAT)) {
                assertEquals(TraceLayout.HEARTBEATS, row, event.toString());
            } else if (message != null && List.of("Vote", "AppendAccepted").contains(message.kind())) {
                assertEquals(TraceLayout.ANSWERS, row, event.toString());
            } else if (!(event instanceof Trace.ClientAsked || event instanceof Trace.ClientAnswered)) {
                assertEquals(0, row, event.toString());
            }
        }
    }

    @Test
    void theSameTraceGivesTheSameFileOfAModestSize() {
        String html = TracePicture.html(random(5, 5, 2000));
        assertEquals(html, TracePicture.html(random(5, 5, 2000)));
        assertTrue(html.length() < 1_500_000, "length " + html.length());
    }

    @Test
    void ofALongTraceTheLastEventsAreDrawnAndWhatStillStands() {
        List<Event> events = new ArrayList<>(List.of(new Trace.Started(0, 1, 1), new Trace.Became(1, 1, RoleName.LEADER, 1)));
        for (int i = 1; i <= TracePicture.EVENTS_MAX + 10; i++) {
            events.add(new Trace.Applied(1 + i, 1, i));
        }
        Trace trace = new Trace(1, 1, "", 7, events);
        Document page = parse(TracePicture.html(trace));
        Element picture = pictureOf(page);
        assertEquals(TracePicture.EVENTS_MAX + 2, all(picture, has("e")).size());
        assertEquals(1, all(picture, has("leader")).size());
        assertTrue(texts(picture).contains("a" + (TracePicture.EVENTS_MAX + 10)));
        assertEquals("1 node, 5002 events, 19 earlier ones not kept",
            all(page.getDocumentElement(), has("count")).get(0).getTextContent());
    }

    @Test
    void aRowOfAHeartbeatAndSomethingElseStays() {
        TraceLayout layout = new TraceLayout(new Trace(1, 3, "", 0, List.of(sent(1, 1, 2, 1, Trace.Sent.HEARTBEAT, "probe"),
            sent(1, 1, 3, 2, "AppendEntries", "append 1"), sent(2, 2, 1, 3, "AppendEntries", "append 1"),
            sent(2, 2, 3, 4, Trace.Sent.HEARTBEAT, "probe"))));
        assertEquals(List.of(0, 0), layout.rows().stream().map(TraceLayout.Row::hideable).toList());
    }

    @Test
    void aCallEndsWithItsAnswerOrItsProcessOrWhenItsClientAsksAgain() {
        TraceLayout layout = new TraceLayout(new Trace(1, 2, "", 0, List.of(
            new Trace.ClientAsked(1, 1, 1, "a"), new Trace.ClientAsked(2, 1, 2, "b"), new Trace.ClientAnswered(3, 1, 1, "done"),
            new Trace.Crashed(4, 1, ""), new Trace.ClientAsked(5, 2, 1, "c"), new Trace.ClientAsked(6, 2, 1, "d"),
            new Trace.ClientAnswered(7, 1, 2, "unknown"), new Trace.ClientAnswered(8, 2, 3, "asked earlier"))));
        assertEquals(List.of(new TraceLayout.Call(0, 0, 2, -1), new TraceLayout.Call(1, 1, 6, -1), new TraceLayout.Call(0, 4, -1, 5),
            new TraceLayout.Call(0, 5, -1, -1), new TraceLayout.Call(0, -1, 7, -1)), layout.calls());
    }

    @Test
    void whatIsRefusedOrAppliedAtOnceTakesOneLine() {
        Element picture = picture(new Trace(1, 1, "", 0, List.of(new Trace.ClientAsked(1, 1, 1, "put"),
            new Trace.ClientAnswered(1, 1, 1, "io.quorate.raft.NotLeaderException"), new Trace.Applied(2, 1, 4), new Trace.Applied(2, 1, 5),
            new Trace.Applied(2, 1, 6))));
        assertTrue(texts(picture).containsAll(List.of("1 \u2190 put: NotLeaderException", "a4..6")), texts(picture).toString());
        assertFalse(texts(picture).contains("a5"), texts(picture).toString());
    }

    // ---- planted: the checks above can fail

    @Test
    void labelsThatLieOnOneAnotherAreSeen() {
        String html = TracePicture.html(new Trace(1, 3, "plan", 0, story()));
        Element picture = pictureOf(parse(html));
        Element label = all(picture, has("small")).get(0);
        label.getParentNode().appendChild(label.cloneNode(true));
        try {
            assertNoOverlap(picture, 0);
        } catch (AssertionError seen) {
            assertTrue(seen.getMessage().contains("lies on"), seen.getMessage());
            return;
        }
        throw new AssertionError("a label was drawn twice, and nothing noticed");
    }

    // ---- helpers

    /** Much happens, in any order: messages that cross, are lost, repeated; crashes, cuts, calls; idle times. */
    private static Trace random(long seed, int nodes, int events) {
        SplittableRandom random = new SplittableRandom(seed);
        Trace.Recorder recorder = new Trace.Recorder(events);
        List<Long> underWay = new ArrayList<>();
        Map<Long, Integer> receivers = new HashMap<>();
        String[] kinds = {"AppendEntries", Trace.Sent.HEARTBEAT, "AppendAccepted", "RequestVote", "Vote", "PreVote", "FoundingMessage"};
        long now = 0;
        long id = 1;
        for (int i = 0; i < events - 1; i++) {
            now += random.nextInt(3) == 0 ? 0 : random.nextInt(60) == 0 ? random.nextLong(400_000_000) : random.nextLong(300_000);
            int node = random.nextInt(1, nodes + 1);
            int what = random.nextInt(40);
            if (what < 13) {
                int to = random.nextInt(1, nodes + 1);
                String kind = kinds[random.nextInt(kinds.length)];
                recorder.record(sent(now, node, to, ++id, kind, kind + " " + id));
                underWay.add(id);
                receivers.put(id, to);
                if (random.nextInt(5) == 0) {
                    recorder.record(new Trace.Lost(now, id, "cut off"));
                }
            } else if (what < 26 && !underWay.isEmpty()) {
                long arriving = underWay.get(random.nextInt(underWay.size()));
                if (random.nextInt(4) > 0) {
                    underWay.remove(arriving);
                }
                recorder.record(random.nextInt(6) == 0 ? new Trace.Lost(now, arriving, "receiver is down")
                    : new Trace.Arrived(now, receivers.get(arriving), arriving));
            } else {
                recorder.record(other(random, what, now, node, nodes));
            }
        }
        recorder.record(new Trace.Violated(now + 1, 1, "Planted", "word ".repeat(100)));
        return recorder.trace(seed, nodes, "plan");
    }

    private static Event other(SplittableRandom random, int what, long now, int node, int nodes) {
        return switch (what) {
            case 26 -> new Trace.Started(now, node, what);
            case 27 -> new Trace.Crashed(now, node, "loses 1 writes and more than fits here in any case");
            case 28 -> new Trace.Stopped(now, node, "the disk failed");
            case 29 -> new Trace.Paused(now, node);
            case 30 -> new Trace.Resumed(now, node);
            case 31 -> new Trace.Became(now, node, RoleName.values()[random.nextInt(4)], random.nextInt(200));
            case 32 -> new Trace.Wrote(now, node, random.nextInt(1000), "");
            case 33 -> new Trace.Committed(now, node, random.nextInt(1000));
            case 34 -> new Trace.Applied(now, node, random.nextInt(1000));
            case 35 -> new Trace.ClientAsked(now, node, random.nextInt(9), "put something under a key");
            case 36 -> new Trace.ClientAnswered(now, node, random.nextInt(9), "io.quorate.raft.NotLeaderException: not the leader");
            case 37 -> new Trace.Cut(now, now + random.nextLong(3_000_000),
                List.of(new Link(node, 1), new Link(1, node), new Link(nodes, 1)));
            case 38 -> new Trace.Healed(now);
            default -> new Trace.Fault(now, random.nextBoolean() ? node : 0, "a clock jumps by 3 seconds");
        };
    }

    private static Element picture(Trace trace) {
        return pictureOf(parse(TracePicture.html(trace)));
    }

    private static Element pictureOf(Document page) {
        return all(page.getDocumentElement(), element -> element.getAttribute("id").equals("picture")).get(0);
    }

    private static Document parse(String html) {
        try {
            DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
            factory.setFeature(XMLConstants.FEATURE_SECURE_PROCESSING, true);
            factory.setFeature("http://xml.org/sax/features/external-general-entities", false);
            factory.setFeature("http://xml.org/sax/features/external-parameter-entities", false);
            factory.setFeature("http://apache.org/xml/features/nonvalidating/load-external-dtd", false);
            factory.setExpandEntityReferences(false);
            DocumentBuilder builder = factory.newDocumentBuilder();
            builder.setErrorHandler(null);
            builder.setEntityResolver((publicId, systemId) -> {
                throw new SAXException("asks for " + systemId);
            });
            return builder.parse(new InputSource(new StringReader(html)));
        } catch (Exception e) {
            throw new AssertionError("not well-formed", e);
        }
    }

    private static Predicate<Element> has(String name) {
        return element -> Arrays.asList(element.getAttribute("class").split(" ")).contains(name);
    }

    private static List<Element> all(Element root, Predicate<Element> which) {
        List<Element> found = new ArrayList<>();
        for (Node child = root.getFirstChild(); child != null; child = child.getNextSibling()) {
            if (child instanceof Element element) {
                if (which.test(element)) {
                    found.add(element);
                }
                found.addAll(all(element, which));
            }
        }
        return found;
    }

    private static List<String> texts(Element root) {
        return all(root, element -> element.getTagName().equals("text")).stream().map(Element::getTextContent).toList();
    }
}
