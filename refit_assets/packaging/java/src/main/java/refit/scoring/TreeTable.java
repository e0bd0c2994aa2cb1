package refit.scoring;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/** Trees while they are read: nodes, questions, and where each tree begins. */
final class TreeTable {
    /** The left child of every node; the right one follows it. A leaf is its own left child. */
    int[] child = new int[1024];
    float[] leaf = new float[1024];
    /** Which group a node's question belongs to, and its number there; null for leaves. */
    Questions[] asked = new Questions[1024];
    int[] question = new int[1024];
    int nodes;

    int[] roots = new int[64];
    int[] heights = new int[64];
    int[] targets = new int[64];
    int trees;

    /** By feature; null where no question was asked. */
    private Questions.Numbers[] numbers = new Questions.Numbers[16];
    private Questions.Categories[] categories = new Questions.Categories[16];
    private int height;

    /** All questions met, in the order of their features. */
    Questions[] questions() {
        List<Questions> met = new ArrayList<>();
        for (int feature = 0; feature < numbers.length; feature++) {
            if (numbers[feature] != null) {
                met.add(numbers[feature]);
            }
            if (categories[feature] != null) {
                met.add(categories[feature]);
            }
        }
        return met.toArray(new Questions[0]);
    }

    /** Begins a tree whose leaves are added to that place of the predictions; returns its root. */
    int begin(int target) {
        if (trees == roots.length) {
            roots = Arrays.copyOf(roots, 2 * trees);
            heights = Arrays.copyOf(heights, 2 * trees);
            targets = Arrays.copyOf(targets, 2 * trees);
        }
        height = 0;
        targets[trees] = target;
        roots[trees] = allocate(1);
        return roots[trees];
    }

    /** Ends the tree that was begun last; the forest may be too large by now. */
    void end() {
        heights[trees++] = height;
        int most = BitTrees.mostNodes();
        if (nodes > most) {
            throw new UnsupportedOperationException("more than " + most + " nodes, for this heap");
        }
    }

    int allocate(int count) {
        int at = nodes;
        nodes += count;
        if (nodes > child.length) {
            child = Arrays.copyOf(child, 2 * child.length);
            leaf = Arrays.copyOf(leaf, child.length);
            asked = Arrays.copyOf(asked, child.length);
            question = Arrays.copyOf(question, child.length);
        }
        return at;
    }

    /** Makes a node ask whether a feature is at least the threshold; NaN where only a missing is. */
    void askNumber(int at, int feature, int levels, float threshold, boolean missing) {
        makeRoom(feature);
        if (numbers[feature] == null) {
            numbers[feature] = new Questions.Numbers(feature, levels);
        }
        asked[at] = numbers[feature];
        question[at] = numbers[feature].ask(threshold, missing);
    }

    /** Makes a node ask whether a feature is one of those levels; the number after all is none. */
    void askCategory(int at, int feature, int levels, BitSet yes) {
        makeRoom(feature);
        if (categories[feature] == null) {
            categories[feature] = new Questions.Categories(feature, levels);
        }
        asked[at] = categories[feature];
        question[at] = categories[feature].ask(yes);
    }

    private void makeRoom(int feature) {
        if (feature >= numbers.length) {
            numbers = Arrays.copyOf(numbers, 2 * feature);
            categories = Arrays.copyOf(categories, 2 * feature);
        }
    }

    void leaf(int at, float value, int level) {
        height = Math.max(height, level);
        leaf[at] = value;
        child[at] = at;
    }
}
