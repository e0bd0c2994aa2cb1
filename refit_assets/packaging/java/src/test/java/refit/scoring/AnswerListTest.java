package refit.scoring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Answers of a batch as a list. */
class AnswerListTest {
    @Test
    void anAnswerBeyondTheBatchIsNobodys() {
        List<Integer> answers = new AnswerList<>(3, i -> 10 * i);
        assertEquals(List.of(0, 10, 20), answers);
        for (int beyond : new int[] {-1, 3}) {
            assertThrows(IndexOutOfBoundsException.class, () -> answers.get(beyond));
        }
        assertThrows(UnsupportedOperationException.class, () -> answers.set(0, 1));
    }
}
