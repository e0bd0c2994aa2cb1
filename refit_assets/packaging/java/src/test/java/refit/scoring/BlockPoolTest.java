package refit.scoring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Blocks are used again, and never by two at once. */
class BlockPoolTest {
    private final AtomicInteger made = new AtomicInteger();
    private final BlockPool pool = new BlockPool(new Counting(), 1);

    private final class Counting implements Kernel {
        @Override
        public Block block(int capacity) {
            made.incrementAndGet();
            return Models.gbm().kernel().block(capacity);
        }

        @Override
        public void score(Block block, int rows) {}

        @Override
        public String describe() {
            return "counting";
        }
    }

    @Test
    void aBlockThatWasGivenBackIsUsedAgain() {
        Block first = pool.borrow();
        first.borrowed = false;
        assertSame(first, pool.borrow());
        assertEquals(1, made.get());
    }

    @Test
    void aBorrowedBlockIsNobodyElses() {
        assertNotSame(pool.borrow(), pool.borrow());
    }

    @Test
    void aBlockThatWasLostIsReplacedOnce() {
        pool.borrow();
        Block second = pool.borrow();
        second.borrowed = false;
        assertSame(second, pool.borrow());
    }

    @Test
    void threadsHaveBlocksOfTheirOwn() throws InterruptedException {
        Block ours = pool.borrow();
        ours.borrowed = false;
        Thread other = new Thread(pool::borrow);
        other.start();
        other.join();
        assertEquals(2, made.get());
        assertSame(ours, pool.borrow());
    }
}
