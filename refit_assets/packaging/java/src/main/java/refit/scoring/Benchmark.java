package refit.scoring;

import java.io.PrintStream;

/** Rows a second on this machine, over the golden rows: a first look, not a measurement. */
final class Benchmark {
    private static final long WARM_NANOS = 1_000_000_000L;
    private static final long MEASURED_NANOS = 2_000_000_000L;

    private final Engine engine;
    private final PrintStream out;
    private final Block one;
    private final Block wide;

    Benchmark(Engine engine, PrintStream out) {
        this.engine = engine;
        this.out = out;
        one = engine.borrow();
        wide = engine.borrowWide();
    }

    void run() {
        GoldenRows golden = engine.goldenRows();
        if (golden.size() == 0) {
            throw new BadModelException("no golden rows in this jar to measure with");
        }
        out.println(engine.kernel().describe());
        report("a row at a time", at -> {
            golden.encode(at % golden.size(), one, 0);
            engine.score(one, 1);
            return 1;
        });
        report("in batches", at -> {
            for (int r = 0; r < wide.capacity; r++) {
                golden.encode((at + r) % golden.size(), wide, r);
            }
            engine.score(wide, wide.capacity);
            return wide.capacity;
        });
    }

    /** Scores some rows, beginning at a golden row, and returns how many. */
    private interface Work {
        int score(int at);
    }

    private void report(String name, Work work) {
        repeat(work, WARM_NANOS);
        long start = System.nanoTime();
        long rows = repeat(work, MEASURED_NANOS);
        double seconds = (System.nanoTime() - start) / 1e9;
        out.printf("%-16s %,12.0f rows a second, texts parsed%n", name, rows / seconds);
    }

    private static long repeat(Work work, long nanos) {
        long start = System.nanoTime();
        long rows = 0;
        while (System.nanoTime() - start < nanos) {
            for (int i = 0; i < 64; i++) {
                rows += work.score((int) (rows % 1_000_000));
            }
        }
        return rows;
    }
}
