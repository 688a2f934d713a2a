/** Simulated groups by the thousand, with everything that the modules together can put into one. */
module io.quorate.simulation {
    requires io.quorate.raft;
    requires io.quorate.raft.netty;
    requires io.quorate.raft.storage;
    requires static org.jspecify;
}
