package refit.scoring;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static refit.scoring.ModelChecks.joined;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** Columns of values: any number of rows and threads, and what is wrong with them. */
class BatchTest {
    private static Object[] columns(int rows) {
        Object[] columns = new Object[7];
        for (int i = 0; i < columns.length; i++) {
            boolean category = i >= 1 && i <= 3;
            columns[i] = category ? new String[rows] : new double[rows];
        }
        for (int r = 0; r < rows; r++) {
            ((double[]) columns[0])[r] = 50 + r % 30;
            ((String[]) columns[2])[r] = "lobe " + (1 + r % 4);
        }
        return columns;
    }

    @Test
    void anyNumberOfThreadsGivesTheSameAnswers() {
        Engine engine = Models.gbm();
        for (int rows : new int[] {0, 1, 15, 16, 17, 1000, 5000}) {
            double[] one = joined(engine.scoreColumns(columns(rows), 1));
            assertEquals(3 * rows, one.length);
            assertArrayEquals(one, joined(engine.scoreColumns(columns(rows), 3)));
        }
    }

    @Test
    void everyRowsAnswersAreFoundWhereverTheyLie() {
        Engine engine = Models.gbm();
        Object[] columns = columns(2500);
        ((double[]) columns[0])[2047] = 1;
        Answers answers = engine.scoreColumns(columns, 2);
        double[] joined = joined(answers);
        AnswerList<Double> list = new AnswerList<>(answers, (piece, at) -> piece[at + 1]);
        assertEquals(2500, list.size());
        for (int row = 0; row < list.size(); row++) {
            assertEquals(joined[3 * row + 1], list.get(row));
        }
    }

    @Test
    void theFirstBadRowIsNamedWhateverThreadFindsIt() {
        Object[] columns = columns(1000);
        ((String[]) columns[2])[900] = "nowhere";
        ((String[]) columns[2])[123] = "nowhere";
        Engine engine = Models.gbm(Unseen.FAIL);
        for (int threads = 1; threads <= 3; threads++) {
            int n = threads;
            BadRowException bad = assertThrows(BadRowException.class, () -> engine.scoreColumns(columns, n));
            assertEquals("row 123, DPROS", bad.field());
        }
    }

    @Test
    void anInterruptedBatchIsWholeAndTheInterruptIsPassedOn() {
        Engine engine = Models.gbm();
        double[] expected = joined(engine.scoreColumns(columns(5000), 1));
        Thread.currentThread().interrupt();
        double[] answers = joined(engine.scoreColumns(columns(5000), 3));
        assertEquals(true, Thread.interrupted());
        assertArrayEquals(expected, answers);
    }

    @Test
    void anErrorOnAnotherThreadIsTheCallersAndNoRowPassesForScored() {
        Thread caller = Thread.currentThread();
        AtomicBoolean struck = new AtomicBoolean();
        Engine broken = Models.broken(() -> {
            if (Thread.currentThread() != caller) {
                struck.set(true);
                throw new OutOfMemoryError("tested");
            }
            while (!struck.get()) {
                Thread.onSpinWait();
            }
        });
        Error error = assertThrows(OutOfMemoryError.class, () -> broken.scoreColumns(columns(1000), 2));
        assertEquals("tested", error.getMessage());
    }

    @Test
    void columnsThatAreMissingOrOfOtherLengthsAreRefusedByName() {
        Object[] columns = columns(5);
        columns[4] = new double[4];
        IllegalArgumentException wrong =
                assertThrows(IllegalArgumentException.class, () -> Models.gbm().scoreColumns(columns, 1));
        assertEquals("column PSA has 4 rows, column AGE has 5", wrong.getMessage());
        columns[4] = null;
        wrong = assertThrows(IllegalArgumentException.class, () -> Models.gbm().scoreColumns(columns, 1));
        assertEquals("column PSA was not given", wrong.getMessage());
    }

    @Test
    void columnsAreNotChanged() {
        Object[] columns = columns(100);
        Object[] before = columns(100);
        Models.gbm().scoreColumns(columns, 2);
        assertEquals(true, Arrays.deepEquals(before, columns));
    }
}
