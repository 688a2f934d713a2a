package io.quorate.examples.chaos;

/** The group has not done what it promises, or the program could not do its work. */
final class ChaosException extends Exception {

    private static final long serialVersionUID = 1L;

    ChaosException(String message) {
        super(message);
    }
}
