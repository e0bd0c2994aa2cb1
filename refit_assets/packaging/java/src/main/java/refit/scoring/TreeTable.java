package refit.scoring;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Trees while they are read, and their questions.
 *
 * <p>A tree is put in order as soon as it ends: by then its nodes are still in the cache, where all
 * nodes of a forest would not be.
 */
final class TreeTable {
    final List<Tree> trees = new ArrayList<>();
    /** Of all trees that have ended. */
    int nodes;

    /** Of the tree that is being read, the left child of every node; a leaf is its own. */
    private int[] child = new int[1024];
    private int[] group = new int[1024];
    private int[] content = new int[1024];
    private int size;
    private int target;
    private int height;
    private final NodeOrder order = new NodeOrder();

    /** Of numbers, then of categories, for each feature; null where no question was asked. */
    private Questions[] groups = new Questions[32];

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

    /** The group of a question that some node asks. */
    Questions group(int place) {
        return groups[place];
    }

    /** Begins a tree whose leaves are added to that place of the predictions; returns its root. */
    int begin(int target) {
        this.target = target;
        height = 0;
        size = 1;
        return 0;
    }

    /** Ends the tree that was begun last; the forest may be too large by now. */
    void end() {
        nodes += size;
        int most = BitTrees.mostNodes();
        if (nodes > most) {
            throw new UnsupportedOperationException("more than " + most + " nodes, for this heap");
        }
        trees.add(inOrder(order.places(child, size)));
    }

    private Tree inOrder(int[] places) {
        Tree tree = new Tree(target, height, new int[size], new int[size], new int[size]);
        for (int node = 0; node < size; node++) {
            int at = places[node];
            tree.child()[at] = places[child[node]];
            tree.group()[at] = group[node];
            tree.content()[at] = content[node];
        }
        return tree;
    }

    /** Gives a node two children, and returns the left one; the right one follows it. */
    int split(int at) {
        int left = size;
        size += 2;
        if (size > child.length) {
            child = Arrays.copyOf(child, 2 * child.length);
            group = Arrays.copyOf(group, child.length);
            content = Arrays.copyOf(content, child.length);
        }
        child[at] = left;
        return left;
    }

    /** Makes a node ask whether a feature is at least the threshold; NaN where only a missing is. */
    void askNumber(int at, int feature, int levels, float threshold, boolean missing) {
        group[at] = place(2 * feature);
        if (groups[group[at]] == null) {
            groups[group[at]] = new Questions.Numbers(feature, levels);
        }
        content[at] = ((Questions.Numbers) groups[group[at]]).ask(threshold, missing);
    }

    /** Makes a node ask whether a feature is one of those levels; the number after all is none. */
    void askCategory(int at, int feature, int levels, long[] yes) {
        group[at] = place(2 * feature + 1);
        if (groups[group[at]] == null) {
            groups[group[at]] = new Questions.Categories(feature, levels);
        }
        content[at] = ((Questions.Categories) groups[group[at]]).ask(yes);
    }

    private int place(int group) {
        if (group >= groups.length) {
            groups = Arrays.copyOf(groups, 2 * group);
        }
        return group;
    }

    void leaf(int at, float value, int level) {
        height = Math.max(height, level);
        content[at] = Float.floatToRawIntBits(value);
        child[at] = at;
    }
}
