package io.quorate.raft;

import org.jspecify.annotations.Nullable;

/**
 * What nodes say to each other while one of them is blank. Addressed by node: a blank node does not know the others' incarnations.
 *
 * <p>One way, and perhaps lost, repeated, late or out of order, as every message.
 *
 * @param from          the sending node
 * @param incarnation   the sender's
 * @param to            the receiving node
 * @param toIncarnation the receiver's, as it said when it asked; 0 in a question, which goes to whatever lives there. An answer meant for
 *                      another life of the receiver tells it nothing: a wiped node must not take old answers for its own
 * @param membersDigest a digest of the initial members the sender was started with; nodes that differ found nothing
 * @param founding      how the sender's group began, or null: the sender is blank
 * @param isQuestion    whether an answer is wanted
 */
public record FoundingMessage(int from, long incarnation, int to, long toIncarnation, long membersDigest,
                              @Nullable FoundingRecord founding, boolean isQuestion) { }
