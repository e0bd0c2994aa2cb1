package refit.scoring;

import hex.genmodel.GenModel;

/**
 * All trees of a model, decoded once, in the layout that suits them. Immutable.
 *
 * <p>A row is scored in two steps: every feature's value is turned into an answer, then the trees
 * add their leaves. Leaves are added in the model's order, whatever the layout.
 */
interface Trees {
    /** Groups of questions, each about one feature; what {@link #answer} wants the values of. */
    Questions[] questions();

    /** A block with the room that this layout needs. */
    Block block(GenModel model, int capacity);

    /** Answers the questions of one group for that value, in that row of the block. */
    void answer(int group, double value, Block block, int row);

    /** Adds all leaves to the predictions, for rows whose questions were answered. */
    void add(Block block, int rows);

    /** What the layout is and how large, in a sentence for people. */
    String describe();

    /** A way to lay out the trees of a table. */
    interface Layout {
        /** Lays them out; {@code floats} says that sums are rounded to float after every leaf. */
        Trees of(TreeTable table, boolean floats);
    }

    /** The fastest layout for the trees that are given. */
    final class Fastest implements Layout {
        @Override
        public Trees of(TreeTable table, boolean floats) {
            MaskTrees masks = MaskTrees.of(table, floats);
            return masks != null ? masks : new BitTrees(table, floats);
        }
    }

    /** Finite thresholds by feature, for tests that score right beside them. */
    default double[][] thresholds(int features) {
        double[][] thresholds = new double[features][0];
        for (Questions group : questions()) {
            if (group instanceof Questions.Numbers) {
                thresholds[group.feature] = group.thresholds();
            }
        }
        return thresholds;
    }
}
