package io.quorate.examples.demo;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.examples.launcher.ReadBack;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class InputFileTest {

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void aLineIsAPieceAndBehindTheLastFollowsTheFirst() {
        InputFile file = InputFile.of(bytes("one\n\nthree"));
        assertEquals(3, file.size());
        assertArrayEquals(bytes("one"), file.piece(0));
        assertArrayEquals(bytes(""), file.piece(1));
        assertArrayEquals(bytes("three"), file.piece(2));
        assertArrayEquals(bytes("one"), file.piece(3));
        assertEquals(2, InputFile.of(bytes("one\ntwo\n")).size());
    }

    @Test
    void aLongLineMakesSeveralPiecesAndLosesNothing() {
        byte[] all = new byte[InputFile.PIECE_BYTES_MAX * 2 + 5];
        Arrays.fill(all, (byte) 'x');
        InputFile file = InputFile.of(all);
        assertEquals(3, file.size());
        assertEquals(all.length, file.piece(0).length + file.piece(1).length + file.piece(2).length);
        all[InputFile.PIECE_BYTES_MAX] = '\n';
        assertEquals(3, InputFile.of(all).size());
    }

    @Test
    void aFileThatCannotServeIsRefused(@TempDir Path directory) throws IOException {
        Path empty = Files.createFile(directory.resolve("empty"));
        Path large = directory.resolve("large");
        try (RandomAccessFile file = new RandomAccessFile(large.toFile(), "rw")) {
            file.setLength(InputFile.FILE_BYTES_MAX + 1);
        }
        for (Path bad : new Path[] {empty, large, directory, directory.resolve("missing")}) {
            String message = assertThrows(DemoException.class, () -> InputFile.read(bad)).getMessage();
            assertTrue(message.contains(bad.toString()) && message.contains("-Ddemo.input=FILE"), message);
        }
    }

    @Test
    void whatIsMissingOrDifferentIsCounted() {
        SortedMap<byte[], byte[]> expected = new TreeMap<>(Arrays::compareUnsigned);
        SortedMap<byte[], byte[]> contents = new TreeMap<>(Arrays::compareUnsigned);
        for (int i = 0; i < 10; i++) {
            expected.put(Workload.key(i), bytes("value " + i));
            contents.put(Workload.key(i), bytes("value " + i));
        }
        contents.put(Workload.key(99), bytes("never acknowledged, and yet there"));
        assertEquals(0, ReadBack.missing(expected, contents));
        contents.remove(Workload.key(3));
        contents.put(Workload.key(4), bytes("other"));
        assertEquals(2, ReadBack.missing(expected, contents));
    }
}
