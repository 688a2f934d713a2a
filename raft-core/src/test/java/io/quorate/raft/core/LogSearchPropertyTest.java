package io.quorate.raft.core;

import static io.quorate.raft.core.Cluster.id;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

/** Where do two logs agree? The search takes one question for each distinct term, whatever the logs, and finds the last place. */
class LogSearchPropertyTest {

    private static final int TERMS = 6;

    @Property(tries = 1500)
    void twoLogsMeetInAtMostOneProbeForEachDistinctTerm(@ForAll long seed) {
        Random random = new Random(seed);
        List<List<Long>> logs = logs(random);
        List<Long> leader = logs.get(random.nextInt(logs.size()));
        List<Long> follower = logs.get(random.nextInt(logs.size()));
        int agreed = common(leader, follower);

        Cluster c = Cluster.of(text(leader), text(follower), text(leader));
        c.restartWith(1, new HardState(TERMS, null, 0), text(leader));
        c.elect(1, 3);
        c.settle();   // no time passes: no question is repeated

        String expected = (text(leader) + " " + (TERMS + 1)).trim();
        assertEquals(expected, c.disk(2));
        assertEquals(leader.size() + 1, c.commit(2));
        List<Message.AppendEntries> appends = c.history(Message.AppendEntries.class, 1, 2);
        Message.AppendEntries first = appends.stream().filter(m -> !m.entries().isEmpty()).findFirst().orElseThrow();
        assertEquals(agreed, first.prev().index(), "where the logs part");
        int probes = c.history(Message.AppendRejected.class, 2, 1).size() + 1;
        Set<Long> terms = new HashSet<>(leader);
        terms.addAll(follower);
        assertTrue(probes <= terms.size() + 1, () -> probes + " probes for " + leader + " and " + follower);
        assertEquals(id(1), c.node(2).leader());
    }

    /** Logs that one group can have at the same time: in each term one leader extends its log and copies it to some, as far as it gets. */
    private static List<List<Long>> logs(Random random) {
        List<List<Long>> logs = new ArrayList<>();
        for (int n = 0; n < 4; n++) {
            logs.add(new ArrayList<>());
        }
        for (long term = 1; term <= TERMS; term++) {
            if (random.nextInt(4) == 0) {
                continue;
            }
            List<Long> leader = logs.get(random.nextInt(logs.size()));
            for (int i = random.nextInt(5); i >= 0; i--) {
                leader.add(term);
            }
            for (List<Long> other : logs) {
                int copied = random.nextInt(leader.size() + 1);
                if (other == leader || random.nextBoolean() || copied == 0) {
                    continue;
                }
                // An append that ends at "copied": what matches is kept, also behind it; the first conflict cuts.
                int same = common(leader, other);
                if (copied > same) {
                    other.subList(same, other.size()).clear();
                    other.addAll(leader.subList(same, copied));
                }
            }
        }
        return logs;
    }

    private static int common(List<Long> one, List<Long> other) {
        int index = 0;
        while (index < one.size() && index < other.size() && one.get(index).equals(other.get(index))) {
            index++;
        }
        return index;
    }

    private static String text(List<Long> log) {
        return log.stream().map(String::valueOf).collect(Collectors.joining(" "));
    }
}
