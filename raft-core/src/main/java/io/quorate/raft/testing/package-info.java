/**
 * For tests of your own state machine and of this library: a simulated, faulty cluster in one thread from one seed, in-memory storage and
 * transport, and a record of what a node asks for as values that can be compared.
 */
@NullMarked
package io.quorate.raft.testing;

import org.jspecify.annotations.NullMarked;
