package io.quorate.benchmarks.harness;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Ports of loopback that nobody uses at the moment. They are drawn from below the range that systems take the ports of outgoing connections
 * from: all libraries start at the same time, and one of that range may be taken before its replica binds it.
 */
public final class Ports {

    private static final int FIRST = 20_000;
    private static final int LAST = 32_000;
    private static final int TRIES = 1_000;

    private Ports() { }

    /** So many, and none twice. */
    public static List<Integer> free(int count) throws IOException {
        Set<Integer> free = new LinkedHashSet<>();
        for (int i = 0; i < TRIES && free.size() < count; i++) {
            int port = ThreadLocalRandom.current().nextInt(FIRST, LAST + 1);
            if (isFree(port)) {
                free.add(port);
            }
        }
        if (free.size() < count) {
            throw new IOException("Only " + free.size() + " of " + count + " free ports were found from " + FIRST + " to " + LAST);
        }
        return new ArrayList<>(free);
    }

    private static boolean isFree(int port) {
        try (ServerSocket socket = new ServerSocket()) {
            socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
            return true;
        } catch (IOException e) {
            return false;
        }
    }
}
