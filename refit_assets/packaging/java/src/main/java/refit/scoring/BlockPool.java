package refit.scoring;

import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Supplier;

/**
 * Blocks waiting to be used again, so that scoring a row allocates next to nothing.
 *
 * <p>No ThreadLocal: that would tie the model to threads which outlive it in a server, and would
 * keep a block for every virtual thread.
 */
final class BlockPool {
    private static final int SLOTS = 16;
    /** Neighbours share a cache line of 16 references; threads should not. */
    private static final int SPACING = 16;

    private final AtomicReferenceArray<Block> idle = new AtomicReferenceArray<>(SLOTS * SPACING);
    private final Supplier<Block> fresh;

    BlockPool(Supplier<Block> fresh) {
        this.fresh = fresh;
    }

    Block borrow() {
        Block block = idle.getAndSet(slot(), null);
        return block == null ? fresh.get() : block;
    }

    /** Keeps the block for the next caller; one that is never given back is just garbage. */
    void giveBack(Block block) {
        idle.lazySet(slot(), block);
    }

    @SuppressWarnings("deprecation") // Thread.threadId() came with Java 19; we compile for 17.
    private static int slot() {
        return (int) (Thread.currentThread().getId() % SLOTS) * SPACING;
    }
}
