package io.quorate.raft.election;

import io.quorate.raft.Freshness;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The election of one name: of all who stand, one leads, and the others wait in the order in which they came. Made by {@link
 * Elections#election}; two objects of one name are the same election.
 */
public final class Election {

    private static final long TOLD_BYTES = 100;      // besides what is said

    private final Elections elections;
    private final String name;
    private final String prefix;

    Election(Elections elections, String name, String prefix) {
        this.elections = elections;
        this.name = name;
        this.prefix = prefix;
    }

    /** Its name. */
    public String name() {
        return name;
    }

    /**
     * Stands until it leads, once: completes with the leadership, which is over when it is {@linkplain Leadership#resign resigned} or lost.
     * Cancel the future to stand no more. If the lease is lost before, it stands again, behind those who are there then.
     *
     * <p>Fails if these elections are closed, and if the group says that it will never have this: the value is too long, or its version of
     * {@link LeasedKeys} is too old. It may be two bytes shorter than {@link LeasedKeys.Options#valueBytesMax} there.
     *
     * @param value for those who {@linkplain #observe observe}, such as an address; not changed afterwards
     */
    public CompletableFuture<Leadership> campaign(byte[] value) {
        return once(elections, prefix, Objects.requireNonNull(value));
    }

    /**
     * Stands again and again, and has the task done whenever it leads.
     *
     * @param value    for those who {@linkplain #observe observe}, such as an address; not changed afterwards
     * @param executor runs the task; a task that blocks one of its threads holds up no lease and no other election
     */
    public Candidate campaign(byte[] value, LeaderTask<? super Leadership> task, Executor executor) {
        Objects.requireNonNull(value);
        Objects.requireNonNull(task);
        Objects.requireNonNull(executor);
        CompletableFuture<Contender> stands = new CompletableFuture<>();
        CompletableFuture<Void> ended = new CompletableFuture<>();
        elections.strand().execute(() -> {
            if (elections.isClosing()) {
                stands.completeExceptionally(Elections.closedException());
                elections.fail(ended, Elections.closedException());
            } else {
                stands.complete(elections.stand(prefix, value, task, executor, refusal -> {
                    if (refusal == null) {
                        elections.complete(ended, null);
                    } else {
                        elections.fail(ended, refusal);
                    }
                }));
            }
        });
        return new Candidate() {
            @Override
            public Optional<Leadership> leadership() {
                Contender contender = stands.isDone() && !stands.isCompletedExceptionally() ? stands.join() : null;
                return contender == null ? Optional.empty() : Optional.ofNullable(contender.office().holder());
            }

            @Override
            public CompletionStage<Void> withdraw() {
                CompletableFuture<Void> withdrawn = new CompletableFuture<>();
                stands.whenComplete((contender, closed) -> elections.strand().execute(() -> {
                    if (contender == null) {
                        elections.complete(withdrawn, null);
                    } else {
                        contender.close().whenComplete((nothing, failure) -> {
                            if (failure == null) {
                                elections.complete(withdrawn, null);
                            } else {
                                elections.fail(withdrawn, failure);
                            }
                        });
                    }
                }));
                return withdrawn;
            }

            @Override
            public CompletionStage<Void> ended() {
                return ended.minimalCompletionStage();
            }
        };
    }

    /**
     * Gives this leadership another value, with the same fencing token. Fails if the leadership is over, or ends meanwhile: then perhaps it
     * was told to those who observe.
     *
     * @param leadership of this election and this object's {@link Elections}
     * @param value      not changed afterwards
     */
    public CompletableFuture<Void> proclaim(Leadership leadership, byte[] value) {
        Objects.requireNonNull(leadership);
        Objects.requireNonNull(value);
        CompletableFuture<Void> done = new CompletableFuture<>();
        elections.strand().execute(() -> {
            Contender contender = elections.holder(leadership);
            if (contender == null || !contender.prefix().equals(prefix)) {
                elections.fail(done, new IllegalStateException("Nothing was proclaimed: this leadership is over, or none of " + name));
                return;
            }
            contender.proclaim(leadership, value).whenComplete((nothing, failure) -> {
                if (failure == null) {
                    elections.complete(done, null);
                } else {
                    elections.fail(done, failure);
                }
            });
        });
        return done;
    }

    /** Who leads, as fresh as can be: if it says nobody, there was a moment since this call at which nobody did. Fails as a read does. */
    public CompletableFuture<Optional<Holder>> leader() {
        CompletableFuture<Optional<Holder>> leader = new CompletableFuture<>();
        int epoch = elections.group().epoch();
        elections.group().ask(new KeyQuery.Line(prefix, ""), Freshness.linearizable(), elections.callTimeout())
            .whenComplete((answer, failure) -> {
                if (failure != null) {
                    elections.fail(leader, failure);
                } else if (elections.group().epoch() != epoch) {
                    leader().whenComplete((again, why) -> {
                        if (why == null) {
                            leader.complete(again);
                        } else {
                            leader.completeExceptionally(why);
                        }
                    });
                } else {
                    elections.complete(leader, holder(((KeyAnswer.Line) answer).first()));
                }
            });
        return leader;
    }

    /**
     * Tells who leads, as soon as that is known, and then each change in order: another leader, another value, nobody. Only if more changes
     * than the group keeps came while it could not be reached are some left out; the newest always comes.
     *
     * @param executor runs the listener, one call at a time
     */
    public Observation<Optional<Holder>> observe(Consumer<? super Optional<Holder>> listener, Executor executor) {
        return observe(new Observation<>(elections, prefix,
            seen -> seen.isKnown() ? holder(seen.first()) : null,
            holder -> TOLD_BYTES + holder.map(each -> each.value().length).orElse(0), listener, executor));
    }

    /**
     * Tells in which state this process is, and then each change. It is {@link LeaderState.Unknown} before anything is known, while nobody
     * leads, and while this process cannot keep its lease, as when it is cut off: who led when that was last heard of may not lead any
     * more.
     *
     * @param executor runs the listener, one call at a time
     */
    public Observation<LeaderState> states(Consumer<? super LeaderState> listener, Executor executor) {
        return observe(new Observation<>(elections, prefix, this::state, Election::bytes, listener, executor));
    }

    private static long bytes(LeaderState state) {
        return TOLD_BYTES + (state instanceof LeaderState.Follower follower ? 2L * follower.leader().length() : 0);
    }

    private <T> Observation<T> observe(Observation<T> observation) {
        elections.strand().execute(observation::start);
        return observation;
    }

    private @Nullable LeaderState state(Observation<LeaderState> seen) {
        KeyEntry first = seen.first();
        if (!seen.isKnown() || !elections.hasLease() || first == null) {
            return new LeaderState.Unknown();
        }
        if (!elections.isOwn(first)) {
            return new LeaderState.Follower(new String(Proclaimed.of(first).value(), StandardCharsets.UTF_8));
        }
        Contender own = elections.contenderOf(first.key());
        Leadership held = own == null ? null : own.office().holder();
        if (held != null) {
            return new LeaderState.Leader(held);
        }
        // It leads in a moment, or did until a moment ago; in neither does it follow itself.
        return seen.told() instanceof LeaderState.Leader ? new LeaderState.Unknown() : null;
    }

    private static Optional<Holder> holder(@Nullable KeyEntry first) {
        return first == null ? Optional.empty() : Optional.of(new Holder(Proclaimed.of(first).value(), Proclaimed.token(first)));
    }

    @Override
    public String toString() {
        return "Election[" + name + "]";
    }

    /** Stands until the office is held once. */
    static CompletableFuture<Leadership> once(Elections elections, String prefix, byte[] value) {
        CompletableFuture<Leadership> elected = new CompletableFuture<>();
        elections.strand().execute(() -> {
            if (elections.isClosing()) {
                elections.fail(elected, Elections.closedException());
                return;
            }
            Once task = new Once(elections, elected);
            Contender contender = elections.stand(prefix, value, task, Runnable::run,
                refusal -> elections.fail(elected, refusal != null ? refusal : Elections.closedException()));
            task.contender = contender;
            elected.whenComplete((leadership, failure) -> elections.strand().execute(() -> {
                if (failure != null) {
                    contender.withdrawUnlessHolding();
                }
            }));
        });
        return elected;
    }

    /** Hands the leadership over to whoever waits for it, and that is all. */
    private static final class Once implements LeaderTask<Leadership> {

        private final Elections elections;
        private final CompletableFuture<Leadership> elected;
        private @Nullable Contender contender;      // on the strand, as start and stop are here

        private Once(Elections elections, CompletableFuture<Leadership> elected) {
            this.elections = elections;
            this.elected = elected;
        }

        @Override
        public void start(Leadership leadership) {
            elections.group().executor().execute(() -> {
                if (!elected.complete(leadership)) {
                    leadership.resign();     // nobody waits any more
                }
            });
        }

        @Override
        public void stop(Leadership leadership, Leadership.Reason why) {
            elections.strand().execute(() -> {
                if (contender != null) {
                    contender.close();     // before it would stand again
                }
            });
        }
    }
}
