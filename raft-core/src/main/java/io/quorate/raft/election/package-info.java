/**
 * Leader election for applications: of several copies of a service exactly one does the job.
 *
 * <p>{@link io.quorate.raft.election.GroupElection} makes the leader of a group the leader of the application. What a leader gets is a
 * {@link io.quorate.raft.election.Leadership}, one object for each term of office, with a fencing token; what it is to do is a {@link
 * io.quorate.raft.election.LeaderTask}; and who leads is a {@link io.quorate.raft.election.LeaderState}, where "I do not know" is an
 * answer of its own.
 */
@NullMarked
package io.quorate.raft.election;

import org.jspecify.annotations.NullMarked;
