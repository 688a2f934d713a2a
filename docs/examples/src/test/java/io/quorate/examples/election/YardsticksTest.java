package io.quorate.examples.election;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The two programs that are laid beside other systems: they do what they are to show, and the page shows what they print. */
@Timeout(180)
final class YardsticksTest {

    private static final Path PAGE = Path.of("../../docs/leader-election.md");

    private interface Program {
        void run(PrintStream out) throws IOException;
    }

    private static List<String> run(Program program) throws IOException {
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        program.run(new PrintStream(printed, true, StandardCharsets.UTF_8));
        return printed.toString(StandardCharsets.UTF_8).lines().toList();
    }

    /** What the page shows as this program's output. */
    private static List<String> shown(Class<?> program) throws IOException {
        Matcher block = Pattern.compile("```\n\\$ java [^\n]*" + program.getSimpleName() + "\n(.*?)```", Pattern.DOTALL)
            .matcher(Files.readString(PAGE));
        assertTrue(block.find(), () -> "the page shows no output of " + program.getSimpleName());
        return block.group(1).lines().toList();
    }

    /** Who it is and which token is no matter; nor is how often something is said, for a machine may be slow. */
    private static TreeSet<String> kinds(List<String> lines) {
        return lines.stream().map(line -> line.replaceAll("\\b[abc]\\b", "x").replaceAll("\\d+", "#"))
            .collect(Collectors.toCollection(TreeSet::new));
    }

    private static int indexOf(List<String> lines, int from, String pattern) {
        for (int i = from; i < lines.size(); i++) {
            if (lines.get(i).matches(pattern)) {
                return i;
            }
        }
        throw new AssertionError("after line " + from + " nothing is like \"" + pattern + "\" in\n" + String.join("\n", lines));
    }

    @Test
    void candidatesAreToldAllThreeRolesAndWhoThrowsGivesTheRoleUp() throws IOException {
        List<String> lines = run(RolesProgram::run);
        int cut = indexOf(lines, 0, "-- . is cut off from the group");
        String first = lines.get(cut).substring(3, 4);
        indexOf(lines, 0, first + ": LEADER with token \\d+");
        indexOf(lines, 0, "[^" + first + "]: FOLLOWER of " + first);
        indexOf(lines, cut, first + ": NOT_A_MEMBER");
        indexOf(lines, cut, "[^" + first + "]: LEADER with token \\d+");
        indexOf(lines, indexOf(lines, cut, "-- . is there again"), first + ": (FOLLOWER of .|LEADER .*)");

        int thrown = indexOf(lines, 0, ".: LEADER, and throws");
        String unable = lines.get(thrown).substring(0, 1);
        int next = indexOf(lines, thrown, "[^" + unable + "]: LEADER with token \\d+");
        indexOf(lines, thrown, unable + ": FOLLOWER of " + lines.get(next).charAt(0));
        assertEquals(kinds(shown(RolesProgram.class)), kinds(lines), () -> String.join("\n", lines));
    }

    @Test
    void theLoopLeadsWorksAndWaits() throws IOException {
        List<String> lines = run(LoopProgram::run);
        int cut = indexOf(lines, 0, "-- . is cut off from the group");
        String first = lines.get(cut).substring(3, 4);
        indexOf(lines, cut, first + ": leads no more");
        int second = indexOf(lines, indexOf(lines, cut, "[^" + first + "]: hears that the key was deleted"), "[^" + first + "]: leads .*");
        int stop = indexOf(lines, second, "-- . stops: .*");
        indexOf(lines, indexOf(lines, stop, first + ": hears that the key was deleted"), first + ": leads with token \\d+");
        List<Long> tokens = lines.stream().map(Pattern.compile(".*: leads with token (\\d+)")::matcher).filter(Matcher::matches)
            .map(line -> Long.parseLong(line.group(1))).toList();
        assertEquals(tokens.stream().sorted().distinct().toList(), tokens, "tokens grow");
        assertTrue(kinds(lines).containsAll(kinds(shown(LoopProgram.class))), () -> String.join("\n", lines));
    }
}
