package refit.scoring;

import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;

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

    private final Map<Integer, Questions> questions = new TreeMap<>();
    private int height;

    /** All questions met, in the order of their keys. */
    Questions[] questions() {
        return questions.values().toArray(new Questions[0]);
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

    /** Makes a node ask a question of the group with that key; the group is made if it is new. */
    void ask(int at, int key, Supplier<Questions> group, Object what) {
        asked[at] = questions.computeIfAbsent(key, k -> group.get());
        question[at] = asked[at].ask(what);
    }

    void leaf(int at, float value, int level) {
        height = Math.max(height, level);
        leaf[at] = value;
        child[at] = at;
    }
}
