/** Leader election for services: two well-known shapes of it on this library, and how quickly an office changes hands. */
@NullMarked
package io.quorate.examples.election;

import org.jspecify.annotations.NullMarked;
