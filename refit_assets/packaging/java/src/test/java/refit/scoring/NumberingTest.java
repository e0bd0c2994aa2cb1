package refit.scoring;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Numbers of longs against a map of boxed ones. */
class NumberingTest {
    @Test
    void keysAreNumberedAsTheyAreFirstMet() {
        Random random = new Random(7);
        Map<Long, Integer> expected = new LinkedHashMap<>();
        Numbering numbers = new Numbering();
        for (int i = 0; i < 20_000; i++) {
            // Bits of floats, as thresholds are, many of them met before; and the odd ones.
            long key = i % 100 == 0 ? Long.MIN_VALUE >> random.nextInt(64)
                    : (long) Float.floatToIntBits(random.nextInt(3000) / 8f) << 1 | random.nextInt(2);
            expected.putIfAbsent(key, expected.size());
            assertEquals(expected.get(key), numbers.of(key));
            assertEquals(expected.size(), numbers.size());
        }
        expected.forEach((key, number) -> assertEquals(key, numbers.key(number)));
    }
}
