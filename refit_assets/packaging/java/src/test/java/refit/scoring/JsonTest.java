package refit.scoring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** JSON texts, read and written. */
class JsonTest {
    private static String written(Object value) {
        StringBuilder out = new StringBuilder();
        Json.write(out, value);
        return out.toString();
    }

    @Test
    void everyKindOfValueIsRead() {
        Object value = Json.parse(" {\"a\": [1, -2.5e3, true, false, null], \"b\": {\"c\": \"d\"}} ");
        Map<String, Object> object = Json.object(value);
        assertEquals("[1.0, -2500.0, true, false, null]", object.get("a").toString());
        assertEquals(Map.of("c", "d"), object.get("b"));
    }

    @Test
    void escapesAreRead() {
        assertEquals("\"\\/\b\f\n\r\t\u00e9", Json.parse("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00E9\""));
    }

    @Test
    void whatIsWrittenReadsBackAsTheSame() {
        Map<String, Object> value =
                Map.of("quote\"\\ and\nline", List.of(0.1, 5e-324, -0.0, "\u0001"));
        assertEquals(value, Json.parse(written(value)));
    }

    @Test
    void whatIsNoNumberInJsonIsNull() {
        assertEquals("[null,null,1.0]", written(List.of(Double.NaN, Double.POSITIVE_INFINITY, 1.0)));
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "", "{", "[1,", "{\"a\" 1}", "{\"a\":1,}", "01", "1.", "1e", "+1", "NaN", "nul", "\"a",
        "\"\\x\"", "\"\\u12g4\"", "\"\n\"", "{} {}", "{\"a\":1,\"a\":2}", "'a'", "-"
    })
    void otherTextsAreRefused(String text) {
        assertThrows(IllegalArgumentException.class, () -> Json.parse(text));
    }

    @Test
    void nestingThatCouldOverflowTheStackIsRefused() {
        String deep = "[".repeat(10_000) + "]".repeat(10_000);
        assertThrows(IllegalArgumentException.class, () -> Json.parse(deep));
    }

    @ParameterizedTest
    @CsvSource({"{}, array", "3, object"})
    void theMessageSaysWhatWasExpected(String text, String expected) {
        IllegalArgumentException wrong = assertThrows(
                IllegalArgumentException.class,
                () -> {
                    Object value = Json.parse(text);
                    Object read = expected.equals("array") ? Json.list(value) : Json.object(value);
                    throw new AssertionError(read);
                });
        assertEquals(true, wrong.getMessage().contains("expected a JSON " + expected));
    }
}
