/**
 * Tests for your own service, from any test framework: {@link io.quorate.raft.testing.Simulation} runs your state machine on a whole faulty
 * group in virtual time, {@link io.quorate.raft.testing.StateMachineContract}, {@link io.quorate.raft.testing.StorageContract} and {@link
 * io.quorate.raft.testing.TransportContract} hold an implementation to its contract, {@link
 * io.quorate.raft.testing.LinearizabilityChecker} judges any recorded history; storage and network in memory serve tests with real servers.
 *
 * <p>{@code docs/testing-your-state-machine.md} begins at the beginning.
 */
@NullMarked
package io.quorate.raft.testing;

import org.jspecify.annotations.NullMarked;
