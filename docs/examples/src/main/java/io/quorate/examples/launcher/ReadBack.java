package io.quorate.examples.launcher;

import io.quorate.examples.KvAnswer;
import io.quorate.examples.KvRequest;
import io.quorate.raft.ClientRequest;
import io.quorate.raft.ClientResponse;
import io.quorate.raft.Freshness;
import io.quorate.raft.client.ClientTransport;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;

/** Reads from one chosen replica after the other, each in a state that contains everything acknowledged before. */
public final class ReadBack {

    private static final long CALL_NANOS = Duration.ofSeconds(10).toNanos();

    private final ClientTransport transport;
    private final Duration patience;

    /**
     * Reads over this transport.
     *
     * @param patience for how long a replica may refuse, or be behind
     */
    public ReadBack(ClientTransport transport, Duration patience) {
        this.transport = transport;
        this.patience = patience;
    }

    /** An index at or above that of everything acknowledged to anybody so far: the leader confirms it. */
    public long confirmedIndex(List<String> addresses) {
        int[] turn = {0};
        byte[] query = new KvRequest.Scan(new byte[0]).encode();
        return done(() -> addresses.get(turn[0]++ % addresses.size()), new ClientRequest.Read(query, Freshness.linearizable())).index();
    }

    /** Everything that the replica at this address holds, once it has applied this index. */
    public SortedMap<byte[], byte[]> contents(String address, long index) {
        SortedMap<byte[], byte[]> contents = new TreeMap<>(Arrays::compareUnsigned);
        byte[] after = new byte[0];
        while (true) {
            SortedMap<byte[], byte[]> page = local(address, new KvRequest.Scan(after), index).pairs();
            if (page.isEmpty()) {
                return contents;
            }
            contents.putAll(page);
            after = page.lastKey();
        }
    }

    /** The digest that the replica at this address has of itself, once it has applied this index. */
    public byte[] digest(String address, long index) {
        return local(address, new KvRequest.Digest(), index).bytes();
    }

    /** How many of these a replica with these contents has not, or with another value. */
    public static int missing(SortedMap<byte[], byte[]> expected, SortedMap<byte[], byte[]> contents) {
        int missing = 0;
        for (Map.Entry<byte[], byte[]> pair : expected.entrySet()) {
            byte[] value = contents.get(pair.getKey());
            if (value == null || !Arrays.equals(value, pair.getValue())) {
                missing++;
            }
        }
        return missing;
    }

    private KvAnswer local(String address, KvRequest query, long index) {
        return KvAnswer.decode(done(() -> address, new ClientRequest.Read(query.encode(), Freshness.local().notBefore(index))).result());
    }

    private ClientResponse.Done done(Supplier<String> address, ClientRequest request) {
        long begin = System.nanoTime();
        String last = "";
        while (System.nanoTime() - begin < patience.toNanos()) {
            String asked = address.get();
            try {
                ClientResponse response = transport.call(asked, request, CALL_NANOS).join();
                if (response instanceof ClientResponse.Done done) {
                    return done;
                }
                last = asked + " answers " + response;
            } catch (CompletionException e) {
                last = asked + ": " + (e.getCause() == null ? e : e.getCause()).getMessage();
            }
        }
        throw new IllegalStateException("no answer to " + request + " within " + patience.toSeconds() + " s; the last: " + last);
    }
}
