package io.quorate.raft.runtime;

import io.quorate.raft.ClusterId;
import io.quorate.raft.FoundingMessage;
import io.quorate.raft.FoundingRecord;
import io.quorate.raft.ServerStatus;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.ReplicaId;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Brings a group into being, once, and tells a blank node how its group began.
 *
 * <p>A blank node asks all initial members, again and again. The one with the lowest id founds the group when it holds fresh answers
 * "blank" from all others; whoever belongs to a group answers with its founding record instead, so that one founded member is enough
 * to keep a wiped node from founding another group. A node adopts a record only if it names this very data directory, or comes with a
 * present membership that does: then the group has admitted it since, and it will learn the rest from the leader.
 *
 * <p>Nothing here is durable: {@link #turn} hands out the record that this replica is to be founded with, and only when it has been made
 * durable does {@link #founded} let it go to others. A founder that crashes before has founded nothing; one that crashes after answers
 * with its record when it is back, for the others go on asking.
 *
 * <p>If node 1 is wiped in the middle of a founding, two records can be under way. Each node adopts one, and both name all the nodes, so at
 * most one of the two groups has a quorum.
 */
public final class Founding {

    /** How often a blank node asks: after this, and up to twice this. */
    static final long ASK_NANOS = 100_000_000;
    /** For how long an answer counts; and for how long a node must have spoken as one data directory only. */
    static final long FRESH_NANOS = 1_000_000_000;

    private static final long PRIME = 0x100000001b3L;

    /** What a blank node knows of another initial member. */
    private static final class Peer {
        private boolean isHeard;          // an answer has come
        private long incarnation;         // of the last answer
        private long heardNanos;          // when it came
        private long countsFromNanos;     // when it came, or a while later if the node had spoken as another data directory before
        private boolean isBlank;          // what it said
        private boolean agrees;           // about the initial members
    }

    private final ReplicaId self;
    private final SortedMap<Integer, String> members;
    private final long digest;
    private final RandomGenerator random;
    private final Consumer<FoundingMessage> out;
    private final Supplier<String> address;
    private final Strangers strangers = new Strangers();
    private final SortedMap<Integer, Peer> peers = new TreeMap<>();
    private @Nullable FoundingRecord record;        // how this replica's group began, durable; null while blank
    private @Nullable FoundingRecord adopting;      // to be made durable
    private @Nullable FoundingRecord foreign;       // of the group that was founded without this data directory
    private long foreignNanos;                      // when it was last heard of
    private @Nullable Membership present;           // who belongs to the group now, as this replica's log has it; null while blank
    private @Nullable Membership told;              // the newest present membership that another has told of; null if none has
    private boolean hasNews;                        // of where others are to be found
    private long deadline;                          // when to ask next; meaningful while blank
    private long now;

    /**
     * @param self     this replica
     * @param members  the initial members' addresses by node id, this node included; not looked at once the replica is founded
     * @param record   how its group began, or null if the data directory is blank
     * @param random   for the times between questions and the cluster id
     * @param out      sends a message, or drops it
     * @param address  where this replica is to be found; asked when it speaks
     * @param nowNanos of the clock that {@code turn} is called with
     */
    Founding(ReplicaId self, Map<Integer, String> members, @Nullable FoundingRecord record, RandomGenerator random,
             Consumer<FoundingMessage> out, Supplier<String> address, long nowNanos) {
        if (record == null && !members.containsKey(self.nodeId())) {
            throw new IllegalArgumentException("The initial members " + members.keySet() + " do not include this node, " + self.nodeId());
        }
        this.self = self;
        this.members = new TreeMap<>(members);
        this.record = record;
        this.random = random;
        this.out = out;
        this.address = address;
        digest = digest(members);
        now = nowNanos;
        deadline = nowNanos;
        for (int nodeId : this.members.keySet()) {
            if (nodeId != self.nodeId()) {
                peers.put(nodeId, new Peer());
            }
        }
    }

    /** A digest of the initial members: FNV-1a over id and address in the order of the ids. */
    static long digest(Map<Integer, String> members) {
        long hash = 0xcbf29ce484222325L;
        for (Map.Entry<Integer, String> member : new TreeMap<>(members).entrySet()) {
            for (byte b : (member.getKey() + "=" + member.getValue() + "\n").getBytes(StandardCharsets.UTF_8)) {
                hash = (hash ^ (b & 0xFF)) * PRIME;
            }
        }
        return hash;
    }

    public boolean isBlank() {
        return record == null;
    }

    /** When to turn next without any message; meaningful while blank. */
    long deadline() {
        return deadline;
    }

    /** Takes in a message. */
    void step(FoundingMessage message, long nowNanos) {
        now = nowNanos;
        if (message.to() != self.nodeId() || message.from() == self.nodeId()) {
            return;
        }
        if (message.isQuestion()) {
            noteStranger(message);
            send(message.from(), message.incarnation(), false);
        } else if (message.toIncarnation() == self.incarnation() && record == null) {
            onAnswer(message);
        }
    }

    /**
     * Asks, if it is time, and looks whether the group can be founded.
     *
     * @return what to make durable at once, and then to confirm with {@link #founded}; null while there is nothing
     */
    @Nullable FoundingRecord turn(long nowNanos) {
        now = nowNanos;
        if (record != null) {
            hasNews |= !strangers.isEmpty() && strangers.prune(present, nowNanos);
            return null;
        }
        if (adopting == null && isFounder() && isEveryoneBlank()) {
            adopting = draw();
        }
        if (adopting != null) {
            return adopting;
        }
        if (now - deadline >= 0) {
            ask();
            deadline = now + ASK_NANOS + random.nextLong(ASK_NANOS);
        }
        return null;
    }

    /** The record is durable here: the founder tells all others. */
    void founded(FoundingRecord durable) {
        record = durable;
        adopting = null;
        if (isFounder()) {
            for (Member member : durable.membership().voters()) {
                if (!member.id().equals(self)) {
                    send(member.id().nodeId(), member.id().incarnation(), false);
                }
            }
        }
    }

    /** What keeps this node blank, for people; null if it is founded, or only waits for its turn. */
    @Nullable String problem(long nowNanos) {
        if (record != null) {
            return null;
        }
        FoundingRecord other = foreign;
        if (other != null && nowNanos - foreignNanos < 5 * FRESH_NANOS) {
            return "blank directory, but the group " + other.clusterId() + " was founded without it (" + lostDirectory(other)
                + "); name " + self + " in a change of the membership to let it in, or put the original directory back if there still "
                + "is one (an older copy of it is not safe). The group goes on without this node as long as a majority runs";
        }
        List<Integer> disagreeing = new ArrayList<>();
        List<Integer> silent = new ArrayList<>();
        for (Map.Entry<Integer, Peer> each : peers.entrySet()) {
            Peer peer = each.getValue();
            if (!peer.isHeard || nowNanos - peer.heardNanos >= FRESH_NANOS) {
                silent.add(each.getKey());
            } else if (!peer.agrees) {
                disagreeing.add(each.getKey());
            }
        }
        if (!disagreeing.isEmpty()) {
            return "not founded: nodes " + disagreeing + " were started with other initial members than this node " + self.nodeId() + ", "
                + members + "; start all with the same list";
        }
        return silent.isEmpty() ? null : "not founded yet: no answer from nodes " + silent
            + "; a group is founded when all initial members answer, and one that lives lets this node in once a change of its membership"
            + " names " + self;
    }

    /** What a member of the group should know of a node that runs on a data directory without a group; null if there is nothing. */
    @Nullable String stranger(int nodeId, long nowNanos) {
        ReplicaId stranger = strangers.at(nodeId, nowNanos, 5 * FRESH_NANOS);
        return stranger == null ? null : "node " + nodeId + " runs on a blank data directory, " + stranger
            + ", which is not the group's member and counts for nothing; name it in a change of the membership to let it in";
    }

    /** Who asked for this replica's group and does not belong to it. */
    List<ServerStatus.Stranger> strangers(long nowNanos) {
        return strangers.list(nowNanos);
    }

    /** Who belongs to the group now. From here on those are told so who ask. */
    void present(Membership membership) {
        present = membership;
        strangers.prune(membership, now);
    }

    /** Who belongs to the group that let this replica in, as others have told; null if nobody did. */
    @Nullable Membership told() {
        return told;
    }

    /** Whether something has been learned of where others are to be found, since this was last asked. */
    boolean takeNews() {
        boolean had = hasNews;
        hasNews = false;
        return had;
    }

    private void noteStranger(FoundingMessage question) {
        ReplicaId asker = new ReplicaId(question.from(), question.incarnation());
        FoundingRecord own = record;
        if (own == null || question.founding() != null || own.membership().member(asker) != null) {
            return;
        }
        Membership members = present;
        if (members == null || members.member(asker) == null) {
            hasNews |= strangers.heard(asker, question.address(), now);
        }
    }

    /** Whether this directory is blank while its group lives without it, as far as is known. */
    boolean isLeftOut() {
        return record == null && foreign != null;
    }

    private String lostDirectory(FoundingRecord other) {
        for (Member member : other.membership().members()) {
            if (member.id().nodeId() == self.nodeId()) {
                return "node " + self.nodeId() + " then had another data directory, " + member.id();
            }
        }
        return "node " + self.nodeId() + " was not among its members";
    }

    private void onAnswer(FoundingMessage message) {
        FoundingRecord theirs = message.founding();
        if (theirs != null) {
            onRecord(theirs, message.membership());
        }
        Peer peer = peers.get(message.from());
        if (peer == null) {
            return;
        }
        // A node that speaks as two data directories within a short time has been wiped, or an old answer is about: let it settle.
        boolean isOther = peer.isHeard && peer.incarnation != message.incarnation();
        if (isOther) {
            peer.countsFromNanos = now + FRESH_NANOS;
        } else if (!peer.isHeard) {
            peer.countsFromNanos = now;
        }
        peer.isHeard = true;
        peer.incarnation = message.incarnation();
        peer.heardNanos = now;
        peer.isBlank = theirs == null;
        peer.agrees = message.membersDigest() == digest;
    }

    private void onRecord(FoundingRecord theirs, @Nullable Membership theirPresent) {
        boolean isAdmitted = theirPresent != null && theirPresent.member(self) != null;
        if (isAdmitted || theirs.membership().member(self) != null) {
            if (isAdmitted && (told == null || told.version() < theirPresent.version())) {
                told = theirPresent;
                hasNews = true;
            }
            if (adopting == null) {
                adopting = theirs;
            }
        } else {
            foreign = theirs;
            foreignNanos = now;
        }
    }

    private boolean isFounder() {
        return members.firstKey() == self.nodeId();
    }

    private boolean isEveryoneBlank() {
        for (Peer peer : peers.values()) {
            if (!peer.isHeard || !peer.isBlank || !peer.agrees || now - peer.heardNanos >= FRESH_NANOS || now - peer.countsFromNanos < 0) {
                return false;
            }
        }
        return true;
    }

    private FoundingRecord draw() {
        List<Member> voters = new ArrayList<>();
        voters.add(new Member(self, members.get(self.nodeId())));
        for (Map.Entry<Integer, Peer> each : peers.entrySet()) {
            voters.add(new Member(new ReplicaId(each.getKey(), each.getValue().incarnation), members.get(each.getKey())));
        }
        return new FoundingRecord(new ClusterId(random.nextLong(), random.nextLong() | 1), 0, Membership.of(1, voters));
    }

    private void ask() {
        for (int nodeId : peers.keySet()) {
            send(nodeId, 0, true);
        }
    }

    private void send(int to, long toIncarnation, boolean isQuestion) {
        out.accept(new FoundingMessage(self.nodeId(), self.incarnation(), to, toIncarnation, digest, record, isQuestion, present,
            address.get()));
    }
}
