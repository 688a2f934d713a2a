package io.quorate.raft.storage;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a command has found: names with values, in their order, for a person to read or for a program.
 *
 * <p>A value is a text, a number, a boolean, null, a report, or a list of those. The name {@code first index} is {@code firstIndex} for a
 * program.
 */
final class Report {

    private static final String INDENT = "  ";

    private final Map<String, @Nullable Object> values = new LinkedHashMap<>();

    Report put(String name, @Nullable Object value) {
        values.put(name, value);
        return this;
    }

    /** One report for each element. */
    interface Describing<T> {
        Report of(T element);
    }

    <T> Report putAll(String name, List<T> elements, Describing<T> describing) {
        List<Object> reports = new ArrayList<>();
        elements.forEach(element -> reports.add(describing.of(element)));
        return put(name, reports);
    }

    // ----------------------------------------------------------------------------------------------------------------- for people

    /** Lines, each ending in a line feed; what is null, or an empty list, is left out. */
    String toText() {
        StringBuilder text = new StringBuilder();
        text(text, "");
        return text.toString();
    }

    private void text(StringBuilder text, String indent) {
        values.forEach((name, value) -> {
            if (value instanceof Report) {
                text.append(indent).append(name).append(":\n");
                ((Report) value).text(text, indent + INDENT);
            } else if (value instanceof List) {
                textOfList(text, indent, name, (List<?>) value);
            } else if (value != null) {
                text.append(indent).append(name).append(": ").append(value).append('\n');
            }
        });
    }

    private static void textOfList(StringBuilder text, String indent, String name, List<?> list) {
        if (!list.isEmpty()) {
            text.append(indent).append(name).append(":\n");
        }
        for (Object element : list) {
            text.append(indent).append(INDENT).append("- ");
            text.append(element instanceof Report ? ((Report) element).toLine() : String.valueOf(element)).append('\n');
        }
    }

    /** All in one line. */
    String toLine() {
        StringBuilder line = new StringBuilder();
        values.forEach((name, value) -> {
            if (value != null && !List.of().equals(value)) {
                line.append(line.length() == 0 ? "" : ", ").append(name).append(' ').append(inLine(value));
            }
        });
        return line.toString();
    }

    private static String inLine(Object value) {
        if (value instanceof List) {
            StringBuilder line = new StringBuilder();
            for (Object each : (List<?>) value) {
                line.append(line.length() == 0 ? "[" : "; ").append(each instanceof Report ? ((Report) each).toLine() : each);
            }
            return line.append(']').toString();
        }
        return value instanceof Report ? "(" + ((Report) value).toLine() + ")" : value.toString();
    }

    // --------------------------------------------------------------------------------------------------------------- for programs

    /** One line of JSON, without a line feed. */
    String toJson() {
        StringBuilder json = new StringBuilder();
        json(json, this);
        return json.toString();
    }

    private static void json(StringBuilder json, @Nullable Object value) {
        if (value instanceof Report) {
            json.append('{');
            ((Report) value).values.forEach((name, each) -> {
                json.append(json.charAt(json.length() - 1) == '{' ? "" : ",");
                quote(json, camel(name));
                json.append(':');
                json(json, each);
            });
            json.append('}');
        } else if (value instanceof List) {
            json.append('[');
            for (Object each : (List<?>) value) {
                json.append(json.charAt(json.length() - 1) == '[' ? "" : ",");
                json(json, each);
            }
            json.append(']');
        } else if (value == null || value instanceof Number || value instanceof Boolean) {
            json.append(value);
        } else {
            quote(json, value.toString());
        }
    }

    private static String camel(String name) {
        StringBuilder camel = new StringBuilder();
        for (String word : name.split(" ")) {
            camel.append(camel.length() == 0 ? word : word.substring(0, 1).toUpperCase(Locale.ROOT) + word.substring(1));
        }
        return camel.toString();
    }

    private static void quote(StringBuilder json, String text) {
        json.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') {
                json.append('\\').append(c);
            } else if (c < ' ' || Character.isSurrogate(c) || c == 0x7F) {
                json.append(String.format("\\u%04x", (int) c));
            } else {
                json.append(c);
            }
        }
        json.append('"');
    }
}
