/** A replicated key-value store: its state machine, its server, its client and its shell; and the smallest program that embeds Quorate. */
@NullMarked
package io.quorate.examples;

import org.jspecify.annotations.NullMarked;
