package io.quorate.raft.testing;

import io.quorate.raft.testing.Operation.Outcome;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A history as its returns divide it. Answered operations are numbered by their returns, and <em>turn</em> t is the moment just before the
 * return of the t-th; operations of unknown outcome have the numbers behind, in the order of their calls.
 */
final class Turns {

    private final Operation[] operations;
    private final int answered;
    private final int[] slots;
    private final int slotCount;
    private final int[][] openAt;
    private final int[] unknownAt;
    private long bytes;

    Turns(List<Operation> history) {
        List<Operation> sorted = new ArrayList<>(history);
        sorted.sort(Comparator.comparingLong(Operation::completedAt).thenComparingLong(Operation::invokedAt));
        operations = sorted.toArray(Operation[]::new);
        answered = (int) sorted.stream().filter(operation -> operation.outcome() == Outcome.DONE).count();
        slots = new int[answered];
        openAt = new int[answered][];
        unknownAt = new int[answered];
        int[] byCall = IntStream.range(0, answered).boxed().sorted(Comparator.comparingLong(turn -> operations[turn].invokedAt()))
            .mapToInt(turn -> turn).toArray();
        BitSet taken = new BitSet();
        int[] open = new int[16];                         // ascending
        int size = 0;
        int called = 0;
        int unknown = 0;
        int most = 0;
        for (int turn = 0; turn < answered; turn++) {
            long now = operations[turn].completedAt();
            for (; called < answered && operations[byCall[called]].invokedAt() < now; called++) {
                open = size == open.length ? Arrays.copyOf(open, 2 * size) : open;
                insert(open, size++, byCall[called]);
                int slot = taken.nextClearBit(0);
                taken.set(slot);
                slots[byCall[called]] = slot;
                most = Math.max(most, size);
            }
            while (answered + unknown < operations.length && operations[answered + unknown].invokedAt() < now) {
                unknown++;
            }
            unknownAt[turn] = unknown;
            openAt[turn] = Arrays.copyOf(open, size);
            bytes += 16 + 4L * size;
            // The turn's own operation is the first of those open, and over from here on.
            taken.clear(slots[turn]);
            System.arraycopy(open, 1, open, 0, --size);
        }
        slotCount = most;
    }

    private static void insert(int[] ascending, int size, int number) {
        int place = -1 - Arrays.binarySearch(ascending, 0, size, number);
        System.arraycopy(ascending, place, ascending, place + 1, size - place);
        ascending[place] = number;
    }

    /** How many operations were answered, and so how many turns there are. */
    int answered() {
        return answered;
    }

    /** How many operations have an unknown outcome. */
    int unknown() {
        return operations.length - answered;
    }

    Operation operation(int number) {
        return operations[number];
    }

    /** The answered operations that were called before this turn and are not over, ascending; the turn's own is the first. */
    int[] openAt(int turn) {
        return openAt[turn];
    }

    /** Whether an answered operation was called before this turn and is not over. */
    boolean isOpenAt(int operation, int turn) {
        return operation >= turn && operations[operation].invokedAt() < operations[turn].completedAt();
    }

    /** How many of the operations of unknown outcome were called before this turn. */
    int unknownAt(int turn) {
        return unknownAt[turn];
    }

    /** A small number for an answered operation, which no other has that is open at one time with it. */
    int slot(int turn) {
        return slots[turn];
    }

    int slotCount() {
        return slotCount;
    }

    /** Roughly what this fills. */
    long bytes() {
        return bytes;
    }
}
