package io.quorate.examples.launcher;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Finds ports for processes that must know each other's before they start, so that the operating system cannot choose them at binding.
 *
 * <p>They are drawn from below the range that systems take the ports of outgoing connections from. A port of that range can be taken
 * while its replica is down, even by a peer that tries to reach the replica and is connected to itself.
 */
public final class FreePorts {

    private static final int FIRST = 20_000;
    private static final int LAST = 32_000;
    private static final int TRIES = 1000;

    private FreePorts() { }

    /**
     * Ports of the loopback address that nobody listens on at the moment.
     *
     * @throws IllegalStateException if there are not so many
     */
    public static List<Integer> find(int count) {
        Set<Integer> found = new LinkedHashSet<>();
        for (int i = 0; i < TRIES && found.size() < count; i++) {
            int port = ThreadLocalRandom.current().nextInt(FIRST, LAST + 1);
            if (isFree(port)) {
                found.add(port);
            }
        }
        if (found.size() < count) {
            throw new IllegalStateException("Only " + found.size() + " of " + count + " free ports were found from " + FIRST + " to " + LAST
                + "; end some processes that listen there");
        }
        return List.copyOf(found);
    }

    private static boolean isFree(int port) {
        try (ServerSocket socket = new ServerSocket()) {
            socket.setReuseAddress(true);       // connections that linger from before do not stand in the way of a server either
            socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
            return true;
        } catch (IOException e) {
            return false;
        }
    }
}
