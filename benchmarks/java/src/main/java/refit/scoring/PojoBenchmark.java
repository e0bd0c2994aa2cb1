package refit.scoring;

import hex.genmodel.GenModel;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** Rows a second of the Java source that H2O generates, where it compiles and answers rightly. */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
public class PojoBenchmark {
    @Param({"glm", "gbm50d6", "gbm200d8"})
    public String model;

    private double[][] encoded;
    private GenModel compiled;
    private double[] row;
    private double[] predictions;
    private int next;

    /** Finds the compiled class, which bears the model's name. */
    @Setup
    public void load() throws Exception {
        encoded = new Holdout(model).encoded;
        compiled = (GenModel) Class.forName(model).getConstructor().newInstance();
        row = new double[compiled.nfeatures()];
        predictions = new double[compiled.getPredsSize()];
    }

    /** The generated source; a fresh copy of the row, as a GLM changes its input. */
    @Benchmark
    public double pojo() {
        next = next + 1 & ScoringBenchmark.WARM_ROWS - 1;
        System.arraycopy(encoded[next], 0, row, 0, row.length);
        return compiled.score0(row, predictions)[1];
    }
}
