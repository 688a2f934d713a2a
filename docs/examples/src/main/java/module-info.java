/** A replicated key-value store on Quorate, and the programs that run it in processes of their own. */
module io.quorate.examples {
    requires io.quorate.raft;
    requires io.quorate.raft.netty;
    requires io.quorate.raft.storage;
    requires static org.jspecify;
}
