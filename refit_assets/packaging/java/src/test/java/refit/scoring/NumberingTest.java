package refit.scoring;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Numbers of keys against a map of boxed ones. */
class NumberingTest {
    @Test
    void keysAreNumberedAsTheyAreFirstMet() {
        Random random = new Random(7);
        Map<Long, Integer> expected = new LinkedHashMap<>();
        Numbering numbers = new Numbering(1);
        for (int i = 0; i < 20_000; i++) {
            // Bits of floats, as thresholds are, many of them met before; and the odd ones.
            long key = i % 100 == 0 ? Long.MIN_VALUE >> random.nextInt(64)
                    : (long) Float.floatToIntBits(random.nextInt(3000) / 8f) << 1 | random.nextInt(2);
            expected.putIfAbsent(key, expected.size());
            assertEquals(expected.get(key), numbers.of(new long[] {key}));
            assertEquals(expected.size(), numbers.size());
        }
        expected.forEach((key, number) -> assertEquals(key, numbers.key(number, 0)));
    }

    @Test
    void keysOfSeveralLongsDifferWhereOneOfThemDoes() {
        Numbering numbers = new Numbering(3);
        for (int i = 0; i < 2000; i++) {
            int number = i % 1000;
            long[] key = {number % 10, -number / 10 % 10, (long) number / 100 << 60};
            assertEquals(number, numbers.of(key));
            for (int at = 0; at < key.length; at++) {
                assertEquals(key[at], numbers.key(number, at));
            }
        }
        assertEquals(1000, numbers.size());
    }
}
