package io.github.remoe.figure;

import freemarker.cache.ClassTemplateLoader;
import freemarker.template.Configuration;
import freemarker.template.TemplateException;
import freemarker.template.TemplateExceptionHandler;

import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * A FreeMarker template that lies beside a class. The name's ending chooses what values are escaped
 * for, all of them: {@code .ftlx} for SVG and {@code .ftlh} for HTML.
 */
public final class Template {

    // No escape makes these characters part of XML, or shows something.
    private static final Pattern NO_TEXT = Pattern.compile(
            "[^\\t\\n\\r\\x{20}-\\x{7E}\\x{A0}-\\x{D7FF}\\x{E000}-\\x{FFFD}\\x{10000}-\\x{10FFFF}]");

    private final freemarker.template.Template template;

    /**
     * Reads a template.
     *
     * @param owner the class in whose package it lies
     * @param name the file's name
     */
    public Template(Class<?> owner, String name) {
        Configuration configuration = new Configuration(Configuration.VERSION_2_3_34);
        configuration.setTemplateLoader(new ClassTemplateLoader(owner, ""));
        configuration.setDefaultEncoding("UTF-8");
        configuration.setLocale(Locale.ROOT);
        configuration.setNumberFormat("computer");
        configuration.setTemplateExceptionHandler(TemplateExceptionHandler.RETHROW_HANDLER);
        configuration.setLogTemplateExceptions(false);
        configuration.setWrapUncheckedExceptions(true);
        try {
            template = configuration.getTemplate(name);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Fills the template in. Control characters, and others that XML has no place for,
     * become U+FFFD.
     *
     * @param values the values by name; of records and objects also what they have methods for
     * @return the text
     */
    public String fill(Map<String, ?> values) {
        StringWriter out = new StringWriter();
        try {
            template.process(values, out);
        } catch (TemplateException | IOException e) {
            throw new IllegalStateException(
                    "The template " + template.getName() + " fails: " + e.getMessage(), e);
        }
        return clean(out.toString());
    }

    static String clean(String text) {
        return NO_TEXT.matcher(text).replaceAll("\uFFFD");
    }
}
