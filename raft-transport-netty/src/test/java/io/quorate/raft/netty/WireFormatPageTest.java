package io.quorate.raft.netty;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Holds the page about the wire's format to the code. */
class WireFormatPageTest {

    private static final Pattern ROW =
        Pattern.compile("\\| (\\d+) \\| (\\w+) \\| ([^|]+) \\| (\\d+) ([KM])iB \\| ([^|]*)\\|(?: (\\d+) ([KM])iB)? \\|");

    @Test
    void thePageNamesEveryTypeWithItsCodeAndItsLimits() throws Exception {
        Map<Integer, String> code = new TreeMap<>();
        for (FrameType type : FrameType.values()) {
            code.put(type.code(), name(type) + " " + type.headBytesMax() + " " + type.blockBytesMax());
        }
        Map<Integer, String> page = new TreeMap<>();
        rows().forEach(row -> page.put(Integer.parseInt(row.group(1)), row.group(2) + " " + bytes(row.group(4), row.group(5)) + " "
            + (row.group(7) == null ? 0 : bytes(row.group(7), row.group(8)))));
        assertEquals(code, page);
    }

    @Test
    void thePageTellsWhoMaySayWhat() throws Exception {
        for (Matcher row : rows()) {
            FrameType type = FrameType.of(Integer.parseInt(row.group(1)));
            String says = switch (row.group(3)) {
                case "peer" -> "peer";
                case "client" -> "client administrator";
                case "administrator" -> "administrator";
                case "replica to client" -> "to-client to-administrator";
                case "replica to administrator" -> "to-administrator";
                default -> "";
            };
            if (!says.isEmpty()) {
                List<String> may = new ArrayList<>();
                add(may, FrameType.FROM_PEER.contains(type), "peer");
                add(may, FrameType.FROM_CLIENT.contains(type), "client");
                add(may, FrameType.FROM_ADMIN.contains(type), "administrator");
                add(may, FrameType.TO_CLIENT.contains(type), "to-client");
                add(may, FrameType.TO_ADMIN.contains(type), "to-administrator");
                assertEquals(says, String.join(" ", may), () -> String.valueOf(type));
            }
        }
    }

    private static void add(List<String> list, boolean isTrue, String word) {
        if (isTrue) {
            list.add(word);
        }
    }

    private static List<Matcher> rows() throws Exception {
        List<Matcher> rows = new ArrayList<>();
        for (String line : Files.readAllLines(Path.of("../docs/wire-format.md"))) {
            Matcher row = ROW.matcher(line);
            if (row.matches()) {
                rows.add(row);
            }
        }
        return rows;
    }

    private static int bytes(String number, String unit) {
        return Integer.parseInt(number) << (unit.equals("K") ? 10 : 20);
    }

    private static String name(FrameType type) {
        StringBuilder name = new StringBuilder();
        for (String word : type.name().split("_")) {
            name.append(word.charAt(0)).append(word.substring(1).toLowerCase(java.util.Locale.ROOT));
        }
        return name.toString();
    }
}
