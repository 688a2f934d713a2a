package io.quorate.raft.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.Set;
import java.util.TreeSet;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class LinksTest {

    @Property
    void aSetIsReadAsItWasWritten(@ForAll long links) {
        assertEquals(links, Links.parse(Links.text(links)));
    }

    @Example
    void aTextSaysInWhichDirectionsLinksAreCut() {
        assertEquals("1-2 2>3", Links.text(Links.between(2, 1) | Links.link(2, 3)));
        assertEquals("", Links.text(0));
        assertEquals(Links.between(7, 8) | Links.link(8, 1), Links.parse("  8-7   8>1 "));
        for (String wrong : new String[] {"1", "1-", "0-1", "1-9", "1<2", "1-2,2-3", "1 - 2"}) {
            assertThrows(IllegalArgumentException.class, () -> Links.parse(wrong), wrong);
        }
    }

    @Example
    void everyLinkIsABitOfItsOwn() {
        long all = 0;
        for (int from = 1; from <= 8; from++) {
            for (int to = 1; to <= 8; to++) {
                assertFalse(Links.contains(all, from, to));
                all |= Links.link(from, to);
                assertTrue(Links.contains(all, from, to));
            }
        }
        assertEquals(-1, all);
    }

    @Property
    void shapesAreOfLinksBetweenDifferentNodesThatAreThere(@ForAll @IntRange(min = 1, max = 7) int nodes,
                                                          @ForAll @IntRange(max = 6) int place, @ForAll long set) {
        int node = place % nodes + 1;
        long[] shapes = {Links.halves(nodes, set), Links.around(nodes, node), Links.chain(nodes, node), Links.hub(nodes, node),
            Links.bridge(nodes, node), Links.into(nodes, node), Links.outOf(nodes, node)};
        long inside = 0;
        for (int from = 1; from <= nodes; from++) {
            for (int to = 1; to <= nodes; to++) {
                inside |= from == to ? 0 : Links.link(from, to);
            }
        }
        for (int i = 0; i < shapes.length; i++) {
            assertEquals(0, shapes[i] & ~inside, "shape " + i);
            assertEquals(i < 5 ? shapes[i] : shapes[11 - i], turnedRound(shapes[i]), "shape " + i + " in the other direction");
        }
    }

    @Property
    void halvesDoNotHearEachOtherAndHearThemselves(@ForAll @IntRange(min = 1, max = 7) int nodes, @ForAll long set) {
        long links = Links.halves(nodes, set);
        for (int from = 1; from <= nodes; from++) {
            for (int to = 1; to <= nodes; to++) {
                assertEquals((set >> from - 1 & 1) != (set >> to - 1 & 1), Links.contains(links, from, to));
            }
        }
    }

    @Property
    void aDeafNodeHearsNobodyAndAMuteOneIsNotHeard(@ForAll @IntRange(min = 1, max = 7) int nodes, @ForAll @IntRange(max = 6) int place) {
        int node = place % nodes + 1;
        for (int from = 1; from <= nodes; from++) {
            for (int to = 1; to <= nodes; to++) {
                assertEquals(from != to && to == node, Links.contains(Links.into(nodes, node), from, to));
                assertEquals(from != to && from == node, Links.contains(Links.outOf(nodes, node), from, to));
            }
        }
        assertEquals(Links.into(nodes, node) | Links.outOf(nodes, node), Links.around(nodes, node));
    }

    @Property
    void inAChainTheEndsHaveOneNeighbourAndTheOthersTwo(@ForAll @IntRange(min = 3, max = 7) int nodes,
                                                        @ForAll @IntRange(max = 6) int place) {
        int first = place % nodes + 1;
        long chain = Links.chain(nodes, first);
        int ends = 0;
        for (int node = 1; node <= nodes; node++) {
            int neighbours = heardBy(nodes, chain, node).size() - 1;
            assertTrue(neighbours == 1 || neighbours == 2);
            ends += neighbours == 1 ? 1 : 0;
        }
        assertEquals(2, ends);
        assertEquals(2, heardBy(nodes, chain, first).size(), "it begins with the node that was named");
    }

    @Property
    void aHubHearsAllAndTheOthersHearItAlone(@ForAll @IntRange(min = 1, max = 7) int nodes, @ForAll @IntRange(max = 6) int place) {
        int hub = place % nodes + 1;
        for (int node = 1; node <= nodes; node++) {
            assertEquals(node == hub ? nodes : 2, heardBy(nodes, Links.hub(nodes, hub), node).size());
        }
    }

    @Property
    void aBridgeHearsAllAndTheMajoritiesOnBothSidesMeetInItAlone(@ForAll @IntRange(min = 1, max = 3) int half,
                                                                 @ForAll @IntRange(max = 6) int place) {
        int nodes = 2 * half + 1;
        int bridge = place % nodes + 1;
        Set<Set<Integer>> sides = new HashSet<>();
        for (int node = 1; node <= nodes; node++) {
            Set<Integer> heard = heardBy(nodes, Links.bridge(nodes, bridge), node);
            if (node == bridge) {
                assertEquals(nodes, heard.size());
            } else {
                assertEquals(half + 1, heard.size(), "a majority");
                assertTrue(heard.contains(bridge));
                sides.add(heard);
            }
        }
        assertEquals(2, sides.size());
    }

    private static long turnedRound(long links) {
        long turned = 0;
        for (int from = 1; from <= 8; from++) {
            for (int to = 1; to <= 8; to++) {
                turned |= Links.contains(links, from, to) ? Links.link(to, from) : 0;
            }
        }
        return turned;
    }

    /** Whom a node hears, itself included. */
    private static Set<Integer> heardBy(int nodes, long cut, int node) {
        Set<Integer> heard = new TreeSet<>();
        for (int from = 1; from <= nodes; from++) {
            if (!Links.contains(cut, from, node)) {
                heard.add(from);
            }
        }
        return heard;
    }
}
