package io.quorate.raft.netty;

/**
 * An address as people write it.
 *
 * @param host a name, or an address; of version 6 in brackets when written
 * @param port 0 to 65535
 */
record HostPort(String host, int port) {

    /** No name is longer, and no address. */
    private static final int HOST_MAX = 255;

    /**
     * Reads {@code host:port} or {@code [address]:port}.
     *
     * @throws IllegalArgumentException if it is neither
     */
    static HostPort of(String text) {
        int colon = text.lastIndexOf(':');
        String host = colon < 0 ? "" : text.substring(0, colon);
        if (host.startsWith("[") && host.endsWith("]")) {
            host = host.substring(1, host.length() - 1);
        } else if (host.indexOf(':') >= 0) {
            host = "";
        }
        int port = -1;
        try {
            port = Integer.parseInt(text.substring(colon + 1));
        } catch (NumberFormatException e) {
            // Said below, with the whole text.
        }
        if (host.isBlank() || host.length() > HOST_MAX || port < 0 || port > 0xFFFF) {
            throw new IllegalArgumentException("\"" + text + "\" is no address; write host:port, or [address]:port for IPv6");
        }
        return new HostPort(host, port);
    }

    HostPort withPort(int other) {
        return new HostPort(host, other);
    }

    @Override
    public String toString() {
        return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
    }
}
