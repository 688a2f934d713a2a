/** Raft consensus: the algorithm, the server that runs it, the ports it needs, and the simulation that tests it. */
module io.quorate.raft {
    requires org.slf4j;
    requires static transitive org.jspecify;

    exports io.quorate.raft;
    exports io.quorate.raft.client;
    exports io.quorate.raft.core;
    exports io.quorate.raft.election;
    exports io.quorate.raft.testing;
}
