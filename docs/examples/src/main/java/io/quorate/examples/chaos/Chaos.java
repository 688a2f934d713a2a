package io.quorate.examples.chaos;

import io.quorate.examples.launcher.LocalGroup;
import io.quorate.examples.launcher.ParentWatch;
import io.quorate.examples.launcher.ScratchGroup;
import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;

/**
 * Runs a group in processes of their own behind forwarders, under load, and does to it what happens to machines and what operators do. In
 * the end nothing that was acknowledged may be missing on any replica, and none may have ended unasked. Leaves no process and no file
 * behind: it removes both itself however it comes to its end, and the replicas do if it is killed. (Killed while it has paused a replica,
 * it leaves that one paused; when it is let go on, it ends.)
 *
 * <p>Scenarios: {@code all-at-once} (replicas are killed, paused, parted from each other, made learners and voters again, and made to
 * lead; what clients did and heard must be linearizable), {@code replace} (each machine by a blank one), {@code restart} (each in good
 * order), {@code return} (a replica that was down for very long comes back through a snapshot), {@code large} (a state larger than memory
 * goes to a blank replica), {@code endurance} (memory and disk within bounds), {@code kill-one} and {@code kill-all} (SIGKILL for one
 * replica, or for all, round after round), {@code client} (a client brings a mixed load to its end, exactly once, while replicas are
 * killed all the time).
 */
public final class Chaos {

    private static final List<String> OPTIONS =
        List.of("--election-timeout", "300", "--segment-mib", "1", "--snapshot-mib", "1", "--log-tail-mib", "1");

    private static final int EXIT_KEPT = 0;
    private static final int EXIT_BROKEN = 1;
    private static final int EXIT_USAGE = 2;
    private static final String WITH_PARENT = "--with-parent";

    private Chaos() { }

    /**
     * Runs it, and ends with 0 if all that was promised was kept, 1 if not, 2 for a wrong command line.
     *
     * @param arguments {@code scenario=all-at-once seconds=120 nodes=5 seed=1 commands=1000000 mib=1024 rounds=200 operations=100000}, each
     *                  optional; {@code --with-parent}: ends when the process that started it does
     */
    public static void main(String[] arguments) {
        List<String> words = new ArrayList<>(List.of(arguments));
        if (words.remove(WITH_PARENT)) {
            ParentWatch.endWithParent();
        }
        Settings settings;
        try {
            settings = Settings.of(words);
        } catch (IllegalArgumentException e) {
            System.err.println("chaos: " + e.getMessage());
            System.exit(EXIT_USAGE);
            return;
        }
        System.exit(run(settings, System.out));
    }

    private static int run(Settings settings, PrintStream out) {
        ScratchGroup scratch = new ScratchGroup();
        try (Wires wires = new Wires(settings.nodes())) {
            LocalGroup group = scratch.make("quorate-chaos-", directory -> switch (settings.scenario()) {
                case "large" -> Large.group(directory, settings);
                case "client" -> Mixed.group(directory, settings);
                default -> LocalGroup.ofScratchBehind(wires.forwarders(), directory, OPTIONS);
            });
            out.println("chaos: " + settings + ", data in " + scratch.directory());
            try (Scene scene = new Scene(out, settings, group, wires)) {
                group.startAll();
                LocalGroup.Leadership first = group.awaitLeaderAfter(0, Scene.ELECTION);
                scene.tell("node " + first.nodeId() + " leads, in term " + first.term());
                boolean isKept = run(scene);
                return isKept ? EXIT_KEPT : EXIT_BROKEN;
            } catch (ChaosException | RuntimeException e) {
                if (!scratch.isRemoved()) {
                    out.println(group.report());
                }
                throw e;
            }
        } catch (ChaosException | IOException | RuntimeException e) {     // whatever it is, it must not look like success, nor keep us here
            if (!scratch.isRemoved()) {      // else it was interrupted, and everything fails
                out.println("chaos: failed: " + (e.getMessage() == null ? e : e.getMessage()));
            }
            return EXIT_BROKEN;
        }
    }

    private static boolean run(Scene scene) throws ChaosException {
        return switch (scene.settings().scenario()) {
            case "all-at-once" -> AllAtOnce.run(scene);
            case "replace" -> Maintenance.replaceAll(scene);
            case "restart" -> Maintenance.restartAll(scene);
            case "return" -> Return.run(scene);
            case "large" -> Large.run(scene);
            case "endurance" -> Endurance.run(scene);
            case "kill-one" -> KillLoop.run(scene, false);
            case "kill-all" -> KillLoop.run(scene, true);
            case "client" -> Mixed.run(scene);
            default -> throw new IllegalStateException("no scenario " + scene.settings().scenario());
        };
    }
}
