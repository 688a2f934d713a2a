package io.quorate.examples.demo;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A file as a sequence of pieces, one for each line; a line longer than {@link #PIECE_BYTES_MAX} makes several. Bytes stay as they are, so
 * the file may hold anything.
 */
final class InputFile {

    static final int PIECE_BYTES_MAX = 1024;
    /** Three replicas keep all of it in memory. */
    static final long FILE_BYTES_MAX = 32L << 20;

    private final List<byte[]> pieces;

    private InputFile(List<byte[]> pieces) {
        this.pieces = pieces;
    }

    /**
     * Reads a file.
     *
     * @throws DemoException if it cannot be read, is empty or too large
     */
    static InputFile read(Path path) throws DemoException {
        if (!Files.isRegularFile(path)) {
            throw new DemoException("the input " + path.toAbsolutePath() + " is no file; give another with -Ddemo.input=FILE");
        }
        byte[] all;
        try {
            if (Files.size(path) > FILE_BYTES_MAX) {
                throw new DemoException("the input " + path.toAbsolutePath() + " has " + Files.size(path) + " bytes, and at most "
                    + FILE_BYTES_MAX + " are replicated here; give a smaller one with -Ddemo.input=FILE");
            }
            all = Files.readAllBytes(path);
        } catch (IOException e) {
            throw new DemoException("the input " + path.toAbsolutePath() + " cannot be read: " + e.getMessage());
        }
        InputFile file = new InputFile(split(all));
        if (file.pieces.isEmpty()) {
            throw new DemoException("the input " + path.toAbsolutePath() + " is empty; give another with -Ddemo.input=FILE");
        }
        return file;
    }

    static InputFile of(byte[] all) {
        return new InputFile(split(all));
    }

    private static List<byte[]> split(byte[] all) {
        List<byte[]> pieces = new ArrayList<>();
        int from = 0;
        while (from < all.length) {
            int end = from;
            while (end < all.length && end - from < PIECE_BYTES_MAX && all[end] != '\n') {
                end++;
            }
            pieces.add(Arrays.copyOfRange(all, from, end));
            from = end < all.length && all[end] == '\n' ? end + 1 : end;
        }
        return pieces;
    }

    /** How many pieces there are. */
    int size() {
        return pieces.size();
    }

    /** The piece with this running number, from 0 on; behind the last follows the first again. */
    byte[] piece(int number) {
        return pieces.get(number % pieces.size());
    }
}
