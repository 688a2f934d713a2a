package io.quorate.examples.election;

import io.quorate.examples.KvServer;
import io.quorate.examples.Running;
import io.quorate.examples.launcher.ReplicaMain;
import io.quorate.raft.Sessions;
import io.quorate.raft.StateMachine;
import io.quorate.raft.election.LeasedKeys;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * One replica of a group that keeps leases and named elections, and nothing else: what candidates without a replica of their own are
 * clients of. Its command line is that of {@link KvServer}.
 */
public final class ElectionServer {

    private ElectionServer() { }

    /** Starts it. */
    public static Optional<? extends Running> start(List<String> arguments, PrintStream out) throws KvServer.StartFailedException {
        return KvServer.start(arguments, out, ElectionServer::machine);
    }

    private static StateMachine machine(Path data) {
        return Sessions.around(new LeasedKeys());
    }

    /** Runs it until it is stopped. */
    public static void main(String[] arguments) {
        KvServer.run(arguments, ElectionServer::machine);
    }

    /** The same as a process that ends with its launcher, as {@link ReplicaMain} does. */
    static final class Launched {

        private Launched() { }

        /** Runs it. */
        public static void main(String[] arguments) {
            ReplicaMain.run(arguments, ElectionServer::start);
        }
    }
}
