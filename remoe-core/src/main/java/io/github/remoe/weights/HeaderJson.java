package io.github.remoe.weights;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.function.Consumer;

/**
 * Reads the little of JSON that a safetensors header is made of: objects, lists of whole numbers, and
 * texts.
 *
 * <p>A general parser builds what a file tells it to, which for a hostile one is many times the file:
 * a list of a million zeros, a name of a million letters, a million lists in each other. This one
 * makes nothing but the texts that the caller asks for, up to the length that the caller allows.
 */
final class HeaderJson {

    private static final int MOST_NUMBERS = 32;

    private final byte[] bytes;
    private final long[] numbers = new long[MOST_NUMBERS];
    private int at;

    HeaderJson(byte[] bytes) {
        this.bytes = bytes;
    }

    /** Reads an object; the reader of a member gets its name and has to read its value. */
    void members(int longestName, Consumer<String> value) {
        expect('{');
        if (accept('}')) {
            return;
        }
        do {
            String name = text(longestName);
            expect(':');
            value.accept(name);
        } while (accept(','));
        expect('}');
    }

    /** Reads a list of at most 32 whole numbers of 0 or more. */
    long[] numbers() {
        int count = 0;
        expect('[');
        if (!accept(']')) {
            do {
                if (count == MOST_NUMBERS) {
                    throw wrong("more than " + MOST_NUMBERS + " numbers in a list");
                }
                numbers[count++] = number();
            } while (accept(','));
            expect(']');
        }
        return Arrays.copyOf(numbers, count);
    }

    private long number() {
        skipSpace();
        int start = at;
        long number = 0;
        while (at < bytes.length && bytes[at] >= '0' && bytes[at] <= '9') {
            number = Math.addExact(Math.multiplyExact(number, 10L), bytes[at] - '0');
            at++;
        }
        if (at == start || at - start > 1 && bytes[start] == '0') {
            at = start;
            throw wrong("a whole number of 0 or more is expected");
        }
        return number;
    }

    /** Reads a text of at most so many bytes. */
    String text(int longest) {
        expect('"');
        int start = at;
        boolean escaped = false;
        while (at < bytes.length && bytes[at] != '"') {
            if (bytes[at] >= 0 && bytes[at] < ' ') {
                throw wrong("a control character in a text");
            }
            escaped |= bytes[at] == '\\';
            at += bytes[at] == '\\' ? 2 : 1;
            if (at - start > longest) {
                at = start;
                throw wrong("a text of more than " + longest + " bytes");
            }
        }
        if (at >= bytes.length) {
            at = start;
            throw wrong("a text without an end");
        }
        String text = decoded(start, at - start);
        at++;
        return escaped ? unescaped(text) : text;
    }

    private String decoded(int start, int length) {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes, start, length))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException(
                    String.format("at byte %d: a text that is not UTF-8.", start), e);
        }
    }

    private String unescaped(String text) {
        StringBuilder plain = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c != '\\') {
                plain.append(c);
                continue;
            }
            i++;
            if (text.charAt(i) == 'u') {
                if (i + 4 >= text.length()
                        || !text.substring(i + 1, i + 5).chars().allMatch(HexFormat::isHexDigit)) {
                    throw wrong("\\u without 4 hexadecimal digits");
                }
                plain.append((char) Integer.parseInt(text, i + 1, i + 5, 16));
                i += 4;
            } else {
                int known = "\"\\/bfnrt".indexOf(text.charAt(i));
                if (known < 0) {
                    throw wrong("\\" + text.charAt(i) + " in a text");
                }
                plain.append("\"\\/\b\f\n\r\t".charAt(known));
            }
        }
        return plain.toString();
    }

    /** Checks that nothing but space follows. */
    void end() {
        skipSpace();
        if (at < bytes.length) {
            throw wrong("more follows the end of the object");
        }
    }

    private boolean accept(char wanted) {
        skipSpace();
        if (at < bytes.length && bytes[at] == wanted) {
            at++;
            return true;
        }
        return false;
    }

    private void expect(char wanted) {
        if (!accept(wanted)) {
            throw wrong("'" + wanted + "' is expected");
        }
    }

    private void skipSpace() {
        while (at < bytes.length
                && (bytes[at] == ' '
                        || bytes[at] == '\n'
                        || bytes[at] == '\r'
                        || bytes[at] == '\t')) {
            at++;
        }
    }

    private IllegalArgumentException wrong(String what) {
        return new IllegalArgumentException(String.format("at byte %d: %s.", at, what));
    }
}
