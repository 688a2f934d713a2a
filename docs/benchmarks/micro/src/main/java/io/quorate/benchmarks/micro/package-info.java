/** Parts of Quorate alone, on one thread: time and bytes for an entry. */
@NullMarked
package io.quorate.benchmarks.micro;

import org.jspecify.annotations.NullMarked;
