package refit.scoring;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Trees while they are read: nodes, questions, and where each tree begins. */
final class TreeTable {
    /** The left child of every node; the right one follows it. A leaf is its own left child. */
    int[] child = new int[1024];
    float[] leaf = new float[1024];
    /** Of a node that is no leaf, the place of its question's group below, and its number there. */
    private int[] group = new int[1024];
    int[] question = new int[1024];
    int nodes;

    int[] roots = new int[64];
    int[] heights = new int[64];
    int[] targets = new int[64];
    int trees;

    /** Of numbers, then of categories, for each feature; null where no question was asked. */
    private Questions[] groups = new Questions[32];
    private int height;

    /** All questions met, in the order of their features. */
    Questions[] questions() {
        List<Questions> met = new ArrayList<>();
        for (Questions group : groups) {
            if (group != null) {
                met.add(group);
            }
        }
        return met.toArray(new Questions[0]);
    }

    /** The group of a node's question; null for leaves. */
    Questions asked(int node) {
        return child[node] == node ? null : groups[group[node]];
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
            group = Arrays.copyOf(group, child.length);
            question = Arrays.copyOf(question, child.length);
        }
        return at;
    }

    /** Makes a node ask whether a feature is at least the threshold; NaN where only a missing is. */
    void askNumber(int at, int feature, int levels, float threshold, boolean missing) {
        group[at] = place(2 * feature);
        if (groups[group[at]] == null) {
            groups[group[at]] = new Questions.Numbers(feature, levels);
        }
        question[at] = ((Questions.Numbers) groups[group[at]]).ask(threshold, missing);
    }

    /** Makes a node ask whether a feature is one of those levels; the number after all is none. */
    void askCategory(int at, int feature, int levels, long[] yes) {
        group[at] = place(2 * feature + 1);
        if (groups[group[at]] == null) {
            groups[group[at]] = new Questions.Categories(feature, levels);
        }
        question[at] = groups[group[at]].ask(yes);
    }

    private int place(int group) {
        if (group >= groups.length) {
            groups = Arrays.copyOf(groups, 2 * group);
        }
        return group;
    }

    void leaf(int at, float value, int level) {
        height = Math.max(height, level);
        leaf[at] = value;
        child[at] = at;
    }
}
