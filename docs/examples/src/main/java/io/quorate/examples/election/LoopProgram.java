package io.quorate.examples.election;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletionException;

/**
 * Two services that run the {@link LeaderLoop}, and what happens when the one that leads is cut off, and when one stops in good order. Runs
 * by itself, with a group of its own in this process.
 */
public final class LoopProgram {

    private static final Duration TTL = Duration.ofSeconds(1);
    private static final long WORK_MILLIS = 20;

    /** One service: a thread that goes round. */
    private static final class Service {

        private final String name;
        private final SmallGroup.Line line;
        private final LeaderLoop loop;
        private final Talk talk;
        private final Thread thread = new Thread(this::run, "service");
        private volatile boolean isRunning = true;

        private Service(SmallGroup group, String name, Talk talk) {
            this.name = name;
            this.talk = talk;
            line = group.new Line();
            loop = new LeaderLoop(line.client(), "jobs/billing", name.getBytes(StandardCharsets.UTF_8), TTL);
            thread.setDaemon(true);
            thread.start();
        }

        private void run() {
            while (isRunning) {
                try {
                    goRound();
                } catch (CompletionException e) {
                    if (isRunning) {
                        talk.say(name + ": does not know who leads, and asks again");
                    }
                }
            }
        }

        private void goRound() {
            if (loop.becomeLeader()) {
                talk.say(name + ": leads with token " + loop.fencingToken());
                while (isRunning && loop.leads()) {
                    Holders.pause(WORK_MILLIS);        // the work, with the token along
                }
                talk.say(name + ": leads no more");
            } else {
                talk.say(name + ": waits for the next election");
                if (loop.waitForNextElection()) {
                    talk.say(name + ": hears that the key was deleted");
                }
            }
        }

        /** In good order: the work first, then the lease. */
        private void stop() {
            isRunning = false;
            if (loop.leads()) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new IllegalStateException("interrupted", e);
                }
            }
            loop.close();
            line.close();
        }
    }

    private LoopProgram() { }

    /** Runs it. */
    public static void main(String[] arguments) throws IOException {
        run(System.out);
    }

    static void run(PrintStream out) throws IOException {
        Talk talk = new Talk(out);
        Map<String, Service> services = new TreeMap<>();
        try (SmallGroup group = new SmallGroup()) {
            try {
                run(group, talk, services);
            } finally {
                services.values().forEach(Service::stop);
            }
        }
    }

    private static void run(SmallGroup group, Talk talk, Map<String, Service> services) {
        talk.say("-- a and b start");
        services.put("a", new Service(group, "a", talk));
        services.put("b", new Service(group, "b", talk));
        String first = leaderAfter(talk, 0);
        String second = first.equals("a") ? "b" : "a";
        talk.await(0, second + " waits", line -> line.equals(second + ": waits for the next election"));

        int before = talk.size();
        talk.say("-- " + first + " is cut off from the group");
        services.get(first).line.cut();
        talk.await(before, first + " stops by itself", line -> line.equals(first + ": leads no more"));
        talk.await(before, second + " leads", line -> line.startsWith(second + ": leads with token "));

        before = talk.size();
        talk.say("-- " + first + " is there again");
        services.get(first).line.mend();
        talk.await(before, first + " waits", line -> line.equals(first + ": waits for the next election"));

        before = talk.size();
        talk.say("-- " + second + " stops: its lease is revoked, and its key goes with it");
        services.remove(second).stop();
        talk.await(before, first + " leads", line -> line.startsWith(first + ": leads with token "));
        talk.say("-- end");
    }

    private static String leaderAfter(Talk talk, int lines) {
        return talk.await(lines, "somebody leads", line -> line.contains(": leads with token ")).substring(0, 1);
    }
}
