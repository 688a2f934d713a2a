package io.quorate.raft.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import io.quorate.raft.ClientRequest;
import io.quorate.raft.ClientResponse;
import io.quorate.raft.Freshness;
import io.quorate.raft.MembershipTarget;
import io.quorate.raft.Page;
import io.quorate.raft.ServerStatus;
import io.quorate.raft.SnapshotMessage;
import io.quorate.raft.core.DiskRoom;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.Message;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiFunction;
import org.junit.jupiter.api.Test;

/**
 * The table of docs/requests.md, cell by cell: a server is brought into the role of the column, asked what the row says, and held there
 * until it has answered or the request's time is up. So neither the page nor the code can change without the other.
 */
class RequestsPageTest {

    private static final long T = PassiveGroup.T;
    private static final long TIMEOUT = T / 2;         // within which no role of these ends by itself

    /** Brings a server into a role. */
    private interface Role {
        PassiveGroup.Node enter(PassiveGroup group);
    }

    private static final Map<String, List<Role>> ROLES = new LinkedHashMap<>();
    private static final Map<String, BiFunction<PassiveGroup, PassiveGroup.Node, ClientRequest>> REQUESTS = new LinkedHashMap<>();

    static {
        ROLES.put("leader", List.of(PassiveGroup::leader));
        ROLES.put("leader without a quorum", List.of(group -> {
            PassiveGroup.Node leader = group.leader();
            group.isolate(leader.id);
            group.pass(T + T / 10);
            assertEquals(ServerStatus.State.LEADER, leader.status().state());
            return leader;
        }));
        ROLES.put("leader, disks full", List.of(group -> {
            group.leader();
            group.nodes.values().forEach(node -> node.disk.room(DiskRoom.LOW));
            group.pass(3 * T);
            return group.leader();
        }));
        ROLES.put("leader, handing over", List.of(group -> {
            PassiveGroup.Node leader = group.leader();
            PassiveGroup.Node successor = group.otherThan(leader);
            // It never has all, so it is not told to lead; and all the same it is heard.
            group.drop(message -> message instanceof Message.AppendEntries append && append.to().equals(successor.disk.replica())
                && !append.entries().isEmpty());
            leader.ask(new ClientRequest.Propose(new byte[0]), 10 * T);
            group.settle();
            leader.ask(new ClientRequest.Transfer(successor.id), 10 * T);
            group.settle();
            return leader;
        }));
        ROLES.put("follower", List.of(group -> group.otherThan(group.leader())));
        ROLES.put("looks for a leader",
            List.of(RequestsPageTest::followerOfNobody, RequestsPageTest::preCandidate, RequestsPageTest::candidate));
        ROLES.put("has just started", List.of(RequestsPageTest::started));
        ROLES.put("learner", List.of(RequestsPageTest::learner));
        ROLES.put("removed", List.of(RequestsPageTest::removed));
        ROLES.put("blank", List.of(group -> {
            group.leader();
            PassiveGroup.Node blank = group.join();
            group.pass(T);
            return blank;
        }));
        ROLES.put("repairing", List.of(RequestsPageTest::repairing));
        ROLES.put("stopped", List.of(group -> {
            PassiveGroup.Node follower = group.otherThan(group.leader());
            follower.stop();
            return follower;
        }));

        REQUESTS.put("propose", (group, node) -> new ClientRequest.Propose(new byte[0]));
        REQUESTS.put("read, linearizable", (group, node) -> new ClientRequest.Read(new byte[0], Freshness.linearizable()));
        REQUESTS.put("read, lease", (group, node) -> new ClientRequest.Read(new byte[0], Freshness.lease()));
        REQUESTS.put("read, at most an hour old",
            (group, node) -> new ClientRequest.Read(new byte[0], Freshness.atMost(Duration.ofHours(1))));
        REQUESTS.put("read, local", (group, node) -> new ClientRequest.Read(new byte[0], Freshness.local()));
        REQUESTS.put("read, local, not before what is still to come",
            (group, node) -> new ClientRequest.Read(new byte[0], Freshness.local().notBefore(1 << 20)));
        REQUESTS.put("read that the machine cannot answer", (group, node) -> new ClientRequest.Read(new byte[1], Freshness.local()));
        REQUESTS.put("awaitOutcome of an applied entry", (group, node) -> new ClientRequest.AwaitOutcome(new EntryId(1, 1)));
        REQUESTS.put("awaitOutcome of an entry that nobody has",
            (group, node) -> new ClientRequest.AwaitOutcome(new EntryId(1 << 20, 1 << 20)));
        REQUESTS.put("status", (group, node) -> new ClientRequest.Status());
        REQUESTS.put("members, of the leader", (group, node) -> new ClientRequest.Members(true));
        REQUESTS.put("members", (group, node) -> new ClientRequest.Members(false));
        REQUESTS.put("changeMembership", (group, node) -> {
            Membership membership = membership(group);
            return new ClientRequest.ChangeMembership(membership.version(), MembershipTarget.from(membership).goal());
        });
        REQUESTS.put("changeMembership, of another version", (group, node) -> {
            Membership membership = membership(group);
            return new ClientRequest.ChangeMembership(membership.version() + 9, MembershipTarget.from(membership).goal());
        });
        REQUESTS.put("transfer", (group, node) -> new ClientRequest.Transfer(0));
        REQUESTS.put("transfer to nobody", (group, node) -> new ClientRequest.Transfer(99));
        REQUESTS.put("takeSnapshot", (group, node) -> new ClientRequest.TakeSnapshot());
        REQUESTS.put("backup", (group, node) -> {
            snapshot(group, node);
            return new ClientRequest.Backup();
        });
        REQUESTS.put("backupPiece", (group, node) -> {
            EntryId snapshot = snapshot(group, node);
            node.ask(new ClientRequest.Backup(), TIMEOUT);
            return new ClientRequest.BackupPiece(snapshot, 0, SnapshotMessage.PIECE_BYTES_MAX);
        });
        REQUESTS.put("backupPiece of no snapshot",
            (group, node) -> new ClientRequest.BackupPiece(new EntryId(1 << 20, 1), 0, SnapshotMessage.PIECE_BYTES_MAX));
        REQUESTS.put("explain", (group, node) -> new ClientRequest.Explain());
        REQUESTS.put("metrics", (group, node) -> new ClientRequest.Metrics());
    }

    @Test
    void everyRoleAnswersEveryRequestAsThePageSays() {
        Map<String, Map<String, String>> table = Page.table("request");
        assertEquals(List.copyOf(REQUESTS.keySet()), List.copyOf(table.keySet()), "the rows of the page");
        List<String> differences = new ArrayList<>();
        table.forEach((request, cells) -> {
            assertEquals(List.copyOf(ROLES.keySet()), List.copyOf(cells.keySet()), "the columns of the page");
            cells.forEach((role, said) -> ROLES.get(role).forEach(way -> {
                String found = answer(way, REQUESTS.get(request));
                if (!found.equals(said)) {
                    differences.add(request + " at " + role + ": the page says " + said + ", and the answer is " + found);
                }
            }));
        });
        assertEquals(List.of(), differences);
    }

    @Test
    void aServerThatServesNoAdministratorsSaysSoAndServesTheOthers() {
        PassiveGroup group = new PassiveGroup(3);
        PassiveGroup.Node leader = group.leader();
        leader.clients = new ClientService(leader.disk.replica(), leader.server, T, false);
        REQUESTS.forEach((name, request) -> {
            PassiveGroup.Answer answer = leader.ask(request.apply(group, leader), TIMEOUT);
            group.pass(2 * TIMEOUT);
            boolean isForAdministrators = request.apply(group, leader) instanceof ClientRequest.Admin;
            assertEquals(isForAdministrators, answer.response() instanceof ClientResponse.Failed failed
                && failed.why().contains("serve no administrators"), name);
        });
    }

    /** What the role answers, held in it for as long as the request has time. */
    private static String answer(Role role, BiFunction<PassiveGroup, PassiveGroup.Node, ClientRequest> request) {
        PassiveGroup group = new PassiveGroup(3);
        PassiveGroup.Node node = role.enter(group);
        PassiveGroup.Answer answer = node.ask(request.apply(group, node), TIMEOUT);
        for (int i = 0; i < 12 && answer.response() == null; i++) {
            group.settle();
            group.pass(TIMEOUT / 10);
        }
        ClientResponse response = answer.response();
        if (response == null) {
            return "silence";
        }
        String name = response.getClass().getSimpleName();
        if (response instanceof ClientResponse.Refused refused) {
            return name + " " + refused.reason();
        } else if (response instanceof ClientResponse.NotLeader notLeader && notLeader.leaderAddress() != null) {
            return name + " with hint";
        }
        return name;
    }

    private static Membership membership(PassiveGroup group) {
        return group.nodes.values().stream().filter(node -> !node.isStopped && !node.server.loop().isBlank())
            .map(node -> node.status().membership()).filter(Objects::nonNull).findFirst().orElseThrow();
    }

    /** Takes a snapshot, if that is possible, and returns the last entry that the newest one covers. */
    private static EntryId snapshot(PassiveGroup group, PassiveGroup.Node node) {
        PassiveGroup.Answer taken = node.ask(new ClientRequest.TakeSnapshot(), TIMEOUT);
        if (!node.isStopped) {
            group.settle();
        }
        return taken.response() instanceof ClientResponse.SnapshotTaken snapshot ? snapshot.last() : new EntryId(1, 1);
    }

    /** A leader that has heard nobody for so long that it has left its office, and does not campaign yet. */
    private static PassiveGroup.Node followerOfNobody(PassiveGroup group) {
        PassiveGroup.Node leader = group.leader();
        group.isolate(leader.id);
        group.until(() -> leader.status().state() != ServerStatus.State.LEADER);
        assertEquals(ServerStatus.State.FOLLOWER, leader.status().state());
        return leader;
    }

    private static PassiveGroup.Node started(PassiveGroup group) {
        PassiveGroup.Node follower = group.otherThan(group.leader());
        group.isolate(follower.id);
        follower.stop();
        follower.start();
        group.round();
        assertEquals(ServerStatus.State.FOLLOWER, follower.status().state());
        return follower;
    }

    private static PassiveGroup.Node preCandidate(PassiveGroup group) {
        PassiveGroup.Node follower = group.otherThan(group.leader());
        group.isolate(follower.id);
        group.until(() -> follower.status().state() == ServerStatus.State.PRE_CANDIDATE);
        return follower;
    }

    /** Its peers would vote for it, and their votes do not arrive. */
    private static PassiveGroup.Node candidate(PassiveGroup group) {
        PassiveGroup.Node leader = group.leader();
        PassiveGroup.Node candidate = group.otherThan(leader);
        leader.stop();
        group.drop(message -> message instanceof Message.Vote || message instanceof Message.PreVote vote
            && !vote.from().equals(candidate.disk.replica()));
        group.until(() -> candidate.status().state() == ServerStatus.State.CANDIDATE);
        return candidate;
    }

    private static PassiveGroup.Node learner(PassiveGroup group) {
        PassiveGroup.Node leader = group.leader();
        PassiveGroup.Node blank = group.join();
        Membership membership = membership(group);
        Member learner = new Member(blank.disk.replica(), PassiveGroup.address(blank.id));
        leader.ask(new ClientRequest.ChangeMembership(membership.version(), MembershipTarget.from(membership).withLearner(learner).goal()),
            10 * T);
        group.until(() -> !blank.server.loop().isBlank() && blank.status().leader() != null && leader.status().membership() != null
            && leader.status().membership().goal() == null);
        group.leader();
        return blank;
    }

    private static PassiveGroup.Node removed(PassiveGroup group) {
        PassiveGroup.Node leader = group.leader();
        PassiveGroup.Node follower = group.otherThan(leader);
        Membership membership = membership(group);
        leader.ask(new ClientRequest.ChangeMembership(membership.version(), MembershipTarget.from(membership).without(follower.id).goal()),
            10 * T);
        group.until(() -> leader.status().membership() != null && leader.status().membership().members().size() == 2
            && leader.status().membership().goal() == null);
        group.pass(5 * T);
        return follower;
    }

    private static PassiveGroup.Node repairing(PassiveGroup group) {
        PassiveGroup.Node leader = group.leader();
        leader.ask(new ClientRequest.Propose(new byte[0]), 10 * T);
        group.leader();
        PassiveGroup.Node follower = group.otherThan(leader);
        follower.stop();
        assertNotNull(follower.disk.damage(2));
        group.isolate(follower.id);      // so that nobody gives the entry back
        follower.start();
        group.pass(T);
        assertEquals(ServerStatus.State.REPAIRING, follower.status().state());
        return follower;
    }
}
