package refit.scoring;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** Columns of values on their way through a model: a double[] or a String[] for every input. */
final class Batch {
    /**
     * Rows that a thread takes at once, where there are enough: neighbours in memory, so that two
     * cores seldom fetch or write the same cache line. With 16, two threads were 1.6 times one
     * where they are 1.9 times with these.
     */
    private static final int MOST_ROWS_A_PIECE = 64 * Engine.ROWS_IN_STEP;
    /** Enough that no thread waits long for the last one. */
    private static final int PIECES_A_THREAD = 8;

    private final Engine engine;
    private final Object[] columns;
    private final int rows;

    Batch(Engine engine, Object[] columns) {
        this.engine = engine;
        this.columns = columns;
        rows = columns.length == 0 ? 0 : length(0);
        for (int i = 0; i < columns.length; i++) {
            if (length(i) != rows) {
                throw new IllegalArgumentException(
                        String.format(
                                "column %s has %d rows, column %s has %d",
                                name(i), length(i), name(0), rows));
            }
        }
    }

    private String name(int column) {
        return engine.encoder().input(column).name();
    }

    private int length(int column) {
        if (columns[column] instanceof double[] numbers) {
            return numbers.length;
        } else if (columns[column] instanceof String[] levels) {
            return levels.length;
        }
        throw new IllegalArgumentException("column " + name(column) + " was not given");
    }

    /** Scores all rows. */
    Answers score(int threads) {
        int steps = (rows + Engine.ROWS_IN_STEP - 1) / Engine.ROWS_IN_STEP;
        int useful = Math.max(1, Math.min(threads, steps));
        int piece = Engine.ROWS_IN_STEP * Math.max(1, steps / useful / PIECES_A_THREAD);
        Answers answers =
                Answers.of(rows, engine.outputs().width(), Math.min(piece, MOST_ROWS_A_PIECE));
        AtomicInteger next = new AtomicInteger();
        List<Worker> workers = new ArrayList<>();
        for (int i = 0; i < useful; i++) {
            workers.add(new Worker(next, answers));
        }
        // The caller's thread is one of them: a batch on one thread starts none.
        workers.subList(1, useful).forEach(Thread::start);
        workers.get(0).run();
        join(workers.subList(1, useful));
        workers.stream()
                .map(worker -> worker.failed)
                .filter(failure -> failure != null)
                .min((a, b) -> Integer.compare(a.row, b.row))
                .ifPresent(Failure::raise);
        return answers;
    }

    private static void join(List<Worker> workers) {
        boolean interrupted = false;
        for (Worker worker : workers) {
            while (true) {
                try {
                    worker.join();
                    break;
                } catch (InterruptedException e) {
                    interrupted = true; // The answers are half written: wait, then pass it on.
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Why rows from that one on have no answer; an error, too, must not pass for answers of 0. */
    private record Failure(int row, Throwable cause) {
        void raise() {
            if (cause instanceof Error error) {
                throw error;
            }
            throw (RuntimeException) cause;
        }
    }

    private final class Worker extends Thread {
        private final AtomicInteger next;
        private final Answers answers;
        private Failure failed;

        Worker(AtomicInteger next, Answers answers) {
            this.next = next;
            this.answers = answers;
        }

        @Override
        public void run() {
            Block block = engine.borrowWide();
            int piece = next.getAndIncrement();
            while (failed == null && piece < answers.pieces().length) {
                score(block, piece);
                piece = next.getAndIncrement();
            }
            engine.giveBack(block);
        }

        private void score(Block block, int piece) {
            int from = piece * answers.rowsAPiece();
            int end = from + Math.min(answers.rowsAPiece(), rows - from);
            try {
                double[] to = answers.make(piece);
                for (int at = from; failed == null && at < end; at += Engine.ROWS_IN_STEP) {
                    score(block, at, Math.min(Engine.ROWS_IN_STEP, end - at), to);
                }
            } catch (OutOfMemoryError e) {
                failed = new Failure(from, e);
            }
        }

        private void score(Block block, int from, int n, double[] to) {
            int row = 0;
            try {
                if (!fill(block, from, n)) {
                    for (; row < n; row++) {
                        fillRow(block, row, from + row);
                    }
                }
                engine.score(block, n);
                for (row = 0; row < n; row++) {
                    engine.checkRefusal(block, row);
                }
                engine.copyAnswers(block, n, to, answers.at(from));
            } catch (BadRowException e) {
                failed = new Failure(from + row, e.at("row " + (from + row)));
            } catch (RuntimeException | Error e) {
                failed = new Failure(from + row, e);
            }
        }

        /** Fills rows a column at a time; false if one is bad, which then must be found. */
        private boolean fill(Block block, int from, int n) {
            try {
                for (int i = 0; i < columns.length; i++) {
                    if (columns[i] instanceof double[] numbers) {
                        engine.encoder().numbers(block, n, i, numbers, from);
                    } else {
                        engine.encoder().categories(block, n, i, (String[]) columns[i], from);
                    }
                }
                return true;
            } catch (BadRowException e) {
                return false;
            }
        }

        /** Fills one row, so that the first bad one is found. */
        private void fillRow(Block block, int row, int from) {
            for (int i = 0; i < columns.length; i++) {
                if (columns[i] instanceof double[] numbers) {
                    engine.encoder().number(block, row, i, numbers[from]);
                } else {
                    engine.encoder().category(block, row, i, ((String[]) columns[i])[from]);
                }
            }
        }
    }
}
