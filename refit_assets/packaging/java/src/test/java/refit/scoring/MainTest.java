package refit.scoring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands, from arguments to exit code. */
class MainTest {
    private static final String HEADER = "AGE,RACE,DPROS,DCAPS,PSA,VOL,GLEASON";
    private static final String ROW = "72,1.0,lobe 3,2.0,6.7,0,7";

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    @TempDir Path folder;

    private int run(String input, String... args) {
        ByteArrayInputStream in = new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8));
        return new Main(Models.gbmFiles(), in, new PrintStream(out), new PrintStream(err)).run(args);
    }

    private String written() {
        return out.toString(StandardCharsets.UTF_8);
    }

    private String complaints() {
        return err.toString(StandardCharsets.UTF_8);
    }

    @Test
    void csvIsScoredByHeaderInAnyOrderAmongOtherColumns() {
        assertEquals(0, run(HEADER + "\n" + ROW + "\n", "score"));
        String straight = written();
        out.reset();
        assertEquals(0, run("X,GLEASON,VOL,PSA,DCAPS,DPROS,RACE,AGE\na,7,0,6.7,2.0,lobe 3,1.0,72\n", "score"));
        assertEquals(straight, written());
        assertTrue(straight.startsWith("predict,p:0,p:1\n"));
    }

    @Test
    void jsonLinesGiveTheSameNumbersAsCsv() {
        run(HEADER + "\n" + ROW + "\n", "score");
        String[] cells = written().split("\n")[1].split(",");
        out.reset();
        String json = "{\"AGE\":72,\"RACE\":\"1.0\",\"DPROS\":\"lobe 3\",\"DCAPS\":\"2.0\","
                + "\"PSA\":6.7,\"VOL\":0,\"GLEASON\":7,\"more\":{}}";
        assertEquals(0, run(json + "\n\n" + json, "score", "-", "-"));
        String expected = "{\"predict\":\"" + cells[0] + "\",\"p:0\":" + cells[1] + ",\"p:1\":" + cells[2] + "}\n";
        assertEquals(expected + expected, written());
    }

    @Test
    void columnsArePassedThroughOnDemand() {
        run("id," + HEADER + "\n\"a,b\"," + ROW + "\n", "score", "--pass-through");
        assertTrue(written().startsWith("id," + HEADER + ",predict,p:0,p:1\n\"a,b\"," + ROW + ","));
        out.reset();
        run(" {\"AGE\":7} \r\n", "score", "--pass-through");
        assertTrue(written().startsWith("{\"input\":{\"AGE\":7},\"predict\":"));
    }

    @Test
    void aColumnThatComesTwiceIsRefusedByName() {
        assertEquals(1, run(HEADER + ",AGE\n" + ROW + ",1\n", "score"));
        assertTrue(complaints().contains("AGE: the header names this column twice"), complaints());
    }

    @Test
    void aMissingColumnIsRefusedByName() {
        assertEquals(1, run("AGE,RACE\n1,2\n", "score"));
        assertTrue(complaints().contains("lacks the columns [DPROS, DCAPS, PSA, VOL, GLEASON]"));
    }

    @Test
    void aBadRowIsFatalAndNamesLineAndField() throws IOException {
        Path in = Files.writeString(folder.resolve("in.csv"), HEADER + "\n" + ROW + "\nold" + ROW.substring(2) + "\n");
        Path to = folder.resolve("out.csv");
        assertEquals(1, run("", "score", in.toString(), to.toString()));
        assertTrue(complaints().contains("line 3, AGE: \"old\" is no number"), complaints());
        assertFalse(Files.exists(to));
        try (var left = Files.list(folder)) {
            assertEquals(1, left.count());
        }
    }

    @Test
    void badRowsAreSkippedOnDemandAndCounted() {
        String input = HEADER + "\n" + ROW + "\nold" + ROW.substring(2) + "\n1,2\n" + ROW + "\n";
        assertEquals(0, run(input, "score", "--bad-rows=skip"));
        assertEquals(3, written().split("\n").length);
        assertTrue(complaints().contains("skipped: line 4, row: expected 7 cells, found 2"));
        assertTrue(complaints().contains("2 bad rows skipped"));
    }

    @Test
    void unknownLevelsAreMissingOrFatal() {
        String input = HEADER + "\n" + ROW.replace("lobe 3", "lobe 9") + "\n";
        assertEquals(0, run(input, "score"));
        String unseen = written();
        out.reset();
        run(HEADER + "\n" + ROW.replace("lobe 3", "") + "\n", "score");
        assertEquals(unseen, written());
        assertEquals(1, run(input, "score", "--unseen=fail"));
        assertTrue(complaints().contains("line 2, DPROS: the model knows no level \"lobe 9\""));
    }

    @Test
    void manyRowsComeOutInTheirOrder() {
        StringBuilder input = new StringBuilder(HEADER + "\n");
        for (int i = 0; i < 1000; i++) {
            input.append(40 + i % 50).append(ROW.substring(2)).append('\n');
        }
        run(input.toString(), "score");
        String[] lines = written().split("\n");
        assertEquals(1001, lines.length);
        assertEquals(lines[1], lines[951]);
        out.reset();
        run(HEADER + "\n" + (40 + 777 % 50) + ROW.substring(2) + "\n", "score");
        assertEquals(lines[778], written().split("\n")[1]);
    }

    @Test
    void aFileAppearsUnderItsNameOnceItIsWhole() throws IOException {
        Path in = Files.writeString(folder.resolve("in.csv"), HEADER + "\n" + ROW + "\n");
        assertEquals(0, run("", "score", in.toString(), folder.resolve("o.csv").toString()));
        assertEquals(2, Files.readAllLines(folder.resolve("o.csv")).size());
        assertFalse(Files.exists(folder.resolve("o.csv.part")));
    }

    @Test
    void theModelTellsAboutItselfAndItsInputs() {
        assertEquals(0, run("", "--about"));
        assertTrue(Json.object(Json.parse(written())).containsKey("scoring_path"));
        out.reset();
        assertEquals(0, run("", "--inputs"));
        Object properties = Json.object(Json.parse(written())).get("properties");
        assertTrue(Json.object(properties).containsKey("GLEASON"));
    }

    @Test
    void theSelfTestCountsGoldenRows() {
        assertEquals(0, run("", "--self-test"));
        assertTrue(written().startsWith("60 golden rows equal"));
    }

    @Test
    void withoutAnswersOfTheClusterParityIsNotProven() {
        ModelFiles bare = Models.changed(
                Models.gbmFiles(), "golden.csv", text -> text.replaceAll("(?m)(,[^,\n]*){3}$", ""));
        assertEquals(0, new Main(bare, System.in, new PrintStream(out), new PrintStream(err)).run("--self-test"));
        assertTrue(written().startsWith("parity not proven"), written());
        ModelFiles none = name -> name.equals("golden.csv") ? null : bare.open(name);
        assertEquals(3, new Main(none, System.in, new PrintStream(out), new PrintStream(err)).run("--benchmark"));
        assertTrue(complaints().contains("no golden rows in this jar to measure with"), complaints());
    }

    @Test
    void aModelThatDiffersFromItsGoldenRowsIsBad() {
        ModelFiles spoilt =
                Models.changed(Models.gbmFiles(), "golden.csv", text -> text.replace(",0,0.", ",0,1."));
        Main main = new Main(spoilt, System.in, new PrintStream(out), new PrintStream(err));
        assertEquals(3, main.run("--self-test"));
        assertTrue(complaints().contains("of 60 golden rows differ"));
        assertTrue(complaints().contains("golden row 0, p:0: expected 1."));
    }

    @Test
    void aDamagedJarIsABadModel() {
        ModelFiles none = name -> null;
        Main main = new Main(none, System.in, new PrintStream(out), new PrintStream(err));
        assertEquals(3, main.run("--about"));
        assertTrue(complaints().contains("model.mojo is missing from this jar"));
    }

    @Test
    void numbersBeyondAllDoublesAreRefusedAndInfinityIsOne() {
        for (String number : new String[] {"1e400", "-1e400"}) {
            assertEquals(1, run(HEADER + "\n" + ROW.replace("6.7", number) + "\n", "score"));
            assertTrue(complaints().contains("line 2, PSA: " + number + " is beyond all doubles"), complaints());
        }
        assertEquals(1, run("{\"PSA\":1e400}", "score"));
        assertTrue(complaints().contains("JSON, character 8: expected a number that a double can hold"));
        assertEquals(0, run(HEADER + "\n" + ROW.replace("6.7", "-Infinity") + "\n", "score"));
    }

    @Test
    void aLineThatNeverEndsIsOneBadRow() {
        assertEquals(0, run("{}\n{" + " ".repeat(9 << 20) + "}\n{\"AGE\":1}\n", "score", "--bad-rows=skip"));
        assertEquals(2, written().split("\n").length);
        assertTrue(complaints().contains("skipped: line 2, row: more than 8388608 characters"), complaints());
    }

    @Test
    void anArrayIsRefusedAsJsonThatIsNoRow() {
        assertEquals(1, run("[{\"AGE\":1}]", "score"));
        assertTrue(complaints().contains("line 1, row: expected a JSON object, found an array"), complaints());
    }

    @Test
    void textThatIsNoUtf8IsRefused() throws IOException {
        Path in = folder.resolve("latin.csv");
        Files.write(in, (HEADER + "\n" + ROW.replace("lobe 3", "Z\u00fcrich")).getBytes(StandardCharsets.ISO_8859_1));
        assertEquals(2, run("", "score", in.toString(), folder.resolve("out.csv").toString()));
        assertTrue(complaints().contains("the input is no UTF-8"), complaints());
        assertFalse(Files.exists(folder.resolve("out.csv")));
    }

    @Test
    void outputThatCannotBeWrittenIsNoSuccess() {
        PrintStream full = new PrintStream(new OutputStream() {
            @Override
            public void write(int b) throws IOException {
                throw new IOException("No space left on device");
            }
        });
        for (String[] command : new String[][] {{"score"}, {"--about"}}) {
            ByteArrayInputStream in = new ByteArrayInputStream(HEADER.getBytes(StandardCharsets.UTF_8));
            assertEquals(2, new Main(Models.gbmFiles(), in, full, new PrintStream(err)).run(command));
        }
        assertTrue(complaints().contains("the output is closed, or its disk is full"), complaints());
    }

    @Test
    void wrongCallsPrintTheUsage() {
        assertEquals(2, run(""));
        assertEquals(2, run("", "score", "a", "b", "c"));
        assertTrue(complaints().contains("score does not know [a, b, c]"), complaints());
        assertEquals(2, run("", "score", "--colour"));
        assertEquals(2, run("", "score", "/no/such/file"));
        assertTrue(complaints().contains("usage: java -jar"));
    }
}
