package refit.scoring;

import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/** Rows with the answers that the training cluster gave, compared to the last bit. */
final class GoldenRows {
    private final Engine engine;
    /** Cells of the inputs, in the order of the contract, then of the answers if known. */
    private final List<String[]> rows;
    private final boolean answers;

    private GoldenRows(Engine engine, List<String[]> rows, boolean answers) {
        this.engine = engine;
        this.rows = rows;
        this.answers = answers;
    }

    /** Reads {@code golden.csv}; a model without one has no rows. */
    static GoldenRows read(Engine engine, ModelFiles files) {
        try (InputStream in = files.open("golden.csv")) {
            return in == null
                    ? new GoldenRows(engine, List.of(), false)
                    : read(engine, new InputStreamReader(in, StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new BadModelException("golden.csv can't be read from this jar", e);
        }
    }

    private static GoldenRows read(Engine engine, Reader in) throws IOException {
        CsvReader csv = new CsvReader(in);
        List<String> header = Arrays.asList(csv.next());
        List<String> wanted = new ArrayList<>();
        engine.inputs().forEach(input -> wanted.add(input.name()));
        boolean answers = header.size() > wanted.size();
        if (answers) {
            wanted.addAll(engine.outputs().names());
        }
        if (!header.equals(wanted)) {
            throw new BadModelException("golden.csv has " + header + ", expected " + wanted);
        }
        List<String[]> rows = new ArrayList<>();
        for (String[] row = csv.next(); row != null; row = csv.next()) {
            rows.add(row);
        }
        return new GoldenRows(engine, rows, answers);
    }

    int size() {
        return rows.size();
    }

    boolean hasAnswers() {
        return answers;
    }

    /** Cells of a row: inputs first. */
    String[] cells(int row) {
        return rows.get(row);
    }

    /** Encodes a golden row. */
    void encode(int row, Block block, int to) {
        for (int i = 0; i < engine.encoder().size(); i++) {
            engine.encoder().text(block, to, i, rows.get(row)[i]);
        }
    }

    /** Scores all rows and returns a line for every one that differs. */
    List<String> differences() {
        List<String> differences = new ArrayList<>();
        Block block = engine.borrow();
        for (int row = 0; answers && row < rows.size(); row++) {
            encode(row, block, 0);
            engine.score(block);
            String difference = difference(row, engine.answers(block));
            if (difference != null) {
                differences.add(difference);
            }
        }
        engine.giveBack(block);
        return differences;
    }

    /** How the answer differs from the cluster's; null where it is the same. */
    String difference(int row, double[] answer) {
        Outputs outputs = engine.outputs();
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < outputs.width(); i++) {
            String expected = rows.get(row)[engine.encoder().size() + i];
            String actual = outputs.text(answer, 0, i);
            if (!same(expected, actual)) {
                out.append(String.format(
                        ", %s: expected %s, found %s", outputs.names().get(i), expected, actual));
            }
        }
        return out.isEmpty() ? null : "golden row " + row + out;
    }

    /** Labels are equal as texts, numbers as bits; a label may be a number ("1" is "1.0"). */
    private static boolean same(String expected, String actual) {
        if (Objects.equals(expected, actual)) {
            return true;
        }
        try {
            long bits = Double.doubleToLongBits(number(expected));
            return bits == Double.doubleToLongBits(number(actual));
        } catch (NumberFormatException e) {
            return false;
        }
    }

    private static double number(String text) {
        return text == null ? Double.NaN : Double.parseDouble(text);
    }
}
