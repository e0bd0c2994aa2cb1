package refit.scoring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Answers of a batch as a list. */
class AnswerListTest {
    @Test
    void anAnswerBeyondTheBatchIsNobodys() {
        Answers made = Answers.of(3, 1, 2);
        made.make(0)[1] = 10;
        made.make(1)[0] = 20;
        List<Double> answers = new AnswerList<>(made, (piece, at) -> piece[at]);
        assertEquals(List.of(0.0, 10.0, 20.0), answers);
        for (int beyond : new int[] {-1, 3}) {
            assertThrows(IndexOutOfBoundsException.class, () -> answers.get(beyond));
        }
        assertThrows(UnsupportedOperationException.class, () -> answers.set(0, 1.0));
    }
}
