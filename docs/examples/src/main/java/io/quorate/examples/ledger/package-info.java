/** A state machine that keeps its state on disk: a ledger in a file, which grows and is never read into memory as a whole. */
@NullMarked
package io.quorate.examples.ledger;

import org.jspecify.annotations.NullMarked;
