package io.quorate.examples;

import io.quorate.raft.ClientResponse;
import io.quorate.raft.MembershipTarget;
import io.quorate.raft.RaftException;
import io.quorate.raft.client.RaftAdmin;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.netty.NettyClientTransport;
import java.io.PrintStream;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/** The shell's commands for operators: who belongs to the group, who leads it, and what holds it up. They work for any service. */
final class AdminShell implements AutoCloseable {

    static final String COMMANDS = """
        members         print who belongs to the group, and who asks to
        add NODE        let a blank node in that asks, as a voter
        learner NODE    let a blank node in that asks, or keep a member, as one that counts for nothing
        remove NODE     take a node out
        replace N [BY]  take node N out for the blank node BY; or for a new disk of its own
        address N ADDR  reach node N at host:port from now on
        transfer [N]    hand leadership to node N, or to whoever is best placed
        snapshot        take a snapshot on each replica now
        backup FILE     copy a fresh snapshot to a new file
        explain         print what holds each replica up
        metrics         print what each replica has counted
        """;

    private final RaftAdmin admin;
    private final List<String> servers;
    private final Duration timeout;
    private final PrintStream out;

    AdminShell(List<String> servers, Duration timeout, PrintStream out) {
        this.servers = servers;
        this.timeout = timeout;
        this.out = out;
        admin = RaftAdmin.builder(new NettyClientTransport(), servers).callTimeout(timeout).build();
    }

    /** Carries out a line of these words; false if it is none of these commands. */
    boolean execute(String[] words) throws UsageException {
        switch (words[0]) {
            case "members" -> {
                require(words.length == 1, "members");
                print(await(admin.members()));
            }
            case "add" -> {
                require(words.length == 2, "add NODE");
                change(members -> target(members).withVoter(blankOrMember(members, node(words[1]))));
            }
            case "learner" -> {
                require(words.length == 2, "learner NODE");
                change(members -> target(members).withLearner(blankOrMember(members, node(words[1]))));
            }
            case "remove" -> {
                require(words.length == 2, "remove NODE");
                change(members -> {
                    member(members, node(words[1]));
                    return target(members).without(node(words[1]));
                });
            }
            case "replace" -> {
                require(words.length >= 2, "replace NODE [BY]");
                int gone = node(words[1]);
                int by = words.length == 3 ? node(words[2]) : gone;
                change(members -> {
                    member(members, gone);
                    return target(members).without(gone).withVoter(blank(members, by));
                });
            }
            case "address" -> {
                require(words.length == 3, "address NODE host:port");
                String address = Options.address("address", words[2].strip());
                change(members -> {
                    member(members, node(words[1]));
                    return target(members).readdressed(node(words[1]), address);
                });
            }
            case "transfer" -> {
                require(words.length <= 2, "transfer [NODE]");
                await(words.length == 2 ? admin.transfer(node(words[1])) : admin.transfer());
                out.println("ok");
            }
            case "snapshot" -> {
                require(words.length == 1, "snapshot");
                onEach(server -> {
                    ClientResponse.SnapshotTaken taken = await(admin.takeSnapshot(server));
                    out.println(server + ": " + taken.bytes() + " bytes, up to entry " + taken.last().index());
                });
            }
            case "backup" -> {
                require(words.length == 2, "backup FILE");
                backup(file(words[1]));
            }
            case "explain" -> {
                require(words.length == 1, "explain");
                onEach(server -> {
                    List<String> sentences = await(admin.explain(server));
                    out.println(server + ": " + (sentences.isEmpty() ? "nothing holds it up" : String.join("\n  ", sentences)));
                });
            }
            case "metrics" -> {
                require(words.length == 1, "metrics");
                onEach(server -> print(server, await(admin.metrics(server))));
            }
            default -> {
                return false;
            }
        }
        return true;
    }

    private interface Aim {
        MembershipTarget from(ClientResponse.Members members) throws UsageException;
    }

    /** States the goal and waits until the group is there; tells what it is on its way. */
    private void change(Aim aim) throws UsageException {
        ClientResponse.Members members = await(admin.members());
        MembershipTarget target = aim.from(members);
        Membership stated = await(admin.changeMembership(target.version(), target.goal()));
        if (stated.goal() != null) {
            out.println("on the way, as version " + stated.version() + "; \"explain\" tells what it waits for");
        }
        Membership settled = await(admin.awaitSettled(stated.version(), timeout));
        out.println("ok, version " + settled.version());
    }

    private static MembershipTarget target(ClientResponse.Members members) {
        return MembershipTarget.from(members.membership());
    }

    private static Member blankOrMember(ClientResponse.Members members, int nodeId) throws UsageException {
        Member member = named(members.membership().members(), nodeId);
        return member != null ? member : blank(members, nodeId);
    }

    private static Member blank(ClientResponse.Members members, int nodeId) throws UsageException {
        Member blank = named(members.strangers(), nodeId);
        if (blank == null) {
            throw new UsageException("no blank node " + nodeId + " asks for this group; start it on an empty data directory, with the"
                + " address of at least one member, and try again");
        }
        return blank;
    }

    private static Member member(ClientResponse.Members members, int nodeId) throws UsageException {
        Member member = named(members.membership().members(), nodeId);
        if (member == null) {
            throw new UsageException("node " + nodeId + " is no member of this group; \"members\" lists them");
        }
        return member;
    }

    private static @Nullable Member named(List<Member> members, int nodeId) {
        return members.stream().filter(member -> member.id().nodeId() == nodeId).findFirst().orElse(null);
    }

    private void print(ClientResponse.Members members) {
        Membership membership = members.membership();
        out.println("version " + membership.version() + (membership.isJoint() ? ", joint" : ""));
        membership.voters().forEach(member -> out.println("  voter    " + member));
        membership.outgoing().forEach(member -> out.println("  outgoing " + member));
        membership.learners().forEach(member -> out.println("  learner  " + member));
        Membership.Goal goal = membership.goal();
        if (goal != null) {
            out.println("  to become: voters " + goal.voters() + (goal.learners().isEmpty() ? "" : ", learners " + goal.learners()));
        }
        members.strangers().forEach(member -> out.println("  asks to be let in: " + member));
    }

    private void print(String server, SortedMap<String, Long> metrics) {
        out.println(server);
        for (Map.Entry<String, Long> metric : metrics.entrySet()) {
            out.println("  " + metric.getKey() + " " + metric.getValue());
        }
    }

    /** Of the first replica that can take a snapshot now: whether it leads does not matter. */
    private void backup(Path file) {
        RaftException failure = null;
        for (String server : servers) {
            try {
                await(admin.takeSnapshot(server));
            } catch (RaftException e) {
                failure = e;
                continue;
            }
            EntryId last = await(admin.backup(server, file));
            out.println("ok, from " + server + ", up to entry " + last.index());
            return;
        }
        throw failure == null ? new IllegalStateException("no servers") : failure;
    }

    private interface OnServer {
        void at(String server);
    }

    /** At each replica; one that fails is told, and only if all do it is a failure. */
    private void onEach(OnServer task) {
        int done = 0;
        for (String server : servers) {
            try {
                task.at(server);
                done++;
            } catch (RaftException e) {
                out.println(e.getMessage());      // it names the replica
            }
        }
        if (done == 0) {
            throw new IllegalArgumentException("no replica did this; see whether the servers run, serve administrators, and the addresses"
                + " are right");
        }
    }

    private static int node(String word) throws UsageException {
        try {
            return Integer.parseInt(word.strip());
        } catch (NumberFormatException e) {
            throw new UsageException("\"" + word + "\" is no node id");
        }
    }

    private static Path file(String word) throws UsageException {
        try {
            return Path.of(word);
        } catch (InvalidPathException e) {
            throw new UsageException("\"" + word + "\" is no file name");
        }
    }

    private static void require(boolean isRight, String usage) throws UsageException {
        if (!isRight) {
            throw new UsageException("write: " + usage);
        }
    }

    private static <T> T await(CompletableFuture<T> future) {
        try {
            return future.join();       // every future of an administrator completes within the timeout
        } catch (CompletionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw e;
        }
    }

    @Override
    public void close() {
        admin.close();
    }
}
