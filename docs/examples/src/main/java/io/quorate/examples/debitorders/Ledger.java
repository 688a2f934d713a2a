package io.quorate.examples.debitorders;

import java.io.IOException;

/** The ledger as a scheduler sees it. An {@link IOException} leaves open whether the order was created, or yet will be. */
interface Ledger {

    /**
     * Says that a new holder of the scheduler's office is there, and learns how many orders there are. From then on nobody with an older
     * fence adds another, so the answer stays true until the caller itself adds one. To look first and to write with the fence later would
     * not do: an order of the holder before could come in between.
     */
    Verdict claim(String scheduler, long fence) throws IOException;

    /** Creates an order, as the holder of this fence. */
    Verdict create(String scheduler, long fence, String orderId) throws IOException;
}
