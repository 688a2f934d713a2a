package io.quorate.raft.testing;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Writes the records of a plan as text, and reads them: {@code Crash[at=1200.5ms, node=2, down=20ms, keepsWrite=true]}. Times are written
 * in milliseconds, exactly; their names lose the word nanos. One rule for all records, so that a new fault needs no text of its own.
 */
final class PlanText {

    private PlanText() { }

    static String of(Record value) {
        List<String> parts = new ArrayList<>();
        for (RecordComponent component : value.getClass().getRecordComponents()) {
            if (component.getType() != List.class) {
                parts.add(nameOf(component) + "=" + text(component, read(component, value)));
            }
        }
        return value.getClass().getSimpleName() + "[" + String.join(", ", parts) + "]";
    }

    static Fault parseFault(String text) {
        for (Class<?> kind : Fault.class.getPermittedSubclasses()) {
            for (Class<?> each : kind.isSealed() ? kind.getPermittedSubclasses() : new Class<?>[] {kind}) {
                if (text.startsWith(each.getSimpleName() + "[")) {
                    return (Fault) parse(each.asSubclass(Record.class), text);
                }
            }
        }
        throw new IllegalArgumentException("No fault is written like this: " + text);
    }

    static <R extends Record> R parse(Class<R> type, String text) {
        String start = type.getSimpleName() + "[";
        if (!text.startsWith(start) || !text.endsWith("]")) {
            throw new IllegalArgumentException("Expected " + start + "...], not " + text);
        }
        String[] parts = text.substring(start.length(), text.length() - 1).split(",\\s*");
        RecordComponent[] components = type.getRecordComponents();
        Object[] values = new Object[components.length];
        int next = 0;
        for (int i = 0; i < components.length; i++) {
            RecordComponent component = components[i];
            if (component.getType() == List.class) {
                values[i] = List.of();
                continue;
            }
            String name = nameOf(component) + "=";
            if (next == parts.length || !parts[next].startsWith(name)) {
                throw new IllegalArgumentException(type.getSimpleName() + " is written with " + name + "... in place " + (next + 1)
                    + ", not " + text);
            }
            values[i] = value(component, parts[next].substring(name.length()));
            next++;
        }
        if (next < parts.length) {
            throw new IllegalArgumentException(type.getSimpleName() + " has no " + parts[next] + ": " + text);
        }
        return construct(type, components, values);
    }

    private static boolean isTime(RecordComponent component) {
        return component.getName().contains("Nanos");
    }

    private static String nameOf(RecordComponent component) {
        return component.getName().replace("Nanos", "");
    }

    private static String text(RecordComponent component, Object value) {
        if (isTime(component)) {
            return BigDecimal.valueOf((Long) value, 6).stripTrailingZeros().toPlainString() + "ms";
        }
        return component.getName().equals("links") ? Links.text((Long) value) : value.toString();
    }

    private static Object value(RecordComponent component, String text) {
        Class<?> type = component.getType();
        try {
            if (isTime(component)) {
                if (!text.endsWith("ms")) {
                    throw new IllegalArgumentException("a time is written in ms");
                }
                return new BigDecimal(text.substring(0, text.length() - 2)).movePointRight(6).longValueExact();
            } else if (component.getName().equals("links")) {
                return Links.parse(text);
            } else if (type == long.class) {
                return Long.parseLong(text);
            } else if (type == int.class) {
                return Integer.parseInt(text);
            } else if (type == boolean.class && (text.equals("true") || text.equals("false"))) {
                return Boolean.parseBoolean(text);
            } else if (type == Fault.Balance.class) {
                return Fault.Balance.valueOf(text.toUpperCase(Locale.ROOT));
            }
        } catch (IllegalArgumentException | ArithmeticException e) {
            throw new IllegalArgumentException(nameOf(component) + "=" + text + " cannot be read: " + e.getMessage(), e);
        }
        throw new IllegalArgumentException(nameOf(component) + "=" + text + " cannot be read as " + type.getSimpleName());
    }

    private static Object read(RecordComponent component, Record value) {
        try {
            return component.getAccessor().invoke(value);
        } catch (IllegalAccessException | InvocationTargetException e) {
            throw new IllegalStateException(e);
        }
    }

    private static <R extends Record> R construct(Class<R> type, RecordComponent[] components, Object[] values) {
        try {
            Constructor<R> constructor =
                type.getDeclaredConstructor(Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new));
            return constructor.newInstance(values);
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw new IllegalStateException(e);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }
}
