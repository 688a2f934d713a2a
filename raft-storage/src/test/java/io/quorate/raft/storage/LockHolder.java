package io.quorate.raft.storage;

import java.io.IOException;
import java.nio.file.Path;

/** Holds a data directory until its standard input ends. */
final class LockHolder {

    private LockHolder() { }

    public static void main(String[] args) throws IOException {
        FileStorage storage = FileStorage.open(Path.of(args[0]), 1);
        System.out.println("open");
        while (System.in.read() >= 0) {
            continue;
        }
        storage.close();
    }
}
