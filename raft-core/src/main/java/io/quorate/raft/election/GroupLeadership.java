package io.quorate.raft.election;

import java.util.concurrent.CompletionStage;

/** The term of office of a {@link GroupElection}: that of the group's leader. */
public interface GroupLeadership extends Leadership {

    /** The group's term in which it began. One term of the group may see several terms of office, one after the other. */
    long term();

    /**
     * The same as {@link #resign()}, in favour of this node. If that cannot be (it does not vote, it is not there, it lacks too much) the
     * stage completes with an exception, and this term of office is over all the same.
     */
    CompletionStage<Void> resign(int preferredNodeId);
}
