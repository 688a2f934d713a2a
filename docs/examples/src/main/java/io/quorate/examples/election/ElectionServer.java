package io.quorate.examples.election;

import io.quorate.examples.KvServer;
import io.quorate.examples.Running;
import io.quorate.examples.launcher.ReplicaMain;
import io.quorate.raft.Sessions;
import io.quorate.raft.election.LeasedKeys;
import java.io.PrintStream;
import java.util.List;
import java.util.Optional;

/**
 * One replica of a group that keeps leases and named elections, and nothing else: what candidates without a replica of their own are clients
 * of. Its command line is that of {@link KvServer}.
 */
public final class ElectionServer {

    private ElectionServer() { }

    /** Starts it. */
    public static Optional<? extends Running> start(List<String> arguments, PrintStream out) throws KvServer.StartFailedException {
        return KvServer.start(arguments, out, data -> Sessions.around(new LeasedKeys()));
    }

    /** Runs it as {@link ReplicaMain} does. */
    public static void main(String[] arguments) {
        ReplicaMain.run(arguments, ElectionServer::start);
    }
}
