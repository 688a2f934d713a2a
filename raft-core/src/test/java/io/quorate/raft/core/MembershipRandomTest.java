package io.quorate.raft.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.core.NodeStatus.RoleName;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Groups that are changed again and again, while messages are lost and replicas crash and lose their disks. {@link Checks} judges every
 * step; in the end, when all is well again, the last goal is reached by everybody.
 */
class MembershipRandomTest {

    private static final int NODES = 6;
    private static final int STEPS = 400;

    @Test
    void whateverHappensMeanwhileTheGroupReachesItsGoal() {
        int versions = 0;
        int joints = 0;
        int rollbacks = 0;
        for (int seed = 0; seed < 100; seed++) {
            Life life = new Life(seed);
            try {
                life.run();
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError("seed " + seed + "\n" + life.cluster, e);
            }
            versions += (int) life.reached.version();
            joints += life.joints;
            rollbacks += life.rollbacks;
        }
        assertTrue(versions > 800 && joints > 500 && rollbacks > 20,
            versions + " versions, " + joints + " times in between, " + rollbacks + " roll-backs: that says little");
    }

    private static final class Life {
        private final Random random;
        private final Cluster cluster;
        private final List<Integer> wiped = new ArrayList<>();
        private Membership reached = Cluster.voters(1);
        private int joints;
        private int rollbacks;

        private Life(long seed) {
            random = new Random(seed);
            int founders = 1 + random.nextInt(3);
            String[] logs = Collections.nCopies(NODES, "").toArray(new String[0]);
            cluster = Cluster.of(RaftConfig.DEFAULT, Cluster.voters(founders), 0, logs);
            drawAnew();
        }

        private void run() {
            double loss = random.nextInt(4) * 0.05;
            for (int i = 0; i < STEPS; i++) {
                List<Optional<Membership>> before = memberships();
                step(loss);
                count(before);
            }
            heal();
        }

        private void step(double loss) {
            int n = any(cluster.numbers());
            int dice = random.nextInt(100);
            if (dice < 50) {
                deliverOne(loss);
            } else if (dice < 65) {
                if (cluster.isUp(n)) {
                    cluster.writeAll(n);
                }
            } else if (dice < 73) {
                cluster.settle(some());   // these are heard by each other, and for a while by nobody else
            } else if (dice < 75) {
                leaders().forEach(this::leaveAlone);
            } else if (dice < 85) {
                timeoutOf(random.nextInt(4) > 0 ? RoleName.LEADER : RoleName.FOLLOWER);
            } else if (dice < 88) {
                leaders().forEach(leader -> cluster.propose(leader));
            } else if (dice < 95) {
                leaders().forEach(leader -> cluster.change(leader, goal()));
            } else if (dice < 96) {
                if (cluster.isUp(n)) {
                    cluster.crash(n);
                }
            } else if (dice < 99 || !wiped.isEmpty()) {
                if (!cluster.isUp(n)) {
                    cluster.restart(n);
                }
            } else if (random.nextInt(3) == 0) {
                wiped.add(1 + random.nextInt(NODES));
                cluster.wipe(wiped.get(0));
            }
            drawAnew();
        }

        /** A leader states a goal that nobody hears of, and the others elect another. */
        private void leaveAlone(int leader) {
            cluster.change(leader, goal());
            cluster.writeAll(leader);
            cluster.dropAll();
            int[] others = cluster.numbers().stream().mapToInt(n -> n).filter(n -> n != leader).toArray();
            for (int i = 0; i < 4 && leaders().equals(List.of(leader)); i++) {
                cluster.pass(Cluster.T);
                timeoutOf(RoleName.FOLLOWER);
                cluster.settle(others);
            }
        }

        private int[] some() {
            return cluster.numbers().stream().mapToInt(n -> n).filter(n -> random.nextInt(3) > 0).toArray();
        }

        private void deliverOne(double loss) {
            if (cluster.network().isEmpty()) {
                return;
            }
            Message message = cluster.network().get(random.nextInt(Math.min(4, cluster.network().size())));
            cluster.lose(message);
            if (random.nextDouble() >= loss) {
                cluster.deliver(message);
                if (random.nextInt(20) == 0) {
                    cluster.deliver(message);
                }
            }
        }

        private void timeoutOf(RoleName role) {
            List<Integer> all = cluster.numbers().stream()
                .filter(n -> cluster.isUp(n) && (cluster.role(n) == RoleName.LEADER) == (role == RoleName.LEADER)).toList();
            if (!all.isEmpty()) {
                cluster.timeout(any(all));
            } else if (role == RoleName.LEADER) {
                timeoutOf(RoleName.FOLLOWER);
            }
        }

        private List<Integer> leaders() {
            return cluster.numbers().stream().filter(n -> cluster.isUp(n) && cluster.role(n) == RoleName.LEADER).toList();
        }

        private Membership.Goal goal() {
            List<Integer> nodes = new ArrayList<>();
            for (int n = 1; n <= NODES; n++) {
                nodes.add(wiped.contains(n) && random.nextInt(4) > 0 ? n + 100 : n);
            }
            Collections.shuffle(nodes, random);
            int voters = 1 + random.nextInt(4);
            int learners = random.nextInt(3);
            return new Membership.Goal(Cluster.members(ints(nodes.subList(0, voters))),
                Cluster.members(ints(nodes.subList(voters, voters + learners))));
        }

        /** All disks are found again, nothing is lost any more: then somebody leads, and the membership is what was last stated. */
        private void heal() {
            for (int n : cluster.numbers()) {
                if (!cluster.isUp(n)) {
                    cluster.restart(n);
                }
            }
            int i = 0;
            for (int n : cluster.numbers()) {
                cluster.draws(n, i++ * Cluster.T / 8);
            }
            cluster.live(12 * Cluster.T);
            assertEquals(1, leaders().size());
            int leader = leaders().get(0);
            NodeStatus status = cluster.node(leader).status();
            reached = status.membership();
            assertTrue(reached.goal() == null && !reached.isJoint() && status.change().isCommitted(), cluster::toString);
            for (Member member : reached.members()) {
                int n = cluster.numbers().stream().filter(number -> Cluster.id(number).equals(member.id())).findFirst().orElseThrow();
                assertEquals(reached, cluster.node(n).membership());
                assertEquals(cluster.commit(leader), cluster.commit(n));
            }
            cluster.propose(leader);
            cluster.settle();
            assertEquals(cluster.node(leader).log().lastIndex(), cluster.commit(leader));
        }

        private void drawAnew() {
            cluster.numbers().forEach(n -> cluster.draws(n, random.nextLong(Cluster.T)));
        }

        /** By replica; of one that is down, none. */
        private List<Optional<Membership>> memberships() {
            return cluster.numbers().stream()
                .map(n -> cluster.isUp(n) ? Optional.of(cluster.node(n).membership()) : Optional.<Membership>empty()).toList();
        }

        private void count(List<Optional<Membership>> before) {
            List<Optional<Membership>> after = memberships();
            for (int i = 0; i < before.size(); i++) {
                if (before.get(i).isPresent() && after.get(i).isPresent() && !after.get(i).equals(before.get(i))) {
                    rollbacks += after.get(i).get().version() <= before.get(i).get().version() ? 1 : 0;
                }
            }
            for (int leader : leaders()) {
                joints += cluster.node(leader).membership().isJoint() ? 1 : 0;
            }
        }

        private int any(List<Integer> numbers) {
            return numbers.get(random.nextInt(numbers.size()));
        }

        private static int[] ints(List<Integer> list) {
            return list.stream().mapToInt(n -> n).toArray();
        }
    }
}
