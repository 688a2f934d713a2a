package io.quorate.raft.election;

/**
 * Who leads, as this process knows it. Not to know is not the same as to know that somebody else leads: who does not know can tell his
 * clients nothing, and a copy that was cut off from the others must not answer as if it followed somebody.
 */
public sealed interface LeaderState {

    /**
     * This process leads. It is said as soon as it may, when {@link LeaderTask#start} has not returned yet.
     *
     * @param leadership ask it each time whether it is still valid: what is told here comes a moment late
     */
    record Leader(Leadership leadership) implements LeaderState { }

    /**
     * Somebody else leads, or did when that was last heard of.
     *
     * @param leader who: of a group, the leader's address; of a named election, what the holder has proclaimed
     */
    record Follower(String leader) implements LeaderState { }

    /** It is not known here whether anybody leads: an election goes on, or this process is cut off, or not a member any more. */
    record Unknown() implements LeaderState { }
}
