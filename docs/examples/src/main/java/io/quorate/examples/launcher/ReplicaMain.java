package io.quorate.examples.launcher;

import io.quorate.examples.KvServer;
import io.quorate.examples.Running;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * A replica that lives no longer than the process that launched it: it ends when its standard input does. That is the case when the
 * launcher closes it, but also when the launcher is interrupted, killed or crashes.
 */
public final class ReplicaMain {

    /** What a launcher writes before it closes the pipe: the end is intended, and the data stays. */
    static final int STOP = 's';
    /** Stands for "no scratch directory". */
    static final String NOTHING = "-";

    private ReplicaMain() { }

    /** Starts the replica, or what else is to live no longer than its launcher, that a command line describes. */
    public interface Starter {
        Optional<? extends Running> start(List<String> arguments, PrintStream out) throws KvServer.StartFailedException;
    }

    /**
     * Runs a replica.
     *
     * @param arguments a scratch directory, or {@code -}; then those of {@link KvServer}. The scratch directory is deleted, with everything
     *                  in it, when the launcher is gone without having said that the replica should stop
     */
    public static void main(String[] arguments) {
        run(arguments, KvServer::start);
    }

    /** The same with a replica of one's own. */
    public static void run(String[] arguments, Starter starter) {
        String scratch = arguments[0];
        Optional<? extends Running> started;
        try {
            started = starter.start(List.of(Arrays.copyOfRange(arguments, 1, arguments.length)), System.out);
        } catch (KvServer.StartFailedException e) {
            System.err.println("error: " + e.getMessage());
            System.exit(e.exitCode());
            return;
        }
        Running program = started.orElseThrow(() -> new IllegalArgumentException("A launched replica is to run, not to give help"));
        Runtime.getRuntime().addShutdownHook(new Thread(program::close, "shutdown"));
        Thread life = new Thread(() -> {
            boolean isIntended = awaitEnd(System.in);
            program.close();
            if (!isIntended && !scratch.equals(NOTHING)) {
                Directories.deleteQuietly(Path.of(scratch));
            }
            Runtime.getRuntime().halt(KvServer.EXIT_OK);
        }, "launcher-watch");
        life.setDaemon(false);      // it has work to do after the replica has stopped
        life.start();
        int code = program.awaitStop();
        if (code != KvServer.EXIT_OK) {
            System.exit(code);
        }
    }

    private static boolean awaitEnd(InputStream in) {
        boolean isIntended = false;
        try {
            for (int read = in.read(); read >= 0; read = in.read()) {
                isIntended |= read == STOP;
            }
        } catch (IOException e) {
            // The pipe is broken: the launcher is gone.
        }
        return isIntended;
    }
}
