package io.quorate.raft.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class CallTableTest {

    /** With a look at all who stand behind, for each who leaves, this would take a minute. */
    @Test
    @Timeout(20)
    void whoLeavesInTheOrderOfComingDisturbsNobodyElse() {
        CallTable table = new CallTable();
        int calls = 300_000;
        for (int id = 1; id <= calls; id++) {
            Call call = Recorder.call(Call.Kind.READ, Long.MAX_VALUE);
            call.stepped(id);
            table.put(call);
        }
        for (int id = 1; id <= calls; id++) {
            assertEquals(id, Objects.requireNonNull(table.remove(id)).requestId());
        }
        assertEquals(0, table.size());
    }

    @Test
    void ifTheTestThrowsAllThatItHasNotChosenStay() {
        CallTable table = new CallTable();
        for (int id = 1; id <= 4; id++) {
            Call call = Recorder.call(Call.Kind.READ, Long.MAX_VALUE);
            call.stepped(id);
            table.put(call);
        }
        assertThrows(IllegalStateException.class, () -> table.removeIf(call -> {
            if (call.requestId() == 3) {
                throw new IllegalStateException();
            }
            return call.requestId() == 2;
        }));
        List<Long> left = new ArrayList<>();
        table.drain(call -> left.add(call.requestId()));
        assertEquals(List.of(1L, 3L, 4L), left);
    }

    /** Ids count up as in the server; a step of 64 makes them collide. */
    @Property(tries = 500)
    void itAnswersAsAMapDoes(@ForAll @Size(max = 300) List<@IntRange(min = 0, max = 99) Integer> choices,
                             @ForAll @IntRange(min = 0, max = 2) int stepping) {
        int step = new int[] {1, 64, 63}[stepping];
        CallTable table = new CallTable();
        Map<Long, Call> model = new HashMap<>();
        List<Long> ids = new ArrayList<>();
        long next = 1;
        for (int choice : choices) {
            if (choice < 60 || ids.isEmpty()) {
                Call call = Recorder.call(Call.Kind.READ, Long.MAX_VALUE);
                call.stepped(next);
                table.put(call);
                model.put(next, call);
                ids.add(next);
                next += step;
            } else if (choice < 97) {
                long id = ids.get(choice * 7919 % ids.size());
                assertSame(model.remove(id), table.remove(id));
            } else {
                int third = choice % 3;
                List<Call> chosen = new ArrayList<>();
                table.removeIf(call -> {
                    boolean isChosen = call.requestId() / step % 3 == third;
                    if (isChosen) {
                        chosen.add(call);
                    }
                    return isChosen;
                });
                for (Call call : chosen) {
                    assertSame(call, model.remove(call.requestId()));
                }
                model.values().forEach(call -> assertEquals(false, call.requestId() / step % 3 == third));
            }
            assertEquals(model.size(), table.size());
        }
        for (long id : ids) {
            assertSame(model.get(id), table.remove(id));
            assertNull(table.remove(id));
        }
    }
}
