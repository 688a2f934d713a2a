package io.quorate.raft.testing;

import io.quorate.raft.testing.Trace.Link;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** How the network was while a run went on: from when to when which links were cut, and what that means for each node. */
final class TraceNetwork {

    /** From one time to another, the same links are cut. Without any, the network is whole. */
    record Span(long fromNanos, long toNanos, Set<Link> links) { }

    private TraceNetwork() { }

    /** The spans of a trace in which links are cut. */
    static List<Span> spans(Trace trace) {
        List<Span> spans = new ArrayList<>();
        Map<Link, Long> cut = new TreeMap<>();   // until when
        long since = 0;
        for (Trace.Event event : trace.events()) {
            if (event instanceof Trace.Cut || event instanceof Trace.Healed) {
                since = expire(cut, since, event.atNanos(), spans);
                add(spans, since, event.atNanos(), cut);
                since = event.atNanos();
                if (event instanceof Trace.Cut change) {
                    change.links().forEach(link -> cut.merge(link, change.untilNanos(), Math::max));
                } else if (event instanceof Trace.Healed change) {
                    cut.keySet().removeIf(link -> change.links().isEmpty() || change.links().contains(link));
                }
            }
        }
        long end = trace.events().isEmpty() ? 0 : trace.events().get(trace.events().size() - 1).atNanos();
        since = expire(cut, since, end, spans);
        add(spans, since, end, cut);
        return spans;
    }

    /** Takes out the links whose cut ends by then, one after the other. */
    private static long expire(Map<Link, Long> cut, long since, long now, List<Span> spans) {
        long begin = since;
        for (long next = earliest(cut); next <= now; next = earliest(cut)) {
            add(spans, begin, next, cut);
            begin = Math.max(begin, next);
            long passed = next;
            cut.values().removeIf(until -> until <= passed);
        }
        return begin;
    }

    private static long earliest(Map<Link, Long> cut) {
        return cut.values().stream().mapToLong(Long::longValue).min().orElse(Long.MAX_VALUE);
    }

    private static void add(List<Span> spans, long from, long to, Map<Link, Long> cut) {
        if (from < to && !cut.isEmpty()) {
            spans.add(new Span(from, to, new TreeSet<>(cut.keySet())));
        }
    }

    /** In few words: {@code 1 2 | 3 4 5} for a clean split; else who hears nobody, or which links are cut. */
    static String describe(Set<Link> cut, int nodes) {
        List<Set<Integer>> sides = sides(cut, nodes);
        if (sides.size() > 1) {
            StringBuilder text = new StringBuilder();
            for (Set<Integer> side : sides) {
                text.append(text.length() == 0 ? "" : " |");
                side.forEach(node -> text.append(text.length() == 0 ? "" : " ").append(node));
            }
            return text.toString();
        }
        for (int node = 1; node <= nodes; node++) {
            if (cut.size() == nodes - 1 && (isDeaf(cut, node, nodes) || isMute(cut, node, nodes))) {
                return node + (isDeaf(cut, node, nodes) ? " hears nobody" : " is not heard");
            }
        }
        StringBuilder text = new StringBuilder();
        for (Link link : cut) {
            boolean isBoth = cut.contains(new Link(link.to(), link.from()));
            if (!isBoth || link.from() < link.to()) {
                text.append(text.length() == 0 ? "" : " ").append(link.from()).append(isBoth ? "\u2194" : "\u2192").append(link.to());
            }
        }
        return text.toString();
    }

    /** Those that the cut keeps from a majority: outside of the largest side of a clean split, or deaf, or mute. */
    static Set<Integer> estranged(Set<Link> cut, int nodes) {
        Set<Integer> found = new TreeSet<>();
        List<Set<Integer>> sides = sides(cut, nodes);
        if (sides.size() > 1) {
            Set<Integer> largest = sides.stream().max(Comparator.comparingInt(Set::size)).orElseThrow();
            sides.stream().filter(side -> side != largest || 2 * side.size() <= nodes).forEach(found::addAll);
        }
        for (int node = 1; node <= nodes; node++) {
            if (isDeaf(cut, node, nodes) || isMute(cut, node, nodes)) {
                found.add(node);
            }
        }
        return found;
    }

    /** What falls apart; one side only unless every link between sides is cut in both directions. */
    private static List<Set<Integer>> sides(Set<Link> cut, int nodes) {
        List<Set<Integer>> sides = new ArrayList<>();
        for (int node = 1; node <= nodes; node++) {
            Set<Integer> side = new TreeSet<>(Set.of(node));
            for (int i = sides.size() - 1; i >= 0; i--) {
                if (isJoined(cut, node, sides.get(i))) {
                    side.addAll(sides.remove(i));
                }
            }
            sides.add(side);
        }
        sides.sort(Comparator.comparingInt(side -> side.iterator().next()));
        long within = cut.stream().filter(link -> sides.stream().anyMatch(
            side -> side.contains(link.from()) && side.contains(link.to()))).count();
        return within == 0 ? sides : List.of();
    }

    private static boolean isJoined(Set<Link> cut, int node, Set<Integer> side) {
        return side.stream().anyMatch(other -> !cut.contains(new Link(node, other)) || !cut.contains(new Link(other, node)));
    }

    private static boolean isDeaf(Set<Link> cut, int node, int nodes) {
        return nodes > 1 && cut.stream().filter(link -> link.to() == node && link.from() != node).count() == nodes - 1;
    }

    private static boolean isMute(Set<Link> cut, int node, int nodes) {
        return nodes > 1 && cut.stream().filter(link -> link.from() == node && link.to() != node).count() == nodes - 1;
    }
}
