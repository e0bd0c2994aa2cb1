package refit.scoring;

/**
 * A tree that was read, its nodes in the order in which they are to lie in memory, the root first.
 *
 * @param target where its leaves are added up: the class's place in the predictions
 * @param height how many steps lead from the root to the deepest leaf
 * @param child the left child of every node; the right one follows it; a leaf is its own
 * @param group of a node that is no leaf, the place of its question's group in the table
 * @param content the question's number in its group, or the bits of a leaf's value
 */
record Tree(int target, int height, int[] child, int[] group, int[] content) {
    int nodes() {
        return child.length;
    }

    boolean isLeaf(int node) {
        return child[node] == node;
    }

    float leaf(int node) {
        return Float.intBitsToFloat(content[node]);
    }
}
