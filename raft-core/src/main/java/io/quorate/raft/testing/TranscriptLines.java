package io.quorate.raft.testing;

import io.quorate.raft.core.Message;
import io.quorate.raft.core.NodeStatus;
import io.quorate.raft.core.NodeStatus.RoleName;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * The lines that a command leads to. Every step of a node is told while the scenario goes step by step; of longer stretches only what came
 * of them: roles, answers to clients, what is applied.
 */
final class TranscriptLines {

    private final List<String> lines = new ArrayList<>();
    private final Map<Integer, String> lastRole = new HashMap<>();
    private final Map<Integer, Long> lastCommit = new HashMap<>();
    private final Map<String, Integer> delivered = new TreeMap<>();
    private final Map<String, Integer> lost = new TreeMap<>();
    private boolean areDetailsTold = true;
    private String prefix = "";

    /** The lines since they were last taken. */
    List<String> take() {
        List<String> taken = List.copyOf(lines);
        lines.clear();
        return taken;
    }

    /** Whether steps are told, or only what comes of them. */
    void tellDetails(boolean areTold) {
        areDetailsTold = areTold;
    }

    /** What stands before each line from now on. */
    void prefix(String text) {
        prefix = text;
    }

    void detail(String line) {
        if (areDetailsTold) {
            result(line);
        }
    }

    void result(String line) {
        lines.add(prefix + line);
    }

    /** A node has digested something: its role and its commit index are told if they have changed. */
    void turned(NodeStatus status) {
        int n = status.self().nodeId();
        String role = TranscriptText.role(status);
        boolean isBlank = status.term() == 0 && status.role() == RoleName.FOLLOWER;
        if (!role.equals(lastRole.put(n, role)) && !isBlank) {
            result(role);
        }
        Long before = lastCommit.put(n, status.commitIndex());
        if (status.commitIndex() > 0 && (before == null || before != status.commitIndex())) {
            detail(TranscriptText.name(status.self()) + ": commit " + status.commitIndex());
        }
    }

    /** The node is another replica now, of which nothing was told yet. */
    void forget(int nodeId) {
        lastRole.remove(nodeId);
        lastCommit.remove(nodeId);
    }

    void sent(Message message, boolean isLost) {
        detail(TranscriptText.sent(message) + (isLost ? " (lost)" : ""));
        if (isLost) {
            lost.merge(TranscriptText.kind(message), 1, Integer::sum);
        }
    }

    void received(Message message, boolean isWhole, boolean isLost, String remark) {
        detail(TranscriptText.received(message, isWhole) + remark);
        (isLost ? lost : delivered).merge(TranscriptText.kind(message), 1, Integer::sum);
    }

    /** Counts messages from zero. */
    void beginCounts() {
        delivered.clear();
        lost.clear();
    }

    String counts() {
        return "delivered " + counts(delivered) + (lost.isEmpty() ? "" : "; lost " + counts(lost));
    }

    private static String counts(Map<String, Integer> counted) {
        return counted.isEmpty() ? "nothing"
            : counted.entrySet().stream().map(kind -> kind.getValue() + " " + kind.getKey()).collect(Collectors.joining(", "));
    }
}
