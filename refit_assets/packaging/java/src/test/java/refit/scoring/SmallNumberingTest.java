package refit.scoring;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Numbers of small keys against a map of boxed ones. */
class SmallNumberingTest {
    @Test
    void keysOf33BitsAreNumberedAsTheyAreFirstMet() {
        Random random = new Random(7);
        Map<Long, Integer> expected = new LinkedHashMap<>();
        SmallNumbering numbers = new SmallNumbering();
        for (int i = 0; i < 20_000; i++) {
            // As thresholds are, many of them met before; and the odd ones, 0 among them.
            long key = i % 100 == 0 ? (1L << 33) - 1 >>> random.nextInt(34) : random.nextInt(6000) * 0x15_0001L;
            expected.putIfAbsent(key, expected.size());
            assertEquals(expected.get(key), numbers.of(key));
            assertEquals(expected.size(), numbers.size());
        }
        expected.forEach((key, number) -> assertEquals(key, numbers.keys()[number]));
    }
}
