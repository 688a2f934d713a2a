package io.quorate.examples.chaos;

import io.quorate.examples.launcher.Forwarder;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/** The wires between the nodes: one forwarder in front of each, through which everybody must go. Clients are never cut off. */
final class Wires implements AutoCloseable {

    private final List<Forwarder> forwarders = new ArrayList<>();     // of node i + 1

    Wires(int nodes) {
        for (int i = 0; i < nodes; i++) {
            forwarders.add(new Forwarder());
        }
    }

    List<Forwarder> forwarders() {
        return List.copyOf(forwarders);
    }

    /** Nothing that {@code from} says reaches {@code to}: connections close, or stay open and silent. */
    void cut(int from, int to, boolean isSilent) {
        Forwarder before = forwarders.get(to - 1);
        if (isSilent) {
            before.silence(from);
        } else {
            before.refuse(from);
        }
    }

    /** These nodes on one side, all others on the other. */
    void part(Collection<Integer> side, boolean isSilent) {
        for (int from = 1; from <= forwarders.size(); from++) {
            for (int to = 1; to <= forwarders.size(); to++) {
                if (from != to && side.contains(from) != side.contains(to)) {
                    cut(from, to, isSilent);
                }
            }
        }
    }

    void restore() {
        forwarders.forEach(Forwarder::restore);
    }

    @Override
    public void close() {
        forwarders.forEach(Forwarder::close);
    }
}
