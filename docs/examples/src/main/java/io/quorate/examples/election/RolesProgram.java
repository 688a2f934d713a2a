package io.quorate.examples.election;

import io.quorate.examples.election.NamedService.Membership;
import io.quorate.examples.election.NamedService.Role;
import java.io.IOException;
import java.io.PrintStream;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Three candidates of one {@link NamedService}, and what they are told while the leader is cut off, comes back, leaves, and one cannot take
 * the role on. Runs by itself, with a group of its own in this process.
 */
public final class RolesProgram {

    private static final Duration TTL = Duration.ofSeconds(1);

    /** A candidate with the ends of all its wires. */
    private static final class Seat implements AutoCloseable {

        private final SmallGroup.Line line;
        private final NamedService service;

        private Seat(SmallGroup group, String name, Talk talk, AtomicBoolean isNextUnable) {
            line = group.new Line();
            service = new NamedService("billing", line.client(), TTL);
            Membership[] last = new Membership[1];      // this candidate's thread alone
            service.join(name, membership -> {
                if (membership.role() == Role.LEADER && isNextUnable.getAndSet(false)) {
                    talk.say(name + ": LEADER, and throws");
                    last[0] = membership;
                    throw new IOException("no database");
                }
                if (!membership.equals(last[0])) {
                    talk.say(name + ": " + text(membership));
                    last[0] = membership;
                }
            });
        }

        private static String text(Membership membership) {
            return switch (membership.role()) {
                case LEADER -> "LEADER with token " + membership.fencingToken();
                case FOLLOWER -> "FOLLOWER of " + membership.endpoint();
                case NOT_A_MEMBER -> "NOT_A_MEMBER";
            };
        }

        @Override
        public void close() {
            service.close();
            line.close();
        }
    }

    private final Talk talk;
    private final Map<String, Seat> seats = new TreeMap<>();
    private final AtomicBoolean isNextUnable = new AtomicBoolean();      // whoever leads next cannot do the work

    private RolesProgram(PrintStream out) {
        talk = new Talk(out);
    }

    /** Runs it. */
    public static void main(String[] arguments) throws IOException {
        run(System.out);
    }

    static void run(PrintStream out) throws IOException {
        try (SmallGroup group = new SmallGroup()) {
            RolesProgram program = new RolesProgram(out);
            try {
                program.run(group);
            } finally {
                program.seats.values().forEach(Seat::close);
            }
        }
    }

    private void run(SmallGroup group) {
        for (String name : new String[] {"a", "b", "c"}) {
            int before = talk.size();
            talk.say("-- " + name + " joins");
            seats.put(name, new Seat(group, name, talk, isNextUnable));
            talk.await(before, name + " is let in", line -> line.startsWith(name + ": ") && !line.contains(Role.NOT_A_MEMBER.name()));
        }

        String first = leaderAfter(0);
        int before = talk.size();
        talk.say("-- " + first + " is cut off from the group");
        seats.get(first).line.cut();
        talk.await(before, first + " knows that it is cut off", line -> line.equals(first + ": NOT_A_MEMBER"));
        String second = leaderAfter(before);

        before = talk.size();
        talk.say("-- " + first + " is there again");
        seats.get(first).line.mend();
        talk.await(before, first + " follows", line -> line.startsWith(first + ": FOLLOWER of ") || line.startsWith(first + ": LEADER"));

        before = talk.size();
        talk.say("-- " + second + " leaves, and whoever is next cannot do the work");
        isNextUnable.set(true);
        seats.remove(second).close();
        String unable = talk.await(before, "somebody cannot", line -> line.endsWith(", and throws")).substring(0, 1);
        talk.await(before, "another leads", line -> line.contains(": LEADER with token ") && !line.startsWith(unable));
        talk.await(before, unable + " follows", line -> line.startsWith(unable + ": FOLLOWER of "));
        talk.say("-- end");
    }

    /** Who began to lead last, after the first so many lines. */
    private String leaderAfter(int lines) {
        return talk.await(lines, "somebody leads", line -> line.contains(": LEADER with token ")).substring(0, 1);
    }
}
