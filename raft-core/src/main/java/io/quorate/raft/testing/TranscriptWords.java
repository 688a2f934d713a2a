package io.quorate.raft.testing;

import io.quorate.raft.core.Entry;
import io.quorate.raft.core.HardState;
import io.quorate.raft.testing.TranscriptGroup.Disk;
import io.quorate.raft.testing.TranscriptNetwork.Link;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The words of one command, read from left to right. What cannot be read is an {@link IllegalArgumentException} that says so. */
final class TranscriptWords {

    private static final int NODES_MAX = 7;

    private final String[] words;
    private int next;

    TranscriptWords(String command) {
        words = command.strip().split("\\s+");
    }

    boolean hasMore() {
        return next < words.length;
    }

    String word(String what) {
        if (!hasMore()) {
            throw new IllegalArgumentException("there should be " + what + " at the end");
        }
        return words[next++];
    }

    /** Takes the next word if it is this one. */
    boolean takes(String word) {
        boolean isNext = hasMore() && words[next].equals(word);
        next += isNext ? 1 : 0;
        return isNext;
    }

    /** Nothing may be left over: an ignored word would be a scenario that does not do what it says. */
    void end() {
        if (hasMore()) {
            throw new IllegalArgumentException("\"" + words[next] + "\" is one word too many");
        }
    }

    boolean isLink() {
        return hasMore() && words[next].matches(".*->.*|.-.");
    }

    boolean isNode() {
        return hasMore() && nodeOf(words[next]) > 0;
    }

    int node() {
        String word = word("a node");
        int node = nodeOf(word);
        if (node == 0) {
            throw new IllegalArgumentException("\"" + word + "\" is no node: they are called A to " + TranscriptText.name(NODES_MAX));
        }
        return node;
    }

    /** One or more nodes. */
    List<Integer> nodes() {
        List<Integer> nodes = new ArrayList<>(List.of(node()));
        while (isNode()) {
            nodes.add(node());
        }
        return nodes;
    }

    /** {@code A->B}; or, if both directions may be meant, also {@code A-B}. */
    List<Link> links(boolean bothWays) {
        String word = word("a link as in A->B");
        boolean isOneWay = word.contains("->");
        String[] ends = word.split(isOneWay ? "->" : "-", 2);
        int from = nodeOf(ends[0]);
        int to = ends.length == 2 ? nodeOf(ends[1]) : 0;
        if (from == 0 || to == 0 || from == to || (!isOneWay && !bothWays)) {
            throw new IllegalArgumentException("\"" + word + "\" is no link: they are written A->B" + (bothWays ? " or A-B" : ""));
        }
        return isOneWay ? List.of(new Link(from, to)) : List.of(new Link(from, to), new Link(to, from));
    }

    boolean isNumber() {
        return hasMore() && words[next].matches("[0-9]+");
    }

    int number(String what, int min) {
        String word = word(what);
        if (!word.matches("[0-9]{1,9}") || Integer.parseInt(word) < min) {
            throw new IllegalArgumentException("\"" + word + "\" is not " + what + ", a number from " + min + " on");
        }
        return Integer.parseInt(word);
    }

    /** {@code 150ms} or {@code 2s}. */
    long nanos() {
        String word = word("a time");
        if (word.matches("[0-9]{1,9}ms")) {
            return Duration.ofMillis(Long.parseLong(word.substring(0, word.length() - 2))).toNanos();
        }
        if (word.matches("[0-9]{1,6}s")) {
            return Duration.ofSeconds(Long.parseLong(word.substring(0, word.length() - 1))).toNanos();
        }
        throw new IllegalArgumentException("\"" + word + "\" is no time: they are written 150ms or 2s");
    }

    /** The terms of the entries, and what else is durable: {@code 1 1 4 term 6 vote B commit 2}. */
    Disk disk() {
        List<Entry> entries = new ArrayList<>();
        long term = 0;
        while (isNumber()) {
            int entryTerm = number("the term of an entry", 1);
            if (entryTerm < term) {
                throw new IllegalArgumentException("no entry of term " + entryTerm + " follows one of term " + term);
            }
            term = entryTerm;
            entries.add(Entry.of(entries.size() + 1, term, Entry.Kind.COMMAND, 0, new byte[0]));
        }
        if (takes("term")) {
            term = number("a term", 0);
        }
        @Nullable Integer vote = takes("vote") ? node() : null;
        int commit = takes("commit") ? number("a commit index", 0) : 0;
        return new Disk(new HardState(term, vote == null ? null : TranscriptNode.idOf(vote), commit), entries);
    }

    private static int nodeOf(String word) {
        int node = word.length() == 1 ? word.charAt(0) - 'A' + 1 : 0;
        return node >= 1 && node <= NODES_MAX ? node : 0;
    }
}
