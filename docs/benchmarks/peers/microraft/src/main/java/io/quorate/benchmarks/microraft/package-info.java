/** MicroRaft in the comparison. */
@NullMarked
package io.quorate.benchmarks.microraft;

import org.jspecify.annotations.NullMarked;
