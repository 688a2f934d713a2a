/** Measurements, as programs. */
@NullMarked
package io.quorate.benchmarks;

import org.jspecify.annotations.NullMarked;
