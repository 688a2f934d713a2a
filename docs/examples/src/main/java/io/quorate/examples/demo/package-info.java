/** The demo: a file is replicated while the leader is killed, and what was acknowledged is compared with what is there. */
@NullMarked
package io.quorate.examples.demo;

import org.jspecify.annotations.NullMarked;
