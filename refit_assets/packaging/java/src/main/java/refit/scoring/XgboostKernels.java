package refit.scoring;

import biz.k11i.xgboost.Predictor;
import biz.k11i.xgboost.gbm.Dart;
import biz.k11i.xgboost.gbm.GBTree;
import biz.k11i.xgboost.gbm.GradBooster;
import hex.genmodel.MojoModel;
import hex.genmodel.algos.xgboost.XGBoostMojoModel;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Chooses how an XGBoost model is scored. */
final class XgboostKernels {
    private static final int MAGIC = 0x666E6962; // "binf"
    private static final int MAJOR_VERSION_AT = 20;

    private XgboostKernels() {}

    /** Returns null if the model is no XGBoost. */
    static Kernel choose(MojoModel model, MojoFiles files, Trees.Layout layout) {
        if (!(model instanceof XGBoostMojoModel xgboost)) {
            return null;
        }
        try {
            byte[] booster = files.getBinaryFile("boosterBytes");
            Predictor predictor = new Predictor(new ByteArrayInputStream(booster));
            GradBooster kind = predictor.getBooster();
            if (!(kind instanceof GBTree) || kind instanceof Dart) {
                return new GenericKernel(model, "booster " + xgboost._boosterType);
            }
            if (model._mojo_version < 1.1 || !addsLeavesToTheBaseScore(booster)) {
                return new GenericKernel(model, "written by an old XGBoost");
            }
            return XgboostForest.read(xgboost, predictor, layout);
        } catch (UnsupportedOperationException e) {
            return new GenericKernel(model, e.getMessage());
        } catch (IOException e) {
            throw new BadModelException("boosterBytes can't be read", e);
        }
    }

    /** Up to version 1.2 the base score was added last, and a float sum depends on the order. */
    private static boolean addsLeavesToTheBaseScore(byte[] booster) {
        ByteBuffer bytes = ByteBuffer.wrap(booster).order(ByteOrder.LITTLE_ENDIAN);
        int at = bytes.getInt(0) == MAGIC ? Integer.BYTES : 0;
        int major = bytes.getInt(at + MAJOR_VERSION_AT);
        int minor = bytes.getInt(at + MAJOR_VERSION_AT + Integer.BYTES);
        return major > 1 || major == 1 && minor > 2;
    }
}
