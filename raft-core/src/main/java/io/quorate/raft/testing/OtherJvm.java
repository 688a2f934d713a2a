package io.quorate.raft.testing;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.NotSerializableException;
import java.io.ObjectOutputStream;
import java.net.URI;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Feeds the log to an instance in another JVM, of the same JDK, that differs in what a process is born with: default charset, locale and
 * time zone, line separator, hash codes, the salt of {@code Set.of}, the number of processors, no {@code -ea}; and in what its classes have
 * seen before they were initialised.
 *
 * <p>The other JVM gets everything on its class path, modules too. Commands go there in one file and outcomes come back in another, so that
 * a machine may print what it likes: that is read all the time, and its beginning is shown if something is wrong. The other JVM ends when
 * its standard input does, so it outlives neither this method nor this process.
 */
final class OtherJvm {

    private static final String OUTCOMES = "outcomes";
    private static final int PRINTED_BYTES_MAX = 1 << 14;

    private final MachineCheck check;
    private final List<String> jvmArguments;
    private final long deadlineMillis;
    private final ByteArrayOutputStream printed = new ByteArrayOutputStream();     // guarded by itself

    OtherJvm(MachineCheck check, List<String> jvmArguments, long deadlineMillis) {
        this.check = check;
        this.jvmArguments = jvmArguments;
        this.deadlineMillis = deadlineMillis;
    }

    /**
     * @param restoreAt the state that the snapshot is of
     * @param snapshot  from which another instance there goes on; empty array and -1 for none
     */
    void run(int restoreAt, byte[] snapshot) throws IOException {
        Path directory = Files.createTempDirectory("state-machine-contract");
        try {
            await(start(directory, restoreAt, snapshot));
            try (DataInputStream in = new DataInputStream(new BufferedInputStream(Files.newInputStream(directory.resolve(OUTCOMES))))) {
                compare(in, restoreAt);
            }
        } finally {
            try (Stream<Path> files = Files.list(directory)) {
                for (Path file : files.toList()) {
                    Files.deleteIfExists(file);
                }
            }
            Files.deleteIfExists(directory);
        }
    }

    // -------------------------------------------------------------------------------------------------------------- what comes back

    private void compare(DataInputStream in, int restoreAt) throws IOException {
        replay(MachinePromise.SAME_IN_ANOTHER_JVM, "an instance in another JVM", in).go(0, check.log().size());
        if (restoreAt >= 0) {
            Outcome restored = Outcome.readFrom(in);
            if (restored.hasThrown()) {
                throw check.broken(MachinePromise.SNAPSHOT_TRAVELS, restoreAt, "restore in another JVM " + restored + printed(), null);
            }
            replay(MachinePromise.SNAPSHOT_TRAVELS, "an instance in another JVM, restored from a snapshot taken here after " + restoreAt
                + " commands", in).go(restoreAt, check.log().size());
        }
    }

    private MachineReplay replay(MachinePromise promise, String who, DataInputStream recorded) {
        return new MachineReplay(check, promise, () -> who + printed(), new MachineReplay.Subject() {
            @Override
            public Outcome apply(MachineLog.Step step) throws IOException {
                return Outcome.readFrom(recorded);
            }

            @Override
            public Outcome wakeUp() throws IOException {
                return Outcome.readFrom(recorded);
            }

            @Override
            public Outcome ask(byte[] query) throws IOException {
                return Outcome.readFrom(recorded);
            }
        });
    }

    private String printed() {
        synchronized (printed) {
            String text = printed.toString(StandardCharsets.UTF_8).strip();
            return text.isEmpty() ? "" : " (which printed: " + text + ")";
        }
    }

    // ------------------------------------------------------------------------------------------------------------------ the process

    /** Starts it, with its files in this directory. It ends when it is done, or when its standard input is closed. */
    Process start(Path directory, int restoreAt, byte[] snapshot) throws IOException {
        Path input = directory.resolve("commands");
        byte[] factory = serialized(check.factory());
        try (DataOutputStream out = new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(input)))) {
            MachineLog.write(out, factory);
            check.log().writeTo(out);
            out.writeBoolean(restoreAt >= 0);
            if (restoreAt >= 0) {
                out.writeInt(restoreAt);
                MachineLog.write(out, snapshot);
            }
        }
        // As an argument file, since a class path may be longer than a command line.
        Path arguments = directory.resolve("arguments");
        Files.write(arguments, commandLine(input, directory.resolve(OUTCOMES)).stream().map(OtherJvm::quoted).toList(), nativeCharset());
        return new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "@" + arguments)
            .redirectErrorStream(true).start();
    }

    private void await(Process process) {
        Thread reader = new Thread(() -> read(process.getInputStream()), "contract-other-jvm-output");
        reader.setDaemon(true);
        reader.start();
        try {
            if (!process.waitFor(deadlineMillis, TimeUnit.MILLISECONDS)) {
                throw new IllegalStateException("nothing is proven: the other JVM was not done within " + deadlineMillis
                    + " ms; ask for fewer commands" + printed());
            }
            reader.join(TimeUnit.SECONDS.toMillis(5));     // a grandchild may hold the pipe open for longer
            if (process.exitValue() != 0) {
                throw new IllegalStateException("nothing is proven: the other JVM ended with exit code " + process.exitValue()
                    + "; it has this one's class path, but no other option of its command line: give those that the machine needs to "
                    + "inAnotherJvm" + printed());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("nothing is proven: interrupted while the other JVM was running", e);
        } finally {
            process.destroyForcibly();
            process.onExit().join();
        }
    }

    private void read(InputStream in) {
        byte[] buffer = new byte[1024];
        try (in) {
            for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                synchronized (printed) {
                    printed.write(buffer, 0, Math.min(read, PRINTED_BYTES_MAX - printed.size()));
                }
            }
        } catch (IOException e) {
            // The process was destroyed; what it printed until then is what there is.
        }
    }

    private List<String> commandLine(Path input, Path output) throws IOException {
        List<String> line = new ArrayList<>(List.of(
            "-XX:+IgnoreUnrecognizedVMOptions",
            "-XX:+UnlockExperimentalVMOptions", "-XX:hashCode=3",        // HotSpot: from a sequence instead of at random
            "-XX:+UseSerialGC", "-XX:ActiveProcessorCount=1", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
            "-Xmx" + Runtime.getRuntime().maxMemory(),
            "-Dfile.encoding=" + (Charset.defaultCharset().equals(StandardCharsets.ISO_8859_1) ? "UTF-8" : "ISO-8859-1"),
            "-Duser.language=tr", "-Duser.country=TR", "-Duser.extensions=ca-buddhist-nu-arab",
            "-Duser.timezone=Pacific/Kiritimati",
            "-Dline.separator=" + (System.lineSeparator().equals("\n") ? "\r\n" : "\n"),
            "-Duser.name=somebody-else"));
        line.addAll(jvmArguments);
        line.addAll(List.of("-cp", classPath(), OtherJvmMain.class.getName(), input.toString(), output.toString()));
        return line;
    }

    /** This JVM's class path and module path, and where our classes and the machine's come from, should neither of them say. */
    private String classPath() throws IOException {
        String separator = System.getProperty("path.separator");
        Set<String> entries = new LinkedHashSet<>(List.of(System.getProperty("java.class.path", "").split(separator)));
        for (String entry : System.getProperty("jdk.module.path", "").split(separator)) {
            Path path = Path.of(entry);
            if (!entry.isEmpty() && Files.isDirectory(path) && !Files.exists(path.resolve("module-info.class"))) {
                try (Stream<Path> modules = Files.list(path)) {
                    modules.map(Path::toString).sorted().forEach(entries::add);
                }
            } else {
                entries.add(entry);
            }
        }
        for (Class<?> type : List.of(OtherJvmMain.class, check.create().getClass(), check.factory().getClass())) {
            CodeSource source = type.getProtectionDomain().getCodeSource();
            if (source != null && source.getLocation() != null && source.getLocation().getProtocol().equals("file")) {
                entries.add(Path.of(URI.create(source.getLocation().toString())).toString());
            }
        }
        entries.remove("");     // it would stand for the working directory
        return String.join(separator, entries);
    }

    private static byte[] serialized(StateMachineContract.Factory factory) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(factory);
        } catch (NotSerializableException e) {
            throw new IllegalArgumentException("another JVM cannot be told how to make the machine, since the factory given to "
                + "StateMachineContract.of holds a " + e.getMessage() + ", which is not Serializable; give a constructor of a static or "
                + "top-level class (Bank::new), or a lambda that uses neither \"this\" nor such a variable", e);
        }
        return bytes.toByteArray();
    }

    private static String quoted(String argument) {
        return '"' + argument.replace("\\", "\\\\").replace("\"", "\\\"").replace("\r", "\\r").replace("\n", "\\n") + '"';
    }

    private static Charset nativeCharset() {
        return Charset.forName(System.getProperty("native.encoding", Charset.defaultCharset().name()));
    }
}
