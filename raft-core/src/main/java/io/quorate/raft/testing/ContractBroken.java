package io.quorate.raft.testing;

import org.jspecify.annotations.Nullable;

/**
 * An implementation does not keep to the contract of what it implements. The message says which check found it, which sentence of the
 * contract is broken, what was seen, and what to do about it.
 */
public final class ContractBroken extends AssertionError {

    private static final long serialVersionUID = 1;

    private final String check;

    /**
     * @param check    the name of the check, such as {@code QueryChangesNothing}
     * @param sentence of the contract, as a reader of its Javadoc knows it
     * @param seen     what was expected and what happened instead, and how to see it again
     * @param advice   what to change
     */
    ContractBroken(String check, String sentence, String seen, String advice) {
        this(check, sentence, seen, advice, null);
    }

    ContractBroken(String check, String sentence, String seen, String advice, @Nullable Throwable cause) {
        super(check + ": " + sentence + "\n  seen: " + seen.replace("\n", "\n        ") + "\n  what to do: " + advice, cause);
        this.check = check;
    }

    /**
     * Of a contract whose checks are named by its sentences.
     *
     * @param sentence that is broken
     * @param seen     what was expected and what happened instead, and how to see it again
     */
    ContractBroken(String sentence, String seen) {
        super(sentence + "\n  seen: " + seen.replace("\n", "\n        "));
        check = sentence;
    }

    /** The name of the check that found it. */
    public String check() {
        return check;
    }
}
