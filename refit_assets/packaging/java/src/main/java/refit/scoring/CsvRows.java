package refit.scoring;

import java.io.IOException;
import java.io.Reader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Rows of a CSV file whose header names the model's inputs, in any order, among any others. */
final class CsvRows implements RowSource {
    private static final String[] NONE = {};

    private final CsvReader csv;
    private final Encoder encoder;
    private final String[] header;
    /** Column of every input. */
    private final int[] columns;
    private final boolean pass;
    private String[] cells;

    CsvRows(Reader in, Encoder encoder, boolean pass) throws IOException {
        this.encoder = encoder;
        this.pass = pass;
        csv = new CsvReader(in);
        header = csv.next();
        if (header == null) {
            throw new BadRowException("line 1", "expected a header, found an empty file");
        }
        columns = find(Arrays.asList(header));
    }

    private int[] find(List<String> names) {
        int[] at = new int[encoder.size()];
        List<String> missing = new ArrayList<>();
        for (int i = 0; i < at.length; i++) {
            String name = encoder.input(i).name();
            at[i] = names.indexOf(name);
            if (at[i] < 0) {
                missing.add(name);
            } else if (names.lastIndexOf(name) != at[i]) {
                throw new BadRowException(name, "the header names this column twice");
            }
        }
        if (!missing.isEmpty()) {
            throw new BadRowException(
                    "header", "lacks the columns " + missing + "; it has " + names);
        }
        return at;
    }

    @Override
    public boolean next() throws IOException {
        cells = csv.next();
        if (cells != null && cells.length != header.length) {
            throw new BadRowException(
                    "row", "expected " + header.length + " cells, found " + cells.length);
        }
        return cells != null;
    }

    @Override
    public void encode(Block block, int row) {
        for (int i = 0; i < columns.length; i++) {
            encoder.text(block, row, i, cells[columns[i]]);
        }
    }

    @Override
    public long line() {
        return csv.line();
    }

    @Override
    public String[] passed() {
        return pass ? cells : NONE;
    }

    @Override
    public String[] passedNames() {
        return pass ? header : NONE;
    }
}
