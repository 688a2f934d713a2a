/** A group of real processes under a steady load, to which everything is done that happens to machines; and what became of its promises. */
@NullMarked
package io.quorate.examples.chaos;

import org.jspecify.annotations.NullMarked;
