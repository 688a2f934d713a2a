package io.quorate.raft.testing;

import static io.quorate.raft.testing.Models.bytes;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.testing.ModelStates.State;
import io.quorate.raft.testing.Operation.Kind;
import io.quorate.raft.testing.Operation.Outcome;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class KnownConfigurationsTest {

    private final KnownConfigurations<String> known = new KnownConfigurations<>();
    private final ModelStates<String> states = new ModelStates<>(new Models.Registers());
    private final State<String> state = states.initial();

    private Configuration<String> configuration(int turn, State<String> at, long placed, long excused, long taken) {
        return new Configuration<>(null, new int[0], -1, turn, at, new long[] {placed}, new long[] {excused}, new long[] {taken});
    }

    private boolean add(long placed, long excused, long taken) {
        return known.add(configuration(0, state, placed, excused, taken));
    }

    @Test
    void everyTurnAndStateIsForItself() {
        List<State<String>> all = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            Operation put = new Operation(1, Kind.PROPOSE, bytes("x put " + i), 0, 1, Outcome.DONE, bytes("done"));
            all.add(states.step(state, put, states.deed(put)));
        }
        for (boolean isNew : new boolean[] {true, false}) {
            for (int turn = 0; turn < 40; turn++) {
                for (State<String> at : all) {
                    assertEquals(isNew, known.add(configuration(turn, at, 0, 0, 0)), () -> "at " + at.value());
                }
            }
        }
    }

    @Test
    void oneThatHasTakenMoreIsInVain() {
        assertTrue(add(0, 0, 0b01));
        assertFalse(add(0, 0, 0b11));
        assertTrue(add(0, 0, 0b10));
    }

    @Test
    void oneThatHasPlacedMoreIsInVainWhenWhatItPlacedIsExcusedAnyway() {
        assertTrue(add(0b00, 0b01, 0));
        assertFalse(add(0b01, 0b01, 0));
        assertTrue(add(0b10, 0b10, 0));
    }

    @Test
    void oneThatHasExcusedLessIsInVain() {
        assertTrue(add(0, 0b01, 0));
        assertFalse(add(0, 0b00, 0));
        assertTrue(add(0, 0b10, 0));
    }

    @Test
    void whatANewOneCoversIsForgottenAndNothingElse() {
        long[] notComparable = {0b0011, 0b0101, 0b1001, 0b0110};
        for (long taken : notComparable) {
            assertTrue(add(0, 0, taken));
        }
        assertTrue(add(0, 0, 0b0001));
        assertFalse(add(0, 0, 0b0110));
        assertFalse(add(0, 0, 0b0011));
        long before = known.comparisons();
        assertTrue(add(0, 0, 0b1000));
        assertEquals(2, known.comparisons() - before);
    }

    @Test
    void whatStandsBehindOneThatIsForgottenStays() {
        for (long taken : new long[] {0b0110, 0b1001, 0b1100}) {      // the last is compared with first
            assertTrue(add(0, 0, taken));
        }
        assertTrue(add(0, 0, 0b0100));                    // instead of the first and the last
        assertFalse(add(0, 0, 0b1001));
        assertTrue(add(0, 0, 0b0001));                    // instead of the one between
        assertFalse(add(0, 0, 0b0110));
    }

    @Test
    void whatStandsBehindOneForgottenInTheMiddleStays() {
        for (long taken : new long[] {0b0110, 0b1001, 0b1010}) {
            assertTrue(add(0, 0, taken));
        }
        assertTrue(add(0, 0, 0b0001));                    // instead of the one between
        assertFalse(add(0, 0, 0b0110));
    }
}
