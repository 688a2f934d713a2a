package io.quorate.raft.testing;

/** Writes markup that a browser and an XML parser read alike, whatever the texts in it are. */
final class TraceMarkup {

    /** Of a text; a message may carry a thousand entries. */
    private static final int TEXT_MAX = 3000;

    private final StringBuilder out = new StringBuilder(1 << 16);

    /** Begins an element; attributes are pairs of name and value. */
    TraceMarkup open(String element, Object... attributes) {
        return tag(element, attributes, ">");
    }

    /** An element with nothing in it. */
    TraceMarkup empty(String element, Object... attributes) {
        return tag(element, attributes, "/>");
    }

    /** An element with nothing but text in it. */
    TraceMarkup element(String element, String text, Object... attributes) {
        return open(element, attributes).text(text).close(element);
    }

    TraceMarkup close(String element) {
        out.append("</").append(element).append(">");
        return this;
    }

    TraceMarkup text(String text) {
        escape(text);
        return this;
    }

    TraceMarkup line() {
        out.append('\n');
        return this;
    }

    /** Markup of our own, without any text of others. */
    TraceMarkup raw(String markup) {
        out.append(markup);
        return this;
    }

    @Override
    public String toString() {
        return out.toString();
    }

    private TraceMarkup tag(String element, Object[] attributes, String end) {
        out.append('<').append(element);
        for (int i = 0; i < attributes.length; i += 2) {
            out.append(' ').append(attributes[i]).append("=\"");
            escape(attributes[i + 1].toString());
            out.append('"');
        }
        out.append(end);
        return this;
    }

    private void escape(String text) {
        int end = Math.min(text.length(), TEXT_MAX);
        for (int i = 0; i < end; ) {
            char plain = text.charAt(i);
            if (plain >= ' ' && plain < 0x7F && "<>&\"'".indexOf(plain) < 0) {
                out.append(plain);
                i++;
                continue;
            }
            int code = text.codePointAt(i);
            i += Character.charCount(code);
            switch (code) {
                case '<' -> out.append("&lt;");
                case '>' -> out.append("&gt;");
                case '&' -> out.append("&amp;");
                case '"' -> out.append("&quot;");
                case '\'' -> out.append("&#39;");
                case '\n', '\t' -> out.append("&#").append(code).append(';');
                default -> out.appendCodePoint(visible(code));
            }
        }
        if (text.length() > end) {
            out.append("... (").append(text.length() - end).append(" more characters)");
        }
    }

    /** XML knows no control characters, nor halves of pairs; and what turns the direction of writing would make a text lie. */
    private static int visible(int code) {
        if (code < 0x20) {
            return 0x2400 + code;   // a picture of it
        }
        boolean isLegal = code < 0x7F || code > 0x9F && code < 0xD800 || code > 0xDFFF && code < 0xFFFE || code > 0xFFFF;
        boolean isTurning = code >= 0x202A && code <= 0x202E || code >= 0x2066 && code <= 0x2069;
        return isLegal && !isTurning ? code : 0xFFFD;
    }
}
