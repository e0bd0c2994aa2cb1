package refit.scoring;

/** The arithmetic of one model: encoded rows in, H2O's raw predictions out. Immutable. */
interface Kernel {
    /** Scores the first {@code rows} rows of the block into its predictions. */
    void score(Block block, int rows);

    /** A block that fits this kernel. */
    Block block(int capacity);

    /** Name of the scoring path and why it was chosen, in a sentence for people. */
    String describe();

    /** Thresholds by feature, for tests that score right beside them; none without trees. */
    default double[][] thresholds() {
        return new double[0][];
    }
}
