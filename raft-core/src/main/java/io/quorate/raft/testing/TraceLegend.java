package io.quorate.raft.testing;

/** Says what the lines, bars and letters of a picture mean, each drawn as it stands there. */
final class TraceLegend {

    private final TraceMarkup out;

    private TraceLegend(TraceMarkup out) {
        this.out = out;
    }

    static void draw(TraceMarkup out) {
        new TraceLegend(out).draw();
    }

    private void draw() {
        out.open("div", "class", "legend");
        legendOfLanes();
        legendOfMessages();
        out.open("dl");
        legend("w12", "written: the log is durable up to 12");
        legend("c12", "known to be committed up to 12");
        legend("a12", "applied up to 12; a9..12: these at once");
        legend("+ 99 ms", "nothing happens for so long; the scale of time is not even");
        legend("1 2 | 3", "the network is cut between these; 1\u21942 in both directions, 1\u21922 in one");
        legend("hatched", "a node on the smaller side of a cut, or one that hears nobody or is not heard");
        legend("clients", "a bar for each call, from question to answer, with the node that was asked");
        legend("keys", "j and k: next and previous event; v: the violation; h, a, c: heartbeats, answers, calls; + and -: height; "
            + "Esc: let go");
        out.close("dl").close("div");
    }

    private void legend(String term, String meaning) {
        out.element("dt", term).element("dd", meaning);
    }

    private void legendOfLanes() {
        String[] kinds = {"unknown", "down", "blank", "follower", "pre-candidate", "candidate", "leader", "paused"};
        out.open("svg", "xmlns", "http://www.w3.org/2000/svg", "width", 150, "height", 8 + 20 * kinds.length);
        for (int i = 0; i < kinds.length; i++) {
            String kind = kinds[i].equals("paused") ? "follower" : kinds[i];
            TracePicture.drawBlock(out, kind, 16, 6 + 20 * i, 15, "");
            if (kinds[i].equals("paused")) {
                out.empty("rect", "class", "paused", "x", 6, "y", 6 + 20 * i, "width", 20, "height", 15);
            }
            out.element("text", kinds[i].equals("unknown") ? "not known" : kinds[i], "x", 36, "y", 18 + 20 * i);
        }
        out.close("svg");
    }

    private void legendOfMessages() {
        String[][] kinds = {{"append", "entries"}, {"heartbeat", "heartbeat or probe"}, {"answer", "answer"},
            {"election", "pre-vote, vote?"}, {"other", "founding, others"}, {"again", "arrives once more"},
            {"lost", "never arrives"}, {"open", "still under way"}};
        out.open("svg", "xmlns", "http://www.w3.org/2000/svg", "width", 210, "height", 8 + 20 * kinds.length);
        for (int i = 0; i < kinds.length; i++) {
            int y = 14 + 20 * i;
            boolean isLost = kinds[i][0].equals("lost");
            boolean isOpen = kinds[i][0].equals("open");
            String kind = isLost || isOpen || kinds[i][0].equals("again") ? "append" : kinds[i][0];
            out.open("g", "class", kind).empty("line", "class", kind.equals(kinds[i][0]) ? "arrow" : "arrow " + kinds[i][0],
                "x1", 8, "y1", y - 4, "x2", 52, "y2", y + 4);
            if (isLost) {
                out.empty("path", "class", "cross", "d", TracePicture.CROSS, "transform", "translate(52 " + (y + 4) + ")");
            } else if (isOpen) {
                out.empty("circle", "class", "end", "r", 3, "cx", 52, "cy", y + 4);
            }
            out.close("g").element("text", kinds[i][1], "x", 66, "y", y + 4);
        }
        out.close("svg");
    }
}
