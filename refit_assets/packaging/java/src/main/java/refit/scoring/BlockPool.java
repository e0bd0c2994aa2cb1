package refit.scoring;

import java.lang.ref.WeakReference;

/**
 * A block for each thread, so that scoring a row allocates next to nothing and locks nothing.
 *
 * <p>Held weakly: threads of a server outlive a model, and virtual ones are many. A collected block
 * is made anew, which costs as much as a few rows.
 */
final class BlockPool {
    private final ThreadLocal<WeakReference<Block>> own = new ThreadLocal<>();
    private final Kernel kernel;
    private final int rows;

    /** Blocks with room for that many rows. */
    BlockPool(Kernel kernel, int rows) {
        this.kernel = kernel;
        this.rows = rows;
    }

    /** This thread's block; whoever is done with it says that it is not borrowed any more. */
    Block borrow() {
        WeakReference<Block> kept = own.get();
        Block block = kept == null ? null : kept.get();
        if (block == null || block.borrowed) {
            // Borrowed still: by an outer call of this thread, or lost with a row that was refused.
            block = kernel.block(rows);
            own.set(new WeakReference<>(block));
        }
        block.borrowed = true;
        return block;
    }
}
