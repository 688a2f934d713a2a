package io.quorate.raft.storage;

import io.quorate.raft.FoundingRecord;
import io.quorate.raft.Identity;
import io.quorate.raft.StorageException;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Looks into data directories from the command line, and begins a group anew whose quorum is lost (docs/recovery.md).
 *
 * <p>All commands but {@code recover} only read: they take no lock, open no file for writing, and work on a copy, on a directory that may
 * not be written to, and beside a running server.
 */
public final class StorageTool {

    /** Nothing is wrong. */
    public static final int WHOLE = 0;
    /** Something that was durable is damaged or missing. */
    public static final int DAMAGED = 1;
    /** The command was not understood, or refused, or something cannot be read. */
    public static final int REFUSED = 2;

    private static final String USAGE = """
        Usage: java -jar raft-storage-VERSION-tool.jar COMMAND ...

          inspect DIR          who the directory is, its term, vote, membership, log, snapshot and files
          dump DIR             the entries of the log, one in a line
              --from INDEX --to INDEX
              --payload auto|text|hex|none
              --decoder CLASS --classpath PATHS   what turns commands into text: an io.quorate.raft.storage.EntryDecoder
          verify DIR           all checksums; lists each damage with file and offset
          plan-recovery DIR... when the quorum is lost: which of these directories to keep, and what may be lost
          recover DIR --fingerprint F [--address HOST:PORT] [--cut-before INDEX]
                               begins the group anew with this directory alone, under the next recovery epoch;
                               of one with damaged entries without the first of those and all behind it

        --json gives JSON: one object, of dump one in a line. All commands but recover only read.
        Exit codes: 0 whole, done; 1 damaged; 2 not understood, refused or unreadable.
        """;

    private final PrintStream out;
    private final PrintStream err;

    private StorageTool(PrintStream out, PrintStream err) {
        this.out = out;
        this.err = err;
    }

    /** Ends the process with the command's exit code. */
    public static void main(String[] arguments) {
        String level = "org.slf4j.simpleLogger.defaultLogLevel";
        if (System.getProperty(level) == null) {
            System.setProperty(level, "error");     // what is found is in the command's own words
        }
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        int exitCode = run(Arrays.asList(arguments), out, System.err);
        out.flush();
        System.exit(out.checkError() ? REFUSED : exitCode);
    }

    /**
     * Runs one command.
     *
     * @param arguments the command and its words
     * @param out       takes what it finds
     * @param err       takes why it does not
     * @return the exit code
     */
    public static int run(List<String> arguments, PrintStream out, PrintStream err) {
        return new StorageTool(out, err).run(arguments);
    }

    private int run(List<String> arguments) {
        if (arguments.isEmpty() || List.of("help", "--help", "-h").contains(arguments.get(0))) {
            (arguments.isEmpty() ? err : out).print(USAGE);
            return arguments.isEmpty() ? REFUSED : WHOLE;
        }
        String command = arguments.get(0);
        try {
            return run(command, arguments.subList(1, arguments.size()));
        } catch (ToolException e) {
            err.println(command + ": " + e.getMessage());
        } catch (NoSuchFileException e) {
            err.println(command + ": there is no " + e.getFile());
        } catch (StorageCorruptException e) {
            err.println(command + ": " + e.getMessage());
            return DAMAGED;
        } catch (StorageException e) {
            err.println(command + ": " + e.getMessage());
        } catch (IOException | UncheckedIOException e) {
            err.println(command + ": this cannot be read: " + e);
        }
        return REFUSED;
    }

    private int run(String command, List<String> words) throws IOException, ToolException {
        return switch (command) {
            case "inspect" -> inspect(new ToolArguments(words, Set.of("--json"), Set.of()));
            case "dump" -> dump(new ToolArguments(words, Set.of("--json"),
                Set.of("--from", "--to", "--payload", "--decoder", "--classpath")));
            case "verify" -> verify(new ToolArguments(words, Set.of("--json"), Set.of()));
            case "plan-recovery" -> plan(new ToolArguments(words, Set.of("--json"), Set.of()));
            case "recover" -> recover(new ToolArguments(words, Set.of("--json"), Set.of("--fingerprint", "--address", "--cut-before")));
            default -> throw new ToolException("There is no such command.\n" + USAGE);
        };
    }

    private static String directory(ToolArguments arguments) throws ToolException {
        if (arguments.words().size() != 1) {
            throw new ToolException("It takes one directory, not " + arguments.words().size());
        }
        return arguments.words().get(0);
    }

    private static ReadOnlyFiles open(String directory) throws IOException, ToolException {
        if (!Files.isDirectory(Path.of(directory))) {
            throw new ToolException("There is no directory " + directory);
        }
        return new ReadOnlyFiles(Path.of(directory));
    }

    private void print(Report report, boolean isJson) {
        out.print(isJson ? report.toJson() + "\n" : report.toText());
    }

    // -------------------------------------------------------------------------------------------------------------------- looking

    private int inspect(ToolArguments arguments) throws IOException, ToolException {
        String directory = directory(arguments);
        ReadOnlyFiles files = open(directory);
        Inspection inspection = Inspection.of(files);
        Report report = new Report().put("directory", directory).put("command", "inspect");
        print(report.put("found", InspectionReport.of(inspection, files.owner())), arguments.has("--json"));
        return inspection.damage() == null ? WHOLE : DAMAGED;
    }

    private int dump(ToolArguments arguments) throws IOException, ToolException {
        Inspection inspection = Inspection.of(open(directory(arguments)));
        EntryDump dump = new EntryDump(payload(arguments.value("--payload")),
            EntryDump.decoder(arguments.value("--decoder"), arguments.value("--classpath")));
        boolean isJson = arguments.has("--json");
        if (inspection.founding() != null) {
            inspection.visit(arguments.number("--from", 1), arguments.number("--to", Long.MAX_VALUE), new Inspection.Visitor() {

                @Override
                public void visit(Entry entry) {
                    print(dump.describe(entry));
                }

                @Override
                public void visitDamaged(EntryId id) {
                    print(InspectionReport.of(id).put("damaged", true));
                }

                private void print(Report report) {
                    out.print((isJson ? report.toJson() : report.toLine()) + "\n");
                }
            });
        }
        StorageCorruptException damage = inspection.damage();
        if (damage != null) {
            err.println("dump: not all is shown. " + damage.getMessage());
        }
        return damage == null ? WHOLE : DAMAGED;
    }

    private static EntryDump.Payload payload(@Nullable String name) throws ToolException {
        try {
            return name == null ? EntryDump.Payload.AUTO : EntryDump.Payload.valueOf(name.toUpperCase(Locale.ROOT));
        } catch (IllegalArgumentException e) {
            throw new ToolException("The option --payload is auto, text, hex or none, not " + name);
        }
    }

    private int verify(ToolArguments arguments) throws IOException, ToolException {
        String directory = directory(arguments);
        ReadOnlyFiles files = open(directory);
        ChecksumWalk walk = ChecksumWalk.of(files);
        boolean isWhole = walk.wrong().isEmpty();
        print(new Report().put("directory", directory).put("command", "verify").put("whole", isWhole)
            .putAll("damage", walk.wrong(), wrong -> new Report().put("file", wrong.file()).put("offset", wrong.offset())
                .put("what", wrong.what()))
            .put("read", walk.extent()).put("notes", InspectionReport.notes(walk.inspection(), files.owner())), arguments.has("--json"));
        return isWhole ? WHOLE : DAMAGED;
    }

    // ------------------------------------------------------------------------------------------------------------ a lost quorum

    private int plan(ToolArguments arguments) throws IOException, ToolException {
        if (arguments.words().isEmpty()) {
            throw new ToolException("It takes the directories that are left, all of them");
        }
        List<RecoveryPlan.Survivor> survivors = new ArrayList<>();
        for (String directory : arguments.words()) {
            ReadOnlyFiles files = open(directory);
            survivors.add(new RecoveryPlan.Survivor(directory, files.owner(), Inspection.of(files)));
        }
        RecoveryPlan plan = RecoveryPlan.of(survivors);
        print(plan.report(self()), arguments.has("--json"));
        RecoveryPlan.Survivor kept = plan.kept();
        return kept != null && kept.isWhole() ? WHOLE : DAMAGED;
    }

    private int recover(ToolArguments arguments) throws IOException, ToolException {
        String directory = directory(arguments);
        String fingerprint = arguments.value("--fingerprint");
        if (fingerprint == null) {
            throw new ToolException("It takes --fingerprint, as plan-recovery prints it");
        }
        Inspection seen = Inspection.of(open(directory));
        long cutBefore = arguments.number("--cut-before", 0);
        FoundingRecord next = LostQuorum.prepare(seen, fingerprint, arguments.value("--address"), cutBefore);
        LostQuorum lost = new LostQuorum(new LocalFileSystem(Path.of(directory), true), FileStorage.Options.defaults());
        Identity identity = seen.identity();
        FoundingRecord before = seen.founding();
        if (identity == null || before == null) {
            throw new IllegalStateException("A blank directory was agreed to");
        }
        EntryId with = lost.begin(seen, next, cutBefore);
        print(new Report().put("directory", directory).put("command", "recover").put("replica", MembershipReport.of(identity.replica()))
            .put("cluster", next.clusterId()).put("epoch", next.epoch()).put("begins with", InspectionReport.of(with))
            .put("now committed", committed(seen, cutBefore)).put("given up", givenUp(seen, cutBefore))
            .put("next", List.of(
                "Stop every server of the old group for good: one that still runs, of epoch " + before.epoch()
                    + ", is refused by this one, but may go on with others of its kind and acknowledge what will be lost.",
                "Start the server on this directory, as before. It serves at once, alone.",
                "Wipe the data directories of all other nodes, or give them new ones; an old one is refused for ever.",
                "Start their servers on the blank directories, with this node among their members, and let them in by a change of the"
                    + " membership: in the examples' shell 'members' lists them, and 'add NODE' admits one.")), arguments.has("--json"));
        return WHOLE;
    }

    private static @Nullable String givenUp(Inspection seen, long cutBefore) {
        return cutBefore == 0 ? null : RecoveryPlan.givenUp(seen);
    }

    private static String committed(Inspection seen, long cutBefore) {
        long known = seen.hardState().commitIndex();
        long last = seen.lastKept(cutBefore).index();
        return known >= last ? "all entries up to " + last + ", as was known before"
            : "all entries up to " + last + "; of those from " + (known + 1) + " on nobody here knew it before";
    }

    private static String self() {
        String path = System.getProperty("java.class.path", "");
        return "java -jar " + (path.endsWith("-tool.jar") ? path : "raft-storage-VERSION-tool.jar");
    }
}
