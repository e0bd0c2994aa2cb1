package refit.scoring;

import hex.genmodel.algos.tree.SharedTreeMojoModel;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * The trees of a GBM, DRF or isolation forest, decoded once, walked without a branch.
 *
 * <p>A forest asks the same questions again and again ("distance at least 733?", "one of these
 * destinations?"). Every distinct question is answered once a row, as one bit. A step down a tree
 * is then: load the node, load the bit, add. No branch can be mispredicted, and four trees (or four
 * rows) are walked in step, so that their loads overlap. Leaves are added in the MOJO's order, in
 * double, and the MOJO's own {@code unifyPreds} makes predictions of the sums: equal to score0 bit
 * for bit.
 */
final class BitForest implements Kernel {
    /** Above this the tables fall out of the caches and generic scoring is as fast. */
    static final int MOST_NODES = 500_000;

    private final SharedTreeMojoModel model;
    private final Questions[] questions;
    /** Length of a row's bit vector. */
    private final int words;
    /** Number of the bit that decides, in the upper half; the left child in the lower. */
    private final long[] nodes;
    private final float[] leaves;
    private final int[] roots;
    private final int[] heights;
    /** Where a tree's leaves are added up: the class's place in the predictions. */
    private final int[] targets;

    private BitForest(SharedTreeMojoModel model, TreeReader reader, int[][] trees) {
        this.model = model;
        questions = reader.questions();
        int word = 1; // Bit 0 is never set: leaves ask for it.
        for (Questions group : questions) {
            word = group.place(word);
        }
        words = word;
        nodes = new long[reader.nodes];
        leaves = Arrays.copyOf(reader.leaf, reader.nodes);
        for (int i = 0; i < nodes.length; i++) {
            long bit = reader.asked[i] == null ? 0 : reader.asked[i].bit(reader.question[i]);
            nodes[i] = bit << 32 | reader.child[i];
        }
        roots = trees[0];
        heights = trees[1];
        targets = trees[2];
    }

    /** Decodes the forest; null if it has more nodes than this layout is good for. */
    static BitForest read(SharedTreeMojoModel model, ByteOrder order) {
        TreeReader reader = new TreeReader(model.getDomainValues(), order);
        int classes = model.getNTreesPerGroup();
        int most = classes * model.getNTreeGroups();
        int[][] trees = new int[3][most];
        int n = 0;
        int first = model.nclasses() == 1 ? 0 : 1;
        for (int c = 0; c < classes; c++) {
            for (int g = 0; g < model.getNTreeGroups(); g++) {
                byte[] bytes = model.treeBytes(g, c);
                if (bytes == null) {
                    continue;
                }
                trees[0][n] = reader.nodes;
                trees[1][n] = reader.read(bytes);
                trees[2][n++] = first + c;
                if (reader.nodes > MOST_NODES) {
                    return null;
                }
            }
        }
        for (int i = 0; i < trees.length; i++) {
            trees[i] = Arrays.copyOf(trees[i], n);
        }
        return new BitForest(model, reader, trees);
    }

    @Override
    public Block block(int capacity) {
        return new Block(model, capacity, words);
    }

    @Override
    public String describe() {
        long bytes = nodes.length * 12L;
        for (Questions group : questions) {
            bytes += group.bytes();
        }
        return String.format(
                "bit-per-question forest: %d trees, %d nodes, %d words a row, %d KiB",
                roots.length, nodes.length, words, bytes / 1024);
    }

    @Override
    public double[][] thresholds() {
        double[][] thresholds = new double[model.nfeatures()][0];
        for (Questions group : questions) {
            if (group instanceof Questions.Numbers) {
                thresholds[group.feature] = group.thresholds();
            }
        }
        return thresholds;
    }

    @Override
    public void score(Block block, int rows) {
        for (int r = 0; r < rows; r++) {
            Arrays.fill(block.predictions[r], 0);
            for (Questions group : questions) {
                group.answer(block.rows[r][group.feature], block.bits, r * words);
            }
        }
        if (rows == 1) {
            sumTrees(block.bits, block.predictions[0]);
        } else {
            sumRows(block, rows);
        }
        for (int r = 0; r < rows; r++) {
            model.unifyPreds(block.rows[r], block.offsets[r], block.predictions[r]);
        }
    }

    /** One row: four trees in step. */
    private void sumTrees(long[] bits, double[] sums) {
        int t = 0;
        for (; t + 4 <= roots.length; t += 4) {
            int a = roots[t];
            int b = roots[t + 1];
            int c = roots[t + 2];
            int d = roots[t + 3];
            int height = Math.max(
                    Math.max(heights[t], heights[t + 1]),
                    Math.max(heights[t + 2], heights[t + 3]));
            for (int level = 0; level < height; level++) {
                a = step(nodes, bits, 0, a);
                b = step(nodes, bits, 0, b);
                c = step(nodes, bits, 0, c);
                d = step(nodes, bits, 0, d);
            }
            sums[targets[t]] += leaves[a];
            sums[targets[t + 1]] += leaves[b];
            sums[targets[t + 2]] += leaves[c];
            sums[targets[t + 3]] += leaves[d];
        }
        for (; t < roots.length; t++) {
            sums[targets[t]] += leaves[walk(bits, 0, t)];
        }
    }

    /** Several rows: a tree at a time, which stays in the cache, four rows in step. */
    private void sumRows(Block block, int rows) {
        double[] sums = block.sums;
        Arrays.fill(sums, 0, rows, 0);
        for (int t = 0; t < roots.length; t++) {
            addTree(block.bits, rows, t, sums);
            if (t + 1 == roots.length || targets[t + 1] != targets[t]) {
                for (int r = 0; r < rows; r++) {
                    block.predictions[r][targets[t]] = sums[r];
                    sums[r] = 0;
                }
            }
        }
    }

    private void addTree(long[] bits, int rows, int t, double[] sums) {
        long[] nodes = this.nodes;
        int height = heights[t];
        int r = 0;
        for (; r + 4 <= rows; r += 4) {
            int at = r * words;
            int a = roots[t];
            int b = a;
            int c = a;
            int d = a;
            for (int level = 0; level < height; level++) {
                a = step(nodes, bits, at, a);
                b = step(nodes, bits, at + words, b);
                c = step(nodes, bits, at + 2 * words, c);
                d = step(nodes, bits, at + 3 * words, d);
            }
            sums[r] += leaves[a];
            sums[r + 1] += leaves[b];
            sums[r + 2] += leaves[c];
            sums[r + 3] += leaves[d];
        }
        for (; r < rows; r++) {
            sums[r] += leaves[walk(bits, r * words, t)];
        }
    }

    private int walk(long[] bits, int at, int t) {
        int node = roots[t];
        for (int level = 0; level < heights[t]; level++) {
            node = step(nodes, bits, at, node);
        }
        return node;
    }

    private static int step(long[] nodes, long[] bits, int at, int i) {
        long node = nodes[i];
        int bit = (int) (node >>> 32);
        return (int) node + ((int) (bits[at + (bit >> 6)] >>> bit) & 1);
    }
}
