package io.quorate.examples.debitorders;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The system downstream: it takes in debit orders, and keeps them in a file. It knows nothing of elections, leases or clocks, and needs to
 * know nothing: of each scheduler it remembers the highest fencing token it has seen, and refuses whatever comes with a lower one. That
 * is the whole of what a resource has to do to be safe from a holder who does not know yet that his time is over.
 *
 * <p>It does <em>not</em> refuse an order whose id it has already: then the fence would have nothing to prove here. Two orders of one id
 * stay two lines in the file, and whoever {@linkplain OrderCheck checks} it finds them.
 *
 * <p>What was accepted is on the disk, and so is the fence that it came with. A last line that is not whole was never answered, and is cut
 * off at the next start. After a failed write the ledger refuses everything, since it does not know what its file holds. Thread-safe.
 */
final class OrderLedger implements Ledger, AutoCloseable {

    private static final int LINE_BYTES_MAX = 512;

    private final FileChannel file;
    private final LongSupplier clockMillis;
    private final boolean isFenced;
    private final Map<String, Long> newestFences = new HashMap<>();     // by scheduler; this and all below: guarded by this
    private final Map<String, Long> orders = new HashMap<>();           // how many, by scheduler
    private long staleRequests;
    private boolean hasFailed;

    private OrderLedger(FileChannel file, LongSupplier clockMillis, boolean isFenced) {
        this.file = file;
        this.clockMillis = clockMillis;
        this.isFenced = isFenced;
    }

    /**
     * Opens the ledger in this file, which is made if it is missing.
     *
     * @param clockMillis what its lines are dated by, for reports; nothing is decided by it
     * @param isFenced    whether stale fences are refused. Without that it is as gullible as a system that knows no fences; it shows what
     *                    they are for
     */
    static OrderLedger open(Path path, LongSupplier clockMillis, boolean isFenced) throws IOException {
        List<LedgerEntry> before = Files.exists(path) ? read(path) : List.of();
        FileChannel file = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        OrderLedger ledger = new OrderLedger(file, clockMillis, isFenced);
        try {
            long bytes = 0;
            for (LedgerEntry entry : before) {
                ledger.count(entry);
                bytes += entry.toLine().length() + 1;
            }
            file.truncate(bytes);
            file.position(bytes);
            file.force(true);
        } catch (IOException | RuntimeException e) {
            file.close();
            throw e;
        }
        return ledger;
    }

    /** All whole lines of a ledger's file; also while the ledger is open. */
    static List<LedgerEntry> read(Path path) throws IOException {
        String text = Files.readString(path, StandardCharsets.US_ASCII);
        List<LedgerEntry> entries = new ArrayList<>();
        text.substring(0, text.lastIndexOf('\n') + 1).lines().map(LedgerEntry::parse).forEach(entries::add);
        return entries;
    }

    @Override
    public Verdict claim(String scheduler, long fence) throws IOException {
        return take(scheduler, fence, null);
    }

    @Override
    public Verdict create(String scheduler, long fence, String orderId) throws IOException {
        return take(scheduler, fence, orderId);
    }

    private synchronized Verdict take(String scheduler, long fence, @Nullable String orderId) throws IOException {
        long newest = newestFences.getOrDefault(scheduler, Long.MIN_VALUE);
        if (fence < newest) {
            staleRequests++;
            if (isFenced) {
                return new Verdict.Stale(newest);
            }
        }
        LedgerEntry entry = new LedgerEntry(clockMillis.getAsLong(), scheduler, fence, orderId == null ? "" : orderId);
        append(entry);
        count(entry);
        return new Verdict.Accepted(orders.getOrDefault(scheduler, 0L));
    }

    private void append(LedgerEntry entry) throws IOException {
        byte[] line = (entry.toLine() + "\n").getBytes(StandardCharsets.US_ASCII);
        if (line.length > LINE_BYTES_MAX) {
            throw new IllegalArgumentException("A line of the ledger has " + LINE_BYTES_MAX + " bytes at most");
        }
        if (hasFailed) {
            throw new IOException("the ledger could not be written before; start it again");
        }
        hasFailed = true;       // until it has turned out well
        ByteBuffer bytes = ByteBuffer.wrap(line);
        while (bytes.hasRemaining()) {
            file.write(bytes);
        }
        file.force(false);
        hasFailed = false;
    }

    private synchronized void count(LedgerEntry entry) {
        newestFences.merge(entry.scheduler(), entry.fence(), Math::max);
        if (entry.isOrder()) {
            orders.merge(entry.scheduler(), 1L, Long::sum);
        }
    }

    /** How many requests came with a fence that was not the newest. */
    synchronized long staleRequests() {
        return staleRequests;
    }

    @Override
    public synchronized void close() throws IOException {
        hasFailed = true;
        file.close();
    }
}
