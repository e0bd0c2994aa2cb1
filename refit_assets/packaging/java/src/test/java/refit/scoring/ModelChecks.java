package refit.scoring;

import hex.genmodel.MojoModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** What every packaged model is tested for; each check returns a line for every difference. */
final class ModelChecks {
    /** Enough for every thread to take a few times. */
    private static final int SHARED_ROWS = 8_192;

    private final Engine engine;
    private final MojoModel model;

    ModelChecks(Engine engine) {
        this.engine = engine;
        model = engine.modelWithTrees();
    }

    /** Golden rows, one at a time and in blocks, against the training cluster. */
    List<String> golden() {
        GoldenRows golden = engine.goldenRows();
        List<String> differences = golden.differences();
        Block block = engine.borrowWide();
        double[] answers = new double[engine.outputs().width() * block.capacity];
        for (int from = 0; golden.hasAnswers() && from < golden.size(); from += block.capacity) {
            int n = Math.min(block.capacity, golden.size() - from);
            for (int r = 0; r < n; r++) {
                golden.encode(from + r, block, r);
            }
            engine.score(block, n);
            engine.copyAnswers(block, n, answers, 0);
            for (int r = 0; r < n; r++) {
                int at = r * engine.outputs().width();
                double[] answer =
                        Arrays.copyOfRange(answers, at, at + engine.outputs().width());
                String difference = golden.difference(from + r, answer);
                if (difference != null) {
                    differences.add("in blocks, " + difference);
                }
            }
        }
        return differences;
    }

    /** Our path against H2O's score0 on odd rows, one at a time and in blocks, raw bits. */
    List<String> adversarial(int rows, long seed) {
        List<String> differences = new ArrayList<>();
        AdversarialRows odd = new AdversarialRows(engine, seed);
        Block one = engine.borrow();
        Block wide = engine.borrowWide();
        double[][] expected = new double[wide.capacity][];
        for (int from = 0; from < rows; from += wide.capacity) {
            for (int r = 0; r < wide.capacity; r++) {
                wide.offsets[r] = odd.next(wide.rows[r]);
                expected[r] = reference(wide.rows[r], wide.offsets[r]);
                System.arraycopy(wide.rows[r], 0, one.rows[0], 0, wide.rows[r].length);
                one.offsets[0] = wide.offsets[r];
                engine.kernel().score(one, 1);
                compare("row", from + r, wide.rows[r], expected[r], one, 0, differences);
            }
            double[][] rowsBefore = Arrays.stream(wide.rows).map(double[]::clone).toArray(double[][]::new);
            engine.kernel().score(wide, wide.capacity);
            for (int r = 0; r < wide.capacity; r++) {
                compare("block", from + r, rowsBefore[r], expected[r], wide, r, differences);
            }
        }
        return differences;
    }

    /** What H2O's own code answers; null where it refuses the row. */
    private double[] reference(double[] row, double offset) {
        double[] predictions = new double[Math.max(1, model.getPredsSize())];
        try {
            return model._offsetColumn == null
                    ? model.score0(row.clone(), predictions)
                    : model.score0(row.clone(), offset, predictions);
        } catch (RuntimeException e) {
            return null;
        }
    }

    private static void compare(
            String path, int n, double[] row, double[] expected, Block block, int at,
            List<String> differences) {
        double[] found = block.refusals[at] != null ? null : block.predictions[at];
        if (!same(expected, found)) {
            differences.add(String.format(
                    "adversarial %s %d %s: expected %s, found %s",
                    path, n, Arrays.toString(row), Arrays.toString(expected), Arrays.toString(found)));
        }
    }

    private static boolean same(double[] expected, double[] found) {
        if (expected == null || found == null) {
            return expected == found;
        }
        for (int i = 0; i < expected.length; i++) {
            // NaNs are all one: which payload arithmetic gives depends on the JIT's mood.
            if (Double.doubleToLongBits(expected[i]) != Double.doubleToLongBits(found[i])) {
                return false;
            }
        }
        return true;
    }

    /** Golden rows scored by many threads at once, against the same rows scored by one. */
    List<String> threads() {
        GoldenRows golden = engine.goldenRows();
        if (golden.size() == 0) {
            return List.of();
        }
        Object[] columns = columns(golden, Math.max(1, SHARED_ROWS / golden.size()));
        double[] one = joined(engine.scoreColumns(columns, 1));
        double[] many = joined(engine.scoreColumns(columns, 8));
        return Arrays.equals(one, many) ? List.of() : List.of("threads disagree");
    }

    /** All answers of a batch in one array. */
    static double[] joined(Answers answers) {
        return Arrays.stream(answers.pieces()).flatMapToDouble(Arrays::stream).toArray();
    }

    /** The golden rows as columns, several times over. */
    private Object[] columns(GoldenRows golden, int times) {
        int rows = golden.size() * times;
        Object[] columns = new Object[engine.encoder().size()];
        for (int i = 0; i < columns.length; i++) {
            boolean category = engine.encoder().input(i).kind() == Input.Kind.CATEGORY;
            columns[i] = category ? new String[rows] : new double[rows];
            for (int r = 0; r < rows; r++) {
                String cell = golden.cells(r % golden.size())[i];
                if (category) {
                    ((String[]) columns[i])[r] = cell;
                } else {
                    ((double[]) columns[i])[r] = cell == null ? Double.NaN : Double.parseDouble(cell);
                }
            }
        }
        return columns;
    }
}
