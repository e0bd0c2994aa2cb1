package refit.scoring;

import hex.genmodel.MojoModel;
import hex.genmodel.easy.EasyPredictModelWrapper;
import hex.genmodel.easy.RowData;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
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

/** Rows a second of one model, by every way to score it, in one JVM. */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
public class ScoringBenchmark {
    private static final int BATCH = 1024;

    @Param({"glm", "gbm50d6", "gbm200d8", "drf50d20", "xgb100d6"})
    public String model;

    private Engine engine;
    private MojoModel mojo;
    private EasyPredictModelWrapper easy;
    private double[][] encoded;
    private Object[][] values;
    private RowData[] rowData;
    private Object[][] batches;
    private double[] row;
    private double[] predictions;
    private int next;

    /** Reads the model and its holdout rows. */
    @Setup
    public void load() throws Exception {
        Path folder = Path.of(System.getProperty("models"), model);
        engine = Engine.load(name -> Files.newInputStream(folder.resolve(name)), Unseen.MISSING);
        mojo = engine.model();
        easy = new EasyPredictModelWrapper(new EasyPredictModelWrapper.Config()
                .setModel(mojo).setConvertUnknownCategoricalLevelsToNa(true));
        row = new double[mojo.nfeatures()];
        predictions = new double[mojo.getPredsSize()];
        List<String[]> cells = new ArrayList<>();
        GoldenRows golden = engine.goldenRows();
        for (int i = 0; i < golden.size(); i++) {
            cells.add(golden.cells(i));
        }
        int n = cells.size() / BATCH * BATCH;
        prepare(golden, n == 0 ? cells.size() : n);
        System.out.println(engine.kernel().describe());
    }

    private void prepare(GoldenRows golden, int n) {
        int inputs = engine.encoder().size();
        encoded = new double[n][];
        values = new Object[n][inputs];
        rowData = new RowData[n];
        Block block = engine.borrow();
        for (int r = 0; r < n; r++) {
            golden.encode(r, block, 0);
            encoded[r] = block.rows[0].clone();
            rowData[r] = new RowData();
            for (int i = 0; i < inputs; i++) {
                String cell = golden.cells(r)[i];
                boolean category = engine.encoder().input(i).kind() == Input.Kind.CATEGORY;
                values[r][i] = category ? cell : (Object) (cell == null ? Double.NaN : Double.valueOf(cell));
                if (cell != null) {
                    rowData[r].put(engine.encoder().input(i).name(), values[r][i]);
                }
            }
        }
        batches = new Object[1][inputs];
        for (int i = 0; i < inputs; i++) {
            boolean category = engine.encoder().input(i).kind() == Input.Kind.CATEGORY;
            String[] texts = new String[BATCH];
            double[] numbers = new double[BATCH];
            for (int r = 0; r < BATCH; r++) {
                Object value = values[r % n][i];
                if (category) {
                    texts[r] = (String) value;
                } else {
                    numbers[r] = (Double) value;
                }
            }
            batches[0][i] = category ? texts : numbers;
        }
    }

    private int row() {
        next = next + 1 == encoded.length ? 0 : next + 1;
        return next;
    }

    /** H2O's convenient way: a map a row. */
    @Benchmark
    public Object easyPredict() throws Exception {
        return easy.predictBinomial(rowData[row()]).classProbabilities;
    }

    /** H2O's fast way: encoded rows; a GLM needs a fresh copy, as it changes its input. */
    @Benchmark
    public double score0() {
        System.arraycopy(encoded[row()], 0, row, 0, row.length);
        return mojo.score0(row, predictions)[1];
    }

    /** Ours, a typed row at a time: levels looked up, everything checked. */
    @Benchmark
    public double ours() {
        Object[] from = values[row()];
        Block block = engine.borrow();
        for (int i = 0; i < from.length; i++) {
            if (from[i] instanceof Double number) {
                engine.encoder().number(block, 0, i, number);
            } else {
                engine.encoder().category(block, 0, i, (String) from[i]);
            }
        }
        engine.score(block);
        double answer = engine.answers(block)[1];
        engine.giveBack(block);
        return answer;
    }

    /** Ours, columns of 1024 rows, one thread. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public double[] batch() {
        return engine.scoreColumns(batches[0], 1);
    }

    /** Ours, columns of 1024 rows, two threads. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public double[] batchOnTwoThreads() {
        return engine.scoreColumns(batches[0], 2);
    }
}
