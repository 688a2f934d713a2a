package io.quorate.raft.netty;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;

/** Logs what strangers and the network can make happen at any rate, each subject once in a while. Any thread. */
final class PatientLog {

    private static final long INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(30);
    /** Beyond this many subjects all are forgotten: strangers must not fill memory by being inventive. */
    private static final int SUBJECTS_MAX = 1000;

    private final Logger log;
    private final Map<String, Long> lastNanos = new ConcurrentHashMap<>();

    PatientLog(Logger log) {
        this.log = log;
    }

    /** Logs this unless the same subject was logged lately. */
    void warn(String subject, String what) {
        long now = System.nanoTime();
        if (lastNanos.size() > SUBJECTS_MAX) {
            lastNanos.clear();
        }
        Long last = lastNanos.get(subject);
        if ((last == null || now - last > INTERVAL_NANOS) && (last == null ? lastNanos.putIfAbsent(subject, now) == null
                : lastNanos.replace(subject, last, now))) {
            log.warn("{}: {}", subject, what);
        } else {
            log.debug("{}: {}", subject, what);
        }
    }
}
