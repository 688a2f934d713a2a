package io.quorate.raft.storage;

import io.quorate.raft.core.Entry;
import io.quorate.raft.core.Membership;
import java.io.File;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.ServiceLoader;
import org.jspecify.annotations.Nullable;

/** Shows entries, each in one line; of a command what a decoder makes of it, else text if it is some, else hexadecimal digits. */
final class EntryDump {

    private final Payload payload;
    private final @Nullable EntryDecoder decoder;

    /** How a command is shown that nobody decodes. */
    enum Payload {
        AUTO, TEXT, HEX, NONE
    }

    EntryDump(Payload payload, @Nullable EntryDecoder decoder) {
        this.payload = payload;
        this.decoder = decoder;
    }

    /**
     * The decoder that the user brings, or null if he brings none.
     *
     * @param className of the decoder; null for the one that is announced as a service
     * @param classpath jars and directories where it is, besides where the tool is; null if nowhere else
     */
    static @Nullable EntryDecoder decoder(@Nullable String className, @Nullable String classpath) throws ToolException {
        ClassLoader loader = loader(classpath);
        if (className == null) {
            return ServiceLoader.load(EntryDecoder.class, loader).findFirst().orElse(null);
        }
        try {
            return Class.forName(className, true, loader).asSubclass(EntryDecoder.class).getConstructor().newInstance();
        } catch (ReflectiveOperationException | ClassCastException | LinkageError e) {
            throw new ToolException("The decoder " + className + " cannot be made: " + e + ". It must be a public class that implements "
                + EntryDecoder.class.getName() + ", have a public constructor without parameters, and be found by --classpath.");
        }
    }

    private static ClassLoader loader(@Nullable String classpath) throws ToolException {
        List<URL> urls = new ArrayList<>();
        for (String path : classpath == null ? new String[0] : classpath.split(File.pathSeparator)) {
            try {
                if (!new File(path).exists()) {
                    throw new ToolException("There is no " + path + ", which --classpath names");
                }
                urls.add(new File(path).toURI().toURL());
            } catch (MalformedURLException e) {
                throw new ToolException("--classpath cannot name " + path + ": " + e.getMessage());
            }
        }
        return new URLClassLoader(urls.toArray(new URL[0]), EntryDump.class.getClassLoader());
    }

    Report describe(Entry entry) {
        Report report = new Report().put("index", entry.index()).put("term", entry.term()).put("kind", entry.kind())
            .put("time nanos", entry.timeNanos()).put("bytes", entry.payloadSize());
        byte[] bytes = entry.payload();
        if (payload == Payload.NONE || bytes.length == 0) {
            return report;
        }
        if (entry.kind() == Entry.Kind.MEMBERSHIP) {
            return membership(report, entry);
        }
        EntryDecoder known = decoder;
        if (known != null && entry.kind() == Entry.Kind.COMMAND) {
            try {
                return report.put("decoded", known.decode(bytes));
            } catch (RuntimeException | LinkageError e) {
                report.put("not decoded", e.toString());
            }
        }
        String text = payload == Payload.HEX ? null : text(bytes);
        return text == null ? report.put("hex", HexFormat.of().formatHex(bytes)) : report.put("text", text);
    }

    private static Report membership(Report report, Entry entry) {
        try {
            return report.put("membership", MembershipReport.of(Membership.of(entry)));
        } catch (IllegalArgumentException e) {
            return report.put("hex", HexFormat.of().formatHex(entry.payload()));
        }
    }

    /** The bytes as text; null if they are none that can be printed in a line, unless text is asked for. */
    private @Nullable String text(byte[] bytes) {
        String text;
        try {
            text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException e) {
            return payload == Payload.TEXT ? new String(bytes, StandardCharsets.UTF_8) : null;
        }
        return payload == Payload.TEXT || text.chars().noneMatch(Character::isISOControl) ? text : null;
    }
}
