package io.quorate.raft.testing;

/**
 * Sets of directed links between up to eight nodes, one bit each, for {@link Fault.Cut}; and the shapes that networks fall into.
 */
public final class Links {

    private Links() { }

    /** Whether this link is in the set. */
    public static boolean contains(long links, int from, int to) {
        return (links & link(from, to)) != 0;
    }

    /** The link from one node to another. */
    public static long link(int from, int to) {
        if (from < 1 || from > 8 || to < 1 || to > 8) {
            throw new IllegalArgumentException("Nodes are counted from 1 to 8: no link goes from " + from + " to " + to);
        }
        return 1L << 8 * (from - 1) + (to - 1);
    }

    /** Every link between so many nodes. */
    static long all(int nodes) {
        long links = 0;
        for (int i = 1; i <= nodes; i++) {
            links |= outOf(nodes, i) | link(i, i);
        }
        return links;
    }

    /** Both directions. */
    public static long between(int one, int other) {
        return link(one, other) | link(other, one);
    }

    /** All links between nodes of this set (one bit each, node 1 lowest) and others: two halves that do not hear each other. */
    public static long halves(int nodes, long set) {
        long links = 0;
        for (int i = 1; i <= nodes; i++) {
            for (int j = 1; j <= nodes; j++) {
                if ((set >> i - 1 & 1) != (set >> j - 1 & 1)) {
                    links |= link(i, j);
                }
            }
        }
        return links;
    }

    /** All links to and from one node. */
    public static long around(int nodes, int node) {
        return into(nodes, node) | outOf(nodes, node);
    }

    /** All links to one node: it is deaf. */
    public static long into(int nodes, int node) {
        long links = 0;
        for (int i = 1; i <= nodes; i++) {
            links |= i == node ? 0 : link(i, node);
        }
        return links;
    }

    /** All links from one node: it is mute. */
    public static long outOf(int nodes, int node) {
        long links = 0;
        for (int i = 1; i <= nodes; i++) {
            links |= i == node ? 0 : link(node, i);
        }
        return links;
    }

    /** All but those between neighbours, beginning with this node: a chain. */
    public static long chain(int nodes, int first) {
        long links = 0;
        for (int i = 0; i < nodes; i++) {
            for (int j = 0; j < nodes; j++) {
                if (Math.abs(i - j) > 1) {
                    links |= link((i + first - 1) % nodes + 1, (j + first - 1) % nodes + 1);
                }
            }
        }
        return links;
    }

    /** All but those to and from one node: a star. */
    public static long hub(int nodes, int hub) {
        long links = 0;
        for (int i = 1; i <= nodes; i++) {
            for (int j = 1; j <= nodes; j++) {
                links |= i == j || i == hub || j == hub ? 0 : link(i, j);
            }
        }
        return links;
    }

    /** Between the nodes before and those behind this one, which hears both sides: two majorities that overlap in it. */
    public static long bridge(int nodes, int bridge) {
        long links = 0;
        int side = (nodes - 1) / 2;
        for (int i = 1; i < nodes; i++) {
            for (int j = 1; j < nodes; j++) {
                if (i <= side != j <= side) {
                    links |= link((bridge + i - 1) % nodes + 1, (bridge + j - 1) % nodes + 1);
                }
            }
        }
        return links;
    }

    /** As in {@code 1-2 2>3}: {@code -} where both directions are in the set, {@code >} where one is. */
    static String text(long links) {
        StringBuilder text = new StringBuilder();
        for (int i = 1; i <= 8; i++) {
            for (int j = 1; j <= 8; j++) {
                if (contains(links, i, j) && !(contains(links, j, i) && j < i)) {
                    text.append(text.isEmpty() ? "" : " ").append(i).append(contains(links, j, i) ? '-' : '>').append(j);
                }
            }
        }
        return text.toString();
    }

    /** The opposite of {@link #text}. */
    static long parse(String text) {
        long links = 0;
        for (String each : text.isBlank() ? new String[0] : text.strip().split("\\s+")) {
            if (!each.matches("[1-8][->][1-8]")) {
                throw new IllegalArgumentException("A link is like 1-2 or 1>2, not " + each);
            }
            int from = each.charAt(0) - '0';
            int to = each.charAt(2) - '0';
            links |= each.charAt(1) == '-' ? between(from, to) : link(from, to);
        }
        return links;
    }
}
