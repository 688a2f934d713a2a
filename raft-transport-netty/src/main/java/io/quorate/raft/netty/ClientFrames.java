package io.quorate.raft.netty;

import io.netty.buffer.ByteBuf;
import io.quorate.raft.ClientRequest;
import io.quorate.raft.ClientResponse;
import io.quorate.raft.ServerStatus;
import io.quorate.raft.netty.wire.DoneHead;
import io.quorate.raft.netty.wire.NotLeaderHead;
import io.quorate.raft.netty.wire.PeerStatus;
import io.quorate.raft.netty.wire.RequestHead;
import io.quorate.raft.netty.wire.State;
import io.quorate.raft.netty.wire.StatusHead;
import io.quorate.raft.netty.wire.WhyHead;
import java.util.ArrayList;
import java.util.List;

/** What clients ask and what they are answered, as frames. Each bears the number its client gave the request. */
final class ClientFrames {

    /** What a request or an answer is counted as besides its block. */
    private static final int OVERHEAD_BYTES = Frame.HEADER_BYTES + 64;
    /** A status lists this many peers at most, so that it fits its frame whatever its words are. */
    private static final int PEERS_MAX = 24;

    /** A numbered request. */
    record Request(long id, ClientRequest request) { }

    /** A numbered answer. */
    record Response(long id, ClientResponse response) { }

    private ClientFrames() { }

    /** About how many bytes the request takes on the wire. */
    static long sizeOf(ClientRequest request) {
        return OVERHEAD_BYTES + (long) block(request).length;
    }

    /** About how many bytes the answer takes on the wire. */
    static long sizeOf(ClientResponse response) {
        return OVERHEAD_BYTES + (response instanceof ClientResponse.Done done ? done.result().length : 0L);
    }

    /** The part of a request that is the caller's own bytes. */
    static byte[] block(ClientRequest request) {
        if (request instanceof ClientRequest.Propose propose) {
            return propose.command();
        }
        if (request instanceof ClientRequest.Read read) {
            return read.query();
        }
        return request instanceof ClientRequest.LocalRead read ? read.query() : Frame.NO_BLOCK;
    }

    /** Writes a request as one frame. */
    static void write(ByteBuf out, Request numbered) {
        ClientRequest request = numbered.request();
        RequestHead.Builder head = RequestHead.newBuilder().setId(numbered.id());
        if (request instanceof ClientRequest.LocalRead read) {
            head.setMinIndex(read.minIndex());
        }
        Frame.write(out, typeOf(request), head.build(), block(request));
    }

    /** Writes an answer as one frame. */
    static void write(ByteBuf out, Response numbered) {
        long id = numbered.id();
        ClientResponse response = numbered.response();
        if (response instanceof ClientResponse.Done done) {
            Frame.write(out, FrameType.DONE, DoneHead.newBuilder().setId(id).setIndex(done.index()).build(), done.result());
        } else if (response instanceof ClientResponse.Status status) {
            Frame.write(out, FrameType.STATUS_ANSWER, status(id, status.status()));
        } else if (response instanceof ClientResponse.NotLeader notLeader) {
            NotLeaderHead.Builder head = NotLeaderHead.newBuilder().setId(id).setLeaderNodeId(notLeader.leaderNodeId());
            if (notLeader.leaderAddress() != null) {
                head.setLeaderAddress(Parts.words(notLeader.leaderAddress()));
            }
            Frame.write(out, FrameType.NOT_LEADER, head.build());
        } else if (response instanceof ClientResponse.Overloaded overloaded) {
            why(out, FrameType.OVERLOADED, id, overloaded.why());
        } else if (response instanceof ClientResponse.Failed failed) {
            why(out, FrameType.FAILED, id, failed.why());
        } else if (response instanceof ClientResponse.Unavailable unavailable) {
            why(out, FrameType.UNAVAILABLE, id, unavailable.why());
        } else if (response instanceof ClientResponse.Unknown unknown) {
            why(out, FrameType.UNKNOWN, id, unknown.why());
        } else {
            throw new IllegalStateException("an answer without a frame: " + response);
        }
    }

    /**
     * What a client asked.
     *
     * @throws MalformedFrameException if the frame is no request, or asks something impossible
     */
    static Request request(Frame frame) {
        try {
            RequestHead head = Parts.parse(RequestHead.parser(), frame);
            return new Request(head.getId(), switch (frame.type()) {
                case PROPOSE -> new ClientRequest.Propose(frame.block());
                case READ -> new ClientRequest.Read(frame.block());
                case LOCAL_READ -> new ClientRequest.LocalRead(frame.block(), Parts.natural("index", head.getMinIndex()));
                case STATUS -> new ClientRequest.Status();
                default -> throw new IllegalArgumentException("no request");
            });
        } catch (IllegalArgumentException e) {
            throw Parts.impossible(frame, e);
        }
    }

    /**
     * What a client was answered.
     *
     * @throws MalformedFrameException if the frame is no answer, or says something impossible
     */
    static Response response(Frame frame) {
        try {
            return switch (frame.type()) {
                case DONE -> {
                    DoneHead head = Parts.parse(DoneHead.parser(), frame);
                    yield new Response(head.getId(), new ClientResponse.Done(frame.block(), Parts.natural("index", head.getIndex())));
                }
                case STATUS_ANSWER -> {
                    StatusHead head = Parts.parse(StatusHead.parser(), frame);
                    yield new Response(head.getId(), new ClientResponse.Status(status(head)));
                }
                case NOT_LEADER -> {
                    NotLeaderHead head = Parts.parse(NotLeaderHead.parser(), frame);
                    yield new Response(head.getId(), new ClientResponse.NotLeader((int) Parts.natural("node", head.getLeaderNodeId()),
                        head.hasLeaderAddress() ? head.getLeaderAddress() : null));
                }
                case OVERLOADED, FAILED, UNAVAILABLE, UNKNOWN -> why(frame.type(), Parts.parse(WhyHead.parser(), frame));
                default -> throw new IllegalArgumentException("no answer");
            };
        } catch (IllegalArgumentException e) {
            throw Parts.impossible(frame, e);
        }
    }

    private static FrameType typeOf(ClientRequest request) {
        if (request instanceof ClientRequest.Propose) {
            return FrameType.PROPOSE;
        }
        if (request instanceof ClientRequest.Read) {
            return FrameType.READ;
        }
        return request instanceof ClientRequest.LocalRead ? FrameType.LOCAL_READ : FrameType.STATUS;
    }

    private static void why(ByteBuf out, FrameType type, long id, String why) {
        Frame.write(out, type, WhyHead.newBuilder().setId(id).setWhy(Parts.words(why)).build());
    }

    private static Response why(FrameType type, WhyHead head) {
        String why = head.getWhy();
        return new Response(head.getId(), switch (type) {
            case OVERLOADED -> new ClientResponse.Overloaded(why);
            case FAILED -> new ClientResponse.Failed(why);
            case UNAVAILABLE -> new ClientResponse.Unavailable(why);
            default -> new ClientResponse.Unknown(why);
        });
    }

    private static StatusHead status(long id, ServerStatus status) {
        StatusHead.Builder head = StatusHead.newBuilder().setId(id).setReplica(Parts.of(status.replica())).setBoot(status.boot())
            .setState(state(status.state())).setTerm(status.term()).setFirstIndex(status.firstIndex()).setLastIndex(status.lastIndex())
            .setDurableIndex(status.durableIndex()).setCommitIndex(status.commitIndex()).setAppliedIndex(status.appliedIndex());
        if (status.clusterId() != null) {
            head.setClusterId(Parts.of(status.clusterId()));
        }
        if (status.leader() != null) {
            head.setLeader(Parts.of(status.leader()));
        }
        if (status.leaderAddress() != null) {
            head.setLeaderAddress(Parts.words(status.leaderAddress()));
        }
        if (status.problem() != null) {
            head.setProblem(Parts.words(status.problem()));
        }
        for (ServerStatus.Peer peer : status.peers().subList(0, Math.min(PEERS_MAX, status.peers().size()))) {
            head.addPeers(peer(peer));
        }
        return head.build();
    }

    private static PeerStatus peer(ServerStatus.Peer peer) {
        PeerStatus.Builder part = PeerStatus.newBuilder().setNodeId(peer.nodeId()).setAddress(Parts.words(peer.address()))
            .setHeardNanosAgo(peer.heardNanosAgo()).setMatchIndex(peer.matchIndex());
        if (peer.replica() != null) {
            part.setReplica(Parts.of(peer.replica()));
        }
        if (peer.replication() != null) {
            part.setReplication(Parts.words(peer.replication()));
        }
        if (peer.trouble() != null) {
            part.setTrouble(Parts.words(peer.trouble()));
        }
        return part.build();
    }

    private static ServerStatus status(StatusHead head) {
        List<ServerStatus.Peer> peers = new ArrayList<>(head.getPeersCount());
        for (PeerStatus peer : head.getPeersList()) {
            peers.add(new ServerStatus.Peer(peer.hasReplica() ? Parts.of(peer.getReplica()) : null, peer.getNodeId(), peer.getAddress(),
                peer.getHeardNanosAgo(), peer.getMatchIndex(), peer.hasReplication() ? peer.getReplication() : null,
                peer.hasTrouble() ? peer.getTrouble() : null));
        }
        return new ServerStatus(Parts.of(head.getReplica()), head.getBoot(), head.hasClusterId() ? Parts.of(head.getClusterId()) : null,
            state(head.getState()), head.getTerm(), head.hasLeader() ? Parts.of(head.getLeader()) : null,
            head.hasLeaderAddress() ? head.getLeaderAddress() : null, head.getFirstIndex(), head.getLastIndex(), head.getDurableIndex(),
            head.getCommitIndex(), head.getAppliedIndex(), peers, head.hasProblem() ? head.getProblem() : null);
    }

    private static State state(ServerStatus.State state) {
        return switch (state) {
            case BLANK -> State.STATE_BLANK;
            case FOLLOWER -> State.STATE_FOLLOWER;
            case PRE_CANDIDATE -> State.STATE_PRE_CANDIDATE;
            case CANDIDATE -> State.STATE_CANDIDATE;
            case LEADER -> State.STATE_LEADER;
            case STOPPED -> State.STATE_STOPPED;
        };
    }

    private static ServerStatus.State state(State state) {
        return switch (state) {
            case STATE_BLANK -> ServerStatus.State.BLANK;
            case STATE_FOLLOWER -> ServerStatus.State.FOLLOWER;
            case STATE_PRE_CANDIDATE -> ServerStatus.State.PRE_CANDIDATE;
            case STATE_CANDIDATE -> ServerStatus.State.CANDIDATE;
            case STATE_LEADER -> ServerStatus.State.LEADER;
            case STATE_STOPPED -> ServerStatus.State.STOPPED;
            case STATE_UNSPECIFIED, UNRECOGNIZED -> throw new IllegalArgumentException("state " + state);
        };
    }
}
