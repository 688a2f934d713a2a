package io.quorate.raft.runtime;

import io.quorate.raft.Transport;
import java.util.ArrayList;
import java.util.List;

/** What a thread carries in its sleep, without any sleep: it remembers what it was asked for, and a test says what happens meanwhile. */
final class RecordingPoller implements Transport.Poller {

    private final List<String> told = new ArrayList<>();
    private Runnable meanwhile = () -> { };

    @Override
    public void poll(long nanos) {
        told.add("poll " + nanos);
        meanwhile.run();
    }

    @Override
    public void wake() {
        told.add("wake");
    }

    @Override
    public void leave() {
        told.add("leave");
    }

    /** What each poll from now on does before it returns. */
    void meanwhile(Runnable action) {
        meanwhile = action;
    }

    /** Everything since the last question, in order. */
    List<String> told() {
        List<String> all = List.copyOf(told);
        told.clear();
        return all;
    }
}
