package refit.scoring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.StringReader;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

/** Streams of rows through a model: what is guessed, told on the way, and refused by the model. */
class ScoreCommandTest {
    private static final ScoreCommand.Options GUESS = new ScoreCommand.Options(null, false, true, false);
    /** A linear model that skips rows with missing values instead of filling them. */
    private static final Engine SKIPS = Engine.load(
            Models.changedInMojo(
                    Models.files("glm_gaussian"), "model.ini", text -> text.replace("mean_imputation = true", "mean_imputation = false")),
            Unseen.MISSING);
    private static final String HEADER = "AGE,RACE,DPROS,DCAPS,PSA,VOL,GLEASON\n";
    private static final String ROW = "72,1.0,lobe 3,2.0,6.7,0,7\n";

    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    private String score(Engine engine, ScoreCommand.Options options, String input) throws IOException {
        StringWriter out = new StringWriter();
        new ScoreCommand(engine, options, new PrintStream(err)).run(new StringReader(input), out);
        return out.toString();
    }

    @Test
    void theFormatIsGuessedBehindByteOrderMarkAndBlanks() throws IOException {
        for (String before : new String[] {"", "\uFEFF", "\n", "\r\n  "}) {
            assertTrue(score(Models.gbm(), GUESS, before + "{\"AGE\":72}\n").startsWith("{\"predict\""), before);
        }
        assertTrue(score(Models.gbm(), GUESS, "\uFEFF\n" + HEADER + ROW).startsWith("predict,"));
        assertEquals("", err.toString());
    }

    @Test
    void aRowThatTheModelRefusesIsNamedByItsOwnLine() throws IOException {
        String hole = ROW.replace("lobe 3", "");
        String answers = score(SKIPS, GUESS, HEADER + ROW + hole + "\n" + ROW + hole);
        assertEquals(3, answers.split("\n").length);
        String reason = ", model: a category is missing, which this GLM skips";
        assertTrue(err.toString().contains("skipped: line 3" + reason), err.toString());
        assertTrue(err.toString().contains("skipped: line 6" + reason), err.toString());
    }

    @Test
    void anAnswerThatIsMissingIsStillARow() throws IOException {
        assertEquals("predict\n\"\"\n", score(SKIPS, GUESS, HEADER + ROW.replace("6.7", "")));
        assertEquals("{\"predict\":null}\n", score(
                SKIPS, GUESS, "{\"RACE\":\"1.0\",\"DPROS\":\"lobe 3\",\"DCAPS\":\"2.0\"}"));
    }

    @Test
    void aColumnThatIsPassedMustNotBeNamedAsAnAnswer() throws IOException {
        ScoreCommand.Options passing = new ScoreCommand.Options(null, true, true, false);
        String again = "predict," + HEADER + "0," + ROW;
        BadRowException refusal = assertThrows(
                BadRowException.class, () -> score(Models.gbm(), passing, again));
        assertTrue(refusal.getMessage().startsWith("header: has a column predict, "), refusal.getMessage());
        assertTrue(score(Models.gbm(), GUESS, again).startsWith("predict,p:"));
    }

    @Test
    void progressIsToldEveryHundredThousandRowsAndAtTheEnd() throws IOException {
        ScoreCommand.Options told = new ScoreCommand.Options(ScoreCommand.Format.CSV, false, false, true);
        score(Models.gbm(), told, HEADER + ROW.repeat(100_005));
        String expected = String.format("\r%,d rows\r%,d rows scored, 0 skipped%n", 100_000, 100_005);
        assertEquals(expected, err.toString());
    }

    @Test
    void withoutATerminalNothingIsTold() throws IOException {
        score(Models.gbm(), GUESS, HEADER + ROW);
        assertFalse(err.toString().contains("rows"));
    }
}
