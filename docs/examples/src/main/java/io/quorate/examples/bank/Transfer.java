package io.quorate.examples.bank;

import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The bank's one command: {@code 3/17: customer 42 saves 30} moves 30 from the customer's current account to the savings account, or back
 * if the amount is negative. Client 3 calls it number 17, and calls it so again when it asks again because no answer came.
 */
record Transfer(int client, int number, int customer, int amount) {

    private static final Pattern TEXT = Pattern.compile("(\\d{1,9})/(\\d{1,9}): customer (\\d{1,2}) saves (-?\\d{1,9})");

    byte[] encode() {
        return (id() + ": customer " + customer + " saves " + amount).getBytes(StandardCharsets.US_ASCII);
    }

    static Transfer parse(byte[] command) {
        Matcher matcher = TEXT.matcher(new String(command, StandardCharsets.US_ASCII));
        if (!matcher.matches()) {
            throw new IllegalArgumentException("no transfer");
        }
        return new Transfer(Integer.parseInt(matcher.group(1)), Integer.parseInt(matcher.group(2)), Integer.parseInt(matcher.group(3)),
            Integer.parseInt(matcher.group(4)));
    }

    String id() {
        return client + "/" + number;
    }
}
