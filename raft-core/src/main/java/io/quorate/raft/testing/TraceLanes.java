package io.quorate.raft.testing;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What each node was while a run went on: from which event to which in which role, down, or paused. */
final class TraceLanes {

    /**
     * A node stayed as it is, from one event to another.
     *
     * @param kind      the role in one word, or {@code unknown}, {@code down}, {@code blank}
     * @param state     the same with its term, in words
     * @param isPaused  whether its process stood still
     * @param fromEvent the position of the event that began it; -1 before the first
     * @param toEvent   the position of the event that ended it; the number of events if none did
     */
    record Stay(int node, String kind, String state, boolean isPaused, int fromEvent, int toEvent) { }

    private final List<Stay> stays = new ArrayList<>();
    private final Trace trace;

    private TraceLanes(Trace trace) {
        this.trace = trace;
    }

    /** Each node's stays in their order, one node after the other. */
    static List<Stay> stays(Trace trace) {
        TraceLanes lanes = new TraceLanes(trace);
        for (int node = 1; node <= trace.nodes(); node++) {
            lanes.follow(node);
        }
        return lanes.stays;
    }

    private void follow(int node) {
        Stay now = trace.dropped() > 0 ? new Stay(node, "unknown", "not known", false, -1, -1)
            : new Stay(node, "down", "not started", false, -1, -1);
        for (int i = 0; i < trace.events().size(); i++) {
            Trace.Event event = trace.events().get(i);
            Stay next = event.node() == node ? after(now, event, i) : null;
            if (next != null) {
                end(now, i);
                now = next;
            }
        }
        end(now, trace.events().size());
    }

    private static @Nullable Stay after(Stay now, Trace.Event event, int i) {
        if (event instanceof Trace.Started) {
            return new Stay(now.node(), "blank", "blank", false, i, i);
        } else if (event instanceof Trace.Crashed) {
            return new Stay(now.node(), "down", "crashed", false, i, i);
        } else if (event instanceof Trace.Stopped) {
            return new Stay(now.node(), "down", "stopped", false, i, i);
        } else if (event instanceof Trace.Became became) {
            String role = Trace.name(became.role());
            return new Stay(now.node(), role, role + ", term " + became.term(), now.isPaused(), i, i);
        } else if (event instanceof Trace.Paused || event instanceof Trace.Resumed) {
            return new Stay(now.node(), now.kind(), now.state(), event instanceof Trace.Paused, i, i);
        }
        return null;
    }

    private void end(Stay stay, int toEvent) {
        stays.add(new Stay(stay.node(), stay.kind(), stay.state(), stay.isPaused(), stay.fromEvent(), toEvent));
    }
}
