package io.quorate.examples.demo;

/** The demo cannot go on. The message says why, and what to do. */
final class DemoException extends Exception {

    private static final long serialVersionUID = 1;

    DemoException(String message) {
        super(message);
    }
}
