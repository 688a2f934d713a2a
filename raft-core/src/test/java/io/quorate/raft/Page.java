package io.quorate.raft;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads tables of docs/requests.md, for tests that hold the code against them. */
public final class Page {

    private static final Path REQUESTS = Path.of("..", "docs", "requests.md");

    private Page() { }

    /**
     * The table whose first column has this heading: of each row the cells by the headings of their columns, all without back quotes.
     *
     * @throws AssertionError if there is none, or a row has other cells than headings, or two rows have one name
     */
    public static Map<String, Map<String, String>> table(String heading) {
        List<String> columns = null;
        Map<String, Map<String, String>> rows = new LinkedHashMap<>();
        for (String line : lines()) {
            List<String> cells = cells(line);
            if (columns == null) {
                columns = !cells.isEmpty() && cells.get(0).equals(heading) ? cells : null;
            } else if (cells.isEmpty()) {
                break;
            } else if (!cells.get(0).startsWith("---")) {
                if (cells.size() != columns.size()) {
                    throw new AssertionError(cells.size() + " cells under " + columns.size() + " headings: " + line);
                }
                Map<String, String> row = new LinkedHashMap<>();
                for (int i = 1; i < cells.size(); i++) {
                    row.put(columns.get(i), cells.get(i));
                }
                if (rows.put(cells.get(0), row) != null) {
                    throw new AssertionError("two rows of one name: " + line);
                }
            }
        }
        if (rows.isEmpty()) {
            throw new AssertionError("no table of " + heading);
        }
        return rows;
    }

    private static List<String> lines() {
        try {
            return Files.readAllLines(REQUESTS);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<String> cells(String line) {
        List<String> cells = new ArrayList<>();
        if (line.startsWith("|") && line.endsWith("|")) {
            Arrays.stream(line.substring(1, line.length() - 1).split("\\|", -1)).map(cell -> cell.replace("`", "").strip())
                .forEach(cells::add);
        }
        return cells;
    }
}
