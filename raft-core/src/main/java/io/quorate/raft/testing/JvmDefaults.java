package io.quorate.raft.testing;

import java.util.Locale;
import java.util.TimeZone;

/** The default locale and time zone of this JVM as they are now, to be put back by closing. */
final class JvmDefaults implements AutoCloseable {

    private final Locale locale = Locale.getDefault();
    private final Locale display = Locale.getDefault(Locale.Category.DISPLAY);
    private final Locale format = Locale.getDefault(Locale.Category.FORMAT);
    private final TimeZone zone = TimeZone.getDefault();

    void change(String languageTag, String zoneId) {
        Locale.setDefault(Locale.forLanguageTag(languageTag));
        TimeZone.setDefault(TimeZone.getTimeZone(zoneId));
    }

    @Override
    public void close() {
        Locale.setDefault(locale);
        Locale.setDefault(Locale.Category.DISPLAY, display);
        Locale.setDefault(Locale.Category.FORMAT, format);
        TimeZone.setDefault(zone);
    }
}
