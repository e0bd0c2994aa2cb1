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
    final BenchRow[] rows;
    final BenchColumns columns;

    Holdout(String model) throws IOException {
        Path folder = Path.of(System.getProperty("models"), model);
        ModelFiles files = name -> Files.newInputStream(folder.resolve(name));
        scorer = BenchScorer.load(files, Unseen.MISSING);
        Engine engine = Engine.load(files, Unseen.MISSING);
        mojo = engine.model();
        easy = new EasyPredictModelWrapper(new EasyPredictModelWrapper.Config()
                .setModel(mojo).setConvertUnknownCategoricalLevelsToNa(true));
        GoldenRows golden = engine.goldenRows();
        Object[] values = columns(engine, golden);
        columns = columns(values);
        encoded = new double[golden.size()][];
        maps = new RowData[golden.size()];
        rows = new BenchRow[golden.size()];
        Block block = engine.borrow();
        for (int r = 0; r < rows.length; r++) {
            golden.encode(r, block, 0);
            encoded[r] = block.rows[0].clone();
            maps[r] = map(engine, values, r);
            rows[r] = row(values, r);
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

    private static BenchRow row(Object[] of, int row) {
        return BenchRow.builder()
                .dest(((String[]) of[0])[row])
                .carrier(((String[]) of[1])[row])
                .weekday(((String[]) of[2])[row])
                .origin(((String[]) of[3])[row])
                .month(((double[]) of[4])[row])
                .minuteOfDay(((double[]) of[5])[row])
                .distance(((double[]) of[6])[row])
                .temp(((double[]) of[7])[row])
                .dewp(((double[]) of[8])[row])
                .humid(((double[]) of[9])[row])
                .windDir(((double[]) of[10])[row])
                .windSpeed(((double[]) of[11])[row])
                .precip(((double[]) of[12])[row])
                .pressure(((double[]) of[13])[row])
                .visib(((double[]) of[14])[row])
                .build();
    }
}
