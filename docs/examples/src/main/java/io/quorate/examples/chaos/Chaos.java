package io.quorate.examples.chaos;

import io.quorate.examples.launcher.LocalGroup;
import io.quorate.examples.launcher.ParentWatch;
import io.quorate.examples.launcher.ScratchGroup;
import java.io.IOException;
import java.io.PrintStream;
import java.util.Arrays;
import java.util.List;

/**
 * Runs a group in processes of their own behind forwarders, under load, and does to it what happens to machines and what operators do. In
 * the end nothing that was acknowledged may be missing on any replica. Leaves no process and no file behind.
 *
 * <p>Scenarios: {@code all-at-once} (replicas are killed, paused, parted from each other, taken out and let in again, and made to lead; what
 * clients did and heard must be linearizable), {@code replace} (each machine by a blank one), {@code restart} (each in good order), {@code
 * return} (a replica that was down for very long comes back through a snapshot), {@code endurance} (memory and disk within bounds).
 */
public final class Chaos {

    private static final List<String> OPTIONS =
        List.of("--election-timeout", "300", "--segment-mib", "1", "--snapshot-mib", "1", "--log-tail-mib", "1");

    private Chaos() { }

    /**
     * Runs it, and ends with 0 if all that was promised was kept.
     *
     * @param arguments {@code scenario=all-at-once seconds=120 nodes=5 seed=1 commands=1000000}, each optional; {@code --with-parent}: ends
     *                  when the process that started it does
     */
    public static void main(String[] arguments) {
        if (Arrays.asList(arguments).contains("--with-parent")) {
            ParentWatch.endWithParent();
        }
        System.exit(run(Settings.of(arguments), System.out));
    }

    private static int run(Settings settings, PrintStream out) {
        ScratchGroup scratch = new ScratchGroup();
        try (Wires wires = new Wires(settings.nodes())) {
            LocalGroup group = scratch.make("quorate-chaos-",
                directory -> LocalGroup.ofScratchBehind(wires.forwarders(), directory, OPTIONS));
            out.println("chaos: " + settings + ", data in " + scratch.directory());
            try (Scene scene = new Scene(out, settings, group, wires)) {
                group.startAll();
                LocalGroup.Leadership first = group.awaitLeaderAfter(0, Scene.ELECTION);
                scene.tell("node " + first.nodeId() + " leads, in term " + first.term());
                return run(scene) ? 0 : 1;
            } catch (ChaosException | IllegalStateException e) {
                if (!scratch.isRemoved()) {
                    out.println(group.report());
                }
                throw e;
            }
        } catch (ChaosException | IOException | IllegalStateException e) {
            if (!scratch.isRemoved()) {      // else it was interrupted, and everything fails
                out.println("chaos: failed: " + e.getMessage());
            }
            return 1;
        }
    }

    private static boolean run(Scene scene) throws ChaosException {
        return switch (scene.settings().scenario()) {
            case "all-at-once" -> AllAtOnce.run(scene);
            case "replace" -> Maintenance.replaceAll(scene);
            case "restart" -> Maintenance.restartAll(scene);
            case "return" -> Return.run(scene);
            case "endurance" -> Endurance.run(scene);
            default -> throw new ChaosException("there is no scenario " + scene.settings().scenario()
                + "; there are all-at-once, replace, restart, return and endurance");
        };
    }
}
