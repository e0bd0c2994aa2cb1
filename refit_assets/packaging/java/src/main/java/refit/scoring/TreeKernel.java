package refit.scoring;

import hex.genmodel.MojoModel;

/** A model of trees, whatever its family: what its layout of trees answers for all of them. */
abstract class TreeKernel implements Kernel {
    final Trees trees;
    private final MojoModel model;

    TreeKernel(MojoModel model, Trees trees) {
        this.model = model;
        this.trees = trees;
    }

    @Override
    public Block block(int capacity) {
        return trees.block(model, capacity);
    }

    @Override
    public String describe() {
        return trees.describe();
    }

    @Override
    public double[][] thresholds() {
        return trees.thresholds(model.nfeatures());
    }
}
