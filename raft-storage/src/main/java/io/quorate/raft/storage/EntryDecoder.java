package io.quorate.raft.storage;

/**
 * Tells what the bytes of a command mean, for {@link StorageTool}'s {@code dump}.
 *
 * <p>Put it into a jar with a public constructor without parameters, name it in
 * {@code META-INF/services/io.quorate.raft.storage.EntryDecoder} (or with {@code --decoder}), and hand that jar to the tool with
 * {@code --classpath}.
 */
public interface EntryDecoder {

    /**
     * The command as a person may read it, best in one line. Whatever this throws, the bytes are shown instead.
     *
     * @param command the payload of an entry; of a client with a session, what the session made of it
     */
    String decode(byte[] command);
}
