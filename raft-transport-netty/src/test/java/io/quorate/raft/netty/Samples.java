package io.quorate.raft.netty;

import io.quorate.raft.ClientRequest;
import io.quorate.raft.ClientResponse;
import io.quorate.raft.ClusterId;
import io.quorate.raft.FoundingMessage;
import io.quorate.raft.FoundingRecord;
import io.quorate.raft.Freshness;
import io.quorate.raft.RepairMessage;
import io.quorate.raft.ServerStatus;
import io.quorate.raft.SnapshotMessage;
import io.quorate.raft.core.DiskRoom;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.NodeStatus;
import io.quorate.raft.core.Refusal;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.core.SnapshotId;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.arbitraries.LongArbitrary;

/** Everything that can be said, drawn at random. */
final class Samples {

    private Samples() { }

    static Arbitrary<Message> messages() {
        return Arbitraries.oneOf(appendEntries(), accepted(), rejected(), preVotes(), preVoteAnswers(), requestVotes(), votes(),
            timeoutNows(), snapshotOffers(), readRequests(), readAnswers());
    }

    static Arbitrary<FoundingMessage> foundings() {
        return Combinators.combine(replicas(), nodes(), Arbitraries.longs(), Arbitraries.longs(), foundingRecords().injectNull(0.3),
                Arbitraries.of(true, false), memberships().injectNull(0.3), Arbitraries.of("", "host.example:4000"))
            .as((from, to, toIncarnation, digest, record, isQuestion, membership, address) ->
                new FoundingMessage(from.nodeId(), from.incarnation(), to, toIncarnation, digest, record, isQuestion, membership, address));
    }

    static Arbitrary<SnapshotMessage> snapshotMessages() {
        Arbitrary<SnapshotMessage> asks = Combinators.combine(replicas(), replicas(), entryIds(), naturals(), pieceSizes())
            .as(SnapshotMessage.Ask::new);
        Arbitrary<SnapshotMessage> pieces = Combinators.combine(replicas(), replicas(), entryIds(), naturals(), naturals(), bytes())
            .as((from, to, snapshot, offset, more, bytes) -> new SnapshotMessage.Piece(from, to, snapshot, offset,
                offset + bytes.length + (bytes.length == 0 ? 0 : more), bytes));
        Arbitrary<SnapshotMessage> gones = Combinators.combine(replicas(), replicas(), entryIds()).as(SnapshotMessage.Gone::new);
        return Arbitraries.oneOf(asks, pieces, gones);
    }

    static Arbitrary<RepairMessage> repairMessages() {
        Arbitrary<List<EntryId>> names = Combinators.combine(positives(), Arbitraries.integers().between(1, 1000).list().ofMinSize(1)
            .ofMaxSize(RepairMessage.WANTED_MAX)).as(Samples::rising);
        Arbitrary<RepairMessage> requests = Combinators.combine(replicas(), replicas(), naturals(), names)
            .as(RepairMessage.EntryRequest::new);
        Arbitrary<RepairMessage> answers = Combinators.combine(replicas(), replicas(), naturals(), names, names,
            Arbitraries.of(RepairMessage.Why.values()).list().ofSize(RepairMessage.WANTED_MAX), bytes(), memberships().injectNull(0.3))
            .as((from, to, round, given, lost, whys, bytes, membership) -> {
                List<Entry> entries = new ArrayList<>();
                given.forEach(id -> entries.add(Entry.of(id.index(), id.term(), Entry.Kind.COMMAND, round, bytes)));
                List<RepairMessage.Missing> missing = new ArrayList<>();
                lost.forEach(id -> missing.add(new RepairMessage.Missing(id, whys.get(missing.size()))));
                boolean isCovered = missing.stream().anyMatch(each -> each.why() == RepairMessage.Why.COVERED);
                SnapshotId snapshot = !isCovered ? null : new SnapshotId(lost.get(lost.size() - 1),
                    membership == null ? Membership.of(1, List.of(new Member(from, "host:1"))) : membership, round);
                return new RepairMessage.EntryAnswer(from, to, round, entries.subList(0, (int) (round % entries.size())), missing, snapshot,
                    membership);
            });
        return Arbitraries.oneOf(requests, answers);
    }

    private static List<EntryId> rising(long base, List<Integer> steps) {
        List<EntryId> ids = new ArrayList<>();
        long index = base / 2;
        for (int step : steps) {
            index += step;
            ids.add(new EntryId(1 + index / 3, index));
        }
        return ids;
    }

    static Arbitrary<ClientRequest> requests() {
        return Arbitraries.oneOf(
            bytes().map(ClientRequest.Propose::new),
            Combinators.combine(bytes(), freshnesses()).as(ClientRequest.Read::new),
            entryIds().map(ClientRequest.AwaitOutcome::new),
            Arbitraries.of(new ClientRequest.Status(), new ClientRequest.TakeSnapshot(), new ClientRequest.Backup(),
                new ClientRequest.Explain(), new ClientRequest.Metrics(), new ClientRequest.Members(true),
                new ClientRequest.Members(false)),
            Combinators.combine(naturals(), goals()).as(ClientRequest.ChangeMembership::new),
            Arbitraries.integers().greaterOrEqual(0).map(ClientRequest.Transfer::new),
            Combinators.combine(entryIds(), naturals(), pieceSizes()).as(ClientRequest.BackupPiece::new));
    }

    static Arbitrary<ClientResponse> responses() {
        Arbitrary<String> words = Arbitraries.strings().ofMaxLength(200).filter(Samples::isWellFormed);
        Arbitrary<Map<String, Long>> numbers = Arbitraries.maps(words.filter(word -> word.length() <= 50), Arbitraries.longs())
            .ofMaxSize(9);
        return Arbitraries.oneOf(
            Combinators.combine(bytes(), naturals()).as(ClientResponse.Done::new),
            Arbitraries.of(new ClientResponse.Settled(true), new ClientResponse.Settled(false), new ClientResponse.Transferred()),
            statuses().map(ClientResponse.Status::new),
            Combinators.combine(Arbitraries.integers().between(0, 9), words.injectNull(0.3)).as(ClientResponse.NotLeader::new),
            words.map(ClientResponse.Overloaded::new),
            Combinators.combine(Arbitraries.of(Refusal.Reason.values()), words).as(ClientResponse.Refused::new),
            words.map(ClientResponse.Failed::new),
            words.map(ClientResponse.Unavailable::new),
            Combinators.combine(words, entryIds().injectNull(0.3)).as(ClientResponse.Unknown::new),
            Combinators.combine(memberships(), members()).as(ClientResponse.Members::new),
            Combinators.combine(entryIds(), naturals()).as(ClientResponse.SnapshotTaken::new),
            Combinators.combine(entryIds(), naturals()).as(ClientResponse.Backup::new),
            Combinators.combine(entryIds(), naturals(), bytes()).as(ClientResponse.BackupPiece::new),
            words.list().ofMaxSize(9).map(ClientResponse.Explanation::new),
            numbers.map(ClientResponse.Metrics::of));
    }

    private static Arbitrary<Freshness> freshnesses() {
        return Combinators.combine(Arbitraries.of(Freshness.Mode.values()), positives(), naturals()).as((mode, stale, minIndex) ->
            new Freshness(mode, mode == Freshness.Mode.AT_MOST ? stale : 0, minIndex));
    }

    private static Arbitrary<Integer> pieceSizes() {
        return Arbitraries.integers().between(1, SnapshotMessage.PIECE_BYTES_MAX);
    }

    private static Arbitrary<Message> appendEntries() {
        Arbitrary<List<byte[]>> payloads = bytes().list().ofMaxSize(5);
        return Combinators.combine(replicas(), replicas(), entryIds(), payloads, positives(), naturals(), naturals(), kinds())
            .as((from, to, prev, contents, more, commit, round, kind) -> {
                List<Entry> entries = new ArrayList<>();
                long term = Math.max(1, prev.term());
                for (byte[] content : contents) {
                    entries.add(Entry.of(prev.index() + 1 + entries.size(), term, kind, round, content));
                }
                return new Message.AppendEntries(from, to, term + more, prev, entries, commit, commit / 2, round);
            });
    }

    private static Arbitrary<Message> accepted() {
        return Combinators.combine(replicas(), replicas(), positives(), naturals(), naturals(), naturals(), naturals(), naturals())
            .as((from, to, term, match, more, round, holds, applied) ->
                new Message.AppendAccepted(from, to, term, match, match + more, round, holds, applied,
                    DiskRoom.values()[(int) (round % 3)]));
    }

    private static Arbitrary<Message> rejected() {
        return Combinators.combine(replicas(), replicas(), positives(), entryIds(), entryIds(), naturals())
            .as(Message.AppendRejected::new);
    }

    private static Arbitrary<Message> preVotes() {
        return Combinators.combine(replicas(), replicas(), naturals(), entryIds(), naturals()).as(Message.PreVote::new);
    }

    private static Arbitrary<Message> preVoteAnswers() {
        return Combinators.combine(replicas(), replicas(), naturals(), denials(), naturals(), naturals()).as(Message.PreVoteAnswer::new);
    }

    private static Arbitrary<Message> requestVotes() {
        return Combinators.combine(replicas(), replicas(), positives(), entryIds(), naturals())
            .as((from, to, term, last, transferOf) -> new Message.RequestVote(from, to, term, last, transferOf % term));
    }

    private static Arbitrary<Message> votes() {
        // A replica that has seen no term yet can only say no.
        return Combinators.combine(replicas(), replicas(), naturals(), denials()).as((from, to, term, denial) ->
            new Message.Vote(from, to, term, term > 0 ? denial : Message.Denial.HEARS_LEADER));
    }

    private static Arbitrary<Message.Denial> denials() {
        return Arbitraries.of(Message.Denial.values()).injectNull(0.3);
    }

    private static Arbitrary<Message> timeoutNows() {
        return Combinators.combine(replicas(), replicas(), positives()).as(Message.TimeoutNow::new);
    }

    private static Arbitrary<Message> snapshotOffers() {
        return Combinators.combine(replicas(), replicas(), naturals(), entryIds(), memberships(), naturals(), naturals())
            .as((from, to, more, last, membership, time, round) -> {
                EntryId covered = last.index() == 0 ? new EntryId(1, 1) : last;
                return new Message.SnapshotOffer(from, to, covered.term() + more, new SnapshotId(covered, membership, time), round);
            });
    }

    private static Arbitrary<Message> readRequests() {
        return Combinators.combine(replicas(), replicas(), positives(), naturals()).as(Message.ReadRequest::new);
    }

    private static Arbitrary<Message> readAnswers() {
        return Combinators.combine(replicas(), replicas(), positives(), naturals(), naturals()).as(Message.ReadAnswer::new);
    }

    private static Arbitrary<FoundingRecord> foundingRecords() {
        Arbitrary<ClusterId> clusters = Combinators.combine(Arbitraries.longs(), Arbitraries.longs().filter(low -> low != 0))
            .as(ClusterId::new);
        return Combinators.combine(clusters, Arbitraries.integers().between(0, 0xFFFF), memberships()).as(FoundingRecord::new);
    }

    private static Arbitrary<Membership> memberships() {
        return Combinators.combine(positives(), members(), Arbitraries.integers().between(0, 9)).as((version, all, split) -> {
            List<Member> voters = all.subList(0, Math.max(1, Math.min(split, all.size())));
            List<Member> learners = all.subList(voters.size(), all.size());
            Membership.Goal goal = version % 2 == 0 ? null : new Membership.Goal(ofDistinctNodes(all), List.of());
            return new Membership(version, voters, split % 2 == 0 ? List.of() : voters.subList(0, 1), learners, goal);
        });
    }

    private static Arbitrary<List<Member>> members() {
        return Combinators.combine(replicas(), Arbitraries.strings().alpha().ofMaxLength(30)).as(Member::new)
            .list().ofMinSize(1).ofMaxSize(9).map(Samples::distinct);
    }

    private static Arbitrary<Membership.Goal> goals() {
        return Combinators.combine(members(), Arbitraries.integers().between(1, 9)).as((all, split) -> {
            List<Member> named = ofDistinctNodes(all);
            int voters = Math.min(split, named.size());
            return new Membership.Goal(named.subList(0, voters), named.subList(voters, named.size()));
        });
    }

    private static List<Member> distinct(List<Member> members) {
        Map<ReplicaId, Member> byId = new LinkedHashMap<>();
        members.forEach(member -> byId.put(member.id(), member));
        return List.copyOf(byId.values());
    }

    private static List<Member> ofDistinctNodes(List<Member> members) {
        Map<Integer, Member> byNode = new LinkedHashMap<>();
        members.forEach(member -> byNode.put(member.id().nodeId(), member));
        return List.copyOf(byNode.values());
    }

    private static Arbitrary<ServerStatus> statuses() {
        Arbitrary<String> words = Arbitraries.strings().alpha().ofMaxLength(20).injectNull(0.3);
        Arbitrary<ServerStatus.Peer> peers = Combinators.combine(replicas().injectNull(0.3), nodes(),
            Arbitraries.longs().greaterOrEqual(-1), Arbitraries.longs().greaterOrEqual(-1), words, words,
            Arbitraries.of(NodeStatus.CatchUp.values()).injectNull(0.3))
            .as((replica, nodeId, heard, match, replication, trouble, catchUp) ->
                new ServerStatus.Peer(replica, nodeId, "host:" + nodeId, heard, match, replication, trouble, catchUp));
        Arbitrary<ServerStatus.Stranger> strangers = Combinators.combine(replicas(), naturals()).as((replica, heard) ->
            new ServerStatus.Stranger(replica, "host:" + heard, heard));
        Arbitrary<ServerStatus.Elections> elections = Combinators.combine(naturals(), Arbitraries.of(true, false),
            Combinators.combine(replicas(), Arbitraries.of(Message.Denial.values())).as(NodeStatus.Denied::new).list().ofMaxSize(3),
            replicas().injectNull(0.3)).as((number, isTrue, denials, successor) -> new ServerStatus.Elections(number, isTrue, number + 1,
                denials, successor, !isTrue, number + 2, number % 5 - 1));
        Arbitrary<ServerStatus.Disk> disks = Combinators.combine(naturals(), words, words, Arbitraries.of(true, false))
            .as((number, fetching, problem, isTrue) -> new ServerStatus.Disk(number, number + 1, number + 2, number + 3, number + 4,
                fetching, number + 5, number + 6, number % 5 - 1, isTrue, problem, problem,
                DiskRoom.values()[(int) (number % 3)], number % 7 - 1));
        Arbitrary<ServerStatus.Load> loads = naturals().map(number -> new ServerStatus.Load(number, number + 1, number + 2, number + 3,
            number + 4, number + 5, number + 6, number + 7, number + 8, number + 9));
        Arbitrary<ServerStatus> plain = Combinators.combine(replicas(), positives(), Arbitraries.of(ServerStatus.State.values()),
            naturals(), replicas().injectNull(0.3), words, naturals(), peers.list().ofMaxSize(4))
            .as((replica, boot, state, term, leader, text, index, others) -> new ServerStatus(replica, boot,
                index % 2 == 0 ? null : new ClusterId(index, boot), state, term, leader, text, index, index + 1, index + 2, index + 3,
                index + 4, others, text));
        return Combinators.combine(plain, memberships().injectNull(0.3), strangers.list().ofMaxSize(3), elections.injectNull(0.3),
            disks.injectNull(0.3), loads.injectNull(0.3)).as((status, membership, asking, election, disk, load) ->
                new ServerStatus(status.replica(), status.boot(), status.clusterId(), status.state(), status.term(), status.leader(),
                    status.leaderAddress(), status.firstIndex(), status.lastIndex(), status.durableIndex(), status.commitIndex(),
                    status.appliedIndex(), status.peers(), status.problem(), membership, asking, election, disk, load));
    }

    private static Arbitrary<ReplicaId> replicas() {
        return Combinators.combine(nodes(), Arbitraries.longs().filter(value -> value != 0)).as(ReplicaId::new);
    }

    private static Arbitrary<Integer> nodes() {
        return Arbitraries.integers().greaterOrEqual(1);
    }

    private static Arbitrary<EntryId> entryIds() {
        return Combinators.combine(positives(), positives()).as(EntryId::new).injectNull(0.1)
            .map(id -> id == null ? EntryId.ZERO : id);
    }

    private static Arbitrary<Entry.Kind> kinds() {
        return Arbitraries.of(Entry.Kind.values());
    }

    private static Arbitrary<byte[]> bytes() {
        return Arbitraries.bytes().array(byte[].class).ofMaxSize(300);
    }

    private static LongArbitrary naturals() {
        return Arbitraries.longs().between(0, Long.MAX_VALUE / 4);
    }

    private static LongArbitrary positives() {
        return Arbitraries.longs().between(1, Long.MAX_VALUE / 4);
    }

    /** Half a surrogate pair has no form in UTF-8. */
    private static boolean isWellFormed(String text) {
        return new String(text.getBytes(java.nio.charset.StandardCharsets.UTF_8), java.nio.charset.StandardCharsets.UTF_8).equals(text);
    }
}
