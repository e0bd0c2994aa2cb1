package refit.scoring;

import hex.genmodel.GenModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Small trees without any walk: which leaves can a row still reach?
 *
 * <p>The leaves of a tree are the bits of a word. What a feature's value rules out is known
 * beforehand for every kind of value that the forest can tell apart. So a row takes one prepared
 * line for each feature, which has a word for every tree; in their conjunction one bit is left of
 * each tree, and that is its leaf. No step waits for another, as in a walk, and the JIT makes
 * vector instructions of it.
 */
final class MaskTrees implements Trees {
    /**
     * About what an L2 cache holds. With 1.8 MiB of lines, in 2 MiB of L2, a row was scored twice as
     * fast as by a walk; what lies beyond was not measured.
     */
    private static final long MOST_BYTES = 2 << 20;
    /** Lines taken in one pass: enough to save stores, few enough for the registers. */
    private static final int LINES_A_PASS = 4;

    private final Questions[] questions;
    /** Leaves that remain, by group, kind of value, and tree. */
    private final long[][][] remaining;
    private final long[] all;
    private final float[] leaves;
    /** Where a tree's leaves are added up: the class's place in the predictions. */
    private final int[] targets;
    private final boolean floats;

    private MaskTrees(TreeTable table, boolean floats) {
        this.floats = floats;
        questions = table.questions();
        targets = new int[table.trees.size()];
        leaves = new float[targets.length * Long.SIZE];
        all = new long[targets.length];
        Arrays.fill(all, -1);
        remaining = new long[questions.length][][];
        Map<Questions, long[][]> lines = new HashMap<>();
        for (int g = 0; g < questions.length; g++) {
            questions[g].place(0);
            remaining[g] = new long[questions[g].kinds()][];
            for (int kind = 0; kind < remaining[g].length; kind++) {
                remaining[g][kind] = all.clone();
            }
            lines.put(questions[g], remaining[g]);
        }
        for (int t = 0; t < targets.length; t++) {
            targets[t] = table.trees.get(t).target();
            read(table, lines, t, 0, 0);
        }
    }

    /** Returns null if a tree has more leaves than a word has bits, or the lines are too many. */
    static MaskTrees of(TreeTable table, boolean floats) {
        for (Tree tree : table.trees) {
            int leaves = (tree.nodes() + 1) / 2;
            if (leaves > Long.SIZE) {
                return null;
            }
        }
        long bytes = 0;
        for (Questions group : table.questions()) {
            bytes += (long) group.kinds() * table.trees.size() * Long.BYTES;
        }
        return bytes > MOST_BYTES ? null : new MaskTrees(table, floats);
    }

    /** Numbers the leaves below a node from {@code first} on, and returns the number after them. */
    private int read(TreeTable table, Map<Questions, long[][]> lines, int t, int node, int first) {
        Tree tree = table.trees.get(t);
        if (tree.isLeaf(node)) {
            leaves[t * Long.SIZE + first] = tree.leaf(node);
            return first + 1;
        }
        int left = tree.child()[node];
        int middle = read(table, lines, t, left, first);
        int end = read(table, lines, t, left + 1, middle);
        Questions group = table.group(tree.group()[node]);
        long[][] ofKind = lines.get(group);
        for (int kind = 0; kind < ofKind.length; kind++) {
            boolean right = group.says(tree.content()[node], kind);
            ofKind[kind][t] &= right ? ~bits(first, middle) : ~bits(middle, end);
        }
        return end;
    }

    private static long bits(int from, int to) {
        return -1L >>> Long.SIZE - (to - from) << from;
    }

    @Override
    public Questions[] questions() {
        return questions;
    }

    @Override
    public Block block(GenModel model, int capacity) {
        Block block = new Block(model, capacity, questions.length);
        block.reachable = new long[targets.length];
        return block;
    }

    @Override
    public void answer(int group, double value, Block block, int row) {
        block.answers[row * questions.length + group] = questions[group].kind(value);
    }

    @Override
    public void add(Block block, int rows) {
        for (int r = 0; r < rows; r++) {
            int at = r * questions.length;
            Arrays.fill(block.reachable, -1);
            for (int g = 0; g < questions.length; g += LINES_A_PASS) {
                keep(
                        block.reachable,
                        line(block, at, g),
                        line(block, at, g + 1),
                        line(block, at, g + 2),
                        line(block, at, g + 3));
            }
            sum(block.reachable, block.predictions[r]);
        }
    }

    private long[] line(Block block, int at, int group) {
        return group < questions.length ? remaining[group][(int) block.answers[at + group]] : all;
    }

    /** Simple enough for the JIT to see that it can be done eight trees at a time. */
    private static void keep(long[] reachable, long[] a, long[] b, long[] c, long[] d) {
        for (int t = 0; t < reachable.length; t++) {
            reachable[t] &= a[t] & b[t] & c[t] & d[t];
        }
    }

    /** Adds leaves in the model's order; a float's sum is rounded after every leaf. */
    private void sum(long[] reachable, double[] sums) {
        int t = 0;
        while (t < targets.length) {
            int target = targets[t];
            double sum = sums[target];
            float narrow = (float) sum;
            for (; t < targets.length && targets[t] == target; t++) {
                float leaf = leaves[t * Long.SIZE + Long.numberOfTrailingZeros(reachable[t])];
                sum += leaf;
                narrow += leaf;
            }
            sums[target] = floats ? narrow : sum;
        }
    }

    @Override
    public String describe() {
        long lines = 0;
        for (long[][] ofKind : remaining) {
            lines += ofKind.length;
        }
        return String.format(
                "leaf-mask forest: %d trees, %d lines, %d KiB",
                targets.length, lines, lines * targets.length * Long.BYTES / 1024);
    }
}
