package io.quorate.raft.election;

import io.quorate.raft.Freshness;
import io.quorate.raft.OutcomeUnknownException;
import io.quorate.raft.OverloadedException;
import io.quorate.raft.RequestFailedException;
import io.quorate.raft.SessionEndedException;
import io.quorate.raft.client.RaftClient;
import io.quorate.raft.client.Session;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * The primitives of {@link LeasedKeys}, for whoever builds something of his own on them: keys that are put if they are absent, changed if
 * they are of a version, and deleted; leases with which they go; and watches. {@link Elections} is what is built on them here.
 *
 * <p>Commands take effect exactly once; each future completes, in the call timeout at the latest or a little later. With an {@link
 * OutcomeUnknownException}: it has taken effect once or not at all. With any other exception nothing has happened: {@link
 * RequestFailedException} and {@link OverloadedException} say why, {@link SessionEndedException} that the group has forgotten this client,
 * and what else {@link Session#propose} says. Nothing here refreshes a lease by itself.
 *
 * <p>Thread-safe. Futures complete on the threads of the client: what is chained to them must not block.
 */
public final class KeysClient implements AutoCloseable {

    private static final int PAGE_ENTRIES = 1000;

    /**
     * A lease that was granted.
     *
     * <p>A group that was recovered from a lost quorum may still know it, and not a key that was put with it later: that it was refreshed
     * proves no key there unless the {@linkplain RaftClient#epoch epoch} is still that of the put.
     *
     * @param id  which
     * @param ttl after so long without a refresh it ends: what was asked for, or the longest that the group allows
     */
    public record Lease(LeaseId id, Duration ttl) { }

    /**
     * What has become of a put, a change or a deletion.
     *
     * @param isDone  whether it was done
     * @param version of the key if it was done and is there: for the next change, and if it was put, the {@link KeyEntry#createIndex}; else
     *                0
     * @param found   the key as it is, if that was not what the caller knew; null if it is not there, or if it was done
     * @param epoch   the group's recovery epoch in which it was done, or not; -1 if the group was recovered from a lost quorum meanwhile,
     *                so that it is not certain whether before or after
     */
    public record Outcome(boolean isDone, long version, @Nullable KeyEntry found, int epoch) {

        /**
         * A {@linkplain FencingToken fencing token} for who has just put the key, or changed it: higher than that of each earlier change of
         * any key. Empty if nothing was done, or deleted, or if the {@link #epoch} is not certain: then change the key once more.
         */
        public OptionalLong fencingToken() {
            return isDone && version > 0 && epoch >= 0 ? OptionalLong.of(FencingToken.of(epoch, version)) : OptionalLong.empty();
        }
    }

    /**
     * Keys as they were read.
     *
     * @param index   of the state; of a list that was read in several pieces, of the first. A {@linkplain #watch watch} from there misses
     *                nothing, and may tell again what a later piece has already
     * @param entries in the order of their keys
     */
    public record Listing(long index, List<KeyEntry> entries) {
        public Listing {
            entries = List.copyOf(entries);
        }
    }

    private final Group group;
    private final Session session;
    private final Duration callTimeout;

    private KeysClient(Group group, Session session, Duration callTimeout) {
        this.group = group;
        this.session = session;
        this.callTimeout = callTimeout;
    }

    /** Opens a session of the group that this client reaches; the client is not closed with this. */
    public static CompletableFuture<KeysClient> open(RaftClient client) {
        return open(Group.of(client), Session.Options.DEFAULT);
    }

    static CompletableFuture<KeysClient> open(Group group, Session.Options options) {
        return group.openSession(options).thenApply(session -> new KeysClient(group, session, options.callTimeout()));
    }

    // ---------------------------------------------------------------------------------------------------------------------- leases

    /** Gets a lease. Its time begins before the future completes, but no earlier than this call. */
    public CompletableFuture<Lease> grant(Duration ttl) {
        return propose(new KeyCommand.Grant(ttl.toNanos(), group.drawNumber())).thenApply(result -> {
            if (result instanceof KeyResult.Granted granted) {
                return new Lease(granted.lease(), Duration.ofNanos(granted.ttlNanos()));
            }
            throw Elections.refused(result);
        });
    }

    /** Begins the lease's time anew; completes with false if the lease has ended. */
    public CompletableFuture<Boolean> refresh(LeaseId lease) {
        return propose(new KeyCommand.Refresh(lease)).thenApply(KeysClient::isThere);
    }

    /** Ends the lease, and deletes all keys that go with it; completes with false if it has ended already. */
    public CompletableFuture<Boolean> revoke(LeaseId lease) {
        return propose(new KeyCommand.Revoke(lease)).thenApply(KeysClient::isThere);
    }

    private static boolean isThere(KeyResult result) {
        if (result instanceof KeyResult.Refused refused && refused.reason() == KeyResult.Reason.NO_SUCH_LEASE) {
            return false;
        } else if (result instanceof KeyResult.Done) {
            return true;
        }
        throw Elections.refused(result);
    }

    // ------------------------------------------------------------------------------------------------------------------------ keys

    /**
     * Puts a key unless it is there.
     *
     * @param key   with 1 to {@link LeasedKeys#KEY_CHARS_MAX} characters and no NUL
     * @param lease with which it goes; null if it is to stay until it is deleted
     */
    public CompletableFuture<Outcome> putIfAbsent(String key, byte[] value, @Nullable LeaseId lease) {
        require(key);
        return change(new KeyCommand.PutIfAbsent(key, ByteBuffer.wrap(value), lease), true);
    }

    /**
     * Gives a key another value if it is there in this version.
     *
     * @param lease with which it goes: what goes with a lease is changed only by who names that
     */
    public CompletableFuture<Outcome> compareAndSet(String key, long version, byte[] value, @Nullable LeaseId lease) {
        require(key);
        return change(new KeyCommand.CompareAndSet(key, version, ByteBuffer.wrap(value), lease), true);
    }

    /**
     * Deletes a key if it is there in this version.
     *
     * @param lease with which it goes, as in {@link #compareAndSet}
     */
    public CompletableFuture<Outcome> delete(String key, long version, @Nullable LeaseId lease) {
        require(key);
        if (version < 1) {
            throw new IllegalArgumentException("No key has the version " + version);
        }
        return change(new KeyCommand.Delete(key, version, lease), false);
    }

    private CompletableFuture<Outcome> change(KeyCommand command, boolean isThereThen) {
        int before = group.epoch();
        return propose(command).thenApply(result -> {
            int epoch = group.epoch() == before ? before : -1;
            if (result instanceof KeyResult.Done done) {
                return new Outcome(true, isThereThen ? done.index() : 0, null, epoch);
            } else if (result instanceof KeyResult.Otherwise otherwise) {
                return new Outcome(false, 0, otherwise.entry(), epoch);
            }
            throw Elections.refused(result);
        });
    }

    /** The key, if it is there, as fresh as can be. */
    public CompletableFuture<Optional<KeyEntry>> get(String key) {
        return group.ask(new KeyQuery.Get(key), Freshness.linearizable(), callTimeout)
            .thenApply(answer -> ((KeyAnswer.Entries) answer).entries().stream().findFirst());
    }

    /** All keys with this prefix; with more than a thousand of them, each thousand is of a later moment. */
    public CompletableFuture<Listing> list(String prefix) {
        return list(prefix, "", 0, new ArrayList<>());
    }

    private CompletableFuture<Listing> list(String prefix, String after, long firstIndex, List<KeyEntry> known) {
        return group.ask(new KeyQuery.Range(prefix, after, PAGE_ENTRIES), Freshness.linearizable(), callTimeout).thenCompose(answer -> {
            KeyAnswer.Entries page = (KeyAnswer.Entries) answer;
            long index = after.isEmpty() ? page.index() : firstIndex;
            known.addAll(page.entries());
            return page.isComplete() || page.entries().isEmpty() ? CompletableFuture.completedFuture(new Listing(index, known))
                : list(prefix, known.get(known.size() - 1).key(), index, known);
        });
    }

    /**
     * Tells what changes among the keys with this prefix after an index.
     *
     * <p>An index is of one {@linkplain RaftClient#epoch epoch}: whoever keeps one, to go on from there another time, keeps the epoch
     * beside it, and lists anew in a higher one. A watch that goes on over a recovery {@linkplain KeyWatch.Listener#onMissed says so}.
     *
     * @param prefix   empty for all keys
     * @param after    the index of a {@linkplain #list list}, or of the last change that was dealt with
     * @param executor runs the listener, one call at a time
     */
    public KeyWatch watch(String prefix, long after, KeyWatch.Listener listener, Executor executor) {
        if (after < 0) {
            throw new IllegalArgumentException("Nothing changes after " + after);
        }
        KeyWatch watch = new KeyWatch(group, prefix, after, listener, executor);
        watch.start();
        return watch;
    }

    /** Ends the session. Leases that were granted stay until their time is up, and watches until they are closed. */
    @Override
    public void close() {
        session.close();
    }

    private CompletableFuture<KeyResult> propose(KeyCommand command) {
        return session.propose(command.encode(), callTimeout).thenApply(KeyResult::decode);
    }

    private static void require(String key) {
        if (key.isEmpty() || key.length() > LeasedKeys.KEY_CHARS_MAX || key.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("A key has 1 to " + LeasedKeys.KEY_CHARS_MAX + " characters and no NUL");
        }
    }
}
