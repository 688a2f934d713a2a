package io.quorate.raft.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** One snapshot on its way: asked for, here, given to the disk, durable. */
class SnapshotInstallStagesTest {

    private static final SnapshotId EIGHT = snapshot(8);
    private static final SnapshotId NINE = snapshot(9);

    private final SnapshotInstall install = new SnapshotInstall();
    private final WriteLedger ledger = new WriteLedger(3);

    @Test
    void oneAfterTheOther() {
        assertTrue(install.isIdle());
        assertEquals(0, install.index());
        install.onAsked(EIGHT);
        assertFalse(install.isIdle());
        assertEquals(8, install.index());
        assertNull(install.fetched());
        assertFalse(install.holdsApply(), "it may be long in coming");
        install.onFetched(EIGHT);
        assertEquals(EIGHT, install.fetched());
        assertTrue(install.holdsApply());
        install.onInstalling(ledger.issue(8, 0));
        assertNull(install.fetched(), "it is installed once");
        assertNull(install.takeInstalled(ledger));
        assertTrue(install.holdsApply());
        ledger.written(1, 0);
        assertEquals(EIGHT, install.takeInstalled(ledger));
        assertTrue(install.isIdle());
        assertNull(install.takeInstalled(ledger), "it is restored once");
        assertFalse(install.holdsApply());
        assertEquals(0, install.index());
    }

    @Test
    void aSecondIsNotAskedForBesideTheFirst() {
        install.onAsked(EIGHT);
        assertThrows(InvariantViolation.class, () -> install.onAsked(NINE));
        install.onFetched(EIGHT);
        assertThrows(InvariantViolation.class, () -> install.onAsked(NINE));
        install.onInstalling(ledger.issue(8, 0));
        assertThrows(InvariantViolation.class, () -> install.onAsked(NINE));
    }

    @Test
    void whatWasNotAskedForNeitherArrivesNorFails() {
        install.onFetched(EIGHT);
        install.onFailed(EIGHT);
        assertTrue(install.isIdle());
        install.onAsked(EIGHT);
        install.onFetched(NINE);
        install.onFailed(NINE);
        assertNull(install.fetched());
        assertEquals(8, install.index());
    }

    /** Told twice, or too late: it is here, and stays. */
    @Test
    void whatIsHereDoesNotFailAnyMore() {
        install.onAsked(EIGHT);
        install.onFetched(EIGHT);
        install.onFailed(EIGHT);
        install.onFetched(EIGHT);
        assertEquals(EIGHT, install.fetched());
        install.onInstalling(ledger.issue(8, 0));
        install.onFetched(EIGHT);
        install.onFailed(EIGHT);
        assertNull(install.fetched());
        assertEquals(8, install.index());
    }

    @Test
    void afterAFailureAnotherMayBeAskedFor() {
        install.onAsked(EIGHT);
        install.onFailed(EIGHT);
        install.onAsked(NINE);
        install.onFetched(EIGHT);
        assertNull(install.fetched());
        install.onFetched(NINE);
        assertEquals(NINE, install.fetched());
        install.forget();
        assertTrue(install.isIdle());
    }

    @Test
    void itSaysWhereItStands() {
        assertEquals("no snapshot", install.toString());
        install.onAsked(EIGHT);
        assertEquals("fetching snapshot 8", install.toString());
        install.onFetched(EIGHT);
        assertEquals("fetched snapshot 8", install.toString());
        install.onInstalling(ledger.issue(8, 0));
        assertEquals("installing snapshot 8", install.toString());
    }

    private static SnapshotId snapshot(long index) {
        return new SnapshotId(new EntryId(1, index), Cluster.voters(3), 0);
    }
}
