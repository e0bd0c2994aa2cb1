package refit.scoring;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.io.Reader;
import java.io.Writer;
import java.util.Arrays;

/** Scores a stream of rows in constant memory: read a few, score them together, write them. */
final class ScoreCommand {
    /** How rows are read and written. */
    enum Format {
        CSV,
        JSONL
    }

    /**
     * The choices of a caller.
     *
     * @param format of input and output; null to look at the input's first character
     * @param pass whether input columns precede the predictions
     * @param skip whether bad rows are reported and left out, rather than fatal
     * @param progress whether to count rows on the error stream
     */
    record Options(Format format, boolean pass, boolean skip, boolean progress) {}

    private static final long ROWS_BETWEEN_NEWS = 100_000;
    private static final int FLUSH_CHARS = 1 << 16;

    private final Engine engine;
    private final Options options;
    private final PrintStream err;
    private final StringBuilder text = new StringBuilder();
    private Format format;
    private long scored;
    private long skipped;

    ScoreCommand(Engine engine, Options options, PrintStream err) {
        this.engine = engine;
        this.options = options;
        this.err = err;
    }

    long skipped() {
        return skipped;
    }

    /** Scores all rows; BadRowException at the first bad one unless they are to be skipped. */
    long run(Reader in, Writer out) throws IOException {
        BufferedReader input = new BufferedReader(in, 1 << 16);
        format = options.format() == null ? guess(input) : options.format();
        RowSource source = format == Format.CSV
                ? new CsvRows(input, engine.encoder(), options.pass())
                : new JsonRows(input, engine.encoder(), options.pass());
        header(source);
        Block block = engine.borrowWide();
        double[] answers = new double[Engine.ROWS_IN_STEP * engine.outputs().width()];
        String[][] passed = new String[Engine.ROWS_IN_STEP][];
        long[] lines = new long[Engine.ROWS_IN_STEP];
        int n;
        while ((n = fill(source, block, passed, lines)) > 0) {
            long before = scored;
            engine.score(block, n);
            write(block, n, answers, passed, lines);
            flush(out, FLUSH_CHARS);
            news(before);
        }
        engine.giveBack(block);
        flush(out, 0);
        if (options.progress()) {
            err.printf("\r%,d rows scored, %,d skipped%n", scored, skipped);
        }
        return scored;
    }

    /** An object or an array can't begin a header in earnest. */
    private static Format guess(BufferedReader in) throws IOException {
        in.mark(1 << 12);
        int c;
        do {
            c = in.read();
        } while (c == ' ' || c == '\n' || c == '\r' || c == '\uFEFF');
        in.reset();
        return c == '{' || c == '[' ? Format.JSONL : Format.CSV;
    }

    /** Encodes rows until the block is full or the file ends; returns how many. */
    private int fill(RowSource source, Block block, String[][] passed, long[] lines)
            throws IOException {
        int n = 0;
        while (n < block.capacity) {
            try {
                if (!source.next()) {
                    return n;
                }
                source.encode(block, n);
                passed[n] = source.passed();
                lines[n] = source.line();
                n++;
            } catch (BadRowException e) {
                complain(source.line(), e);
            }
        }
        return n;
    }

    /** Writes the answers of a block; a row that the model refused is as bad as any other. */
    private void write(Block block, int n, double[] answers, String[][] passed, long[] lines) {
        engine.copyAnswers(block, n, answers, 0);
        for (int r = 0; r < n; r++) {
            try {
                engine.checkRefusal(block, r);
                write(passed[r], answers, r * engine.outputs().width());
                scored++;
            } catch (BadRowException e) {
                complain(lines[r], e);
            }
        }
    }

    private void complain(long line, BadRowException e) {
        BadRowException placed = e.at("line " + line);
        if (!options.skip()) {
            throw placed;
        }
        skipped++;
        err.println("skipped: " + placed.getMessage());
    }

    private void header(RowSource source) {
        if (format == Format.JSONL) {
            return;
        }
        String comma = "";
        for (String name : source.passedNames()) {
            CsvReader.write(text.append(comma), name);
            comma = ",";
        }
        for (String name : engine.outputs().names()) {
            if (Arrays.asList(source.passedNames()).contains(name)) {
                throw new BadRowException("header", "has a column " + name
                        + ", as the predictions have: rename it, or leave out --pass-through");
            }
            CsvReader.write(text.append(comma), name);
            comma = ",";
        }
        text.append('\n');
    }

    private void write(String[] passed, double[] answers, int at) {
        int begin = text.length();
        if (format == Format.CSV) {
            String comma = "";
            for (String cell : passed) {
                CsvReader.write(text.append(comma), cell);
                comma = ",";
            }
            for (int i = 0; i < engine.outputs().width(); i++) {
                CsvReader.write(text.append(comma), engine.outputs().text(answers, at, i));
                comma = ",";
            }
            if (text.length() == begin) {
                text.append("\"\""); // A blank line is no row, and this is one: a missing value.
            }
        } else {
            json(passed, answers, at);
        }
        text.append('\n');
    }

    private void json(String[] passed, double[] answers, int at) {
        String comma = "{";
        if (passed.length > 0) {
            text.append("{\"input\":").append(passed[0]);
            comma = ",";
        }
        Outputs outputs = engine.outputs();
        for (int i = 0; i < outputs.width(); i++) {
            Json.quote(text.append(comma), outputs.names().get(i));
            Json.write(text.append(':'), outputs.json(answers, at, i));
            comma = ",";
        }
        text.append('}');
    }

    private void flush(Writer out, int enough) throws IOException {
        if (text.length() > enough) {
            out.append(text);
            out.flush();
            text.setLength(0);
        }
    }

    private void news(long before) {
        if (options.progress() && before / ROWS_BETWEEN_NEWS != scored / ROWS_BETWEEN_NEWS) {
            err.printf("\r%,d rows", scored);
        }
    }
}
