package refit.scoring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Values on their way into the model's row: missing, unknown and malformed ones. */
class EncoderTest {
    private static final int AGE = 0;
    private static final int RACE = 1;

    private final Engine engine = Models.gbm();
    private final Encoder encoder = engine.encoder();
    private final Block block = engine.borrow();

    private static Encoder strict() {
        ModelFiles files = Models.changed(
                Models.gbmFiles(), "contract.json", text -> text.replace("\"required\": false", "\"required\": true"));
        return Engine.load(files, Unseen.MISSING).encoder();
    }

    private double encoded(int input) {
        String name = encoder.input(input).name();
        return block.rows[0][java.util.Arrays.asList(engine.model().getNames()).indexOf(name)];
    }

    @ParameterizedTest
    @CsvSource({
        "72, 72", "' 7 ', 7", "-0, -0.0", ".5, 0.5", "1., 1", "+5, 5", "1e3, 1000", "NA, NaN", "NaN, NaN", "'', NaN",
        "Infinity, Infinity", "-Infinity, -Infinity", "5e-324, 5e-324"
    })
    void numbersAreReadAsCsvFilesHaveThem(String cell, double expected) {
        encoder.text(block, 0, AGE, cell);
        assertEquals(expected, encoded(AGE));
    }

    @ParameterizedTest
    @ValueSource(strings = {"nan", "inf", "1d", "1f", "0x1p3", "0x10", "1_000", "1e", "\u0663", "1e400", "-1e400", "1,5"})
    void whatNobodyMeansByANumberIsRefused(String cell) {
        BadRowException bad = assertThrows(BadRowException.class, () -> encoder.text(block, 0, AGE, cell));
        assertEquals("AGE", bad.field());
        assertTrue(bad.reason().contains(cell), bad.reason());
    }

    @Test
    void aRequiredValueMustNotBeMissingByWhateverWayItComes() {
        Encoder strict = strict();
        double[] numbers = {Double.NaN};
        String[] levels = {null};
        Runnable[] ways = {
            () -> strict.text(block, 0, AGE, null),
            () -> strict.value(block, 0, AGE, null),
            () -> strict.number(block, 0, AGE, Double.NaN),
            () -> strict.numbers(block, 1, AGE, numbers, 0),
            () -> strict.present(AGE, Double.NaN),
            () -> strict.text(block, 0, RACE, ""),
            () -> strict.value(block, 0, RACE, null),
            () -> strict.category(block, 0, RACE, null),
            () -> strict.categories(block, 1, RACE, levels, 0),
            () -> strict.code(RACE, null),
        };
        for (int i = 0; i < ways.length; i++) {
            BadRowException bad = assertThrows(BadRowException.class, ways[i]::run);
            assertEquals(i < 5 ? "AGE" : "RACE", bad.field());
            assertEquals("missing, and the contract requires it", bad.reason());
        }
        strict.text(block, 0, AGE, "1");
        strict.text(block, 0, RACE, "9.0"); // Unknown, which is not the same as missing.
        assertEquals(Double.NaN, encoded(RACE));
    }

    @Test
    void aColumnThatTheContractLacksIsNoColumnOfZeros() {
        ModelFiles files = Models.changed(
                Models.gbmFiles(), "contract.json", text -> text.replace("\"name\": \"PSA\"", "\"name\": \"PSB\""));
        BadModelException bad = assertThrows(BadModelException.class, () -> Engine.load(files, Unseen.MISSING));
        assertTrue(bad.getMessage().contains("lacks columns of the model: [PSA]"), bad.getMessage());
    }

    @Test
    void anEmptyTextIsALevelWhereTheModelKnowsOne() {
        ModelFiles files = Models.changedInMojo(Models.gbmFiles(), "domains/d000.txt", text -> "\n" + text.split("\n", 2)[1]);
        Encoder knows = Engine.load(files, Unseen.FAIL).encoder();
        knows.text(block, 0, RACE, "");
        assertEquals(0, encoded(RACE));
        knows.text(block, 0, RACE, null);
        assertEquals(Double.NaN, encoded(RACE));
        encoder.text(block, 0, RACE, "");
        assertEquals(Double.NaN, encoded(RACE));
    }

    @Test
    void aValueOfAnotherTypeSaysWhatWasExpected() {
        Map<Object, Integer> wrong = Map.of("72", AGE, true, AGE, 1.0, RACE, Map.of(), RACE);
        wrong.forEach((value, input) -> {
            BadRowException bad = assertThrows(BadRowException.class, () -> encoder.value(block, 0, input, value));
            String expected = input == AGE ? "expected a number or null" : "expected a text or null";
            assertEquals(expected + ", found " + Json.kind(value), bad.reason());
        });
    }
}
