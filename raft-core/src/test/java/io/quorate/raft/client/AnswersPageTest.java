package io.quorate.raft.client;

import static io.quorate.raft.Cluster.bytes;
import static io.quorate.raft.Cluster.get;
import static io.quorate.raft.Cluster.text;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.quorate.raft.ClientRequest;
import io.quorate.raft.ClientResponse;
import io.quorate.raft.Page;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Refusal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The second table of docs/requests.md: a client is given each answer once, and then that all is done. */
@Timeout(120)
class AnswersPageTest {

    private interface Answer extends Function<ClientRequest, CompletableFuture<ClientResponse>> { }

    private static final SortedMap<String, Long> NO_METRICS = new TreeMap<>();

    /** What may be said to a client, by the words of the page; of those with the same words all must have the same effect. */
    private static Map<String, List<Answer>> answers() {
        Map<String, List<Answer>> answers = new LinkedHashMap<>();
        answers.put("Done", List.of(of(new ClientResponse.Done(bytes("at once"), 3))));
        answers.put("NotLeader with hint", List.of(of(new ClientResponse.NotLeader(2, "b"))));
        answers.put("NotLeader", List.of(of(new ClientResponse.NotLeader(0, null)), of(new ClientResponse.NotLeader(2, null)),
            of(new ClientResponse.NotLeader(1, "a")), of(new ClientResponse.NotLeader(2, ""))));
        answers.put("Overloaded", List.of(of(new ClientResponse.Overloaded("busy"))));
        answers.put("Unavailable", List.of(of(new ClientResponse.Unavailable("blank"))));
        List<Answer> others = new ArrayList<>();
        for (Refusal.Reason reason : Refusal.Reason.values()) {
            Answer refused = of(new ClientResponse.Refused(reason, "no"));
            switch (reason) {
                case NOT_LEADER, NO_QUORUM, TOO_EARLY, OVERLOADED, DISK_FULL -> answers.put("Refused " + reason, List.of(refused));
                case TOO_LARGE, OTHER_VERSION, CHANGE_PENDING, TRANSFER_PENDING, NO_TARGET, TRANSFER_FAILED -> others.add(refused);
            }
        }
        answers.put("Refused for another reason", others);
        answers.put("Failed", List.of(of(new ClientResponse.Failed("bad"))));
        answers.put("Unknown", List.of(of(new ClientResponse.Unknown("?", null)), of(new ClientResponse.Unknown("?", new EntryId(1, 2)))));
        answers.put("one that belongs to another request", List.of(of(new ClientResponse.Settled(true)),
            of(new ClientResponse.Transferred()), of(new ClientResponse.SnapshotTaken(new EntryId(1, 2), 3)),
            of(new ClientResponse.Backup(new EntryId(1, 2), 3)), of(new ClientResponse.BackupPiece(new EntryId(1, 2), 0, new byte[0])),
            of(new ClientResponse.Explanation(List.of())), of(new ClientResponse.Metrics(NO_METRICS))));
        answers.put("none, and nothing was sent",
            List.of(failing(new ClientTransport.NotSentException("refused", new TimeoutException()))));
        answers.put("none, and the connection broke", List.of(failing(new IllegalStateException("reset"))));
        answers.put("none in time",
            List.of(request -> new CompletableFuture<ClientResponse>().orTimeout(1, TimeUnit.MILLISECONDS)));
        return answers;
    }

    @Test
    void aClientMakesOfEachAnswerWhatThePageSays() {
        Map<String, Map<String, String>> table = Page.table("answer");
        Map<String, List<Answer>> answers = answers();
        assertEquals(answers.keySet(), table.keySet(), "the rows of the page");
        List<String> differences = new ArrayList<>();
        table.forEach((name, cells) -> {
            for (Answer answer : answers.get(name)) {
                for (boolean isCommand : new boolean[] {true, false}) {
                    String said = cells.get(isCommand ? "a command" : "a read");
                    String found = what(answer, isCommand);
                    if (!found.equals(said)) {
                        differences.add(name + ", " + (isCommand ? "a command" : "a read") + ": the page says " + said + ", and it is "
                            + found);
                    }
                }
            }
        });
        assertEquals(List.of(), differences);
    }

    @Test
    void thePageKnowsAllAnswersThatThereAre() {
        Set<String> said = new TreeSet<>();
        Page.table("request").values().forEach(row -> row.values().forEach(cell -> said.add(cell.split(" ")[0])));
        Set<String> all = new TreeSet<>();
        Arrays.stream(ClientResponse.class.getPermittedSubclasses()).forEach(answer -> all.add(answer.getSimpleName()));
        assertEquals(all, said);
    }

    private static String what(Answer answer, boolean isCommand) {
        Answer done = of(new ClientResponse.Done(bytes("later"), 4));
        Script script = new Script().members(null).at("a", answer).at("a", done).at("b", done);
        try (RaftClient client = RaftClient.builder(script, List.of("a")).callTimeout(Duration.ofSeconds(20)).build()) {
            String result = text(get(isCommand ? client.propose(bytes("x")) : client.read(bytes("x"))));
            return result.equals("later") ? "asks again" : "the result";
        } catch (RuntimeException e) {
            assertEquals(1, script.asked().size(), e::toString);
            return e.getClass().getSimpleName();
        }
    }

    private static Answer of(ClientResponse response) {
        return request -> CompletableFuture.completedFuture(response);
    }

    private static Answer failing(RuntimeException failure) {
        return request -> CompletableFuture.failedFuture(failure);
    }
}
