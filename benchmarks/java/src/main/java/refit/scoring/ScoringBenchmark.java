package refit.scoring;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** Rows a second of one model by H2O's ways to score it and by ours. */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
public class ScoringBenchmark {
    /** The holdout: {@code train.py} writes so many rows. */
    private static final int ROWS = 20_480;
    /** Rows scored one at a time: few enough to lie in the cache, as a row does that was just made. */
    static final int WARM_ROWS = 1024;

    @Param({"glm", "gbm50d6", "gbm200d8", "drf50d20", "xgb100d6"})
    public String model;

    private Holdout holdout;
    private double[] row;
    private double[] predictions;
    private int next;

    /** Reads the model and its holdout rows. */
    @Setup
    public void load() throws Exception {
        holdout = new Holdout(model);
        row = new double[holdout.mojo.nfeatures()];
        predictions = new double[holdout.mojo.getPredsSize()];
        if (holdout.rows.length != ROWS) {
            throw new IllegalStateException("expected " + ROWS + " rows, found " + holdout.rows.length);
        }
    }

    private int row() {
        next = next + 1 & WARM_ROWS - 1;
        return next;
    }

    /** H2O's convenient way: a map a row. */
    @Benchmark
    public Object easyPredict() throws Exception {
        return holdout.easy.predictBinomial(holdout.maps[row()]);
    }

    /** H2O's fast way: rows of numbers; a fresh copy, as a GLM changes its input. */
    @Benchmark
    public double score0() {
        System.arraycopy(holdout.encoded[row()], 0, row, 0, row.length);
        return holdout.mojo.score0(row, predictions)[1];
    }

    /** Ours, a typed row at a time, begun by the scorer: levels looked up, everything checked. */
    @Benchmark
    public BenchPrediction typedRow() {
        return holdout.scorer.score(holdout.rows[row()]);
    }

    /** Ours, all rows as columns, one thread. */
    @Benchmark
    @OperationsPerInvocation(ROWS)
    public List<BenchPrediction> batch() {
        return holdout.scorer.scoreBatch(holdout.columns);
    }

    /** Ours, all rows as columns, two threads. */
    @Benchmark
    @OperationsPerInvocation(ROWS)
    public List<BenchPrediction> batchOnTwoThreads() {
        return holdout.scorer.scoreBatch(holdout.columns, 2);
    }

    /** Ours, a stream of typed rows. */
    @Benchmark
    @OperationsPerInvocation(ROWS)
    public long stream() {
        return holdout.scorer.scoreAll(Arrays.stream(holdout.rows)).mapToLong(p -> p.label().length()).sum();
    }

    /** Ours, a parallel stream: on two cores, the caller's thread and one of the common pool. */
    @Benchmark
    @OperationsPerInvocation(ROWS)
    public long parallelStream() {
        return holdout.scorer
                .scoreAll(Arrays.stream(holdout.rows).parallel()).mapToLong(p -> p.label().length()).sum();
    }
}
