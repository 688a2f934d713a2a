package io.quorate.benchmarks;

import java.io.BufferedWriter;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** The file of results: one JSON object a line, written as soon as it is known, so that a run that is broken off leaves what it found. */
final class Results implements Closeable {

    private final BufferedWriter out;

    private Results(BufferedWriter out) {
        this.out = out;
    }

    /** Begins a new file. */
    static Results begin(Path file) throws IOException {
        Files.createDirectories(file.toAbsolutePath().getParent());
        return new Results(Files.newBufferedWriter(file));
    }

    /** Adds a line; values that are numbers or truth values stand there as such. */
    void add(Map<String, String> values) throws IOException {
        StringBuilder line = new StringBuilder("{");
        values.forEach((name, value) -> line.append(line.length() == 1 ? "" : ", ").append(quoted(name)).append(": ")
            .append(value.matches("-?(0|[1-9][0-9]*)(\\.[0-9]+)?(E-?[0-9]+)?|true|false") ? value : quoted(value)));
        out.write(line.append('}').toString());
        out.newLine();
        out.flush();
    }

    private static String quoted(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        text.chars().forEach(c -> {
            if (c == '"' || c == '\\') {
                quoted.append('\\').append((char) c);
            } else if (c < ' ') {
                quoted.append(String.format("\\u%04x", c));
            } else {
                quoted.append((char) c);
            }
        });
        return quoted.append('"').toString();
    }

    @Override
    public void close() throws IOException {
        out.close();
    }
}
