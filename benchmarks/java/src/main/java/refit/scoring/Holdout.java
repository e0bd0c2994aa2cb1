package refit.scoring;

import hex.genmodel.MojoModel;
import hex.genmodel.easy.EasyPredictModelWrapper;
import hex.genmodel.easy.RowData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A model and its holdout rows, in the form that each way to score wants. */
final class Holdout {
    final BenchScorer scorer;
    final MojoModel mojo;
    final EasyPredictModelWrapper easy;
    /** Rows of H2O's numbers, which its fast calls take. */
    final double[][] encoded;
    final RowData[] maps;
    /** Begun by the scorer: their levels are looked up already. */
    final BenchRow[] rows;
    /** Begun without it: their levels are the caller's texts. */
    final BenchRow[] foreign;
    final Object[] values;
    final BenchColumns columns;

    Holdout(String model) throws IOException {
        Path folder = Path.of(System.getProperty("models"), model);
        ModelFiles files = name -> Files.newInputStream(folder.resolve(name));
        scorer = BenchScorer.load(files, Unseen.MISSING);
        Engine engine = Engine.load(files, Unseen.MISSING);
        mojo = engine.modelWithTrees();
        easy = new EasyPredictModelWrapper(new EasyPredictModelWrapper.Config()
                .setModel(mojo).setConvertUnknownCategoricalLevelsToNa(true));
        GoldenRows golden = engine.goldenRows();
        values = columns(engine, golden);
        columns = columns(values);
        encoded = new double[golden.size()][];
        maps = new RowData[golden.size()];
        rows = new BenchRow[golden.size()];
        foreign = new BenchRow[golden.size()];
        Block block = engine.borrow();
        for (int r = 0; r < rows.length; r++) {
            golden.encode(r, block, 0);
            encoded[r] = block.rows[0].clone();
            maps[r] = map(engine, values, r);
            rows[r] = fill(scorer.row(), r);
            foreign[r] = fill(BenchRow.builder(), r);
        }
        System.out.println(rows.length + " rows, " + engine.kernel().describe());
    }

    private static Object[] columns(Engine engine, GoldenRows golden) {
        Object[] columns = new Object[engine.encoder().size()];
        for (int i = 0; i < columns.length; i++) {
            boolean category = engine.encoder().input(i).kind() == Input.Kind.CATEGORY;
            columns[i] = category ? new String[golden.size()] : new double[golden.size()];
            for (int r = 0; r < golden.size(); r++) {
                String cell = golden.cells(r)[i];
                if (category) {
                    ((String[]) columns[i])[r] = cell;
                } else {
                    ((double[]) columns[i])[r] = cell == null ? Double.NaN : Double.parseDouble(cell);
                }
            }
        }
        return columns;
    }

    private static RowData map(Engine engine, Object[] columns, int row) {
        RowData map = new RowData();
        for (int i = 0; i < columns.length; i++) {
            Object value = columns[i] instanceof String[] texts
                    ? texts[row]
                    : (Object) ((double[]) columns[i])[row];
            if (value != null && !(value instanceof Double number && number.isNaN())) {
                map.put(engine.encoder().input(i).name(), value);
            }
        }
        return map;
    }

    private static BenchColumns columns(Object[] of) {
        BenchColumns columns = new BenchColumns();
        System.arraycopy(of, 0, columns.values, 0, of.length);
        return columns;
    }

    /** Builds one row of the columns' values. */
    BenchRow fill(BenchRow.Builder row, int at) {
        return row
                .dest(((String[]) values[0])[at])
                .carrier(((String[]) values[1])[at])
                .weekday(((String[]) values[2])[at])
                .origin(((String[]) values[3])[at])
                .month(((double[]) values[4])[at])
                .minuteOfDay(((double[]) values[5])[at])
                .distance(((double[]) values[6])[at])
                .temp(((double[]) values[7])[at])
                .dewp(((double[]) values[8])[at])
                .humid(((double[]) values[9])[at])
                .windDir(((double[]) values[10])[at])
                .windSpeed(((double[]) values[11])[at])
                .precip(((double[]) values[12])[at])
                .pressure(((double[]) values[13])[at])
                .visib(((double[]) values[14])[at])
                .build();
    }
}
