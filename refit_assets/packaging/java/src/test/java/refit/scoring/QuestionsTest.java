package refit.scoring;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Questions about a number, against the plain meaning of a threshold. */
class QuestionsTest {
    private static final float[] ODD = {
        Float.NaN, // asks for a missing value only
        Float.NEGATIVE_INFINITY,
        Float.POSITIVE_INFINITY,
        Float.MIN_VALUE,
        -Float.MIN_VALUE,
        -Float.MAX_VALUE,
        Float.MAX_VALUE,
        0,
    };

    @Test
    void everyThresholdIsAnsweredForEveryValue() {
        Random random = new Random(5);
        List<Float> thresholds = new ArrayList<>();
        for (float odd : ODD) {
            thresholds.add(odd);
        }
        while (thresholds.size() < 300) {
            thresholds.add((float) (random.nextGaussian() * Math.pow(10, random.nextInt(9) - 4)));
        }
        Questions.Numbers questions = new Questions.Numbers(0, -1);
        for (int q = 0; q < 2 * thresholds.size(); q++) {
            assertEquals(q, questions.ask(thresholds.get(q / 2), q % 2 == 1));
        }
        long[] bits = new long[questions.place(1)];
        for (float at : thresholds) {
            for (double value : new double[] {at, Math.nextUp((double) at), Math.nextDown((double) at)}) {
                questions.answer(value, bits, 0);
                for (int q = 0; q < 2 * thresholds.size(); q++) {
                    boolean expected = Double.isNaN(value) ? q % 2 == 1 : value >= thresholds.get(q / 2);
                    int bit = questions.bit(q);
                    String what = value + " >= " + thresholds.get(q / 2);
                    assertEquals(expected, (bits[bit / Long.SIZE] >>> bit & 1) != 0, what);
                }
            }
        }
    }
}
