/**
 * What stands between the pure core and the ports: passive objects, each with a method that does one batch of work and returns.
 *
 * <p>No thread is started here and no clock is read that was not handed in: {@link io.quorate.raft.RaftServer} turns these objects on
 * its threads, the simulation turns the very same ones from one thread in virtual time.
 */
@NullMarked
package io.quorate.raft.runtime;

import org.jspecify.annotations.NullMarked;
