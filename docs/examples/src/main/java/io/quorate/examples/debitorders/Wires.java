package io.quorate.examples.debitorders;

import io.quorate.examples.launcher.Forwarder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The wires between the copies of the service: one in front of each, by which the others' replicas reach its replica, and one from each
 * copy to each other, by which its candidate reaches the other's replica. So a copy can be cut off whole, replica and candidate, from the
 * others; from the ledger it never is, which is the worse case: it could go on with its work.
 */
final class Wires implements AutoCloseable {

    private final int copies;
    private final Map<Integer, Forwarder> fronts = new TreeMap<>();               // by the copy behind it
    private final Map<String, Forwarder> links = new LinkedHashMap<>();           // "1>2": by which the candidate of 1 reaches 2

    Wires(int copies) {
        this.copies = copies;
        for (int copy = 1; copy <= copies; copy++) {
            fronts.put(copy, new Forwarder());
        }
        for (int from = 1; from <= copies; from++) {
            for (int to = 1; to <= copies; to++) {
                if (from != to) {
                    Forwarder link = new Forwarder();
                    link.forwardTo(front(to).address());
                    links.put(from + ">" + to, link);
                }
            }
        }
    }

    /** Those in front of the copies, in their order. */
    List<Forwarder> fronts() {
        return new ArrayList<>(fronts.values());
    }

    /** What the copies are told of the links; each finds its own. */
    String links() {
        return links.entrySet().stream().map(link -> link.getKey() + "=" + link.getValue().address()).collect(Collectors.joining(","));
    }

    /** The links of this copy, by the address that each leads to, from what {@link #links} made. */
    static Map<String, String> linksOf(int copy, String links, Map<Integer, String> addresses) {
        Map<String, String> found = new TreeMap<>();
        for (String link : links.split(",")) {
            String[] parts = link.split("[>=]");
            if (Integer.parseInt(parts[0]) == copy) {
                found.put(addresses.get(Integer.parseInt(parts[1])), parts[2]);
            }
        }
        return found;
    }

    /** Parts this copy from all others, both ways: connections close, or stay open and carry nothing. */
    void part(int copy, boolean isSilent) {
        for (int other = 1; other <= copies; other++) {
            if (other != copy) {
                cut(copy, other, isSilent);
                cut(other, copy, isSilent);
            }
        }
    }

    private void cut(int from, int to, boolean isSilent) {
        Forwarder link = known(links.get(from + ">" + to));
        if (isSilent) {
            front(to).silence(from);
            link.stall(Forwarder.Direction.TO_TARGET);
            link.stall(Forwarder.Direction.FROM_TARGET);
        } else {
            front(to).refuse(from);
            link.cut();
        }
    }

    private Forwarder front(int copy) {
        return known(fronts.get(copy));
    }

    private static Forwarder known(@Nullable Forwarder forwarder) {
        if (forwarder == null) {
            throw new IllegalArgumentException("There is no such copy");
        }
        return forwarder;
    }

    /** Mends everything. */
    void restore() {
        fronts.values().forEach(Forwarder::restore);
        links.values().forEach(Forwarder::restore);
    }

    @Override
    public void close() {
        fronts.values().forEach(Forwarder::close);
        links.values().forEach(Forwarder::close);
    }
}
