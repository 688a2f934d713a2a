package io.quorate.raft.testing;

import org.jspecify.annotations.Nullable;

/**
 * What your service would do if it were one object that does one operation after the other: the yardstick of the
 * {@link LinearizabilityChecker}.
 *
 * <p>States are values: immutable, with {@code equals} and {@code hashCode} that compare what is in them, for the checker asks about the
 * same state many times over and must know it again. All methods are functions of their arguments. A register:
 *
 * <pre>{@code
 *   record Register() implements SequentialModel<String> {
 *       public String initial() {
 *           return "";
 *       }
 *
 *       public @Nullable String step(String state, Operation operation) {
 *           return switch (operation.kind()) {
 *               case PROPOSE -> text(operation.input());
 *               case READ -> text(operation.output()).equals(state) ? state : null;
 *           };
 *       }
 *   }
 * }</pre>
 *
 * @param <S> a state
 */
public interface SequentialModel<S> {

    /** The state before the first operation. With keys: of each key. */
    S initial();

    /**
     * What comes of an operation in a state. Depends on the operation's kind, input, outcome and output alone, never on its client or its
     * times.
     *
     * @param state     before
     * @param operation {@code DONE}, with the answer that its client had; or a {@code PROPOSE} that is {@code UNKNOWN} and now takes
     *                  effect, with whatever answer nobody saw
     * @return the state after it, the same for a {@code READ}; null if the operation, or the answer that it had, is impossible in this
     * state
     */
    @Nullable S step(S state, Operation operation);

    /**
     * The part of the state that an operation is about: operations on different keys must neither see nor touch each other. Histories of
     * many keys are checked key by key, which is much faster (Herlihy and Wing: linearizability is local).
     *
     * @param operation any but those that failed
     * @return the key, a value with {@code equals} and {@code hashCode}; one and the same for all operations unless overridden
     */
    default Object keyOf(Operation operation) {
        return "everything";
    }

    /**
     * What the answer would be in this state, in words for people who read a report; it is not compared with anything.
     *
     * @param state     before
     * @param operation as for {@code step}
     * @return null, as it is unless overridden: nothing is said about it
     */
    default @Nullable String wouldAnswer(S state, Operation operation) {
        return null;
    }

    /**
     * An operation in words for people who read a report.
     *
     * @param operation any
     * @return its {@code toString}, unless overridden
     */
    default String describe(Operation operation) {
        return operation.toString();
    }
}
