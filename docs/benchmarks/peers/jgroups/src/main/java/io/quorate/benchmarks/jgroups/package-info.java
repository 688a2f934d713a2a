/** jgroups-raft in the comparison. */
@NullMarked
package io.quorate.benchmarks.jgroups;

import org.jspecify.annotations.NullMarked;
