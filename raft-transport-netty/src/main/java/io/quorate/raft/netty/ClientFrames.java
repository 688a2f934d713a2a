package io.quorate.raft.netty;

import io.netty.buffer.ByteBuf;
import io.quorate.raft.ClientRequest;
import io.quorate.raft.ClientResponse;
import io.quorate.raft.Freshness;
import io.quorate.raft.netty.wire.DoneHead;
import io.quorate.raft.netty.wire.FreshnessCode;
import io.quorate.raft.netty.wire.NotLeaderHead;
import io.quorate.raft.netty.wire.RequestHead;
import io.quorate.raft.netty.wire.SettledHead;
import io.quorate.raft.netty.wire.StatusHead;
import io.quorate.raft.netty.wire.WhyHead;

/** What clients ask and what they are answered, as frames. Each bears the number its client gave the request. */
final class ClientFrames {

    /** What a request or an answer is counted as besides its block. */
    private static final int OVERHEAD_BYTES = Frame.HEADER_BYTES + 64;
    private static final long NANOS_PER_MILLI = 1_000_000;

    /**
     * A numbered request.
     *
     * @param timeoutNanos for how long its client waits; {@link Long#MAX_VALUE} if it did not say
     */
    record Request(long id, ClientRequest request, long timeoutNanos) { }

    /** A numbered answer. */
    record Response(long id, ClientResponse response) { }

    private ClientFrames() { }

    /** About how many bytes the request takes on the wire. */
    static long sizeOf(ClientRequest request) {
        return OVERHEAD_BYTES + (long) block(request).length
            + (request instanceof ClientRequest.ChangeMembership change ? AdminFrames.sizeOf(change) : 0);
    }

    /** About how many bytes the answer takes on the wire. */
    static long sizeOf(ClientResponse response) {
        if (response instanceof ClientResponse.Done done) {
            return OVERHEAD_BYTES + (long) done.result().length;
        }
        return OVERHEAD_BYTES + (response instanceof ClientResponse.BackupPiece piece ? piece.bytes().length : 0L);
    }

    /** The part of a request that is the caller's own bytes. */
    static byte[] block(ClientRequest request) {
        if (request instanceof ClientRequest.Propose propose) {
            return propose.command();
        }
        return request instanceof ClientRequest.Read read ? read.query() : Frame.NO_BLOCK;
    }

    /** Writes a request as one frame. */
    static void write(ByteBuf out, Request numbered) {
        ClientRequest request = numbered.request();
        long millis = millis(numbered.timeoutNanos());
        if (request instanceof ClientRequest.ChangeMembership change) {
            AdminFrames.write(out, numbered.id(), millis, change);
            return;
        }
        RequestHead.Builder head = RequestHead.newBuilder().setId(numbered.id()).setTimeoutMillis(millis);
        Frame.write(out, type(request, head), head.build(), block(request));
    }

    /** The type of a request, what it says being put into the head. */
    private static FrameType type(ClientRequest request, RequestHead.Builder head) {
        if (request instanceof ClientRequest.Propose) {
            return FrameType.PROPOSE;
        }
        if (request instanceof ClientRequest.Read read) {
            Freshness freshness = read.freshness();
            head.setFreshness(code(freshness.mode())).setStaleNanosMax(freshness.staleNanosMax()).setMinIndex(freshness.minIndex());
            return FrameType.READ;
        }
        if (request instanceof ClientRequest.AwaitOutcome await) {
            head.setEntry(Parts.of(await.entry()));
            return FrameType.AWAIT_OUTCOME;
        }
        return request instanceof ClientRequest.Admin admin ? AdminFrames.type(admin, head) : FrameType.STATUS;
    }

    /** Writes an answer as one frame. */
    static void write(ByteBuf out, Response numbered) {
        long id = numbered.id();
        ClientResponse response = numbered.response();
        if (response instanceof ClientResponse.Done done) {
            Frame.write(out, FrameType.DONE, DoneHead.newBuilder().setId(id).setIndex(done.index()).build(), done.result());
        } else if (response instanceof ClientResponse.Settled settled) {
            Frame.write(out, FrameType.SETTLED, SettledHead.newBuilder().setId(id).setIsApplied(settled.isApplied()).build());
        } else if (response instanceof ClientResponse.Status status) {
            Frame.write(out, FrameType.STATUS_ANSWER, StatusFrames.head(id, status.status()));
        } else if (response instanceof ClientResponse.NotLeader notLeader) {
            NotLeaderHead.Builder head = NotLeaderHead.newBuilder().setId(id).setLeaderNodeId(notLeader.leaderNodeId());
            if (notLeader.leaderAddress() != null) {
                head.setLeaderAddress(Parts.words(notLeader.leaderAddress()));
            }
            Frame.write(out, FrameType.NOT_LEADER, head.build());
        } else if (response instanceof ClientResponse.Overloaded overloaded) {
            Frame.write(out, FrameType.OVERLOADED, why(id, overloaded.why()).build());
        } else if (response instanceof ClientResponse.Refused refused) {
            Frame.write(out, FrameType.TURNED_AWAY, why(id, refused.why()).setReason(AdminFrames.code(refused.reason())).build());
        } else if (response instanceof ClientResponse.Failed failed) {
            Frame.write(out, FrameType.FAILED, why(id, failed.why()).build());
        } else if (response instanceof ClientResponse.Unavailable unavailable) {
            Frame.write(out, FrameType.UNAVAILABLE, why(id, unavailable.why()).build());
        } else if (response instanceof ClientResponse.Unknown unknown) {
            WhyHead.Builder head = why(id, unknown.why());
            if (unknown.entry() != null) {
                head.setEntry(Parts.of(unknown.entry()));
            }
            Frame.write(out, FrameType.UNKNOWN, head.build());
        } else {
            AdminFrames.write(out, id, response);
        }
    }

    /**
     * What a client asked.
     *
     * @throws MalformedFrameException if the frame is no request, or asks something impossible
     */
    static Request request(Frame frame) {
        try {
            if (frame.type() == FrameType.CHANGE_MEMBERSHIP) {
                return AdminFrames.changeMembership(frame);
            }
            RequestHead head = Parts.parse(RequestHead.parser(), frame);
            return new Request(head.getId(), switch (frame.type()) {
                case PROPOSE -> new ClientRequest.Propose(frame.block());
                case READ -> new ClientRequest.Read(frame.block(),
                    new Freshness(mode(head.getFreshness()), head.getStaleNanosMax(), head.getMinIndex()));
                case AWAIT_OUTCOME -> new ClientRequest.AwaitOutcome(Parts.of(head.getEntry()));
                case STATUS -> new ClientRequest.Status();
                default -> AdminFrames.request(frame.type(), head);
            }, nanos(head.getTimeoutMillis()));
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
                case SETTLED -> {
                    SettledHead head = Parts.parse(SettledHead.parser(), frame);
                    yield new Response(head.getId(), new ClientResponse.Settled(head.getIsApplied()));
                }
                case STATUS_ANSWER -> {
                    StatusHead head = Parts.parse(StatusHead.parser(), frame);
                    yield new Response(head.getId(), new ClientResponse.Status(StatusFrames.status(head)));
                }
                case NOT_LEADER -> {
                    NotLeaderHead head = Parts.parse(NotLeaderHead.parser(), frame);
                    yield new Response(head.getId(), new ClientResponse.NotLeader((int) Parts.natural("node", head.getLeaderNodeId()),
                        head.hasLeaderAddress() ? head.getLeaderAddress() : null));
                }
                case OVERLOADED, FAILED, UNAVAILABLE, UNKNOWN, TURNED_AWAY -> why(frame.type(), Parts.parse(WhyHead.parser(), frame));
                default -> AdminFrames.response(frame);
            };
        } catch (IllegalArgumentException e) {
            throw Parts.impossible(frame, e);
        }
    }

    /** Rounded up, so that a little time is not none. */
    static long millis(long nanos) {
        return nanos == Long.MAX_VALUE ? 0 : Math.max(1, (nanos - 1) / NANOS_PER_MILLI + 1);
    }

    static long nanos(long millis) {
        if (Parts.natural("time", millis) == 0) {
            return Long.MAX_VALUE;
        }
        return Math.min(millis, Long.MAX_VALUE / NANOS_PER_MILLI) * NANOS_PER_MILLI;
    }

    private static WhyHead.Builder why(long id, String why) {
        return WhyHead.newBuilder().setId(id).setWhy(Parts.words(why));
    }

    private static Response why(FrameType type, WhyHead head) {
        String why = head.getWhy();
        return new Response(head.getId(), switch (type) {
            case OVERLOADED -> new ClientResponse.Overloaded(why);
            case FAILED -> new ClientResponse.Failed(why);
            case UNAVAILABLE -> new ClientResponse.Unavailable(why);
            case TURNED_AWAY -> AdminFrames.refused(head.getReason(), why);
            default -> new ClientResponse.Unknown(why, head.hasEntry() ? Parts.of(head.getEntry()) : null);
        });
    }

    private static FreshnessCode code(Freshness.Mode mode) {
        return switch (mode) {
            case LOCAL -> FreshnessCode.FRESHNESS_LOCAL;
            case LINEARIZABLE -> FreshnessCode.FRESHNESS_LINEARIZABLE;
            case LEASE -> FreshnessCode.FRESHNESS_LEASE;
            case AT_MOST -> FreshnessCode.FRESHNESS_AT_MOST;
        };
    }

    private static Freshness.Mode mode(FreshnessCode code) {
        return switch (code) {
            case FRESHNESS_LOCAL -> Freshness.Mode.LOCAL;
            case FRESHNESS_LINEARIZABLE -> Freshness.Mode.LINEARIZABLE;
            case FRESHNESS_LEASE -> Freshness.Mode.LEASE;
            case FRESHNESS_AT_MOST -> Freshness.Mode.AT_MOST;
            // Not the nearest: it might promise less than was asked for.
            case UNRECOGNIZED -> throw new IllegalArgumentException("a freshness of a newer version");
        };
    }
}
