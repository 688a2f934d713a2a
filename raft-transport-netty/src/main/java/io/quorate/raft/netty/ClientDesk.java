package io.quorate.raft.netty;

import io.netty.buffer.ByteBuf;
import io.quorate.raft.ClientRequest;
import io.quorate.raft.ClientResponse;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves one client: its requests go to the replica, the answers back under the same numbers.
 *
 * <p>A client that asks faster than it is answered, or does not read its answers, is no longer read from. On the connection's event
 * loop, but for the answers.
 */
final class ClientDesk implements Outbox.Writer<ClientDesk.Answer> {

    /** Requests of one client that may wait for their answers. */
    static final int REQUESTS_MAX = 1024;
    /** Bytes of one client's requests that may wait for their answers. One request of any size passes when none waits. */
    static final long BYTES_MAX = 8 << 20;
    /** Bytes of one client's answers that may wait to be read; the connection of who leaves more is closed. */
    static final long ANSWER_BYTES_MAX = 64 << 20;
    /**
     * Bytes of all clients' requests that are half read, beyond the first 256 KiB of each; the rest of a request that needs more is thrown
     * away as it comes, and it is answered that the replica is overloaded.
     */
    static final long ALL_HALF_READ_BYTES_MAX = 256 << 20;
    /** Bytes of all clients' requests in the replica's hands; more are answered that it is overloaded. */
    static final long ALL_BYTES_MAX = 256 << 20;
    /**
     * Bytes of all clients' answers that may wait to be read, beyond the first 64 KiB of each; the connection of whoever would need more is
     * closed.
     */
    static final long ALL_ANSWER_BYTES_MAX = 512 << 20;
    static final long OWN_ANSWER_BYTES = 64 << 10;

    private static final Logger LOG = LoggerFactory.getLogger(ClientDesk.class);

    /** An answer on its way, and what its request is counted as. */
    record Answer(ClientFrames.Response response, long requestBytes) { }

    private final Connection connection;
    private final Endpoint endpoint;
    private final boolean isOfBlank;
    private final Quota allBytes;
    private final Share answerBytes;       // of the answers that it has not read
    private final Outbox<Answer> answers;
    private int requests;           // read and not yet answered on the wire
    private long requestBytes;

    /**
     * @param isOfBlank      whether the client was told that this replica belongs to no group
     * @param allBytes       of all clients' requests
     * @param allAnswerBytes of all answers to them
     */
    ClientDesk(Connection connection, Endpoint endpoint, boolean isOfBlank, Quota allBytes, Quota allAnswerBytes) {
        this.connection = connection;
        this.endpoint = endpoint;
        this.isOfBlank = isOfBlank;
        this.allBytes = allBytes;
        this.answerBytes = new Share(allAnswerBytes, OWN_ANSWER_BYTES);
        this.answers = new Outbox<>(this, endpoint.tally);
    }

    void open() {
        answers.open(connection.channel());
    }

    void onWritable() {
        answers.drain();
    }

    void close() {
        answers.close();
    }

    void onRequest(Frame frame) {
        ClientFrames.Request numbered = ClientFrames.request(frame);
        ClientRequest request = numbered.request();
        long id = numbered.id();
        long bytes = ClientFrames.sizeOf(request);
        requests++;
        requestBytes += bytes;
        if (requests >= REQUESTS_MAX || requestBytes >= BYTES_MAX) {
            connection.pause();
        }
        if (frame.isDropped()) {
            send(id, bytes, new ClientResponse.Overloaded("requests that clients have begun to send fill " + ALL_HALF_READ_BYTES_MAX
                + " bytes; try again later"));
            return;
        }
        if (!allBytes.take(bytes)) {
            send(id, bytes, new ClientResponse.Overloaded("the clients' requests fill " + ALL_BYTES_MAX + " bytes; try again later"));
            return;
        }
        if (isOfBlank && !endpoint.identity().isBlank()) {
            // In the handshake nobody could say that this is not the client's group.
            answer(id, bytes, new ClientResponse.Unavailable("this replica belongs to a group now; connect again"));
            return;
        }
        AtomicBoolean isAnswered = new AtomicBoolean();
        Consumer<ClientResponse> reply = response -> {
            if (isAnswered.compareAndSet(false, true)) {
                answer(id, bytes, fitting(request, response));
            }
        };
        try {
            endpoint.receiver.onClientRequest(request, numbered.timeoutNanos(), reply);
        } catch (RuntimeException | Error e) {
            LOG.error("Request {} fails", request, e);
            reply.accept(new ClientResponse.Unknown("the request failed: " + e, null));
            if (e instanceof Error error) {
                throw error;
            }
        }
    }

    /** Any thread. */
    private void answer(long id, long bytes, ClientResponse response) {
        allBytes.give(bytes);
        send(id, bytes, response);
    }

    /** Any thread. */
    private void send(long id, long requestSize, ClientResponse response) {
        long size = ClientFrames.sizeOf(response);
        if (!answerBytes.take(size)) {
            connection.close("answers that clients have not read fill " + ALL_ANSWER_BYTES_MAX + " bytes");
            return;
        }
        if (!answers.offer(new Answer(new ClientFrames.Response(id, response), requestSize), size, ANSWER_BYTES_MAX)) {
            answerBytes.give(size);
            if (connection.channel().isActive()) {
                connection.close("the client does not read its answers");
            }
        }
    }

    private static ClientResponse fitting(ClientRequest request, ClientResponse response) {
        if (response instanceof ClientResponse.Done done && done.result().length > FrameType.DONE.blockBytesMax()) {
            String why = "the result has " + done.result().length + " bytes; at most " + FrameType.DONE.blockBytesMax() + " can be sent";
            return request instanceof ClientRequest.Propose ? new ClientResponse.Unknown("it was done, but " + why, null)
                : new ClientResponse.Failed(why);
        }
        return response;
    }

    @Override
    public void write(ByteBuf out, Answer answer) {
        requests--;
        requestBytes -= answer.requestBytes();
        ClientFrames.write(out, answer.response());
        if (mayResume()) {
            // Not from in here: what is read next may be answered at once, and so lead back into this outbox.
            connection.channel().eventLoop().execute(() -> {
                if (mayResume()) {      // an earlier one of these may have resumed, and the desk be full again
                    connection.resume();
                }
            });
        }
    }

    private boolean mayResume() {
        return connection.isPaused() && requests <= REQUESTS_MAX / 2 && requestBytes <= BYTES_MAX / 2;
    }

    @Override
    public void onDiscarded(Answer answer) {
        // The client learns from the end of its connection, or of its time, that it will not know.
    }

    @Override
    public void onReleased(long bytes) {
        answerBytes.give(bytes);
    }
}
