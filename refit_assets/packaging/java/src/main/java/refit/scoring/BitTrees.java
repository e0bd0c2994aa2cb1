package refit.scoring;

import hex.genmodel.GenModel;

/**
 * Trees decoded once, walked without a branch.
 *
 * <p>A forest asks the same questions again and again ("distance at least 733?", "one of these
 * destinations?"). Every distinct question is answered once a row, as one bit. A step down a tree
 * is then: load the node, load the bit, add. No branch can be mispredicted, and four trees (or four
 * rows) are walked in step, so that their loads overlap. Leaves are added in the model's order.
 */
final class BitTrees implements Trees {
    /** Above this, decoding takes seconds, which a small model never costs. */
    private static final int MOST_NODES = 2_000_000;
    /** What loading needs at its height, and a third: 1.2 million took 52 MiB, 48 were too few. */
    private static final int BYTES_A_NODE = 60;

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
    /** Whether sums are rounded to float after every leaf, as XGBoost's are. */
    private final boolean floats;

    BitTrees(TreeTable table, boolean floats) {
        this.floats = floats;
        questions = table.questions();
        int word = 1; // Bit 0 is never set: leaves ask for it.
        for (Questions group : questions) {
            word = group.place(word);
        }
        words = word;
        nodes = new long[table.nodes];
        leaves = new float[table.nodes];
        roots = new int[table.trees.size()];
        heights = new int[roots.length];
        targets = new int[roots.length];
        int root = 0;
        for (int t = 0; t < roots.length; t++) {
            Tree tree = table.trees.get(t);
            roots[t] = root;
            heights[t] = tree.height();
            targets[t] = tree.target();
            place(table, tree, root);
            root += tree.nodes();
        }
    }

    private void place(TreeTable table, Tree tree, int root) {
        int[] child = tree.child();
        int[] group = tree.group();
        int[] content = tree.content();
        for (int node = 0; node < child.length; node++) {
            long bit = 0;
            if (child[node] == node) {
                leaves[root + node] = Float.intBitsToFloat(content[node]);
            } else {
                bit = table.group(group[node]).bit(content[node]);
            }
            nodes[root + node] = bit << 32 | root + child[node];
        }
    }

    /** How many nodes this layout takes in this JVM, by the memory that it may use. */
    static int mostNodes() {
        return (int) Math.min(MOST_NODES, Runtime.getRuntime().maxMemory() / BYTES_A_NODE);
    }

    @Override
    public Questions[] questions() {
        return questions;
    }

    @Override
    public Block block(GenModel model, int capacity) {
        return new Block(model, capacity, words);
    }

    @Override
    public void answer(int group, double value, Block block, int row) {
        questions[group].answer(value, block.answers, row * words);
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
    public void add(Block block, int rows) {
        if (rows == 1) {
            sumTrees(block.answers, block.predictions[0]);
        } else {
            sumRows(block, rows);
        }
    }

    /** In double, unless the model's own sum is a float: rounding the double sum is the same. */
    private double sum(double sum, float leaf) {
        double exact = sum + leaf;
        return floats ? (float) exact : exact;
    }

    /** One row: the trees of one target after the other. */
    private void sumTrees(long[] bits, double[] sums) {
        int first = 0;
        while (first < roots.length) {
            int end = first + 1;
            while (end < roots.length && targets[end] == targets[first]) {
                end++;
            }
            sums[targets[first]] = sumTrees(bits, first, end, sums[targets[first]]);
            first = end;
        }
    }

    /** Four trees in step; the sum stays in a register, a float's as a float. */
    private double sumTrees(long[] bits, int first, int end, double start) {
        double sum = start;
        float narrow = (float) start;
        int t = first;
        for (; t + 4 <= end; t += 4) {
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
            if (floats) {
                narrow = narrow + leaves[a] + leaves[b] + leaves[c] + leaves[d];
            } else {
                sum = sum + leaves[a] + leaves[b] + leaves[c] + leaves[d];
            }
        }
        for (; t < end; t++) {
            float leaf = leaves[walk(bits, 0, t)];
            narrow += leaf;
            sum += leaf;
        }
        return floats ? narrow : sum;
    }

    /** Several rows: a tree at a time, which stays in the cache, four rows in step. */
    private void sumRows(Block block, int rows) {
        double[] sums = block.sums;
        for (int t = 0; t < roots.length; t++) {
            int target = targets[t];
            for (int r = 0; r < rows && (t == 0 || targets[t - 1] != target); r++) {
                sums[r] = block.predictions[r][target];
            }
            addTree(block.answers, rows, t, sums);
            for (int r = 0; r < rows && (t + 1 == roots.length || targets[t + 1] != target); r++) {
                block.predictions[r][target] = sums[r];
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
            sums[r] = sum(sums[r], leaves[a]);
            sums[r + 1] = sum(sums[r + 1], leaves[b]);
            sums[r + 2] = sum(sums[r + 2], leaves[c]);
            sums[r + 3] = sum(sums[r + 3], leaves[d]);
        }
        for (; r < rows; r++) {
            sums[r] = sum(sums[r], leaves[walk(bits, r * words, t)]);
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
        long word = bits[at + (int) (node >>> 38)]; // 32 bits of child, 6 that count within a word
        return (int) node + ((int) (word >>> (node >>> 32)) & 1);
    }
}
