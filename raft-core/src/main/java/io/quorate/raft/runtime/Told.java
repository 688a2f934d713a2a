package io.quorate.raft.runtime;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Something that is over, and whose caller is still to be told. */
interface Told {

    /** Tells him, once. His code may run by it, and may take as long as it likes. */
    void tell();

    /** Tells all of them; if an Error comes from somebody's code, the first is thrown when all have been told. */
    static void tellAll(List<Told> all) {
        @Nullable Error first = null;
        for (Told over : all) {
            try {
                over.tell();
            } catch (Error e) {
                first = first == null ? e : first;
            }
        }
        if (first != null) {
            throw first;
        }
    }
}
