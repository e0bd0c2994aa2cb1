package refit.scoring;

import biz.k11i.xgboost.Predictor;
import biz.k11i.xgboost.gbm.GBTree;
import biz.k11i.xgboost.learner.ObjFunction;
import biz.k11i.xgboost.tree.RegTree;
import biz.k11i.xgboost.tree.RegTreeNode;
import hex.genmodel.GenModel;
import hex.genmodel.algos.xgboost.XGBoostMojoModel;

/**
 * An XGBoost forest.
 *
 * <p>XGBoost sees floats: numbers are narrowed, a category is a column of 0 and 1 for every level,
 * sums are floats that begin with the base score (or the offset) and grow in the order of the
 * trees. The objective's own function makes probabilities of the sums, the MOJO's own makes
 * predictions of those.
 */
final class XgboostForest extends TreeKernel {
    private final XGBoostMojoModel model;
    private final ObjFunction objective;
    private final float baseScore;
    private final int sums;

    private XgboostForest(XGBoostMojoModel model, Predictor predictor, Trees trees, int sums) {
        super(model, trees);
        this.model = model;
        this.sums = sums;
        objective = ObjFunction.fromName(predictor.getObjName());
        baseScore = predictor.getBaseScore();
    }

    /** Decodes the forest; {@link UnsupportedOperationException} says why it is not to be. */
    static XgboostForest read(
            XGBoostMojoModel model, Predictor predictor, Trees.Layout layout) {
        RegTree[][] groups = ((GBTree) predictor.getBooster()).getGroupedTrees();
        TreeTable table = new TreeTable();
        Reader reader = new Reader(model, table);
        for (int g = 0; g < groups.length; g++) {
            for (RegTree tree : groups[g]) {
                reader.read(tree.getNodes(), g);
            }
        }
        return new XgboostForest(model, predictor, layout.of(table, true), groups.length);
    }

    @Override
    public Block block(int capacity) {
        Block block = super.block(capacity);
        block.margins = new float[sums];
        return block;
    }

    @Override
    public String describe() {
        return super.describe() + ", in floats";
    }

    @Override
    public void score(Block block, int rows) {
        Questions[] questions = trees.questions();
        for (int r = 0; r < rows; r++) {
            double[] row = block.rows[r];
            GenModel.setCats(
                    row, block.codes, model._cats, model._catOffsets, model._useAllFactorLevels);
            for (int g = 0; g < questions.length; g++) {
                trees.answer(g, value(row, block.codes, questions[g].feature), block, r);
            }
            float start = model._hasOffset ? (float) block.offsets[r] : baseScore;
            for (int i = 0; i < sums; i++) {
                block.predictions[r][i] = start;
            }
        }
        trees.add(block, rows);
        for (int r = 0; r < rows; r++) {
            finish(block.rows[r], block.margins, block.predictions[r]);
        }
    }

    /** A feature as the trees see it: a level's number, or a number as a float. */
    private double value(double[] row, int[] codes, int feature) {
        if (feature < model._cats) {
            return codes[feature] - model._catOffsets[feature];
        }
        float value = (float) row[feature];
        return model._sparse && value == 0 ? Double.NaN : value;
    }

    private void finish(double[] row, float[] margins, double[] predictions) {
        for (int i = 0; i < sums; i++) {
            margins[i] = (float) predictions[i];
        }
        XGBoostMojoModel.toPreds(
                row,
                objective.predTransform(margins),
                predictions,
                model._nclasses,
                model._priorClassDistrib,
                model._defaultThreshold);
    }

    /** Reads XGBoost's trees. */
    private static final class Reader {
        private final XGBoostMojoModel model;
        private final TreeTable table;
        /** Columns that categories are expanded to. */
        private final int hot;

        Reader(XGBoostMojoModel model, TreeTable table) {
            this.model = model;
            this.table = table;
            hot = model._catOffsets == null ? 0 : model._catOffsets[model._cats];
        }

        void read(RegTreeNode[] nodes, int target) {
            node(nodes, 0, table.begin(target), 0);
            table.end();
        }

        private void node(RegTreeNode[] nodes, int from, int at, int level) {
            RegTreeNode node = nodes[from];
            if (node.getLeftChildIndex() < 0) {
                table.leaf(at, node.getLeafValue(), level);
                return;
            }
            if (node.getSplitIndex() < hot) {
                category(node, at);
            } else {
                number(node, at);
            }
            int left = table.split(at);
            node(nodes, node.getLeftChildIndex(), left, level + 1);
            node(nodes, node.getRightChildIndex(), left + 1, level + 1);
        }

        private void number(RegTreeNode node, int at) {
            int feature = model._cats + node.getSplitIndex() - hot;
            table.askNumber(at, feature, -1, node.getSplitCondition(), !node.default_left());
        }

        /** Asks one column of 0 and 1: its answer for every level, and for none. */
        private void category(RegTreeNode node, int at) {
            int c = 0;
            while (model._catOffsets[c + 1] <= node.getSplitIndex()) {
                c++;
            }
            int levels = model._catOffsets[c + 1] - model._catOffsets[c];
            long[] yes = new long[Questions.Categories.width(levels)];
            for (int level = 0; level <= levels; level++) {
                boolean isHot = model._catOffsets[c] + level == node.getSplitIndex();
                float value = isHot && level < levels ? 1 : model._sparse ? Float.NaN : 0;
                boolean right = value >= node.getSplitCondition();
                if (Float.isNaN(value) ? !node.default_left() : right) {
                    yes[level / Long.SIZE] |= 1L << level;
                }
            }
            table.askCategory(at, c, levels, yes);
        }
    }
}
