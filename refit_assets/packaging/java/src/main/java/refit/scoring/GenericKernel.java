package refit.scoring;

import hex.genmodel.MojoModel;

/** H2O's own score0, for models that have no faster path here. */
final class GenericKernel implements Kernel {
    private final MojoModel model;
    private final boolean offset;
    private final String why;

    GenericKernel(MojoModel model, String why) {
        this.model = model;
        this.offset = model._offsetColumn != null;
        this.why = why;
    }

    @Override
    public Block block(int capacity) {
        return new Block(model, capacity, 0);
    }

    @Override
    public void score(Block block, int rows) {
        for (int r = 0; r < rows; r++) {
            try {
                score(block, block.rows[r], block.offsets[r], block.predictions[r]);
                block.refusals[r] = null;
            } catch (RuntimeException e) {
                // A GLM trained to skip rows with missing values says so from within score0, a
                // network where an infinite input made its answer NaN.
                block.refusals[r] = String.valueOf(e.getMessage());
            }
        }
    }

    private void score(Block block, double[] row, double at, double[] predictions) {
        // Ensembles refuse the call with an offset, even with one of 0.
        if (offset) {
            block.model.score0(row, at, predictions);
        } else {
            block.model.score0(row, predictions);
        }
    }

    @Override
    public String describe() {
        return "generic score0: " + why;
    }
}
