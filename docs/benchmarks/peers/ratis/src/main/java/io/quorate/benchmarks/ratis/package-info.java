/** Apache Ratis in the comparison. */
@NullMarked
package io.quorate.benchmarks.ratis;

import org.jspecify.annotations.NullMarked;
