package io.quorate.raft.runtime;

/** Something that is over, and whose caller is still to be told. */
interface Told {

    /** Tells him, once. His code may run by it, and may take as long as it likes. */
    void tell();
}
