package io.quorate.raft.testing;

import io.quorate.raft.StateMachine;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.ObjectInputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** What {@link OtherJvm} starts: takes an instance along the log, another one from a snapshot on, and writes down what they say. */
final class OtherJvmMain {

    /** The exit code of one whose launcher is gone. */
    static final int ENDED_WITH_LAUNCHER = 75;

    private OtherJvmMain() { }

    /** @param args the file that says what to do, and the one to write the outcomes to */
    public static void main(String[] args) throws IOException, ClassNotFoundException {
        endWithLauncher(System.in);
        try (DataInputStream in = new DataInputStream(new BufferedInputStream(Files.newInputStream(Path.of(args[0]))));
             DataOutputStream out = new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(Path.of(args[1]))))) {
            StateMachineContract.Factory factory = factory(MachineLog.read(in));
            MachineLog log = MachineLog.readFrom(in);
            play(log, 0, factory.create(), out);
            if (in.readBoolean()) {
                int state = in.readInt();
                StateMachine machine = factory.create();
                byte[] snapshot = MachineLog.read(in);
                Outcome restored = Outcome.of(() -> {
                    machine.restore(new ByteArrayInputStream(snapshot));
                    return new byte[0];
                });
                restored.writeTo(out);
                play(log, state, machine, out);
            }
        }
        // The machine may have left threads behind; what was to be said has been said.
        Runtime.getRuntime().halt(0);
    }

    private static void play(MachineLog log, int from, StateMachine machine, DataOutputStream out) throws IOException {
        LiveMachine live = new LiveMachine(machine);
        log.visit(from, log.size(), new MachineLog.Visitor() {
            @Override
            public void apply(int step) throws IOException {
                live.apply(log.steps().get(step)).writeTo(out);
            }

            @Override
            public void wakeUp(int state) throws IOException {
                live.wakeUp().writeTo(out);
            }

            @Override
            public void ask(int state, int query) throws IOException {
                live.ask(log.queries().get(query)).writeTo(out);
            }
        });
    }

    private static StateMachineContract.Factory factory(byte[] serialized) throws IOException, ClassNotFoundException {
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(serialized))) {
            return (StateMachineContract.Factory) in.readObject();
        }
    }

    /** The launcher holds our standard input open and writes nothing: it ends when the launcher does, however that comes about. */
    private static void endWithLauncher(InputStream standardInput) {
        Thread watch = new Thread(() -> {
            try {
                standardInput.transferTo(OutputStream.nullOutputStream());
            } catch (IOException e) {
                // as good as its end
            }
            Runtime.getRuntime().halt(ENDED_WITH_LAUNCHER);
        }, "end-with-launcher");
        watch.setDaemon(true);
        watch.start();
    }
}
