/** SOFAJRaft in the comparison. */
@NullMarked
package io.quorate.benchmarks.sofajraft;

import org.jspecify.annotations.NullMarked;
