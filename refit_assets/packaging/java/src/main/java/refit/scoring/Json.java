package refit.scoring;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * JSON texts (RFC 8259), read and written without a library.
 *
 * <p>Objects are {@code Map<String, Object>} in the order of the text, arrays {@code List<Object>},
 * numbers {@code Double}; null, true and false are Java's own.
 */
final class Json {
    private static final int MOST_LEVELS = 64;

    private final String text;
    private int at;

    private Json(String text) {
        this.text = text;
    }

    /** Reads one value; {@link IllegalArgumentException} says where the text is wrong. */
    static Object parse(String text) {
        Json json = new Json(text);
        Object value = json.value(0);
        if (json.next() != 0) {
            throw json.wrong("the end");
        }
        return value;
    }

    /** Reads an object, or refuses. */
    @SuppressWarnings("unchecked")
    static Map<String, Object> object(Object value) {
        if (value instanceof Map<?, ?>) {
            return (Map<String, Object>) value;
        }
        throw new IllegalArgumentException("expected a JSON object, found " + kind(value));
    }

    static List<?> list(Object value) {
        if (value instanceof List<?> list) {
            return list;
        }
        throw new IllegalArgumentException("expected a JSON array, found " + kind(value));
    }

    /** How a person would call the kind of this value. */
    static String kind(Object value) {
        if (value == null) {
            return "null";
        } else if (value instanceof Map<?, ?>) {
            return "an object";
        } else if (value instanceof List<?>) {
            return "an array";
        } else if (value instanceof String) {
            return "a text";
        }
        return value instanceof Boolean ? "a boolean" : "a number";
    }

    private Object value(int level) {
        if (level > MOST_LEVELS) {
            throw wrong("at most " + MOST_LEVELS + " levels of nesting");
        }
        switch (next()) {
            case '{':
                return members(level);
            case '[':
                return elements(level);
            case '"':
                return string();
            case 't':
                return word("true", Boolean.TRUE);
            case 'f':
                return word("false", Boolean.FALSE);
            case 'n':
                return word("null", null);
            default:
                return number();
        }
    }

    private Map<String, Object> members(int level) {
        Map<String, Object> members = new LinkedHashMap<>();
        at++;
        if (next() == '}') {
            at++;
            return members;
        }
        while (true) {
            if (next() != '"') {
                throw wrong("a name in quotes");
            }
            String name = string();
            expect(':');
            if (members.containsKey(name)) {
                throw wrong("each name once; \"" + name + "\" comes twice");
            }
            members.put(name, value(level + 1));
            if (next() != ',') {
                expect('}');
                return members;
            }
            at++;
        }
    }

    private List<Object> elements(int level) {
        List<Object> elements = new ArrayList<>();
        at++;
        if (next() == ']') {
            at++;
            return elements;
        }
        while (true) {
            elements.add(value(level + 1));
            if (next() != ',') {
                expect(']');
                return elements;
            }
            at++;
        }
    }

    private String string() {
        StringBuilder out = new StringBuilder();
        for (at++; at < text.length(); at++) {
            char c = text.charAt(at);
            if (c == '"') {
                at++;
                return out.toString();
            } else if (c < ' ') {
                throw wrong("no raw control character in a text");
            }
            out.append(c == '\\' ? escaped() : c);
        }
        throw wrong("a closing quote");
    }

    private char escaped() {
        at++;
        char c = at < text.length() ? text.charAt(at) : 0;
        switch (c) {
            case '"', '\\', '/':
                return c;
            case 'b':
                return '\b';
            case 'f':
                return '\f';
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 't':
                return '\t';
            case 'u':
                return unicode();
            default:
                throw wrong("an escape of JSON");
        }
    }

    private char unicode() {
        int code = 0;
        for (int i = 1; i <= 4; i++) {
            int digit = at + i < text.length() ? Character.digit(text.charAt(at + i), 16) : -1;
            if (digit < 0) {
                throw wrong("four hexadecimal digits");
            }
            code = 16 * code + digit;
        }
        at += 4;
        return (char) code;
    }

    private Object word(String word, Object value) {
        if (!text.startsWith(word, at)) {
            throw wrong("a value");
        }
        at += word.length();
        return value;
    }

    private Double number() {
        int start = at;
        if (at < text.length() && text.charAt(at) == '-') {
            at++;
        }
        int first = at;
        digits();
        if (at == first || text.charAt(first) == '0' && at > first + 1) {
            at = start;
            throw wrong("a value");
        }
        if (at < text.length() && text.charAt(at) == '.') {
            at++;
            int fraction = at;
            digits();
            if (at == fraction) {
                throw wrong("a digit");
            }
        }
        exponent();
        Double number = Double.valueOf(text.substring(start, at));
        if (number.isInfinite()) {
            at = start;
            throw wrong("a number that a double can hold");
        }
        return number;
    }

    private void exponent() {
        if (at < text.length() && (text.charAt(at) | ' ') == 'e') {
            at++;
            if (at < text.length() && (text.charAt(at) == '+' || text.charAt(at) == '-')) {
                at++;
            }
            int first = at;
            digits();
            if (at == first) {
                throw wrong("a digit");
            }
        }
    }

    private void digits() {
        while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
            at++;
        }
    }

    /** The next character that is no white space, or 0 at the end. */
    private char next() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
        return at < text.length() ? text.charAt(at) : 0;
    }

    private void expect(char wanted) {
        if (next() != wanted) {
            throw wrong("'" + wanted + "'");
        }
        at++;
    }

    private IllegalArgumentException wrong(String expected) {
        String found = at < text.length() ? "'" + text.charAt(at) + "'" : "the end";
        return new IllegalArgumentException(
                "JSON, character " + (at + 1) + ": expected " + expected + ", found " + found);
    }

    /** Writes a value as {@link #parse} reads it; doubles as the shortest text that round-trips. */
    static void write(StringBuilder out, Object value) {
        if (value instanceof Map<?, ?> members) {
            String comma = "{";
            for (Map.Entry<?, ?> member : members.entrySet()) {
                quote(out.append(comma), String.valueOf(member.getKey()));
                write(out.append(':'), member.getValue());
                comma = ",";
            }
            out.append(members.isEmpty() ? "{}" : "}");
        } else if (value instanceof List<?> elements) {
            String comma = "[";
            for (Object element : elements) {
                write(out.append(comma), element);
                comma = ",";
            }
            out.append(elements.isEmpty() ? "[]" : "]");
        } else if (value instanceof Number number) {
            number(out, number);
        } else if (value instanceof Boolean || value == null) {
            out.append(value);
        } else {
            quote(out, value.toString());
        }
    }

    /** JSON knows no NaN and no infinity: a missing number is null. */
    private static void number(StringBuilder out, Number number) {
        boolean finite = Double.isFinite(number.doubleValue());
        out.append(finite ? number.toString() : "null");
    }

    static void quote(StringBuilder out, String text) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < ' ') {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        out.append('"');
    }
}
