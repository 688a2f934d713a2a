package io.quorate.raft.runtime;

import io.quorate.raft.FoundingMessage;
import io.quorate.raft.Metrics;
import io.quorate.raft.RepairMessage;
import io.quorate.raft.ServerStatus;
import io.quorate.raft.Storage;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Event;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Something for the raft thread. */
sealed interface Mail permits Mail.OfEvent, Mail.OfFounding, Mail.OfRepair, Mail.OfDamage, Mail.OfDiskProblem, Mail.OfHandedBack,
    Mail.OfMended, Mail.OfRecovered, Mail.OfLoss, Mail.OfQuestion, Mail.OfMetrics, Call {

    void deliver(EventLoop loop);

    /** How much of a turn something small takes, in bytes. */
    int SMALL_BYTES = 100;

    /** How many bytes of a turn this takes. */
    default int bytes() {
        return SMALL_BYTES;
    }

    /**
     * An event for the node.
     *
     * @param event  a peer's message, or a completion
     * @param budget where its bytes go back to; null for a completion, which no bound holds up
     */
    record OfEvent(Event event, int bytes, @Nullable Budget budget) implements Mail {
        @Override
        public void deliver(EventLoop loop) {
            if (budget != null) {
                budget.give(bytes);
            }
            loop.step(event);
        }
    }

    /** A message from a node that is blank, or to one. */
    record OfFounding(FoundingMessage message, int bytes, Budget budget) implements Mail {
        @Override
        public void deliver(EventLoop loop) {
            budget.give(bytes);
            loop.found(message);
        }
    }

    /** A question for damaged entries, or the answer to one. */
    record OfRepair(RepairMessage message, int bytes, Budget budget) implements Mail {
        @Override
        public void deliver(EventLoop loop) {
            budget.give(bytes);
            loop.repair(message);
        }
    }

    /** These entries cannot be read any more. */
    record OfDamage(List<EntryId> entries) implements Mail {
        @Override
        public void deliver(EventLoop loop) {
            loop.damaged(entries);
        }
    }

    /** The disk has damage that no other replica can put right, or no more. */
    record OfDiskProblem(@Nullable String problem) implements Mail {
        @Override
        public void deliver(EventLoop loop) {
            loop.diskProblem(problem);
        }
    }

    /** What was to be applied and is not has been given back. */
    record OfHandedBack(long appliedIndex) implements Mail {
        @Override
        public void deliver(EventLoop loop) {
            loop.handedBack(appliedIndex);
        }
    }

    /** These damaged entries are there again. */
    record OfMended(List<EntryId> entries) implements Mail {
        @Override
        public void deliver(EventLoop loop) {
            loop.mended(entries);
        }
    }

    /** The log was recovered once more. */
    record OfRecovered(Storage.Recovered log) implements Mail {
        @Override
        public void deliver(EventLoop loop) {
            loop.recovered(log);
        }
    }

    /** The process at a node seems to have ended. */
    record OfLoss(int nodeId) implements Mail {
        @Override
        public void deliver(EventLoop loop) {
            loop.lost(nodeId);
        }
    }

    /** How are you? */
    record OfQuestion(Consumer<ServerStatus> answer) implements Mail {
        @Override
        public void deliver(EventLoop loop) {
            ServerStatus status;
            try {
                status = loop.status();
            } catch (RuntimeException | Error e) {
                answer.accept(loop.stoppedStatus(e));     // the server stops by it; whoever asked must not wait for ever
                throw e;
            }
            answer.accept(status);
        }
    }

    /** What have you counted? */
    record OfMetrics(Consumer<Metrics> answer) implements Mail {
        @Override
        public void deliver(EventLoop loop) {
            Metrics metrics;
            try {
                metrics = loop.metrics();
            } catch (RuntimeException | Error e) {
                answer.accept(loop.stoppedMetrics());     // likewise
                throw e;
            }
            answer.accept(metrics);
        }
    }
}
