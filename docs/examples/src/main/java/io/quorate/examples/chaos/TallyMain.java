package io.quorate.examples.chaos;

import io.quorate.examples.KvServer;
import io.quorate.examples.launcher.ReplicaMain;
import io.quorate.raft.Sessions;
import java.io.PrintStream;
import java.util.List;
import java.util.Optional;

/** A replica of a {@link Tally} that stands in sessions. */
final class TallyMain {

    private TallyMain() { }

    /** Runs a replica, as {@link ReplicaMain} does. */
    public static void main(String[] arguments) {
        ReplicaMain.run(arguments, TallyMain::start);
    }

    /** Starts a replica in this process, as this command line says. */
    static Optional<KvServer> start(List<String> arguments, PrintStream out) throws KvServer.StartFailedException {
        return KvServer.start(arguments, out, data -> Sessions.around(new Tally()));
    }
}
