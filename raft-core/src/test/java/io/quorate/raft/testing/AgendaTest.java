package io.quorate.raft.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class AgendaTest {

    private final Agenda agenda = new Agenda();
    private final List<String> done = new ArrayList<>();

    @Property
    void thingsHappenAtTheirTimesAndThoseOfOneMomentAsPlanned(@ForAll List<@IntRange(max = 10) Integer> times) {
        record Planned(int at, int number) { }

        Agenda fresh = new Agenda();
        List<Planned> planned = new ArrayList<>();
        List<Planned> happened = new ArrayList<>();
        for (int at : times) {
            Planned each = new Planned(at, planned.size());
            planned.add(each);
            fresh.at(at, () -> {
                assertEquals(each.at, fresh.now());
                happened.add(each);
            });
        }
        fresh.runUntil(10);
        planned.sort(Comparator.comparingInt(Planned::at));      // stable
        assertEquals(planned, happened);
    }

    @Example
    void whatIsPlannedForThePastHappensNowAndTimeDoesNotRunBackwards() {
        agenda.runUntil(100);
        agenda.at(50, () -> done.add("late at " + agenda.now()));
        agenda.after(-5, () -> done.add("later at " + agenda.now()));
        agenda.runUntil(100);
        assertEquals(List.of("late at 100", "later at 100"), done);
    }

    @Example
    void whatIsPlannedMeanwhileForTheSameMomentHappensInTheSameRun() {
        agenda.at(10, () -> {
            agenda.after(0, () -> done.add("second"));
            done.add("first");
        });
        agenda.runUntil(10);
        assertEquals(List.of("first", "second"), done);
        assertEquals(10, agenda.now());
    }

    @Example
    void whatComesAfterTheEndWaits() {
        assertEquals(Long.MAX_VALUE, agenda.nextAt());
        agenda.at(11, () -> done.add("eleven"));
        agenda.runUntil(10);
        assertEquals(List.of(), done);
        assertEquals(11, agenda.nextAt());
        agenda.runNext();
        assertEquals(List.of("eleven"), done);
        assertEquals(11, agenda.now());
    }
}
