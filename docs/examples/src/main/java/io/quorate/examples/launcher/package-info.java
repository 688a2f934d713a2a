/** Runs replicas as processes that end with their launcher, and puts a wire between them that can be cut, stalled, slowed and damaged. */
@NullMarked
package io.quorate.examples.launcher;

import org.jspecify.annotations.NullMarked;
