package io.quorate.examples.launcher;

/**
 * What the processes of a group run.
 *
 * @param main    takes the arguments that {@link ReplicaMain} takes
 * @param heapMib the largest heap, and as much again of what Java has outside of it
 */
public record ReplicaProgram(Class<?> main, int heapMib) {

    /** The key-value store. */
    public static final ReplicaProgram STORE = new ReplicaProgram(ReplicaMain.class, 512);
}
