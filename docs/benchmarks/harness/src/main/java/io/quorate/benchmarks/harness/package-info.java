/** Load and measurement, the same for every library that is compared: each is reached by an adapter of a few methods. */
@NullMarked
package io.quorate.benchmarks.harness;

import org.jspecify.annotations.NullMarked;
