package io.quorate.raft;

import io.quorate.raft.core.Membership;
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
 * @param membership    who belongs to the sender's group now, as its log has it, or null: the sender is blank. If it names a blank replica,
 *                      that one is admitted, though the group was founded without it
 * @param address       where the sender is to be found, or empty if it did not say
 */
public record FoundingMessage(int from, long incarnation, int to, long toIncarnation, long membersDigest,
                              @Nullable FoundingRecord founding, boolean isQuestion, @Nullable Membership membership,
                              String address) {

    /** From a sender that tells neither who belongs to its group now nor where it is. */
    public FoundingMessage(int from, long incarnation, int to, long toIncarnation, long membersDigest, @Nullable FoundingRecord founding,
                           boolean isQuestion) {
        this(from, incarnation, to, toIncarnation, membersDigest, founding, isQuestion, null, "");
    }
}
