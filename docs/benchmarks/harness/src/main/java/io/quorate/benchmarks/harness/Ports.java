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
 * from, where one may be taken before its replica binds it; and each of the processes that start at the same time has a part of them for
 * itself ({@code -Dbench.ports}, its number).
 */
public final class Ports {

    /** The system property with the number of the process among those that start at the same time; 0 unless it is set. */
    public static final String PROPERTY = "bench.ports";
    private static final int FIRST = 20_000;
    private static final int PARTS = 6;
    private static final int PART = 2_000;
    private static final int TRIES = 1_000;

    private Ports() { }

    /** So many, and none twice. */
    public static List<Integer> free(int count) throws IOException {
        int first = FIRST + Math.floorMod(Integer.getInteger(PROPERTY, 0), PARTS) * PART;
        Set<Integer> free = new LinkedHashSet<>();
        for (int i = 0; i < TRIES && free.size() < count; i++) {
            int port = ThreadLocalRandom.current().nextInt(first, first + PART);
            if (isFree(port)) {
                free.add(port);
            }
        }
        if (free.size() < count) {
            throw new IOException("Only " + free.size() + " of " + count + " free ports were found from " + first + " on");
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
