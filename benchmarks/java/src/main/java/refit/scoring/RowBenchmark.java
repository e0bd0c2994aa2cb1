package refit.scoring;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** What a row costs from its caller's values on, where scoring itself costs next to nothing. */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
public class RowBenchmark {
    private Holdout holdout;
    private List<Map<String, Integer>> levels;
    private double[] row;
    private double[] predictions;
    private int next;

    /** Reads the linear model and its holdout rows. */
    @Setup
    public void load() throws Exception {
        holdout = new Holdout("glm");
        levels = holdout.scorer.inputs().stream().map(RowBenchmark::numbers).toList();
        row = new double[holdout.mojo.nfeatures()];
        predictions = new double[holdout.mojo.getPredsSize()];
    }

    private static Map<String, Integer> numbers(Input input) {
        Map<String, Integer> numbers = new HashMap<>();
        for (int i = 0; i < input.levels().size(); i++) {
            numbers.put(input.levels().get(i), i);
        }
        return numbers;
    }

    private int row() {
        next = next + 1 & ScoringBenchmark.WARM_ROWS - 1;
        return next;
    }

    /** H2O's fast way from the same values: a map of levels for each category, then score0. */
    @Benchmark
    public double score0MadeAndScored() {
        int at = row();
        for (int i = 0; i < row.length; i++) {
            if (holdout.values[i] instanceof double[] numbers) {
                row[i] = numbers[at];
            } else {
                Integer number = levels.get(i).get(((String[]) holdout.values[i])[at]);
                row[i] = number == null ? Double.NaN : number;
            }
        }
        return holdout.mojo.score0(row, predictions)[1];
    }

    /** Ours, a row that the scorer begins: its levels are looked up as they are set. */
    @Benchmark
    public BenchPrediction madeAndScored() {
        return holdout.scorer.score(holdout.fill(holdout.scorer.row(), row()));
    }

    /** Ours, a row that is begun without a scorer: its levels are looked up as it is scored. */
    @Benchmark
    public BenchPrediction foreignMadeAndScored() {
        return holdout.scorer.score(holdout.fill(BenchRow.builder(), row()));
    }

    /** Ours, the row made already. */
    @Benchmark
    public BenchPrediction scored() {
        return holdout.scorer.score(holdout.rows[row()]);
    }

    /** Ours, the row made already, without a scorer. */
    @Benchmark
    public BenchPrediction foreignScored() {
        return holdout.scorer.score(holdout.foreign[row()]);
    }
}
