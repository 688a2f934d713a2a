package io.quorate.raft.core;

import java.util.ArrayList;
import java.util.List;

/**
 * The replicas that a leader replicates to, and what it knows of each: first the members, by position, then those who have left.
 *
 * <p>Who has left counts for nothing. It is replicated to until the membership without it is committed, and for a while longer, so that it
 * learns of it: a replica that does not know that it was removed campaigns in vain for ever.
 */
final class Peers {

    private static final class Peer {
        private final ReplicaId id;
        private final Progress progress;
        private long leftIndex;         // the membership entry that no longer names it; 0 while one does
        private boolean isDismissed;    // that entry is committed
        private long dismissedNanos;    // since when

        private Peer(ReplicaId id, Progress progress) {
            this.id = id;
            this.progress = progress;
        }
    }

    private final ReplicaId own;
    private Quorum quorum;
    private int self;             // own position, or -1: a leader outside the membership does not count itself
    private List<Peer> peers;
    private long[] matched;       // by position: how much is durable there

    Peers(Quorum quorum, ReplicaId own, long nextIndex) {
        this.own = own;
        this.quorum = quorum;
        self = quorum.position(own);
        matched = new long[quorum.size()];
        peers = new ArrayList<>();
        for (int i = 0; i < quorum.size(); i++) {
            peers.add(new Peer(quorum.member(i).id(), new Progress(nextIndex)));
        }
    }

    /** How many there are, the leader's own place and those who have left included. */
    int size() {
        return peers.size();
    }

    /** Whether the leader's own place is here. */
    boolean isSelf(int position) {
        return position == self;
    }

    ReplicaId id(int position) {
        return peers.get(position).id;
    }

    Progress at(int position) {
        return peers.get(position).progress;
    }

    /** Where this replica stands, or -1 if it is not replicated to: then nothing that it says is believed. */
    int position(ReplicaId id) {
        for (int i = 0; i < peers.size(); i++) {
            if (peers.get(i).id.equals(id)) {
                return i;
            }
        }
        return -1;
    }

    /** Whether the peer at this position counts, in either half. */
    boolean isVoter(int position) {
        return position < quorum.size() && quorum.isVoter(position);
    }

    /** Whether it counts, and will go on doing so when a joint membership is left. */
    boolean isStaying(int position) {
        return position < quorum.size() && quorum.isStaying(position);
    }

    /** The most of the log that any voter but the leader has durable. */
    long mostOfOtherVoters() {
        long most = 0;
        for (int i = 0; i < quorum.size(); i++) {
            if (i != self && quorum.isVoter(i)) {
                most = Math.max(most, at(i).matchIndex());
            }
        }
        return most;
    }

    /** How much of the log a quorum of the members has durable, the leader up to here. */
    long reached(long durableIndex) {
        for (int i = 0; i < matched.length; i++) {
            matched[i] = i == self ? durableIndex : at(i).matchIndex();
        }
        return quorum.reached(matched);
    }

    /** Whether the disks of a quorum, the leader's among them if that has room, can take something new. */
    boolean hasQuorumRoom(DiskRoom own) {
        boolean[] roomy = new boolean[quorum.size()];
        for (int i = 0; i < roomy.length; i++) {
            roomy[i] = (i == self ? own : at(i).room()).isPlenty();
        }
        return quorum.isReached(roomy);
    }

    /**
     * The membership has changed. Who stays keeps what is known of it; who is new, or back, begins anew; who has left stays behind the
     * members for a while.
     *
     * @param index     of the membership entry
     * @param nextIndex where to begin with who is new
     */
    void enter(Quorum next, long index, long nextIndex) {
        List<Peer> before = peers;
        peers = new ArrayList<>();
        for (int i = 0; i < next.size(); i++) {
            ReplicaId id = next.member(i).id();
            int position = quorum.position(id);
            peers.add(position >= 0 ? before.get(position) : new Peer(id, new Progress(nextIndex)));
        }
        for (Peer peer : before) {
            if (next.position(peer.id) < 0 && !peer.id.equals(own)) {
                if (peer.leftIndex == 0) {
                    peer.leftIndex = index;
                }
                peers.add(peer);
            }
        }
        quorum = next;
        self = next.position(own);
        matched = new long[next.size()];
    }

    /** Also these have left, by this entry, under an earlier leader: they may not know it. */
    void addLeft(Membership membership, long index, long nextIndex) {
        for (Member member : membership.members()) {
            if (position(member.id()) < 0 && !member.id().equals(own)) {
                Peer peer = new Peer(member.id(), new Progress(nextIndex));
                peer.leftIndex = index;
                peers.add(peer);
            }
        }
    }

    /** A heartbeat interval has passed: forgets those whose leaving has been committed for so long that they should know. */
    void onHeartbeat(long commitIndex, long nowNanos, long patienceNanos) {
        for (Peer peer : peers) {
            if (peer.leftIndex > 0 && !peer.isDismissed && peer.leftIndex <= commitIndex) {
                peer.isDismissed = true;
                peer.dismissedNanos = nowNanos;
            }
        }
        peers.removeIf(peer -> peer.isDismissed && Nanos.reached(nowNanos, peer.dismissedNanos + patienceNanos));
    }
}
