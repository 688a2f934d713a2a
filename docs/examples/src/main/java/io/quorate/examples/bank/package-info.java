/** Money moves once, however often it is asked for: a state machine with a bug that only a faulty cluster shows, and the mended one. */
@NullMarked
package io.quorate.examples.bank;

import org.jspecify.annotations.NullMarked;
