/**
 * A scheduler in three copies that must create each debit order exactly once, the ledger that sees to it, and a run that tries to break
 * both.
 */
@NullMarked
package io.quorate.examples.debitorders;

import org.jspecify.annotations.NullMarked;
