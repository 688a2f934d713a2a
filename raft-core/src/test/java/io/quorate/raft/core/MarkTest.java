package io.quorate.raft.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import net.jqwik.api.Example;

/** Entries that are asked for because somebody needs an index, and what a leader tells of its lead. */
class MarkTest {

    @Example
    void aLeaderToWhoseLogNothingIsBeingAddedAppendsAnEntry() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();

        c.step(1, new Event.Mark(), 0);
        c.step(1, new Event.Mark(), 0);
        c.settle();

        assertEquals("1 1", c.log(1), "one for both");
        assertEquals(2, c.node(3).commitIndex());
    }

    @Example
    void whatIsOnItsWayIsEnough() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);

        c.step(1, new Event.Mark(), 0);

        assertEquals("1", c.log(1), "its first entry is not committed yet");
        c.settle();
        assertEquals("1", c.log(1));
    }

    @Example
    void whoDoesNotLeadAppendsNothing() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();

        c.step(2, new Event.Mark(), 0);
        c.settle();

        assertEquals("1", c.log(1));
        assertEquals("1", c.log(2));
    }

    @Example
    void whatIsHandedOverGetsNoMoreEntries() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        c.step(1, new Event.Transfer(7, Cluster.id(2)), 0);
        c.step(1, new Event.Mark(), 0);

        assertEquals("1", c.log(1));
    }

    @Example
    void aLeaderTellsWhereItsTermBeganAndUntilWhenNobodyElseCanLead() {
        Cluster c = Cluster.of(RaftConfig.DEFAULT.withLeases(100), 3);
        assertEquals(0, c.node(1).leadIndex());
        assertEquals(Long.MIN_VALUE, c.node(1).leaseEndNanos());
        c.elect(1, 2, 3);
        c.settle();
        c.heartbeat(1);
        c.settle();

        assertEquals(1, c.node(1).leadIndex());
        assertEquals(0, c.node(2).leadIndex());
        assertEquals(c.now() + c.node(1).status().office().leaseNanos(), c.node(1).leaseEndNanos());
        assertTrue(c.node(1).leaseEndNanos() > c.now());
        assertEquals(Long.MIN_VALUE, c.node(2).leaseEndNanos());
        assertFalse(c.node(1).hasGivenUpLease());

        c.step(1, new Event.Transfer(7, Cluster.id(2)), 0);
        assertTrue(c.node(1).hasGivenUpLease());
        assertEquals(Long.MIN_VALUE, c.node(1).leaseEndNanos());
    }

    @Example
    void whoIsAloneLeadsForEver() {
        Cluster c = Cluster.of(RaftConfig.DEFAULT.withLeases(100), 1);
        c.elect(1);
        c.settle(1);
        c.heartbeat(1);

        assertEquals(Long.MAX_VALUE, c.node(1).leaseEndNanos());
    }
}
