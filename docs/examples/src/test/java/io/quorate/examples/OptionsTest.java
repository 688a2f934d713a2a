package io.quorate.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class OptionsTest {

    private static Options parse(String... arguments) throws UsageException {
        return Options.parse(List.of(arguments), Set.of("--name", "--other"), Set.of("--switch"));
    }

    private static String errorOf(String... arguments) {
        return assertThrows(UsageException.class, () -> parse(arguments)).getMessage();
    }

    @Test
    void anOptionHasItsValueBehindABlankOrAnEqualsSign() throws UsageException {
        Options options = parse("--name", "a=b", "--switch", "--other=c=d");
        assertEquals("a=b", options.required("--name"));
        assertEquals("c=d", options.optional("--other"));
        assertTrue(options.has("--switch"));
        assertFalse(parse().has("--switch"));
        assertNull(parse().optional("--name"));
    }

    @Test
    void whatIsWrongIsNamed() {
        assertEquals("unknown option --nmae; --help lists the options", errorOf("--nmae", "x"));
        assertEquals("unknown option --nmae; --help lists the options", errorOf("--nmae=x"));
        assertEquals("unknown option x; --help lists the options", errorOf("x"));
        assertEquals("unknown option =; --help lists the options", errorOf("="));
        assertEquals("--name needs a value; --help shows which", errorOf("--name"));
        assertEquals("--name is given twice; give it once", errorOf("--name", "1", "--name=2"));
        assertEquals("--switch takes no value; write --switch alone", errorOf("--switch=on"));
        assertTrue(assertThrows(UsageException.class, () -> parse().required("--name")).getMessage().startsWith("--name is missing"));
        assertTrue(assertThrows(UsageException.class, () -> parse("--name", " ").required("--name")).getMessage()
            .startsWith("--name is missing"));
    }

    @Test
    void aNumberIsOneWithinItsRange() throws UsageException {
        assertEquals(7, parse("--name", "7").number("--name", 1, 7, 3));
        assertEquals(3, parse().number("--name", 1, 7, 3));
        for (String bad : List.of("0", "8", "x", "", "99999999999", "1.5")) {
            String message = assertThrows(UsageException.class, () -> parse("--name", bad).number("--name", 1, 7, 3)).getMessage();
            assertEquals("--name is a number from 1 to 7, not \"" + bad + "\"", message);
        }
    }

    @Test
    void membersAreNodesAndTheirAddresses() throws UsageException {
        assertEquals(Map.of(1, "a:1", 2, "[::1]:2"), parse("--name", "2=[::1]:2, 1=a:1").members("--name"));
        for (String bad : List.of("a:1", "1=a:1,", "1=a:1,1=b:1", "0=a:1", "x=a:1", "1=a", "1=a:0", "1=a:65536", "1=:1", "1=a:1,2=a:1",
            "")) {
            String message = assertThrows(UsageException.class, () -> parse("--name", bad).members("--name")).getMessage();
            assertTrue(message.contains("--name"), bad + ": " + message);
        }
    }

    @Test
    void addressesAreAList() throws UsageException {
        assertEquals(List.of("a:1", "b:2"), parse("--name", "a:1, b:2").addresses("--name"));
        assertThrows(UsageException.class, () -> parse("--name", "a:1,,b:2").addresses("--name"));
    }
}
