package refit.scoring;

import hex.genmodel.MojoModel;
import java.util.Random;

/** Rows that no data has, but a walk through trees must answer as H2O does. */
final class AdversarialRows {
    private static final double[] ODD = {
        Double.NaN,
        Double.longBitsToDouble(0xFFF8_0000_0000_0001L), // a NaN with a payload
        Double.longBitsToDouble(0x7FF0_0000_0000_0001L), // a signalling one
        Double.POSITIVE_INFINITY,
        Double.NEGATIVE_INFINITY,
        0.0,
        -0.0,
        Double.MIN_VALUE,
        -Double.MIN_VALUE,
        Float.MIN_VALUE,
        Double.MAX_VALUE,
        -Double.MAX_VALUE,
        Float.MAX_VALUE,
        -Float.MAX_VALUE,
        1e300,
        1e-50,
        -1e-50,
        -1,
        -0.5,
        0.5,
        16_777_217.0, // no float
        2_147_483_647.0,
        2_147_483_648.0,
        -2_147_483_648.0,
        -2_147_483_649.0,
        4e9,
        -4e9,
    };
    private static final double[] OFFSETS = {0.0, -0.0, 0.25, -3.5, 1e-300, 40};

    private final MojoModel model;
    private final double[][] thresholds;
    private final GoldenRows golden;
    private final Block block;
    private final boolean trees;
    private final Random random;

    AdversarialRows(Engine engine, long seed) {
        model = engine.model();
        thresholds = engine.kernel().thresholds();
        golden = engine.goldenRows();
        block = engine.borrow();
        // Other algorithms take a category's code as an index: only real ones are fair.
        trees = thresholds.length > 0;
        random = new Random(seed);
    }

    /** Fills the next row and returns its offset. */
    double next(double[] row) {
        if (golden.size() > 0) {
            golden.encode(random.nextInt(golden.size()), block, 0);
        }
        System.arraycopy(block.rows[0], 0, row, 0, row.length);
        for (int f = 0; f < row.length; f++) {
            String[] levels = model.getDomainValues(f);
            if (levels != null) {
                row[f] = category(row[f], levels.length);
            } else {
                row[f] = number(row[f], f);
            }
        }
        return model._offsetColumn == null ? 0 : pick(OFFSETS);
    }

    private double category(double value, int levels) {
        int dice = random.nextInt(10);
        if (!trees) {
            return dice < 3 ? Double.NaN : dice < 7 ? random.nextInt(levels) : value;
        }
        if (dice < 2) {
            return pick(ODD);
        }
        double fraction = random.nextInt(4) == 0 ? random.nextDouble() : 0;
        return dice < 8 ? random.nextInt(levels + 40) - 3 + fraction : value;
    }

    private double number(double value, int feature) {
        int dice = random.nextInt(10);
        if (dice < 2) {
            return pick(ODD);
        }
        boolean split = trees && thresholds[feature].length > 0;
        if (dice < 7 && split) {
            return beside(pick(thresholds[feature]));
        }
        return dice < 8 ? value + random.nextGaussian() : value;
    }

    private double beside(double threshold) {
        return switch (random.nextInt(6)) {
            case 0 -> Math.nextUp(threshold);
            case 1 -> Math.nextDown(threshold);
            case 2 -> Math.nextUp((float) threshold);
            case 3 -> Math.nextDown((float) threshold);
            case 4 -> -threshold;
            default -> threshold;
        };
    }

    private double pick(double[] values) {
        return values[random.nextInt(values.length)];
    }
}
