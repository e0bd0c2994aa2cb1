package refit.scoring;

import hex.genmodel.GenModel;

/**
 * Room for a few rows on their way through the model: one thread uses it at a time.
 *
 * <p>Rows are refilled before every scoring, because some of H2O's models change their input.
 */
final class Block {
    /** Encoded inputs, a row of the model's columns each. */
    final double[][] rows;
    final double[] offsets;
    /** What H2O calls preds: the label's number, then probabilities; or the value alone. */
    final double[][] predictions;
    /** Answers to the questions of a forest, a row's words after the other's. */
    final long[] answers;
    final double[] sums;
    /** Numbers of categories, for models that count levels over all of them. */
    final int[] codes;
    /** Why the model itself refuses a row; null where it does not. */
    final String[] refusals;
    /** H2O's model, in a form that this thread alone uses. */
    final GenModel model;
    final int capacity;
    /** Leaves that the row being scored can still reach, a word a tree; null for others. */
    long[] reachable;
    /** Sums of an XGBoost model, a float each; null for others. */
    float[] margins;
    /** Whether its thread is using it. */
    boolean borrowed;
    /** Blocks of the models within an ensemble; null for others. */
    Block[] inner;

    @SuppressWarnings("deprecation") // The only way to ask a model for a copy of a thread's own.
    Block(GenModel model, int capacity, int words) {
        this.model = model.internal_threadSafeInstance();
        this.capacity = capacity;
        rows = new double[capacity][model.nfeatures()];
        offsets = new double[capacity];
        predictions = new double[capacity][Math.max(1, model.getPredsSize())];
        answers = new long[capacity * words];
        sums = new double[capacity];
        codes = new int[model.nfeatures()];
        refusals = new String[capacity];
    }
}
