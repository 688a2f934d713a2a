package io.quorate.raft.netty;

import io.netty.channel.ConnectTimeoutException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;

/** Says in words for people why a connection did not come about. */
final class ConnectFailure {

    private ConnectFailure() { }

    static String of(String address, Throwable cause) {
        return "cannot connect to " + address + ": " + why(cause);
    }

    /** Whether the host answered that nothing listens there. */
    static boolean isRefusal(Throwable cause) {
        return cause instanceof ConnectException && !(cause instanceof ConnectTimeoutException)
            && String.valueOf(cause.getMessage()).contains("refused");
    }

    private static String why(Throwable cause) {
        String message = String.valueOf(cause.getMessage());
        if (cause instanceof ConnectTimeoutException) {
            return "no answer in time; the host is down, or something between drops what is sent";
        }
        if (cause instanceof NoRouteToHostException) {
            return "there is no way to that host";
        }
        if (isRefusal(cause)) {
            return "connection refused; nothing listens there";
        }
        return message;
    }
}
