package io.quorate.examples.chaos;

import io.quorate.examples.KvServer;
import io.quorate.examples.launcher.ReplicaMain;
import io.quorate.examples.ledger.FileLedger;
import java.nio.file.Path;

/** A replica of a ledger that is kept on disk, beside the data directory. */
final class LedgerMain {

    private LedgerMain() { }

    /** Runs a replica, as {@link ReplicaMain} does. */
    public static void main(String[] arguments) {
        ReplicaMain.run(arguments, (options, out) -> KvServer.start(options, out, data -> FileLedger.open(directory(data))));
    }

    /** Where the replica with this data directory keeps its ledger. */
    static Path directory(Path data) {
        return data.resolveSibling(data.getFileName() + "-ledger");
    }
}
