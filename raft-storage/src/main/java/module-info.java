/** Raft storage: the log of a replica on disk, as one stream of checksummed frames. */
module io.quorate.raft.storage {
    requires transitive io.quorate.raft;
    requires jdk.unsupported;      // writing past the kernel's cache
    requires org.slf4j;
    requires static transitive org.jspecify;

    uses io.quorate.raft.storage.EntryDecoder;

    exports io.quorate.raft.storage;
    exports io.quorate.raft.storage.testing;
}
