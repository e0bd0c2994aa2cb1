package refit.scoring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Values that are made at their first use. */
class LazyTest {
    @Test
    void aLazyValueIsMadeOnce() {
        AtomicInteger made = new AtomicInteger();
        Lazy<String> lazy = new Lazy<>() {
            @Override
            String make() {
                return "value " + made.incrementAndGet();
            }
        };
        assertEquals(0, made.get());
        assertSame(lazy.get(), lazy.get());
        assertEquals(1, made.get());
    }
}
